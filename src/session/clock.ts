/**
 * The clock of a store: ids and times of lines. The kernel's count of uptime shows when the clock was set, so that
 * a clock set forward ages no session.
 */
import { IdSource } from '../base/ids.js'
import { uptime } from '../disk/process-identity.js'
import type { ClockMark } from '../disk/runs/run-lines.js'
import { isoTime } from '../log/parse.js'
import type { Stamp } from '../log/serialize.js'

/** A clock and a kernel's count that differ by more than this: the clock was set, ms. */
const CLOCK_SET_MS = 60_000
/** A time that is further ahead of the clock than this was written by another clock, and is not believed; ms. */
const AHEAD_MS = 3_600_000
/** Clocks that are set, or stand in another zone, step back by at most this; ms. */
const STEP_MS = 24 * AHEAD_MS
/** The kernel's count is read again after this time, ms: that costs as much as several writes. */
const REREAD_MS = 1_000

/** Makes the ids and times of lines, both from the store's one clock. */
export class Clock {
  readonly #now: () => number | Date
  readonly #ids = new IdSource()
  #ms = Number.NaN
  #iso = ''
  #mark: ClockMark | undefined
  #uptime = { ms: 0, readAt: Number.NEGATIVE_INFINITY }

  constructor(now: () => number | Date) {
    this.#now = now
    const up = this.uptime()
    if (up !== undefined) this.#mark = { clock: this.now(), uptime: up }
  }

  /** Unix milliseconds. @throws RangeError when the store's `now` returns no time */
  now(): number {
    const ms = Math.trunc(Number(this.#now()))
    if (Number.isNaN(ms)) throw new RangeError('the clock of the store gave no time')
    return ms
  }

  /**
   * Unix milliseconds, but never more than the time that has really passed allows: a clock that was set forward under
   * the running kernel makes nothing older. The same as `now` for a clock that was given.
   */
  passed(): number {
    const now = this.now()
    const up = this.uptime()
    if (up === undefined || this.#mark === undefined) return now
    const expected = this.#mark.clock + up - this.#mark.uptime
    return now - expected > CLOCK_SET_MS ? expected : now
  }

  /** Adopts an earlier reading of the clock under the running kernel. */
  trust(mark: ClockMark): void {
    if (this.#mark !== undefined && mark.uptime < this.#mark.uptime) this.#mark = mark
  }

  /**
   * Milliseconds since the kernel started, which setting the clock does not change; undefined for a clock that was
   * given.
   */
  uptime(): number | undefined {
    if (this.#now !== Date.now) return undefined
    const now = performance.now()
    if (now - this.#uptime.readAt > REREAD_MS) this.#uptime = { ms: uptime(), readAt: now }
    return Math.round(this.#uptime.ms + now - this.#uptime.readAt)
  }

  /**
   * The stamp of a line behind one of time `lastAt` in a log whose greatest id is `maxId`: not earlier than that one,
   * unless it is more than a day ahead.
   */
  stamp(lastAt: string | null, maxId: string): Stamp {
    const ms = this.now()
    if (ms !== this.#ms) {
      this.#ms = ms
      this.#iso = isoTime(ms)
    }
    const isRaised = lastAt !== null && this.#iso < lastAt && Date.parse(lastAt) - ms <= STEP_MS
    return { id: this.#ids.next(ms, maxId), at: isRaised ? lastAt : this.#iso }
  }

  /** An id of now, greater than `after`. */
  id(after: string): string {
    return this.#ids.next(this.now(), after)
  }
}

/** A time of use, or the file's where that is too far ahead of `now`; all Unix milliseconds. */
export function believed(time: number, fileTime: number, now: number): number {
  return isAhead(time, now) ? Math.trunc(fileTime) : time
}

/** True for a time that is too far ahead of the clock to be believed; both Unix milliseconds. */
export function isAhead(time: number, now: number): boolean {
  return time - now > AHEAD_MS
}
