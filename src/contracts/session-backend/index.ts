/**
 * The contract `SessionBackend`: one conversation per sender, kept under a key such as `telegram_user123`.
 * @module contracts/session-backend/api
 */
import { checkText } from '../../base/arguments.js'
import type { ChatMessage, StoredMessage } from '../../log/line.js'
import { byKey, type SessionInfo } from '../../session/info.js'
import type { AnyStore } from '../../store/store.js'

export type { Json } from '../../base/json.js'
export type { ChatMessage, StoredMessage } from '../../log/line.js'

export interface BackendSessionMetadata {
  /** The original key, never an encoded form. */
  key: string
  name: string | null
  createdAt: Date
  /** When the last message was appended. */
  lastActivity: Date
  /** Live messages; always `(await load(key)).length`. */
  messageCount: number
}

/** @deprecated Other types have this name: use `BackendSessionMetadata`. */
export type SessionMetadata = BackendSessionMetadata

export interface SessionQuery {
  keyword?: string | null
  /** Default 50. */
  limit?: number | null
}

export type SessionStateName = 'idle' | 'running' | 'error'

export interface SessionState {
  state: SessionStateName
  /** The active turn; kept by error, null when idle. */
  turnId: string | null
  /** When the current state was entered; null if it was never set. */
  turnStartedAt: Date | null
}

export interface SessionBackend {
  /** All live messages, `[]` when the session is missing. */
  load(sessionKey: string): Promise<StoredMessage[]>
  /** Adds one message, creating the session. */
  append(sessionKey: string, message: ChatMessage): Promise<void>
  /** Takes the last live message away; false when there is none. */
  removeLast(sessionKey: string): Promise<boolean>
  /** Every key once, ordered by UTF-16 code units. */
  listSessions(): Promise<string[]>
  /** Newest activity first, ties by key. */
  listSessionsWithMetadata(): Promise<BackendSessionMetadata[]>
  /** One row of that list, or null. */
  getSessionMetadata(sessionKey: string): Promise<BackendSessionMetadata | null>
  /** Rewrites the log without dead and damaged lines. */
  compact(sessionKey: string): Promise<void>
  /** Moves sessions without activity for more than `ttlHours` to the trash; returns how many. 0: disabled. */
  cleanupStale(ttlHours: number): Promise<number>
  /** Sessions whose messages hold the words, best first. */
  search(query?: SessionQuery): Promise<BackendSessionMetadata[]>
  /** Removes a session for good; true if it existed. */
  deleteSession(sessionKey: string): Promise<boolean>
  /** Sets the name, '' or blank clears it. */
  setSessionName(sessionKey: string, name: string): Promise<void>
  getSessionName(sessionKey: string): Promise<string | null>
  /** Records a change of the run state. Rejects with ERR_TURN_MISMATCH when another turn is running. */
  setSessionState(sessionKey: string, state: SessionStateName, turnId?: string | null): Promise<void>
  /** Null when the session is missing. */
  getSessionState(sessionKey: string): Promise<SessionState | null>
  /** Sessions in state running, newest start first. */
  listRunningSessions(): Promise<BackendSessionMetadata[]>
  /** Sessions running for more than `thresholdSecs`, oldest start first. */
  listStuckSessions(thresholdSecs: number): Promise<BackendSessionMetadata[]>
}

const HOUR_MS = 3_600_000

/** `SessionBackend` over a store. */
export class JsonlSessionBackend implements SessionBackend {
  readonly #store: AnyStore

  constructor(store: AnyStore) {
    this.#store = store
  }

  async load(sessionKey: string): Promise<StoredMessage[]> {
    return this.#store.session(sessionKey).messages()
  }

  async append(sessionKey: string, message: ChatMessage): Promise<void> {
    if (Array.isArray(message)) throw new TypeError('a message must be an object with a string role')
    await this.#store.session(sessionKey).append(message)
  }

  async removeLast(sessionKey: string): Promise<boolean> {
    return this.#store.session(sessionKey).removeLast()
  }

  async listSessions(): Promise<string[]> {
    return this.#store.keys()
  }

  async listSessionsWithMetadata(): Promise<BackendSessionMetadata[]> {
    return (await this.#store.list()).map(toMetadata)
  }

  async getSessionMetadata(sessionKey: string): Promise<BackendSessionMetadata | null> {
    const info = await this.#store.session(sessionKey).info()
    return info && toMetadata(info)
  }

  async compact(sessionKey: string): Promise<void> {
    await this.#store.session(sessionKey).rewrite()
  }

  async cleanupStale(ttlHours: number): Promise<number> {
    if (typeof ttlHours !== 'number') throw new TypeError('a time to live must be a number of hours')
    if (!(ttlHours >= 0)) throw new RangeError('a time to live must not be negative')
    if (ttlHours === 0) return 0
    const { removed } = await this.#store.cleanup({ olderThan: ttlHours * HOUR_MS })
    return removed.length
  }

  async search(query: SessionQuery = {}): Promise<BackendSessionMetadata[]> {
    if (typeof query !== 'object' || query === null) throw new TypeError('a query must be an object')
    const found = await this.#store.search(query.keyword, { limit: query.limit ?? 50, texts: 'content' })
    return found.map(toMetadata)
  }

  async deleteSession(sessionKey: string): Promise<boolean> {
    return this.#store.session(sessionKey).delete()
  }

  async setSessionName(sessionKey: string, name: string): Promise<void> {
    const session = this.#store.session(sessionKey)
    checkText('name', name)
    await session.setName(name.trim() || null)
  }

  async getSessionName(sessionKey: string): Promise<string | null> {
    return this.#store.session(sessionKey).name()
  }

  async setSessionState(sessionKey: string, state: SessionStateName, turnId: string | null = null): Promise<void> {
    await this.#store.session(sessionKey).setState(state, turnId)
  }

  async getSessionState(sessionKey: string): Promise<SessionState | null> {
    return this.#store.session(sessionKey).state()
  }

  async listRunningSessions(): Promise<BackendSessionMetadata[]> {
    return (await this.#store.running()).map(toMetadata)
  }

  async listStuckSessions(thresholdSecs: number): Promise<BackendSessionMetadata[]> {
    if (typeof thresholdSecs !== 'number') throw new TypeError('a threshold must be a number of seconds')
    if (!(thresholdSecs >= 0)) throw new RangeError('a threshold must not be negative')
    const stuck = (await this.#store.running()).filter(({ runningMs }) => runningMs > thresholdSecs * 1_000)
    return stuck.sort(byStart).map(toMetadata)
  }
}

function toMetadata({ key, name, createdAt, lastActivity, messages }: SessionInfo): BackendSessionMetadata {
  return { key, name, createdAt, lastActivity, messageCount: messages }
}

function startOf({ turnStartedAt }: SessionInfo): number {
  return turnStartedAt?.getTime() ?? 0
}

/** Earliest start first, ties by key. */
function byStart(a: SessionInfo, b: SessionInfo): number {
  return startOf(a) - startOf(b) || byKey(a, b)
}
