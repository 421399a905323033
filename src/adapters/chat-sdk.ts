/**
 * `jsonl-sessions/adapters/chat-sdk`: the state of a Chat SDK bot.
 * @module adapters/chat-sdk
 */
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import type { Lock, QueueEntry, StateAdapter } from 'chat'
import { checkNames, checkText } from '../base/arguments.js'
import type { Json } from '../base/json.js'
import { nameOf } from '../disk/names.js'
import { readToken, removeToken, type Token, writeToken } from '../disk/token-file.js'
import type { Session } from '../session/session.js'
import { type AnyStore, internalsOf } from '../store/store.js'
import { chatLine, elementOf } from './lines/chat-sdk.js'
import { type GivenStore, storeOf } from './shared/given-store.js'
import { itemsOf } from './shared/items.js'
import { joinedKey } from './shared/joined-key.js'
import { jsonCopy } from './shared/json-copy.js'
import { KeyedTurns } from './shared/keyed-turns.js'
import { SharedLog } from './shared/shared-log.js'

export interface JsonlStateOptions {
  /** What the keys of all sessions begin with; `chat-state` unless given. */
  prefix?: string
}

/** What is known of a list beside its elements. */
interface ListState {
  maxLength: number | null
  /** The id of the last line that does not belong to the list any more. */
  since: string | null
}

/** By so much of its TTL a list may live longer, so that not every append must write when it ends. */
const LEEWAY = 0.01

export function createJsonlState(store: GivenStore, options?: JsonlStateOptions): JsonlStateAdapter {
  return new JsonlStateAdapter(store, options)
}

/** `StateAdapter` of `chat` over a store. */
export class JsonlStateAdapter implements StateAdapter {
  readonly #store: Promise<AnyStore>
  readonly #prefix: string
  readonly #cache: SharedLog
  readonly #subscriptions: SharedLog
  readonly #queues: SharedLog
  readonly #turns = new KeyedTurns()
  /** Tokens of locks that were acquired here, by thread. */
  readonly #held = new Map<string, string>()
  #connected = false

  /** @throws TypeError */
  constructor(store: GivenStore, options?: JsonlStateOptions) {
    const { prefix = 'chat-state' } = checkNames('JsonlStateAdapter', options, ['prefix'])
    checkText('prefix', prefix)
    this.#prefix = prefix
    this.#store = storeOf(store)
    const shared = (name: string) => new SharedLog(this.#store, joinedKey(prefix, name))
    this.#cache = shared('cache')
    this.#subscriptions = shared('subscriptions')
    this.#queues = shared('queues')
  }

  async connect(): Promise<void> {
    await this.#store
    this.#connected = true
  }

  /** Releases the locks of this adapter; all else stays for the next process. The store stays open. */
  async disconnect(): Promise<void> {
    if (!this.#connected) return
    for (const [threadId, token] of this.#held) await this.releaseLock({ threadId, token, expiresAt: 0 })
    this.#connected = false
  }

  async get<T = unknown>(key: string): Promise<T | null> {
    this.#checkConnected()
    return ((await this.#cache.read((session) => session.getValue<T>(key))) ?? null) as T | null
  }

  /** Without `ttlMs`, and with 0, for ever. */
  async set<T = unknown>(key: string, value: T, ttlMs?: number): Promise<void> {
    this.#checkConnected()
    const copy = copyOf(value)
    await this.#cache.write((session, store) => session.setValue(key, copy, { expires: expiryOf(store, ttlMs) }))
  }

  async setIfNotExists(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    this.#checkConnected()
    const copy = copyOf(value)
    return this.#cache.write((session, store) =>
      session.setValue(key, copy, { expires: expiryOf(store, ttlMs), ifAbsent: true }),
    )
  }

  async delete(key: string): Promise<void> {
    this.#checkConnected()
    await this.#cache.remove((session) => session.deleteValue(key))
  }

  async subscribe(threadId: string): Promise<void> {
    this.#checkConnected()
    await this.#subscriptions.write((session) => session.setValue(threadId, true, { ifAbsent: true }))
  }

  async unsubscribe(threadId: string): Promise<void> {
    this.#checkConnected()
    await this.#subscriptions.remove((session) => session.deleteValue(threadId))
  }

  async isSubscribed(threadId: string): Promise<boolean> {
    this.#checkConnected()
    return (await this.#subscriptions.read((session) => session.getValue(threadId))) !== undefined
  }

  async enqueue(threadId: string, entry: QueueEntry, maxSize: number): Promise<number> {
    this.#checkConnected()
    const copy = jsonCopy(entry)
    const queue = await this.#queues.write((session) =>
      session.updateValue<Json[]>(threadId, (old = []) => {
        const all = [...old, copy]
        return all.slice(Math.max(0, all.length - maxSize))
      }),
    )
    return queue?.length ?? 0
  }

  async dequeue(threadId: string): Promise<QueueEntry | null> {
    this.#checkConnected()
    let first: Json | undefined
    await this.#queues.read(async (session) => {
      // a session that is not there has no queue, and is not made
      if (!(await session.exists())) return
      await session.updateValue<Json[]>(threadId, (old = []) => {
        ;[first] = old
        return old.length > 1 ? old.slice(1) : undefined
      })
    })
    return (first ?? null) as QueueEntry | null
  }

  async queueDepth(threadId: string): Promise<number> {
    this.#checkConnected()
    return (await this.#queues.read((session) => session.getValue<Json[]>(threadId)))?.length ?? 0
  }

  async appendToList(key: string, value: unknown, options: { maxLength?: number; ttlMs?: number } = {}): Promise<void> {
    this.#checkConnected()
    const line = chatLine(copyOf(value))
    const { maxLength, ttlMs } = { ...options }
    await this.#turns.run(key, async () => {
      const session = await this.#list(key)
      await this.#noteList(session, maxLength ?? null, ttlMs)
      await session.append(line)
      if (maxLength !== undefined) await this.#trim(session, maxLength)
    })
  }

  async getList<T = unknown>(key: string): Promise<T[]> {
    this.#checkConnected()
    return this.#turns.run(key, async () => {
      const session = await this.#list(key)
      const state = await session.getValue<ListState>('list', { expired: true })
      if (state?.expires !== undefined && state.expires.getTime() <= (await this.#store).now()) return []
      const { maxLength, since } = state?.value ?? { maxLength: null, since: null }
      const read = (entry: Parameters<typeof elementOf>[0]) =>
        since !== null && entry.id <= since ? undefined : elementOf(entry)
      const log = internalsOf(await this.#store).log(session.key)
      return (await itemsOf(log, read, maxLength ?? undefined)) as T[]
    })
  }

  /** Null while another caller holds it, in any process of this machine. */
  async acquireLock(threadId: string, ttlMs: number): Promise<Lock | null> {
    return this.#locked(threadId, async (file, now) => {
      const there = readToken(file)
      if (there !== undefined && there.expiresAt > now) return null
      const token: Token = { threadId, token: randomUUID(), expiresAt: now + ttlMs }
      writeToken(file, token)
      this.#held.set(threadId, token.token)
      return token
    })
  }

