/** Values of callers as JSON holds them, without a silent change. */
import { SessionError } from '../../base/errors.js'
import type { Json, JsonObject } from '../../base/json.js'

/**
 * A copy that the caller can no longer change; undefined properties are left out.
 * @throws TypeError for what JSON cannot hold (bigint, NaN, typed array, Map, Date, cycle, …), SessionError ERR_TOO_LARGE
 *   for what is nested too deeply
 */
export function jsonCopy(name: string, value: unknown): Json {
  return unlessTooDeep(name, () => copyOf(name, value, []))
}

/** The text of a copy. @throws SessionError ERR_TOO_LARGE */
export function jsonText(name: string, value: Json): string {
  return unlessTooDeep(name, () => JSON.stringify(value))
}

function unlessTooDeep<T>(name: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new SessionError('ERR_TOO_LARGE', `${name} is nested too deeply, or too long, to be written`, { name }, error)
  }
}

function copyOf(name: string, value: unknown, above: object[]): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'object' || above.includes(value)) throw notJson(name)
  above.push(value)
  const copy = Array.isArray(value)
    ? Array.from(value, (item) => copyOf(name, item, above))
    : fieldsOf(name, value, above)
  above.pop()
  return copy
}

function fieldsOf(name: string, value: object, above: object[]): JsonObject {
  if (!isPlain(value)) throw notJson(name)
  const copy: JsonObject = {}
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (item === undefined) continue
    const copied = copyOf(name, item, above)
    // a plain assignment would set the prototype
    if (key === '__proto__') Object.defineProperty(copy, key, { ...FIELD, value: copied })
    else copy[key] = copied
  }
  return copy
}

const FIELD = { enumerable: true, writable: true, configurable: true }

/** Of any realm. */
function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty'))
}

function notJson(name: string): TypeError {
  return new TypeError(
    `${name} must hold nothing but null, booleans, finite numbers, strings, arrays and plain objects`,
  )
}
