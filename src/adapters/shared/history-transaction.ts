/** What the OpenAI Agents SDK hands over as a transaction: read once, copied, and checked before anything is written. */
import { types } from 'node:util'
import { isObject, type JsonObject } from '../../base/json.js'

/** Thrown for a transaction that is refused; its text quotes nothing of it. */
export class RefusedTransaction extends Error {}

export interface CheckedTransaction {
  operationId: string
  type: 'append_items' | 'replace_suffix'
  /** What the history must end with; empty for an addition. */
  expected: object[]
  added: object[]
}

const ITEMS = 'Session history transaction items contain invalid or unsupported data.'

/** @throws RefusedTransaction */
export function checkedTransaction(args: unknown): CheckedTransaction {
  const { operationId, transaction } = envelopeOf(args)
  if (typeof operationId !== 'string' || operationId.trim() === '')
    throw new RefusedTransaction('Session history transaction operationId must be a non-empty string.')
  if (typeof transaction !== 'object' || transaction === null)
    throw new RefusedTransaction('Session history transaction must be an object.')
  const copy = snapshotOf(transaction)
  if (!isObject(copy)) throw new RefusedTransaction('Session history transaction must be an object.')
  const { type, items, expectedSuffix, replacement } = copy as Record<string, unknown>
  if (type === 'append_items') {
    if (!hasFields(copy, ['type', 'items']))
      throw new RefusedTransaction('Session history append transaction fields are invalid.')
    return { operationId, type, expected: [], added: itemsOf(items) }
  }
  if (type !== 'replace_suffix') throw new RefusedTransaction('Unsupported session history transaction type.')
  if (!hasFields(copy, ['type', 'expectedSuffix', 'replacement']))
    throw new RefusedTransaction('Session history suffix transaction fields are invalid.')
  return { operationId, type, expected: itemsOf(expectedSuffix), added: itemsOf(replacement) }
}

/** Each field is read once: it may be an accessor. */
function envelopeOf(args: unknown): { operationId: unknown; transaction: unknown } {
  try {
    const { operationId, transaction } = args as Record<string, unknown>
    return { operationId, transaction }
  } catch {
    throw new RefusedTransaction('Session history transaction arguments are invalid.')
  }
}

function hasFields(value: JsonObject, names: readonly string[]): boolean {
  const [, ...lists] = names
  return (
    Object.keys(value).length === names.length &&
    names.every((name) => Object.hasOwn(value, name)) &&
    lists.every((name) => Array.isArray(value[name]))
  )
}

function itemsOf(list: unknown): object[] {
  const items = list as unknown[]
  if (!items.every((item) => isObject(item) && !((item as object) instanceof Uint8Array)))
    throw new RefusedTransaction(ITEMS)
  return items as object[]
}

/** A copy of plain data, with bytes. What no copy would be equal to is refused. */
function snapshotOf(value: unknown): unknown {
  try {
    return copyOf(value, new Set())
  } catch {
    throw new RefusedTransaction(ITEMS)
  }
}

function copyOf(value: unknown, above: Set<unknown>): unknown {
  if (value === null || ['undefined', 'string', 'boolean', 'number'].includes(typeof value)) return value
  if (typeof value !== 'object' || types.isProxy(value) || above.has(value)) throw new TypeError('unsupported')
  above.add(value)
  try {
    if (value instanceof Uint8Array) return bytesOf(value)
    return Array.isArray(value) ? listOf(value, above) : recordOf(value, above)
  } finally {
    above.delete(value)
  }
}

function bytesOf(bytes: Uint8Array): Uint8Array {
  if (Reflect.ownKeys(bytes).length !== bytes.length) throw new TypeError('unsupported')
  return new Uint8Array(bytes)
}

/** Neither sparse nor with fields of its own. */
function listOf(list: readonly unknown[], above: Set<unknown>): unknown[] {
  if (Reflect.ownKeys(list).length !== list.length + 1) throw new TypeError('unsupported')
  return Array.from({ length: list.length }, (_, i) => copyOf(valueAt(list, String(i)), above))
}

function recordOf(record: object, above: Set<unknown>): object {
  const prototype = Object.getPrototypeOf(record)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('unsupported')
  const names = Reflect.ownKeys(record).map((name) => {
    if (typeof name !== 'string') throw new TypeError('unsupported')
    return name
  })
  return Object.fromEntries(names.map((name) => [name, copyOf(valueAt(record, name), above)]))
}

/** The value of a plain field. */
function valueAt(of: object, name: string): unknown {
  const field = Object.getOwnPropertyDescriptor(of, name)
  if (!field?.enumerable || !('value' in field)) throw new TypeError('unsupported')
  return field.value
}
