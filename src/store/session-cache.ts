/** The sessions that a store caches between calls. */

import type { SessionLog } from '../session/log/session-log.js'
import type { Session } from '../session/session.js'

export interface Kept {
  session: Session
  log: SessionLog
}

/**
 * To add a session, so many of the oldest are checked for removal: sessions with pending work stay, beyond the maximum.
 */
const MAX_CHECKED = 4

/** Holds about `most` sessions, and the ones with pending work. */
export class KeptSessions {
  readonly #kept = new Map<string, Kept>()
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

  #forgetSome(newest: string): void {
    let looks = 0
    for (const [key, kept] of this.#kept) {
      if (key === newest || ++looks > MAX_CHECKED || this.#kept.size <= this.#most) return
      this.#kept.delete(key)
      // checked again after all the others
      if (this.#hasWork(kept.log)) this.#kept.set(key, kept)
      else kept.log.file.closeFd()
    }
  }

  logs(): SessionLog[] {
    return [...this.#kept.values()].map(({ log }) => log)
  }

  clear(): void {
    this.#kept.clear()
  }
}
