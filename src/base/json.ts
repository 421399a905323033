/** A value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export type JsonObject = { [key: string]: Json }

/** True for an object that is neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Equality of two JSON values; the order of fields plays no part. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]))
  )
}

/** One spelling for all equal values: fields sorted, no white space. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const fields = Object.keys(value).sort()
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json)}`).join(',')}}`
}

/** The value as JSON holds it: undefined fields dropped, NaN as null. @throws TypeError for a bigint or a cycle */
export function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value) ?? 'null')
}

/** True when JSON makes exactly `known` of a plain value; false for others (dates, undefined fields, …). */
export function makes(given: unknown, known: Json): boolean {
  if (typeof known !== 'object' || known === null) return given === known
  if (typeof given !== 'object' || given === null || 'toJSON' in given) return false
  if (Array.isArray(known)) {
    return Array.isArray(given) && given.length === known.length && known.every((item, i) => makes(given[i], item))
  }
  const prototype = Object.getPrototypeOf(given)
  if (prototype !== Object.prototype && prototype !== null) return false
  const keys = Object.keys(given)
  if (keys.length !== Object.keys(known).length) return false
  for (const key of keys) {
    if (!Object.hasOwn(known, key) || !makes((given as JsonObject)[key], known[key] as Json)) return false
  }
  return true
}

/** How many levels a line may nest below itself. What is deeper is not written, and is damage where it stands. */
export const MAX_DEPTH = 1_000

/** True for JSON text that nests deeper than a line may, which no function here is given to walk. */
export function isTooDeep(text: string): boolean {
  if (text.length < 2 * MAX_DEPTH || !hasMore(text, MAX_DEPTH)) return false
  let depth = 0
  let inString = false
  for (let place = 0; place < text.length; place++) {
    const code = text.charCodeAt(place)
    if (inString) {
      if (code === BACKSLASH) place++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    else if (code === BRACE || code === BRACKET) {
      if (++depth > MAX_DEPTH + 1) return true
    } else if (code === BRACE + 2 || code === BRACKET + 2) depth--
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET = 0x5b
const BRACE = 0x7b

/** True when so many braces and brackets open that the text may be deep: most lines end here. */
function hasMore(text: string, most: number): boolean {
  let count = 0
  for (const char of '[{') {
    for (let place = text.indexOf(char); place !== -1; place = text.indexOf(char, place + 1)) {
      if (++count > most) return true
    }
  }
  return false
}
