/** Values of which some parts are bytes, as JSON: `{"$bytes":"<base64>"}`. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'

/** Objects that a reader would take for ours stand in one of these. */
const BYTES = '$bytes'
const WRAPPED = '$json'

/** A copy as JSON has it, but for bytes. @throws TypeError for a bigint or a cycle */
export function withoutBytes(value: unknown): Json {
  const wrappers = new Set<unknown>()
  const text = JSON.stringify(value, function (this: Record<string, unknown>, name, given) {
    const raw = this[name]
    // before its own toJSON, as Buffer has one
    if (raw instanceof Uint8Array) return { [BYTES]: Buffer.from(raw).toString('base64') }
    if (!isObject(given) || wrappers.has(this) || !(Object.hasOwn(given, BYTES) || Object.hasOwn(given, WRAPPED)))
      return given
    const wrapper = { [WRAPPED]: given }
    wrappers.add(wrapper)
    return wrapper
  })
  return JSON.parse(text ?? 'null')
}

/** The value that `withoutBytes` was given, as JSON has it, with its bytes. Changes the argument where it has some. */
export function withBytes(value: Json): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [name, ...others] = Object.keys(value)
  const part = name === undefined || others.length > 0 ? undefined : (value as JsonObject)[name]
  if (name === BYTES && typeof part === 'string') return new Uint8Array(Buffer.from(part, 'base64'))
  const whole = (name === WRAPPED && isObject(part) ? part : value) as JsonObject
  for (const inner of Object.keys(whole)) {
    const given = whole[inner] as Json
    const made = withBytes(given)
    if (made !== given) Object.defineProperty(whole, inner, { value: made })
  }
  return whole
}
