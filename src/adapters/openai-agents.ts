/**
 * `jsonl-sessions/adapters/openai-agents`: the history of an agent, one session each.
 * @module adapters/openai-agents
 */
import { createHash } from 'node:crypto'
import {
  type AgentInputItem,
  type Session as AgentsSession,
  type SessionHistoryRewriteArgs,
  type SessionHistoryRewriteAwareSession,
  type SessionHistoryTransactionArgs,
  type SessionHistoryTransactionAwareSession,
  UserError,
} from '@openai/agents'
import { checkNames, checkText } from '../base/arguments.js'
import { canonical, isObject, type Json, type JsonObject, jsonEqual } from '../base/json.js'
import type { ChatMessage } from '../log/line.js'
import type { ChangeView } from '../session/change/change.js'
import type { Entry } from '../session/entry.js'
import type { Session } from '../session/session.js'
import type { AnyStore } from '../store/store.js'
import { withBytes, withoutBytes } from './lines/bytes.js'
import { itemOf, openaiLine } from './lines/openai-agents.js'
import { AdapterSessions } from './shared/adapter-sessions.js'
import { asWritten } from './shared/as-written.js'
import type { GivenStore } from './shared/given-store.js'
import { type CheckedTransaction, checkedTransaction, RefusedTransaction } from './shared/history-transaction.js'
import { itemsOf, popItemOf } from './shared/items.js'

export interface JsonlAgentsSessionOptions {
  /** Stands before the session id in the key of the session; none unless given. */
  prefix?: string
}

/** How long an operation is remembered. */
const REMEMBERED_MS = 30 * 24 * 3_600_000

/** `Session` of `@openai/agents` over a store, with its history rewrites and transactions. */
export class JsonlAgentsSession
  implements AgentsSession, SessionHistoryRewriteAwareSession, SessionHistoryTransactionAwareSession
{
  readonly #sessionId: string
  readonly #sessions: AdapterSessions

  /** @throws TypeError */
  constructor(store: GivenStore, sessionId: string, options?: JsonlAgentsSessionOptions) {
    const { prefix = '' } = checkNames('JsonlAgentsSession', options, ['prefix'])
    checkText('sessionId', sessionId)
    this.#sessionId = sessionId
    this.#sessions = new AdapterSessions(store, prefix)
  }

  async getSessionId(): Promise<string> {
    return this.#sessionId
  }

  /** All items, or the latest `limit`, oldest first. */
  async getItems(limit?: number): Promise<AgentInputItem[]> {
    if (limit !== undefined && limit <= 0) return []
    const items = await this.#sessions.read(this.#sessionId, (_, log) => itemsOf(log, readItem, limit))
    return items.map(givenBack)
  }

  /** Adds all items in one write. @throws TypeError for what is no object, or what JSON cannot hold */
  async addItems(items: AgentInputItem[]): Promise<void> {
    const lines = linesOf(items)
    await this.#write((session) => session.append(lines))
  }

  async popItem(): Promise<AgentInputItem | undefined> {
    const item = await this.#write((session) => popItemOf(session, readItem))
    return item && givenBack(item)
  }

  /** Takes history and operations off the disk; the name and the tags of the session stay. */
  async clearSession(): Promise<void> {
    await this.#write((session) => session.clear({ values: true }))
  }

  /** Replaces the whole history by other items: all of it or nothing, also after a crash. */
  async replaceHistoryWithCompaction(items: AgentInputItem[]): Promise<void> {
    const append = linesOf(items)
    await this.#write((session) =>
      session.change({}, ({ entries }) => ({
        remove: entries.filter((entry) => readItem(entry) !== undefined).map(({ id }) => id),
        append,
        result: undefined,
      })),
    )
  }

  /** Replaces the calls of the given ids in their places; nothing is written where there are none. */
  async applyHistoryMutations({ mutations }: SessionHistoryRewriteArgs): Promise<void> {
    const calls = mutations.map(({ type, callId, replacement }) => {
      if (type !== 'replace_function_call') throw new TypeError('a history mutation must be a replace_function_call')
      return { callId, replacement: withoutBytes(replacement) as JsonObject }
    })
    await this.#write((session) =>
      session.change({}, ({ entries }) => ({ ...mutated(entries, calls), result: undefined })),
    )
  }

  /**
   * Applies a transaction once, however often it comes. @throws UserError for one that is malformed, that comes with
   * another content under its id, or whose suffix is no longer the end of the history
   */
  async applyHistoryTransaction(args: SessionHistoryTransactionArgs): Promise<void> {
    const transaction = refusing(() => checkedTransaction(args))
    const append = linesOf(transaction.added)
    const hash = hashOf(transaction)
    await this.#write(async (session, store) => {
      const written = asWritten(store, session.key, linesOf(transaction.expected)).map(itemOf)
      const expires = store.now() + REMEMBERED_MS
      const name = `operation/${transaction.operationId}`
      for (let last = written.length; ; last = 2 * last + 1) {
        const isDone = await session.change({ last }, (view) => {
          const applied = view.value<string>(name)
          if (applied === hash) return { result: true }
          if (applied !== undefined)
            throw new UserError('Session history operation was already applied with a different transaction.')
          const remove = suffixIn(view, written)
          if (remove === 'fewer' && view.entries.length === last) return { result: false }
          if (remove === 'fewer' || remove === 'other')
            throw new UserError('Session history suffix no longer matches the transaction precondition.')
          return { remove, append, values: [[name, hash, { expires }]], result: true }
        })
        if (isDone) return
      }
    })
  }

  #write<T>(work: (session: Session, store: AnyStore) => T): Promise<Awaited<T>> {
    return this.#sessions.write(this.#sessionId, work)
  }
}

