/** Counts the timers of this process, unreferenced ones too, which Node does not list. */

const timers = new Set()
let most = 1_000

for (const name of ['setTimeout', 'setInterval']) {
  const original = globalThis[name]
  globalThis[name] = Object.assign((...args) => {
    const timer = original(...args)
    timers.add(timer)
    if (timers.size > most) most = 2 * liveTimers() + 1_000
    return timer
  }, original)
}

/** How many wait now. */
export function liveTimers() {
  for (const timer of timers) if (timer._destroyed) timers.delete(timer)
  return timers.size
}
