/**
 * `jsonl-sessions/adapters/botbuilder`: state and transcripts of the Bot Framework and of M365 agents.
 * @module adapters/botbuilder
 */
import { checkNames, checkText } from '../base/arguments.js'
import { isObject, type JsonObject } from '../base/json.js'
import { activityLine, activityOf, withDates } from './lines/botbuilder.js'
import { AdapterSessions } from './shared/adapter-sessions.js'
import type { GivenStore } from './shared/given-store.js'
import { itemsOf } from './shared/items.js'
import { escapedPart, joinedKey } from './shared/joined-key.js'
import { jsonCopy } from './shared/json-copy.js'
import { ValuePerKey, type ValuePerKeyOptions } from './shared/value-per-key.js'

// The types are not imported, so that they are right where only one of the two frameworks is installed.

/** Items by key. */
export interface StoreItems {
  // biome-ignore lint/suspicious/noExplicitAny: as in both frameworks
  [key: string]: any
}

/** A page of a list, and the token of the next page. */
export interface Page<T> {
  items: T[]
  continuationToken: string
}

/** A conversation. */
export interface TranscriptInfo {
  channelId: string
  id: string
  created: Date
}

/** `Storage` of `botbuilder` and of `@microsoft/agents-hosting` over a store: one value in the log of each key. */
export class JsonlBotStorage {
  readonly #values: ValuePerKey

  /** The value is called `state` unless `name` is given. @throws TypeError */
  constructor(store: GivenStore, options?: ValuePerKeyOptions) {
    this.#values = new ValuePerKey('JsonlBotStorage', store, options, 'state')
  }

  /** Items that are not there are absent. @throws ReferenceError */
  async read(keys: string[]): Promise<StoreItems> {
    if (!Array.isArray(keys)) throw new ReferenceError('Keys are required when reading.')
    const found = await Promise.all(
      [...keys].map(async (key) => {
        const entry = await this.#values.entry<JsonObject>(key)
        return entry === undefined ? [] : [[key, { ...entry.value, eTag: entry.id }] as const]
      }),
    )
    return Object.fromEntries(found.flat())
  }

