/**
 * The contract `SessionManager`: save, resume, fork, rewind and label whole conversations.
 * @module contracts/session-manager/api
 */
import { checkCount, checkInteger, checkOptionalText, checkText, checkTexts } from '../../base/arguments.js'
import { notFound } from '../../base/errors.js'
import { isObject, type Json, type JsonObject, toJson } from '../../base/json.js'
import { checkKey } from '../../disk/names.js'
import { type Labels, labelsOf, stateOf } from '../../log/labels.js'
import { redactedLabels } from '../../log/redact.js'
import { messageLines, messageOf } from '../../log/views.js'
import type { StoreContext } from '../../session/context.js'
import { byKey, type ListedSession, listedOf } from '../../session/info.js'
import { wholeOf } from '../../session/log/catch-up.js'
import { metaDraft } from '../../session/log/pending-line.js'
import type { SessionLog } from '../../session/log/session-log.js'
import { type AnyStore, internalsOf } from '../../store/store.js'
import { isMessage, type Snapshot, saveLog } from './save.js'
import { SavedSessions } from './saved-cache.js'

export type { Json } from '../../base/json.js'

export interface ManagedSessionMetadata {
  /** The session's key in the store. */
  id: string
  name: string | null
  /** No duplicates, in order of first appearance. */
  tags: string[]
  /** '' when the session has none. */
  agentName: string
  /** Unix seconds, a whole number; 0 lets the first save set it. */
  createdAt: number
  /** Unix seconds, a whole number; set by the store, ignored by `save`. */
  updatedAt: number
  /** As given to `save`; set by `rewind`. */
  turnCount: number
  /** As given to `save`. */
  totalTokens: number
  /** The session that this one was forked from, null in results when there is none; ignored by `save`. */
  forkedFrom?: string | null
}

/** @deprecated Other types have this name: use `ManagedSessionMetadata`. */
export type SessionMetadata = ManagedSessionMetadata

export interface ManagedSession {
  metadata: ManagedSessionMetadata
  /** Any JSON values; usually objects with role and content. */
  messages: Json[]
  /** Plug-in state, folder, environment: any JSON that the agent stores. */
  state: Json
}

/** @deprecated Other types have this name: use `ManagedSession`. */
export type Session = ManagedSession

/** Beyond the contract. */
export interface SaveOptions {
  /**
   * What the caller resumed or saved last, unchanged; null: nothing. The save rejects with ERR_SESSION_CHANGED when
   * messages, name, tags, agent, counters or state of the session are no longer these, by whatever change. Without
   * it the last writer wins.
   */
  resumed?: ManagedSession | null
  /**
   * So many messages at the start equal the ones that this manager saved last: the caller guarantees it, and they are
   * not compared again if no other writer has written since. Default 0.
   */
  unchanged?: number
}

export interface SessionManager {
  /** All sessions, latest update first, ties by id. */
  list(): Promise<ManagedSessionMetadata[]>
  /** The whole session. Rejects with ERR_SESSION_NOT_FOUND, as all that follow but `save`. */
  resume(sessionId: string): Promise<ManagedSession>
  /** Creates the session, or makes it exactly what is given. */
  save(session: ManagedSession, options?: SaveOptions): Promise<void>
  /** Removes a session for good, with all that belongs to it. */
  delete(sessionId: string): Promise<void>
  /** Makes an independent copy under a new id. Without a name it is called "<name> (fork)". */
  fork(sessionId: string, newName?: string | null): Promise<ManagedSessionMetadata>
  /** Keeps the first `turnIndex` messages and removes the others. */
  rewind(sessionId: string, turnIndex: number): Promise<ManagedSession>
  /** Adds the tags that are not there yet. */
  tag(sessionId: string, tags: string[]): Promise<void>
  /** Sets the name, '' included. */
  rename(sessionId: string, newName: string): Promise<void>
}

/** `SessionManager` over a store. */
export class JsonlSessionManager implements SessionManager {
  readonly #store: AnyStore
  readonly #saved = new SavedSessions()

  constructor(store: AnyStore) {
    this.#store = store
  }

  get #context(): StoreContext {
    return internalsOf(this.#store).context
  }

