/**
 * `jsonl-sessions/adapters/express-session`: web sessions as values of one log.
 * @module adapters/express-session
 */
import { type SessionData, Store } from 'express-session'
import { checkCount, checkNames, checkText } from '../base/arguments.js'
import { errno } from '../base/errors.js'
import type { JsonObject } from '../base/json.js'
import { internalsOf } from '../store/store.js'
import { type GivenStore, storeOf } from './shared/given-store.js'
import { jsonCopy } from './shared/json-copy.js'
import { KeyedTurns } from './shared/keyed-turns.js'
import { SharedLog } from './shared/shared-log.js'

export interface JsonlExpressOptions {
  /** Key of the session that holds all web sessions; `express-sessions` unless given. */
  log?: string
  /** How long a web session lives whose cookie does not say so, ms; a day unless given. */
  ttl?: number
  /** A `touch` that moves the end by less than this is left out, ms; 0 unless given. */
  touchAfter?: number
}

type Callback = (error?: unknown) => void

const DAY_MS = 24 * 60 * 60 * 1000

/** `Store` of `express-session` over a store. Callbacks come later, and get all errors. */
export class JsonlExpressStore extends Store {
  readonly #store: ReturnType<typeof storeOf>
  readonly #log: SharedLog
  readonly #key: string
  readonly #ttl: number
  readonly #touchAfter: number
  readonly #turns = new KeyedTurns()

  /** @throws TypeError, RangeError */
  constructor(store: GivenStore, options?: JsonlExpressOptions) {
    super()
    const names = ['log', 'ttl', 'touchAfter'] as const
    const { log = 'express-sessions', ttl = DAY_MS, touchAfter = 0 } = checkNames('JsonlExpressStore', options, names)
    checkText('log', log)
    checkCount('ttl', ttl)
    checkCount('touchAfter', touchAfter)
    this.#store = storeOf(store)
    this.#log = new SharedLog(this.#store, log)
    this.#key = log
    this.#ttl = ttl
    this.#touchAfter = touchAfter
  }

  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    const read = () => this.#log.read((log) => log.getValue<SessionData>(sid))
    this.#settle(this.#turns.run(sid, read) as Promise<SessionData | undefined>, callback)
  }

  override set(sid: string, session: SessionData, callback?: Callback): void {
    this.#change(sid, callback, () => {
      const copy = jsonCopy(session) as JsonObject
      return () =>
        this.#log.write((log, store) => log.setValue(sid, copy, { expires: this.#expiryOf(copy, store.now()) }))
    })
  }

  override destroy(sid: string, callback?: Callback): void {
    this.#change(sid, callback, () => () => this.#log.remove((log) => log.deleteValue(sid)))
  }

  /** Changes the cookie of what is stored: neither older data nor a destroyed session comes back. */
  override touch(sid: string, session: SessionData, callback?: Callback): void {
    this.#change(sid, callback, () => {
      const cookie = jsonCopy(session.cookie)
      return () =>
        this.#log.remove(async (log, store) => {
          const expires = this.#expiryOf({ cookie }, store.now())
          const there = await log.getValue<JsonObject>(sid, { expired: true })
          const moved = Math.abs(expires - (there?.expires?.getTime() ?? 0))
          if (there === undefined || moved < this.#touchAfter) return
          await log.updateValue<JsonObject>(sid, (stored) => stored && { ...stored, cookie }, { expires })
        })
    })
  }

  override all(callback: (error: unknown, sessions?: Record<string, SessionData>) => void): void {
    this.#settle(this.#all(), callback)
  }

  override length(callback: (error: unknown, length?: number) => void): void {
    const count = async () => Object.keys(await this.#all()).length
    this.#settle(count(), callback)
  }

  override clear(callback?: Callback): void {
    const clear = async () => {
      await this.#turns.settled()
      await this.#log.remove((log) => log.clear({ values: true }))
      return undefined
    }
    this.#settle(clear(), callback)
  }

  async #all(): Promise<Record<string, SessionData>> {
    await this.#turns.settled()
    return this.#log.read(async (log) => {
      const sessions: Array<[string, SessionData]> = []
      for await (const [sid, value] of log.values()) sessions.push([sid, value as unknown as SessionData])
      return Object.fromEntries(sessions)
    })
  }

  /** `prepare` copies the arguments at the call. */
  #change(sid: string, callback: Callback | undefined, prepare: () => () => Promise<unknown>): void {
    let work: () => Promise<unknown>
    try {
      work = prepare()
    } catch (error) {
      this.#settle(Promise.reject(error), callback)
      return
    }
    const done = this.#turns.run(sid, work).then(() => undefined)
    this.#settle(done, callback)
  }

  #expiryOf({ cookie }: JsonObject, now: number): number {
    const { expires } = (cookie ?? {}) as JsonObject
    const ms = typeof expires === 'string' ? Date.parse(expires) : Number.NaN
    return Number.isNaN(ms) ? now + this.#ttl : ms
  }

  /** An error that no callback gets is reported to the store's `onError`. */
  #settle<T>(work: Promise<T>, callback?: (error: unknown, result?: NonNullable<T>) => void): void {
    work.then(
      (result) => callback && process.nextTick(callback, null, result ?? undefined),
      (error) => (callback === undefined ? this.#report(error) : process.nextTick(callback, visible(error))),
    )
  }

  async #report(error: unknown): Promise<void> {
    const store = await this.#store.catch(() => undefined)
    if (store !== undefined) internalsOf(store).context.settings.onError(error, this.#key)
  }
}

/** The framework takes a file that is not there for a session that is not there. */
function visible(error: unknown): unknown {
  return errno(error) === 'ENOENT' ? new Error('the store of the sessions is not there', { cause: error }) : error
}
