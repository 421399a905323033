/** The sessions that a store caches between calls. */

import type { SessionLog } from '../session/log/session-log.js'
import { Session } from '../session/session.js'

export interface Kept {
  session: Session
  log: SessionLog
}

/** At each addition so many of the oldest are checked for removal: sessions with pending work stay, beyond the maximum. */
const MAX_CHECKED = 4

/** So many deleted sessions stay: callers that still hold them often write to them again. */
const MAX_DELETED = 64

/** Holds about `most` sessions, and the ones with pending work. */
export class KeptSessions {
  readonly #kept = new Map<string, Kept>()
  /** Keys, the one deleted longest ago first. */
  readonly #deleted = new Set<string>()
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

  /** The session of this log was deleted: what is cached of it goes when many others were. */
  noteDeleted({ key }: { key: string }): void {
    this.#deleted.delete(key)
    this.#deleted.add(key)
    let looks = 0
    for (const oldest of this.#deleted) {
      if (++looks > MAX_CHECKED || this.#deleted.size <= MAX_DELETED) return
      this.#deleted.delete(oldest)
      if (!this.#forget(oldest)) this.#deleted.add(oldest)
    }
  }

  /** The session of this log was written to: callers may hold it longer than this cache. */
  noteWritten(log: SessionLog): void {
    this.#deleted.delete(log.key)
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
    this.#deleted.clear()
    this.#kept.clear()
  }
}
