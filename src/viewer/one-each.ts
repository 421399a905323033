/** Searches: one at a time for each page. A new one ends the former, and each ends after a while. */
import { ViewerError } from './api/answers.js'

const MAX_SEARCHES = 20
const MAX_MS = 120_000
const CLIENT = /^[\w-]{1,64}$/

export class OneEach {
  readonly #running = new Map<string, AbortController>()
  #next = 0

  /** The signal that ends the search of this page, and what to call when it is over. @throws ViewerError ERR_VIEWER_BUSY */
  begin(client: string | null): { signal: AbortSignal; done: () => void } {
    const name = client !== null && CLIENT.test(client) ? client : `#${this.#next++}`
    this.#running.get(name)?.abort()
    if (!this.#running.has(name) && this.#running.size >= MAX_SEARCHES) {
      throw new ViewerError(503, 'ERR_VIEWER_BUSY', `${MAX_SEARCHES} searches run`)
    }
    const stop = new AbortController()
    this.#running.set(name, stop)
    const timer = setTimeout(() => stop.abort(), MAX_MS).unref()
    const done = () => {
      clearTimeout(timer)
      if (this.#running.get(name) === stop) this.#running.delete(name)
    }
    return { signal: stop.signal, done }
  }

  close(): void {
    for (const stop of this.#running.values()) stop.abort()
  }
}
