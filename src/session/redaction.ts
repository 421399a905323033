/** The option `redact`: what a store does to texts before their bytes are made. */
import { SessionError } from '../base/errors.js'
import { isObject, type Json, toJson } from '../base/json.js'
import { type Redaction, redactedLine, type TextKind } from '../log/redact.js'

/**
 * Gets a copy of a message, value, or other text that is to be written to the session `key`, and returns what is written
 * in its place. `kind` says what it is: see `TextKind`. It must be pure: what it returns depends on what it gets alone.
 */
// biome-ignore lint/suspicious/noExplicitAny: messages have whatever type the caller gave the store
export type Redact = (value: any, key: string, kind: TextKind) => unknown

/** The option for one session; undefined without the option. */
export function redactionOf({ redact }: { redact: Redact | undefined }, key: string): Redaction | undefined {
  if (redact === undefined) return undefined
  return (value, kind) => {
    try {
      return checked(redact(toJson(value), key, kind), value, kind)
    } catch (error) {
      const text = `the option redact failed for a text of the session ${JSON.stringify(key)}`
      throw new SessionError('ERR_REDACT', text, { key, kind }, error)
    }
  }
}

/** @throws TypeError for what cannot stand in the place of `given` */
function checked(result: unknown, given: Json, kind: TextKind): Json {
  if (result instanceof Promise) throw new TypeError('redact must return a value, not a promise')
  const json = result === undefined ? undefined : toJson(result)
  if (json === undefined) throw new TypeError('redact must return what is to be written')
  if (isObject(given) && kind !== 'value' && kind !== 'data' && kind !== 'record') {
    if (!isObject(json)) throw new TypeError(`redact must return an object for kind '${kind}'`)
    if (typeof given.role === 'string' && typeof json.role !== 'string')
      throw new TypeError('redact must leave a message its role')
    if (kind === 'summary' && typeof json.content !== 'string')
      throw new TypeError('redact must leave a summary its content, a text')
  }
  return json
}

/** Whole lines with their texts redacted; the same bytes where nothing changes. */
export function redactedLines(bytes: Buffer, redaction: Redaction | undefined): Buffer {
  if (redaction === undefined) return bytes
  const parts: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, start)
    const end = feed === -1 ? bytes.length : feed + 1
    const raw = bytes.subarray(start, end)
    const text = raw.toString()
    const now = redactedLine(text, redaction)
    parts.push(now === text ? raw : Buffer.from(now))
    start = end
  }
  return Buffer.concat(parts)
}