  /** False for a lock that is not held any more: it is not revived. */
  async extendLock({ threadId, token }: Lock, ttlMs: number): Promise<boolean> {
    return this.#locked(threadId, async (file, now) => {
      const there = readToken(file)
      if (there?.token !== token || there.expiresAt <= now) return false
      writeToken(file, { threadId, token, expiresAt: now + ttlMs })
      return true
    })
  }

  async releaseLock({ threadId, token }: Lock): Promise<void> {
    await this.#locked(threadId, async (file) => {
      if (readToken(file)?.token === token) removeToken(file)
      if (this.#held.get(threadId) === token) this.#held.delete(threadId)
    })
  }

  async forceReleaseLock(threadId: string): Promise<void> {
    await this.#locked(threadId, async (file) => removeToken(file))
  }

  /** Works with the file of a lock, alone on this machine. */
  async #locked<T>(threadId: string, work: (file: string, now: number) => Promise<T>): Promise<T> {
    this.#checkConnected()
    checkText('threadId', threadId)
    const { log, context } = internalsOf(await this.#store)
    const file = path.join(context.layout.tokens, `${nameOf(joinedKey(this.#prefix, threadId))}.json`)
    context.checkOpen()
    return log(joinedKey(this.#prefix, 'cache')).hold(() => work(file, context.clock.now()))
  }

  #checkConnected(): void {
    if (!this.#connected) throw new Error('JsonlStateAdapter is not connected. Call connect() first.')
  }

  async #list(key: string): Promise<Session> {
    return (await this.#store).session(joinedKey(this.#prefix, 'list', key))
  }

  /** Restarts an expired list, and writes what has changed about it. */
  async #noteList(session: Session, maxLength: number | null, ttlMs: number | undefined): Promise<void> {
    const now = (await this.#store).now()
    const there = await session.getValue<ListState>('list', { expired: true })
    const isOver = there?.expires !== undefined && there.expires.getTime() <= now
    const until = ttlMs === undefined || ttlMs <= 0 ? there?.expires?.getTime() : now + ttlMs
    const lives = until === undefined || (there?.expires !== undefined && there.expires.getTime() >= until)
    if (there !== undefined && !isOver && there.value.maxLength === maxLength && lives) return
    const since = isOver ? await lastId(session) : (there?.value.since ?? null)
    const expires = ttlMs === undefined || ttlMs <= 0 ? (isOver ? undefined : until) : now + ttlMs * (1 + LEEWAY)
    await session.setValue('list', { maxLength, since }, { expires })
  }

  /** Takes the oldest elements off the disk when there are twice as many as wanted. */
  async #trim(session: Session, maxLength: number): Promise<void> {
    const info = await session.info()
    if (info === null || info.messages <= 2 * maxLength) return
    const there = await session.getValue<ListState>('list', { expired: true })
    await session.change({}, ({ entries }) => ({
      remove: entries.slice(0, entries.length - maxLength).map(({ id }) => id),
      // with a value the log is rewritten: a line that removes so many would be longer than they are
      values: there === undefined ? [] : [['list', there.value, { expires: there.expires }]],
      result: undefined,
    }))
  }
}

async function lastId(session: Session): Promise<string | null> {
  for await (const { id } of session.entries({ last: 1 })) return id
  return null
}

/** Without a time to live, and with 0, for ever. */
function expiryOf(store: AnyStore, ttlMs: number | undefined): number | undefined {
  return ttlMs === undefined || ttlMs <= 0 ? undefined : store.now() + ttlMs
}

/** The SDK may set undefined, which is nothing in JSON. */
function copyOf(value: unknown): Json {
  return value === undefined ? null : jsonCopy(value)
}
