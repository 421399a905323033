/** Work on one session, one piece after another in the order of calls. */
import { onAbort } from '../../base/abort.js'
import { isLoopHeld, yieldToLoop } from '../../base/event-loop.js'

export class CallQueue {
  readonly #waiting: Array<() => Promise<void>> = []
  readonly #whenIdle: () => void
  #isBusy = false

  constructor(whenIdle: () => void) {
    this.#whenIdle = whenIdle
  }

  /** True while work runs or waits. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Runs `work` behind what runs or waits; at once where nothing does and the event loop is not held for too long. */
  run<T>(work: () => T | Promise<T>, signal?: AbortSignal): T | Promise<T> {
    if (this.#isBusy || isLoopHeld(performance.now())) return this.add(work, signal)
    this.#isBusy = true
    let result: T | Promise<T>
    try {
      result = work()
    } catch (error) {
      this.#finish()
      throw error
    }
    if (result instanceof Promise) return result.finally(() => this.#finish())
    this.#finish()
    return result
  }

  /**
   * Runs `work` behind what runs or waits, not at once. Rejects with what `signal` was aborted with while it waits; work
   * that has begun is not ended by it.
   */
  add<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(signal?.reason)
      const forget = onAbort(signal, leave)
      this.#waiting.push(async () => {
        forget()
        if (signal?.aborted) return leave()
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
        }
      })
      if (this.#isBusy) return
      this.#isBusy = true
      void this.#drain()
    })
  }

  #finish(): void {
    if (this.#waiting.length > 0) void this.#drain()
    else this.#end()
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (isLoopHeld(performance.now())) await yieldToLoop()
      await next()
    }
    this.#end()
  }

  #end(): void {
    this.#isBusy = false
    this.#whenIdle()
  }
}
