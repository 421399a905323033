/** From data to lines: each function returns one line with its line feed, to be written in one piece. */
import { SessionError } from '../base/errors.js'
import { isObject, type Json, type JsonObject } from '../base/json.js'
import { FORMAT_VERSION, LINE_FIELDS } from './line.js'

/** Id and time of a line. */
export interface Stamp {
  id: string
  at: string
}

/** The longest line that is written, bytes: what every reader can still take into memory as one string. */
export const MAX_LINE_BYTES = 128 * 1024 * 1024

export function headerLine(stamp: Stamp, key: string, more: JsonObject = {}): string {
  return stamped(JSON.stringify({ type: 'session', version: FORMAT_VERSION, key, ...more }), stamp)
}

/** A message of `SessionManager` that is no object with a role. */
export function rolelessLine(stamp: Stamp, value: Json): string {
  return stamped(JSON.stringify({ type: 'message', value }), stamp)
}

/** A named value: its JSON text, or bytes as base64; without either the name is deleted. */
export interface ValueText {
  name: string
  /** JSON text of the fields between name and time, each with a comma before it. */
  fields: string
  /** From when on the value is not there, ISO 8601 UTC. */
  expires?: string | undefined
}

export function valueLine(stamp: Stamp, { name, fields, expires }: ValueText): string {
  const until = expires === undefined ? '' : `,"expires":"${expires}"`
  return stamped(`{"type":"value","name":${JSON.stringify(name)}${fields}${until}}`, stamp)
}

/**
 * Reads a value once and turns it into text; undefined is a deletion.
 * @throws TypeError when JSON cannot hold it (function, symbol, bigint, cycle) or the name is no string
 * @throws SessionError ERR_TOO_LARGE when it is nested too deeply to be written
 */
export function valueText(name: unknown, value: unknown, expires?: string): ValueText {
  if (typeof name !== 'string') throw new TypeError('the name of a value must be a string')
  if (value === undefined) return { name, fields: '' }
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
    return { name, fields: `,"bytes":"${bytes}"`, expires }
  }
  const text = stringify(value)
  if (text === undefined) throw new TypeError(`the value ${JSON.stringify(name)} is nothing that JSON can hold`)
  return { name, fields: `,"value":${text}`, expires }
}

export function removeLine(stamp: Stamp, ids: string[]): string {
  return stamped(JSON.stringify({ type: 'remove', ids }), stamp)
}

export function metaLine(stamp: Stamp, set: JsonObject): string {
  return stamped(JSON.stringify({ type: 'meta', set }), stamp)
}

/** `keep` names messages before `through` that stay active. */
export function compactionLine(
  stamp: Stamp,
  summary: string,
  through: string | null,
  keep: readonly string[] = [],
): string {
  const kept = keep.length > 0 ? { keep } : {}
  return stamped(JSON.stringify({ type: 'compaction', summary, through, ...kept }), stamp)
}

/** Ends the waiting of messages to which no message is an answer. */
export function answeredLine(stamp: Stamp, ids: readonly string[]): string {
  return stamped(JSON.stringify({ type: 'answered', ids }), stamp)
}

/**
 * A line of another tool that is no message, as an import keeps it. `record` is its JSON text, `place` its line number.
 */
export function recordLine({ id, at }: Stamp, format: string, place: number, record: string): string {
  return `{"type":"record","format":${JSON.stringify(format)},"line":${place},"record":${record},"at":"${at}","id":"${id}"}\n`
}

/** `body` is the text of a commit's own fields: an object's without its braces. */
export function commitLine(stamp: Stamp, body: string): string {
  return stamped(`{"type":"commit",${body}}`, stamp)
}

export function tombstoneLine(stamp: Stamp, ids: string[]): string {
  return stamped(JSON.stringify({ type: 'tombstone', ids }), stamp)
}

/** The line of an object that has fields: a person reads those first, time and id close it. */
function stamped(text: string, { id, at }: Stamp): string {
  return `${text.slice(0, -1)},"at":"${at}","id":"${id}"}\n`
}

/** Message text that is ready to be stamped; made at the call, so that later changes to the object are not seen. */
export interface MessageText {
  readonly text: string
  readonly clash: boolean
  /** What the fold needs of it. */
  readonly facts: JsonObject
}

/**
 * Reads a message once and turns it into text.
 * @throws TypeError when it is no object with a string `role`, or JSON cannot hold it (bigint, cycle)
 * @throws SessionError ERR_TOO_LARGE when it is nested too deeply to be written
 */
export function messageText(message: unknown): MessageText {
  if (!isObject(message)) throw new TypeError('a message must be an object with a string role')
  const text = stringify(message)
  const odd = typeof message.toJSON === 'function' || LINE_FIELDS.some((field) => field in message)
  // a role that JSON does not see, such as an inherited one, is none
  const plain = typeof message.role === 'string' && Object.prototype.propertyIsEnumerable.call(message, 'role')
  if (!odd && plain && isRoleFirst(message)) return { text: text as string, clash: false, facts: factsOf(message) }
  const value: Json | undefined = text === undefined ? undefined : JSON.parse(text)
  if (!isObject(value) || typeof value.role !== 'string') {
    throw new TypeError('a message must be an object with a string role')
  }
  const own = LINE_FIELDS.filter((field) => Object.hasOwn(value, field))
  const { role, content } = value
  const whole = isRoleFirst(value) ? value : ({ role, content, ...value } as JsonObject)
  const clash = own.length > 0
  return { text: stringify(clash ? withOwn(whole, own) : whole) as string, clash, facts: factsOf(value) }
}

/** True where the fields that people read first stand first. No field is read: JSON calls a getter once. */
function isRoleFirst(message: JsonObject): boolean {
  const [first, second] = Object.keys(message)
  return first === 'role' && (second === 'content' || !Object.hasOwn(message, 'content'))
}

function factsOf({ role, agent, usage }: JsonObject): JsonObject {
  if (agent === undefined && usage === undefined) return { role: role as string }
  return JSON.parse(JSON.stringify({ role, agent, usage }))
}

/** The fields that would clash with the line's go into `own`. */
function withOwn(value: JsonObject, clashing: readonly string[]): JsonObject {
  const fields = Object.entries(value)
  const own = Object.fromEntries(fields.filter(([field]) => clashing.includes(field)))
  return { ...Object.fromEntries(fields.filter(([field]) => !clashing.includes(field))), own }
}

/** The fields of a message line beside id and time. */
export interface LineSays {
  /** The reference under which it came from outside. */
  received?: string
  /** Ids of the messages that it answers. */
  answers?: readonly string[]
}

/** A message line: the message's own text, then the store's time and id. */
export function messageLine(stamp: Stamp, { text, clash }: MessageText, says?: LineSays): string {
  const typed = clash ? `{"type":"message",${text.slice(1)}` : text
  return stamped(says === undefined ? typed : `${typed.slice(0, -1)},${JSON.stringify(says).slice(1)}`, stamp)
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
