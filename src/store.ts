/** A folder of sessions. */
import path from 'node:path'
import { Background } from './background.js'
import { Clock } from './clock.js'
import { leaseOf } from './disk/lease.js'
import { checkKey, Layout, nameOf } from './disk/names.js'
import { SessionError } from './errors.js'
import { forkLog } from './fork.js'
import { SessionIndex } from './index-of-sessions.js'
import { byActivity, type SessionInfo } from './info.js'
import { checkOptions, type Settings, type StoreOptions } from './options.js'
import { type CleanupOptions, type CleanupResult, cleanUp, restore, type TrashEntry, trashOf } from './retention.js'
import { searchSessions } from './search.js'
import { Session } from './session.js'
import { SessionLog } from './session-log.js'
import type { StoreContext } from './store-context.js'
import { sweep } from './sweep.js'

/** How many sessions are kept in mind between calls. */
const MAX_SESSIONS = 4_096

/**
 * Opens a store. The folder is made at the first write, and need not exist before.
 * @throws TypeError for an unknown option
 */
export async function openStore(dir: string, options?: StoreOptions): Promise<SessionStore> {
  if (typeof dir !== 'string' || dir === '') throw new TypeError('the folder of a store must be a path')
  const store = new SessionStore(path.resolve(dir), checkOptions(options))
  await sweep(store.internals.context)
  return store
}

/** @internal What the parts of the store share. */
export interface StoreInternals {
  context: StoreContext
  index: SessionIndex
  log(key: string): SessionLog
}

export class SessionStore {
  /** Absolute path of the folder. */
  readonly dir: string
  /** @internal */
  readonly internals: StoreInternals
  readonly #background: Background
  readonly #sessions = new Map<string, { session: Session; log: SessionLog }>()
  #closed: Promise<void> | undefined

  /** @internal Use `openStore`. */
  constructor(dir: string, settings: Settings) {
    this.dir = dir
    this.#background = new Background(settings)
    const context: StoreContext = {
      layout: new Layout(dir),
      clock: new Clock(settings.now),
      settings,
      checkOpen: () => this.#checkOpen(),
      noteBehind: (log) => this.#background.noteBehind(log),
      noteUnsynced: (log) => this.#background.noteUnsynced(log),
    }
    this.internals = {
      context,
      index: new SessionIndex(context, (key) => this.#sessions.get(key)?.log),
      log: (key) => this.#entry(key).log,
    }
  }

  /**
   * The session of a key, whether it exists or not; looks at no file.
   * @throws TypeError, SessionError ERR_INVALID_KEY
   */
  session(key: string): Session {
    return this.#entry(key).session
  }

  #entry(key: string): { session: Session; log: SessionLog } {
    let entry = this.#sessions.get(key)
    if (entry !== undefined) return entry
    checkKey(key)
    const log = new SessionLog(key, nameOf(key), this.internals.context)
    entry = { session: new Session(log), log }
    this.#sessions.set(key, entry)
    if (this.#sessions.size > MAX_SESSIONS) this.#forgetOldest()
    return entry
  }

  #forgetOldest(): void {
    for (const [key, { log }] of this.#sessions) {
      if (this.#background.needs(log)) continue
      log.file.closeFd()
      this.#sessions.delete(key)
      return
    }
  }

  /** The store's clock, Unix milliseconds. */
  now(): number {
    return this.internals.context.clock.now()
  }

  /** Every key, ordered by UTF-16 code units. */
  async keys(): Promise<string[]> {
    this.#checkOpen()
    return (await this.internals.index.keys()).sort((a, b) => (a < b ? -1 : 1))
  }

  /** All sessions, newest activity first. */
  async list(): Promise<SessionInfo[]> {
    this.#checkOpen()
    return (await this.internals.index.rows()).sort(byActivity)
  }

  /**
   * Sessions whose messages hold at least one of the words: those with most of them first, then the newest.
   * Words are looked for as parts of the text, upper and lower case alike; a "phrase" stands for itself.
   * Without words: the newest sessions. `limit` is 50 unless given.
   */
  async search(words?: string | null, { limit = 50 }: { limit?: number } = {}): Promise<SessionInfo[]> {
    this.#checkOpen()
    return searchSessions(this.internals, words ?? null, limit)
  }

  /**
   * Makes an independent copy of a session under a new key, a UUIDv7 unless given: live messages, labels and the
   * compactions in force. Without a name it is called "<name> (fork)".
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_SESSION_EXISTS
   */
  async fork(key: string, { as, name }: { as?: string; name?: string | null } = {}): Promise<Session> {
    const copy = this.#entry(as ?? this.internals.context.clock.id(''))
    await forkLog(this.#entry(key).log, copy.log, name)
    return copy.session
  }

  /** Moves sessions without activity to the trash; see `CleanupOptions`. */
  async cleanup(options: CleanupOptions): Promise<CleanupResult> {
    this.#checkOpen()
    return cleanUp(this.internals, options)
  }

  /** What cleanup took away and can be put back, newest first. */
  async trash(): Promise<TrashEntry[]> {
    this.#checkOpen()
    return trashOf(this.internals)
  }

  /**
   * Puts a session from the trash back; answers its key.
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_SESSION_EXISTS
   */
  async restore(id: string): Promise<string> {
    this.#checkOpen()
    return restore(this.internals, id)
  }

  /** Writes what is still to be written, and gives all leases back. Later calls reject with ERR_CLOSED. */
  close(): Promise<void> {
    this.#closed ??= this.#closeNow()
    return this.#closed
  }

  async #closeNow(): Promise<void> {
    const { layout } = this.internals.context
    const lease = (log: SessionLog) => leaseOf(layout.lock(log.name), layout.waiting)
    const logs = [...this.#sessions.values()].map(({ log }) => log)
    await Promise.all(logs.map((log) => lease(log).idle()))
    await this.#background.finish()
    const failures: unknown[] = []
    for (const log of logs) {
      try {
        await lease(log).release()
      } catch (error) {
        failures.push(error)
      }
      log.file.closeFd()
    }
    this.#sessions.clear()
    if (failures.length > 0) throw failures[0]
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) {
      throw new SessionError('ERR_CLOSED', 'the store is closed', { dir: this.dir })
    }
  }
}
