/**
 * Small reads and writes are synchronous, since the thread pool costs more than the disk; loops over them call
 * `yieldIfDue()`, so that timers and other I/O run in between.
 */

// the originals: fake timers that a program's tests install later may never fire
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
 * Lets timers, I/O and other work run. After I/O the next immediate comes before any timer, so it takes two to be sure
 * that all of them ran. What follows is measured from its start, not from the next look at the clock.
 */
export function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => {
    const goOn = () => {
      isLoopHeld(performance.now())
      resolve()
    }
    setImmediate(() => setImmediate(goOn))
  })
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** So many items are handled between two looks at the clock. */
const STEP = 32

/** The items, some at a time: other work runs in between when it is due. */
export async function* inSteps<T>(items: readonly T[]): AsyncGenerator<T[]> {
  for (let start = 0; start < items.length; start += STEP) {
    yield items.slice(start, start + STEP)
    await yieldIfDue()
  }
}

/** Runs work to its end; other work runs wherever it yields, when that is due. */
export async function withPauses<T>(work: Generator<unknown, T>): Promise<T> {
  for (let next = work.next(); ; next = work.next()) {
    if (next.done) return next.value
    await yieldIfDue()
  }
}

/** Yields when this turn of the event loop has gone on for longer than `HELD_MS`. */
export async function yieldIfDue(): Promise<void> {
  if (isLoopHeld(performance.now())) await yieldToLoop()
}