  /**
   * Writes each item for itself: one whose `eTag` is neither `*` nor that of the item that is there stays unwritten, and
   * the call rejects when the others are written. @throws ReferenceError, TypeError
   */
  async write(changes: StoreItems): Promise<void> {
    if (typeof changes !== 'object' || changes === null) throw new ReferenceError('Changes are required when writing.')
    const items = Object.entries(jsonCopy(changes) as JsonObject)
    for (const [key, item] of items) if (!isObject(item)) throw new TypeError(`the item "${key}" must be an object`)
    const written = await Promise.allSettled(items.map(([key, item]) => this.#writeItem(key, item as JsonObject)))
    for (const one of written) if (one.status === 'rejected') throw one.reason
  }

  async #writeItem(key: string, { eTag, ...state }: JsonObject): Promise<void> {
    if (eTag === undefined || eTag === null || eTag === '' || eTag === '*') return this.#values.write(key, state)
    await this.#values.sessions.write(key, (session) =>
      session.updateValue(this.#values.name, (_, id) => {
        // what is gone contradicts no one, as in the framework's own memory
        if (id !== undefined && id !== eTag) throw new Error(`Storage: error writing "${key}" due to eTag conflict.`)
        return state
      }),
    )
  }

  /** Messages in the same log stay. */
  async delete(keys: string[]): Promise<void> {
    if (!Array.isArray(keys)) throw new ReferenceError('Keys are required when deleting.')
    await Promise.all([...keys].map((key) => this.#values.delete(key)))
  }
}

export interface JsonlTranscriptStoreOptions {
  /** The first part of the key of each transcript; `transcript` unless given. */
  prefix?: string
}

/** Items of a page. */
const PAGE = 20

/**
 * `TranscriptStore` of `botbuilder` and of `@microsoft/agents-hosting` over a store: one session a conversation. `A` is
 * the framework's type of an activity.
 */
// biome-ignore lint/suspicious/noExplicitAny: a store of any activities is one of each framework
export class JsonlTranscriptStore<A extends object = any> {
  readonly #sessions: AdapterSessions

  /** @throws TypeError */
  constructor(store: GivenStore, options?: JsonlTranscriptStoreOptions) {
    const { prefix = 'transcript' } = checkNames('JsonlTranscriptStore', options, ['prefix'])
    checkText('prefix', prefix)
    this.#sessions = new AdapterSessions(store, `${escapedPart(prefix)}/`)
  }

  /** @throws Error at once where the activity, its channel or its conversation is missing */
  logActivity(activity: Partial<A>): Promise<void> {
    if (!activity) throw new Error('activity cannot be null for logActivity()')
    const { channelId, conversation } = activity as { channelId?: string; conversation?: { id?: string } }
    const key = this.#keyOf(channelId, conversation?.id)
    const line = activityLine(jsonCopy(activity) as JsonObject)
    return this.#sessions.write(key, async (session) => {
      await session.append(line)
    })
  }

  /**
   * A page of activities by their times, then their lines; those before `startDate` are left out. The token is the id
   * of the last one. @throws Error at once where an id is missing
   */
  getTranscriptActivities(
    channelId: string,
    conversationId: string,
    continuationToken?: string,
    startDate?: Date,
  ): Promise<Page<A>> {
    const key = this.#keyOf(channelId, conversationId)
    return this.#sessions.read(key, async (_, log) => {
      const found = await itemsOf(log, (entry) => {
        const activity = activityOf(entry, channelId, conversationId)
        return activity && withDates(activity)
      })
      const since = startDate === undefined ? Number.NEGATIVE_INFINITY : startDate.getTime()
      const wanted = found.filter(({ timestamp }) => !(Number(timestamp) < since))
      wanted.sort((a, b) => Number(a.timestamp ?? 0) - Number(b.timestamp ?? 0))
      return pageOf(wanted, ({ id }) => id as string, continuationToken) as unknown as Page<A>
    })
  }

  /** A page of the conversations of a channel, the oldest first. @throws Error at once where the id is missing */
  listTranscripts(channelId: string, continuationToken?: string): Promise<Page<TranscriptInfo>> {
    if (!channelId) throw new Error('Missing channelId')
    return this.#conversationsOf(channelId).then((infos) => {
      infos.sort((a, b) => a.created.getTime() - b.created.getTime())
      return pageOf(infos, ({ id }) => id, continuationToken)
    })
  }

  /** @throws Error at once where an id is missing */
  deleteTranscript(channelId: string, conversationId: string): Promise<void> {
    const key = this.#keyOf(channelId, conversationId)
    return this.#sessions.write(key, async (session) => {
      await session.delete()
    })
  }

  async #conversationsOf(channelId: string): Promise<TranscriptInfo[]> {
    const start = `${escapedPart(channelId)}/`
    const infos: TranscriptInfo[] = []
    for (const key of await this.#sessions.keys()) {
      if (!key.startsWith(start)) continue
      const info = await this.#sessions.read(key, (session) => session.info())
      // deleted meanwhile
      if (info !== null) infos.push({ channelId, id: key.slice(start.length), created: info.createdAt })
    }
    return infos
  }

  #keyOf(channelId: string | undefined, conversationId: string | undefined): string {
    if (!channelId) throw new Error('Missing channelId')
    if (!conversationId) throw new Error('Missing conversationId')
    return joinedKey(channelId, conversationId)
  }
}

/** The page behind an item; none behind one that is not there. */
function pageOf<T>(items: T[], idOf: (item: T) => string | undefined, token: string | undefined): Page<T> {
  const place = token ? items.findIndex((item) => idOf(item) === token) : -1
  const page = token && place === -1 ? [] : items.slice(place + 1, place + 1 + PAGE)
  const next = page.length === PAGE ? idOf(page[PAGE - 1] as T) : undefined
  return { items: page, continuationToken: next as string }
}