function readItem({ message }: Entry): JsonObject | undefined {
  return itemOf(message)
}

function givenBack(item: JsonObject): AgentInputItem {
  return withBytes(item) as AgentInputItem
}

function linesOf(items: readonly object[]): ChatMessage[] {
  return items.map((item) => {
    const copy = withoutBytes(item)
    if (!isObject(copy) || item instanceof Uint8Array) throw new TypeError('an item must be an object')
    return openaiLine(copy)
  })
}

/** What takes the place of the messages from the first replaced call on. */
function mutated(
  entries: readonly Entry[],
  calls: ReadonlyArray<{ callId: string; replacement: JsonObject }>,
): { remove?: string[]; append?: ChatMessage[] } {
  let items = entries.map((entry) => ({ entry, item: readItem(entry), message: entry.message }))
  for (const { callId, replacement } of calls) {
    let isReplaced = false
    items = items.flatMap((one) => {
      if (one.item?.type !== 'function_call' || one.item.callId !== callId) return [one]
      if (isReplaced) return []
      isReplaced = true
      return [{ ...one, item: replacement, message: openaiLine(replacement) }]
    })
  }
  const first = entries.findIndex((entry, i) => items[i]?.message !== entry.message)
  if (first === -1) return {}
  return { remove: entries.slice(first).map(({ id }) => id), append: items.slice(first).map(({ message }) => message) }
}

/** Ids of the messages that are the expected items; some of those that were looked at may be no items. */
function suffixIn(
  { entries }: ChangeView<ChatMessage>,
  expected: ReadonlyArray<Json | undefined>,
): string[] | 'fewer' | 'other' {
  if (expected.length === 0) return []
  const items = entries.flatMap((entry) => {
    const item = readItem(entry)
    return item === undefined ? [] : [{ id: entry.id, item }]
  })
  if (items.length < expected.length) return 'fewer'
  const suffix = items.slice(-expected.length)
  return suffix.every(({ item }, i) => jsonEqual(item, expected[i])) ? suffix.map(({ id }) => id) : 'other'
}

/** The order of fields, and fields that are undefined, play no part. */
function hashOf({ type, expected, added }: CheckedTransaction): string {
  const text = canonical([type, withoutBytes(expected), withoutBytes(added)])
  return createHash('sha256').update(text).digest('hex')
}

function refusing<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw error instanceof RefusedTransaction ? new UserError(error.message) : error
  }
}
