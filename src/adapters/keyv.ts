/**
 * `jsonl-sessions/adapters/keyv`: a key-value store in one log.
 * @module adapters/keyv
 */
import { EventEmitter } from 'node:events'
import type { KeyvStoreAdapter } from 'keyv'
import { checkNames, checkText } from '../base/arguments.js'
import { isObject, type Json } from '../base/json.js'
import type { ValueEntry, ValueToSet } from '../session/values/values.js'
import { type GivenStore, storeOf } from './shared/given-store.js'
import { jsonCopy } from './shared/json-copy.js'
import { SharedLog } from './shared/shared-log.js'

export interface JsonlKeyvOptions {
  /** Key of the session that holds all values; `keyv` unless given. */
  log?: string
}

export interface KeyvEntry {
  key: string
  value: unknown
  ttl?: number
}

/** What is no record of Keyv's own spelling stands in one field of these names. */
const OTHERS = ['$text', '$json']

/** The store of a `Keyv` over a store. A value's name is the full key, with Keyv's namespace. */
export class JsonlKeyvStore extends EventEmitter implements KeyvStoreAdapter {
  /** Keyv offers its iterator for stores of the dialects that it knows only. */
  opts: unknown = { dialect: 'sqlite', url: '' }
  /** Keyv sets it. */
  namespace?: string | undefined
  readonly #log: SharedLog

  /** @throws TypeError */
  constructor(store: GivenStore, options?: JsonlKeyvOptions) {
    super()
    const { log = 'keyv' } = checkNames('JsonlKeyvStore', options, ['log'])
    checkText('log', log)
    this.#log = new SharedLog(storeOf(store), log)
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    const [text] = await this.#texts([key])
    return text as Value | undefined
  }

  async getMany<Value>(keys: string[]): Promise<Array<Value | undefined>> {
    return (await this.#texts([...keys])) as Array<Value | undefined>
  }

  /** `ttl` in ms, where the value does not say when it expires. */
  async set(key: string, value: unknown, ttl?: number): Promise<void> {
    await this.setMany([{ key, value, ...(ttl !== undefined && { ttl }) }])
  }

  async setMany(entries: KeyvEntry[]): Promise<void> {
    const makers = entries.map(({ key, value, ttl }) => recordOf(key, value, ttl))
    await this.#log.write((session, store) => {
      const now = store.now()
      return session.setValues(makers.map((make) => make(now)))
    })
  }

  async delete(key: string): Promise<boolean> {
    return this.#log.remove((session) => session.deleteValue(key))
  }

  /** True when any of them was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const wanted = [...keys]
    const deleted = await this.#log.remove((session) => Promise.all(wanted.map((key) => session.deleteValue(key))))
    return deleted.includes(true)
  }

  /** Only the names of this namespace; all where there is none. */
  async clear(): Promise<void> {
    const { namespace } = this
    if (namespace === undefined) await this.#log.remove((session) => session.clear({ values: true }))
    else await this.#log.removeAll(`${namespace}:`)
  }

  async has(key: string): Promise<boolean> {
    const [has] = await this.hasMany([key])
    return has as boolean
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    const wanted = [...keys]
    const values = await this.#log.read((session) => Promise.all(wanted.map((key) => session.getValue(key))))
    return values.map((value) => value !== undefined)
  }

  async *iterator<Value>(namespace?: string): AsyncGenerator<Array<string | Awaited<Value> | undefined>, void> {
    for (const name of await this.#log.names(namespace === undefined ? '' : `${namespace}:`)) {
      const [text] = await this.#texts([name])
      if (text !== undefined) yield [name, text as Awaited<Value>]
    }
  }

  /** The store stays open: the caller that opened it closes it. */
  async disconnect(): Promise<void> {}

  #texts(keys: readonly string[]): Promise<unknown[]> {
    return this.#log.read(async (session, store) => {
      const now = store.now()
      const entries = await Promise.all(keys.map((key) => session.getValue<Json>(key, { expired: true })))
      return entries.map((entry) => (entry === undefined || isPast(entry, now) ? undefined : textOf(entry)))
    })
  }
}

function isPast({ expires }: ValueEntry<Json>, now: number): boolean {
  return expires !== undefined && expires.getTime() <= now
}

/** What is written, as soon as the time is known. */
function recordOf(key: string, value: unknown, ttl: number | undefined): (now: number) => ValueToSet {
  checkText('the key', key)
  const record = typeof value === 'string' ? parsedRecord(value) : undefined
  if (record !== undefined && (record.expires !== undefined || ttl === undefined))
    return () => [key, record.value, { expires: record.expires }]
  const [text, json] = OTHERS as [string, string]
  const other = typeof value === 'string' ? { [text]: value } : { [json]: jsonCopy(value) }
  return (now) => [key, other, { expires: ttl === undefined ? undefined : now + ttl }]
}

/** The fields of `{"value":…,"expires":…}`, if the text is exactly what they are made into again. */
function parsedRecord(text: string): { value: Json; expires: number | undefined } | undefined {
  let record: Json
  try {
    record = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(record) || record.value === undefined || isOther(record.value)) return undefined
  const { value, expires } = record
  if (expires !== undefined && !isTime(expires)) return undefined
  return textOfRecord(value, expires as number | undefined) === text ? { value, expires: expires as number } : undefined
}

/** True for a time that a line of the log holds exactly. */
function isTime(value: Json): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 253_402_300_800_000
}

function isOther(value: Json): boolean {
  return isObject(value) && Object.keys(value).length === 1 && OTHERS.includes(Object.keys(value)[0] as string)
}

/** As it was set. */
function textOf({ value, expires }: ValueEntry<Json>): unknown {
  if (isOther(value)) return Object.values(value as object)[0]
  return textOfRecord(value, expires?.getTime())
}

function textOfRecord(value: Json, expires: number | undefined): string {
  return JSON.stringify(expires === undefined ? { value } : { value, expires })
}
