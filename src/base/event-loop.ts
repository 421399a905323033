/** Work that only awaits settled promises never lets timers and I/O in: whoever loops asks here when to breathe. */

// those of the start: what a program's tests put in their place may never come due
const { setImmediate, setTimeout } = globalThis

/** How long the event loop may be held, ms. */
const HELD_MS = 8

let turn = 0
let armed = false

/** True when this turn of the event loop has been going on for too long. `now` is performance.now(). */
export function isLoopHeld(now: number): boolean {
  if (!armed) {
    armed = true
    turn = now
    setImmediate(() => {
      armed = false
    })
  }
  return now - turn > HELD_MS
}

/**
 * Lets timers, I/O and other work in. After I/O the next immediate comes before any timer, so it takes two to be sure
 * that all had their turn.
 */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Breathes if it is time to. */
export async function breatheIfDue(): Promise<void> {
  if (isLoopHeld(performance.now())) await breathe()
}
