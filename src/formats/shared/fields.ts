/** Fields of foreign objects, whatever they are called. */
import type { Json, JsonObject } from '../../base/json.js'

/** Fields of an object that are none of these: what goes to `source`. */
export function others(value: JsonObject, known: ReadonlySet<string>, into: JsonObject = {}): JsonObject {
  for (const field of Object.keys(value)) if (!known.has(field)) setField(into, field, value[field] as Json)
  return into
}

/** Sets a field of whatever name: one called __proto__ is a field as well. */
export function setField(object: JsonObject, field: string, value: Json): void {
  if (field !== '__proto__') object[field] = value
  else Object.defineProperty(object, field, { value, enumerable: true, writable: true, configurable: true })
}
