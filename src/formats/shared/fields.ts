/** Fields of foreign objects, of any name. */
import type { Json, JsonObject } from '../../base/json.js'

/** Fields of an object that are none of these: what goes to `source`. */
export function others(value: JsonObject, known: ReadonlySet<string>, into: JsonObject = {}): JsonObject {
  for (const field of Object.keys(value)) if (!known.has(field)) setField(into, field, value[field] as Json)
  return into
}

/** Sets a field of any name: `__proto__` is a field as well. */
export function setField(object: JsonObject, field: string, value: Json): void {
  if (field !== '__proto__') object[field] = value
  else Object.defineProperty(object, field, { value, enumerable: true, writable: true, configurable: true })
}
