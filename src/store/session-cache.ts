/** The sessions that a store caches between calls. */

import { isThere } from '../disk/folders.js'
import type { SessionLog } from '../session/log/session-log.js'
import { Session } from '../session/session.js'

export interface Kept {
  session: Session
  log: SessionLog
}

/** At each addition so many of the oldest are checked for removal: sessions with pending work stay, beyond the maximum. */
const MAX_CHECKED = 4

/** So many sessions that are not there stay: deleted ones are often written to again, or about to be made. */
const MAX_ABSENT = 64

/** Holds about `most` sessions, and the ones with pending work. */
export class KeptSessions {
  readonly #kept = new Map<string, Kept>()
  /** Keys of sessions that were not there when they were looked for, longest ago first. */
  readonly #absent = new Set<string>()
  readonly #most: number
  readonly #hasWork: (log: SessionLog) => boolean

  constructor(most: number, hasWork: (log: SessionLog) => boolean) {
    this.#most = most
    this.#hasWork = hasWork
  }

  get(key: string): Kept | undefined {
    return this.#kept.get(key)
  }

  add(key: string, kept: Kept): void {
    this.#kept.set(key, kept)
    if (this.#kept.size > this.#most) this.#forgetSome(key)
  }

  /** There is no session of this key now: what is cached of it goes when that was found of many others. */
  noteAbsent({ key }: { key: string }): void {
    this.#absent.delete(key)
    this.#absent.add(key)
    let looks = 0
    for (const oldest of this.#absent) {
      if (++looks > MAX_CHECKED || this.#absent.size <= MAX_ABSENT) return
      this.#absent.delete(oldest)
      const kept = this.#kept.get(oldest)
      const isBack = kept !== undefined && isThere(kept.log.file.path)
      if (!isBack && !this.#forget(oldest)) this.#absent.add(oldest)
    }
  }

  /** The session of this log was written to: callers may hold it longer than this cache. */
  noteWritten(log: SessionLog): void {
    this.#absent.delete(log.key)
    if (!this.#kept.has(log.key)) this.add(log.key, { session: new Session(log), log })
  }

  #forgetSome(newest: string): void {
    let looks = 0
    for (const [key, kept] of this.#kept) {
      if (key === newest || ++looks > MAX_CHECKED || this.#kept.size <= this.#most) return
      if (this.#forget(key)) continue
      // checked again after all the others
      this.#kept.delete(key)
      this.#kept.set(key, kept)
    }
  }

  /** False for a session with pending work. */
  #forget(key: string): boolean {
    const kept = this.#kept.get(key)
    if (kept === undefined) return true
    if (this.#hasWork(kept.log)) return false
    kept.log.file.closeFd()
    return this.#kept.delete(key)
  }

  logs(): SessionLog[] {
    return [...this.#kept.values()].map(({ log }) => log)
  }

  clear(): void {
    this.#absent.clear()
    this.#kept.clear()
  }
}
