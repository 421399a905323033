/** Random JSON objects that look somewhat like those of a framework. */
import fc from 'fast-check'
import type { JsonObject } from '../../src/base/json.js'

/** Names that code trips over. */
const ODD_NAMES = ['__proto__', 'constructor', 'toJSON', 'id', 'at', 'own', 'type', 'role', 'content', 'parts']

/** Objects of some of these fields, each of its own kind of value or of any other. */
export function objectsLike(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> {
  const known = fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, fc.oneof({ weight: 4, arbitrary: value }, fc.jsonValue())]),
    ),
    { requiredKeys: [] },
  )
  const others = fc.dictionary(fc.oneof(fc.constantFrom(...ODD_NAMES), fc.string()), fc.jsonValue(), { maxKeys: 3 })
  return fc.tuple(known, others).map(([own, more]) => copyOf({ ...copyOf(more), ...own }))
}

/** As JSON has it. */
export function copyOf(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value))
}
