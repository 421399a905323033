import { uptime } from './disk/owner.js'
import { IdSource } from './ids.js'
import type { Stamp } from './log/format.js'
import { isoTime } from './log/parse.js'

/** Gives lines their ids and times, both from the store's one clock. */
export class Clock {
  readonly #now: () => number | Date
  readonly #ids = new IdSource()
  #ms = Number.NaN
  #iso = ''

  constructor(now: () => number | Date) {
    this.#now = now
  }

  /** Unix milliseconds. @throws RangeError when the store's `now` gives no time */
  now(): number {
    const ms = Math.trunc(Number(this.#now()))
    if (Number.isNaN(ms)) throw new RangeError('the clock of the store gave no time')
    return ms
  }

  /** Milliseconds since the kernel started, which setting the clock does not change; undefined for a clock that was given. */
  uptime(): number | undefined {
    return this.#now === Date.now ? uptime() : undefined
  }

  /** The stamp of a line behind one of time `lastAt` in a log whose greatest id is `maxId`. */
  stamp(lastAt: string | null, maxId: string): Stamp {
    const ms = this.now()
    if (ms !== this.#ms) {
      this.#ms = ms
      this.#iso = isoTime(ms)
    }
    if (lastAt === null || this.#iso >= lastAt) return { id: this.#ids.next(ms, maxId), at: this.#iso }
    return { id: this.#ids.next(ms, maxId), at: lastAt }
  }

  /** An id of now, greater than `after`. */
  id(after: string): string {
    return this.#ids.next(this.now(), after)
  }
}
