/**
 * `jsonl-sessions/adapters/unstorage`: a driver whose items are values of one log.
 * @module adapters/unstorage
 */
import type { Driver } from 'unstorage'
import { checkNames, checkText } from '../base/arguments.js'
import { isV7, timeInId } from '../base/ids.js'
import type { Json } from '../base/json.js'
import type { Value } from '../session/values/values.js'
import type { AnyStore } from '../store/store.js'
import { type GivenStore, storeOf } from './shared/given-store.js'
import { jsonCopy } from './shared/json-copy.js'
import { SharedLog } from './shared/shared-log.js'

export interface JsonlDriverOptions {
  store: GivenStore
  /** Key of the session that holds all items; `unstorage` unless given. */
  log?: string
}

interface ItemOptions {
  /** Seconds after which the item is not there any more. */
  ttl?: number
}

/** `Driver` of `unstorage` over a store, which stays open. @throws TypeError */
export default function jsonlDriver(options: JsonlDriverOptions): Driver<JsonlDriverOptions, never> {
  const { store: given, log = 'unstorage' } = checkNames('jsonlDriver', options, ['store', 'log'])
  checkText('log', log)
  const shared = new SharedLog(storeOf(given), log)

  const expiresAfter = (store: AnyStore, { ttl }: ItemOptions = {}) =>
    ttl === undefined || !(ttl > 0) ? {} : { expires: store.now() + ttl * 1_000 }
  const get = (key: string) => shared.read((session) => session.getValue<Value>(key))
  const set = async (key: string, value: Value, itemOptions?: ItemOptions) => {
    await shared.write((session, store) => session.setValue(key, value, expiresAfter(store, itemOptions)))
  }

  return {
    name: 'jsonl-sessions',
    options,
    flags: { ttl: true },
    hasItem: async (key) => (await get(key)) !== undefined,
    getItem: async (key) => textOf(await get(key)),
    getItems: async (items) => {
      const wanted = items.map(({ key }) => key)
      return shared.read((session) =>
        Promise.all(wanted.map(async (key) => ({ key, value: textOf(await session.getValue<Value>(key)) }))),
      )
    },
    getItemRaw: async (key) => {
      const value = await get(key)
      return value === undefined || value instanceof Uint8Array ? (value ?? null) : textOf(value)
    },
    setItem: async (key, text, itemOptions) => set(key, valueOfText(text), itemOptions),
    setItems: async (items, common) => {
      const values = items.map(({ key, value, options: own }) => [key, valueOfText(value), own] as const)
      await shared.write((session, store) =>
        session.setValues(values.map(([key, value, own]) => [key, value, expiresAfter(store, { ...common, ...own })])),
      )
    },
    setItemRaw: async (key, value, itemOptions) => set(key, rawCopy(value), itemOptions),
    removeItem: async (key) => {
      await shared.remove((session) => session.deleteValue(key))
    },
    getMeta: async (key) => {
      const entry = await shared.read((session) => session.getValue<Value>(key, { expired: true }))
      const text = await get(key)
      if (entry === undefined || text === undefined) return null
      const size = text instanceof Uint8Array ? text.length : Buffer.byteLength(textOf(text) as string)
      return { size, ...(isV7(entry.id) && { mtime: new Date(timeInId(entry.id)) }) }
    },
    getKeys: async (base, { maxDepth } = {}) => {
      const keys = await shared.names(base)
      return maxDepth === undefined ? keys : keys.filter((key) => key.split(':').length - 1 <= maxDepth)
    },
    clear: (base) => shared.removeAll(base),
  }
}

/** Text that JSON restores unchanged is stored as that JSON, which people can read. */
function valueOfText(given: unknown): Json {
  const text = String(given)
  if (!/^[[{]/.test(text)) return text
  try {
    const value: Json = JSON.parse(text)
    return JSON.stringify(value) === text ? value : text
  } catch {
    return text
  }
}

function textOf(value: Value | undefined): string | null {
  if (value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function rawCopy(value: unknown): Value {
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0))
  if (value instanceof Uint8Array) return new Uint8Array(value)
  return jsonCopy(value)
}
