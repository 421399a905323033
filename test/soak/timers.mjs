/** Counts the timers of this process, also those that do not keep it alive, which Node tells nobody. */

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
