/** From data to lines: each function gives one line with its line feed, which is written in one piece. */
import { SessionError } from '../base/errors.js'
import { isObject, type Json, type JsonObject } from '../base/json.js'
import { FORMAT_VERSION, LINE_FIELDS } from './line.js'

/** Who and when a line is. */
export interface Stamp {
  id: string
  at: string
}

/** The longest line that is written, bytes: what every reader can still take into memory as one string. */
export const MAX_LINE_BYTES = 128 * 1024 * 1024

export function headerLine({ id, at }: Stamp, key: string, more: JsonObject = {}): string {
  return `${JSON.stringify({ type: 'session', version: FORMAT_VERSION, key, id, at, ...more })}\n`
}

/** A message of `SessionManager` that is no object with a role. */
export function valueLine({ id, at }: Stamp, value: Json): string {
  return `${JSON.stringify({ type: 'message', id, at, value })}\n`
}

export function removeLine({ id, at }: Stamp, ids: string[]): string {
  return `${JSON.stringify({ type: 'remove', id, at, ids })}\n`
}

export function metaLine({ id, at }: Stamp, set: JsonObject): string {
  return `${JSON.stringify({ type: 'meta', id, at, set })}\n`
}

export function compactionLine({ id, at }: Stamp, summary: string, through: string | null): string {
  return `${JSON.stringify({ type: 'compaction', id, at, summary, through })}\n`
}

/** A line of another tool that is no message, as an import keeps it. `record` is its JSON text, `place` its line number. */
export function recordLine({ id, at }: Stamp, format: string, place: number, record: string): string {
  return `{"type":"record","format":${JSON.stringify(format)},"line":${place},"record":${record},"at":"${at}","id":"${id}"}\n`
}

/** `body` is the text of a commit's own fields: an object's without its braces. */
export function commitLine({ id, at }: Stamp, body: string): string {
  return `{"type":"commit","id":"${id}","at":"${at}",${body}}\n`
}

export function tombstoneLine({ id, at }: Stamp, ids: string[]): string {
  return `${JSON.stringify({ type: 'tombstone', id, at, ids })}\n`
}

/** Message text that is ready to be stamped; made at the call, so that later changes to the object are not seen. */
export interface MessageText {
  readonly text: string
  readonly clash: boolean
  /** What the fold wants to know of it. */
  readonly facts: JsonObject
}

/**
 * Reads a message once and turns it into text.
 * @throws TypeError when it is no object with a string `role`, or JSON cannot hold it (bigint, cycle)
 * @throws SessionError ERR_TOO_LARGE when it is nested too deeply to be written
 */
export function messageText(message: unknown): MessageText {
  if (!isObject(message)) throw new TypeError('a message must be an object with a string role')
  let text = stringify(message)
  let clash = false
  let facts: JsonObject = message
  const odd = typeof message.toJSON === 'function' || LINE_FIELDS.some((field) => field in message)
  // a role that JSON does not see, such as an inherited one, is none
  const plain = typeof message.role === 'string' && Object.prototype.propertyIsEnumerable.call(message, 'role')
  if (odd || !plain) {
    const value: Json | undefined = text === undefined ? undefined : JSON.parse(text)
    if (!isObject(value) || typeof value.role !== 'string') {
      throw new TypeError('a message must be an object with a string role')
    }
    const own = LINE_FIELDS.filter((field) => Object.hasOwn(value, field))
    clash = own.length > 0
    if (clash) text = withOwn(value, own)
    facts = value
  }
  return { text: text as string, clash, facts: factsOf(facts) }
}

function factsOf({ role, agent, usage }: JsonObject): JsonObject {
  if (agent === undefined && usage === undefined) return { role: role as string }
  return JSON.parse(JSON.stringify({ role, agent, usage }))
}

/** The fields that would clash with the line's go into `own`. */
function withOwn(value: JsonObject, clashing: readonly string[]): string {
  const fields = Object.entries(value)
  const own = Object.fromEntries(fields.filter(([field]) => clashing.includes(field)))
  return JSON.stringify({ ...Object.fromEntries(fields.filter(([field]) => !clashing.includes(field))), own })
}

/** A message line: the store's id and time, then the message's own text. */
export function messageLine({ id, at }: Stamp, { text, clash }: MessageText): string {
  const type = clash ? '"type":"message",' : ''
  return `{${type}"id":"${id}","at":"${at}",${text.slice(1)}\n`
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError) {
      throw new SessionError('ERR_TOO_LARGE', 'the message is nested too deeply, or too long, to be written', {}, error)
    }
    throw error
  }
}
