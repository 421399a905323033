/** Turns of one session in one process: one after the other, in call order. */
import { onAbort } from '../../base/abort.js'

/** A timer of more than this fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface Waiting {
  begin: () => void
}

export class TurnQueue {
  #isRunning = false
  readonly #waiting: Waiting[] = []

  /** No turn runs or waits. */
  get isEmpty(): boolean {
    return !this.#isRunning && this.#waiting.length === 0
  }

  /**
   * Waits for the turns that were queued before; returns the function that lets the next one begin, undefined after
   * `timeout` ms.
   */
  async enter(timeout: number, signal: AbortSignal | undefined): Promise<(() => void) | undefined> {
    signal?.throwIfAborted()
    if (this.#isRunning && !(await this.#wait(timeout, signal))) return undefined
    this.#isRunning = true
    return () => this.#next()
  }

  #next(): void {
    this.#isRunning = false
    const next = this.#waiting.shift()
    if (next === undefined) return
    // no call of this instant comes in between
    this.#isRunning = true
    next.begin()
  }

  #wait(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (timeout <= 0) return Promise.resolve(false)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { begin: () => leave(() => resolve(true)) }
      const timer = timeout > MAX_TIMER_MS ? undefined : setTimeout(() => leave(() => resolve(false)), timeout)
      const leave = (settle: () => void) => {
        clearTimeout(timer)
        forget()
        const place = this.#waiting.indexOf(waiting)
        if (place !== -1) this.#waiting.splice(place, 1)
        settle()
      }
      const forget = onAbort(signal, () => leave(() => reject(signal?.reason)))
      this.#waiting.push(waiting)
    })
  }
}