  async list(): Promise<ManagedSessionMetadata[]> {
    this.#context.checkOpen()
    return (await internalsOf(this.#store).index.sessions()).sort(byUpdate).map(toMetadata)
  }

  async resume(sessionId: string): Promise<ManagedSession> {
    const log = this.#log(sessionId)
    this.#context.checkOpen()
    const session = await log.reading(async (reader, { summary, mark }) => {
      const { pieces, visibility } = await wholeOf(reader)
      const messages = messageLines(pieces, visibility).map(messageOf)
      const logState = { summary, mark }
      const metadata = toMetadata(listedOf(sessionId, logState, null, this.#context.clock.now()))
      return { metadata, messages, state: stateOf(pieces, visibility) }
    })
    if (session === undefined) throw notFound(sessionId)
    return session
  }

  async save(session: ManagedSession, { resumed, unchanged = 0 }: SaveOptions = {}): Promise<void> {
    checkCount('unchanged', unchanged)
    const { id, createdAt } = checkSession(session)
    const log = this.#log(id)
    const snapshot = this.#snapshot(log, session, unchanged)
    const expected = resumed && this.#snapshot(log, checkResumed(resumed, id), unchanged)
    try {
      await saveLog(log, { ...snapshot, createdAt, expected }, this.#saved)
    } catch (error) {
      this.#saved.delete(log)
      throw error
    }
  }

  /** The current session. */
  #snapshot(log: SessionLog, { metadata, messages, state }: ManagedSession, unchanged: number): Snapshot {
    const { name = null, tags, agentName, turnCount, totalTokens } = metadata
    // -0 is 0
    const counters = { turnCount: turnCount + 0, totalTokens: totalTokens + 0 }
    const labels = { name, tags: [...new Set(tags)], agent: agentName, ...counters }
    const redaction = log.redaction()
    if (redaction === undefined)
      return { messages: this.#saved.take(log, messages, unchanged), labels, state: toJson(state) }
    const { state: kept = null, ...shown } = redactedLabels({ ...labels, state: toJson(state) }, redaction)
    const rest = (toJson(messages) as Json[]).map((one) => redaction(one, isMessage(one) ? 'message' : 'data'))
    return { messages: { known: [], same: 0, rest }, labels: { ...labels, ...shown }, state: kept }
  }

  async delete(sessionId: string): Promise<void> {
    if (!(await this.#store.session(sessionId).delete())) throw notFound(sessionId)
  }

  async fork(sessionId: string, newName: string | null = null): Promise<ManagedSessionMetadata> {
    const name = checkOptionalText('newName', newName)
    const copy = await this.#store.fork(sessionId, { name })
    const state = await this.#log(copy.key).current()
    if (state === undefined) throw notFound(copy.key)
    return toMetadata(listedOf(copy.key, state, null, this.#context.clock.now()))
  }

  async rewind(sessionId: string, turnIndex: number): Promise<ManagedSession> {
    checkCount('turnIndex', turnIndex)
    const log = this.#log(sessionId)
    const rewinding = this.#store.session(sessionId).rewind({ keep: turnIndex + 0 })
    // what the session is then is read before any call that came later
    const [, session] = await Promise.all([rewinding, log.inTurn(() => this.resume(sessionId))])
    return session
  }

  async tag(sessionId: string, tags: string[]): Promise<void> {
    checkTexts('tags', tags)
    const added = [...tags]
    await this.#set(sessionId, (labels) => {
      const next = [...new Set([...labels.tags, ...added])]
      return next.length === labels.tags.length ? undefined : { tags: next }
    })
  }

  async rename(sessionId: string, newName: string): Promise<void> {
    checkText('newName', newName)
    await this.#set(sessionId, (labels) => (labels.name === newName ? undefined : { name: newName }))
  }

  async #set(sessionId: string, change: (labels: Labels) => JsonObject | undefined): Promise<void> {
    const log = this.#log(sessionId)
    const isDone = await log.transactExisting((summary) => {
      if (summary === undefined) throw notFound(sessionId)
      const set = change(labelsOf(summary))
      return { drafts: set === undefined ? [] : [metaDraft(set)], result: true }
    })
    if (isDone === undefined) throw notFound(sessionId)
  }

  #log(sessionId: string): SessionLog {
    return internalsOf(this.#store).log(sessionId)
  }
}

/** @throws TypeError, RangeError for what is no session */
function checkSession(session: unknown): ManagedSessionMetadata {
  if (!isObject(session) || !isObject(session.metadata))
    throw new TypeError('a session must be an object with metadata')
  const { id, name, tags, agentName, createdAt, turnCount, totalTokens } = session.metadata
  if (!Array.isArray(session.messages)) throw new TypeError('messages must be an array')
  checkKey(id)
  checkTexts('tags', tags)
  checkText('agentName', agentName)
  checkOptionalText('name', name)
  checkInteger('createdAt', createdAt)
  checkCount('turnCount', turnCount)
  checkCount('totalTokens', totalTokens)
  return session.metadata as unknown as ManagedSessionMetadata
}

function checkResumed(resumed: ManagedSession, id: string): ManagedSession {
  if (checkSession(resumed).id !== id) throw new TypeError('what was resumed must be the session that is saved')
  return resumed
}

function toMetadata({ info, details }: ListedSession): ManagedSessionMetadata {
  return {
    id: info.key,
    name: details.name,
    tags: [...details.tags],
    agentName: details.agent,
    createdAt: Math.floor(info.createdAt.getTime() / 1000),
    updatedAt: Math.floor(details.updated / 1000),
    turnCount: details.turnCount,
    totalTokens: details.totalTokens,
    forkedFrom: details.forkedFrom,
  }
}

function byUpdate(a: ListedSession, b: ListedSession): number {
  return b.details.updated - a.details.updated || byKey(a.info, b.info)
}
