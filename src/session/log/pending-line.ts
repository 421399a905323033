/** Lines that are decided but not yet stamped and written. */

import { SessionError } from '../../base/errors.js'
import { isTooDeep, type Json, type JsonObject, MAX_DEPTH } from '../../base/json.js'
import type { Summary } from '../../log/fold.js'
import { FORMAT_VERSION, type Line, type LineKind } from '../../log/line.js'
import { type Redaction, redactedLine } from '../../log/redact.js'
import {
  answeredLine,
  commitLine,
  compactionLine,
  headerLine,
  type LineSays,
  MAX_LINE_BYTES,
  type MessageText,
  messageLine,
  metaLine,
  removeLine,
  rolelessLine,
  type Stamp,
  tombstoneLine,
  type ValueText,
  valueLine,
} from '../../log/serialize.js'
import type { Clock } from '../clock.js'

export interface Draft {
  kind: LineKind
  /** The line's id, where it is settled before the line is stamped. */
  id?: string
  /** What the fold needs to know of the line. */
  value: JsonObject
  text: (stamp: Stamp) => string
  /** The texts are what the option `redact` made of them. */
  isRedacted?: boolean
}

export function messageDraft(message: MessageText, says?: LineSays): Draft {
  const { facts } = message
  const value = says === undefined ? facts : ({ ...facts, ...says } as JsonObject)
  return { kind: 'message', value, text: (stamp) => messageLine(stamp, message, says) }
}

export function removeDraft(ids: string[]): Draft {
  return { kind: 'remove', value: { ids }, text: (stamp) => removeLine(stamp, ids) }
}

export function metaDraft(set: JsonObject): Draft {
  return { kind: 'meta', value: { set }, text: (stamp) => metaLine(stamp, set) }
}

export function headerDraft(key: string, more: JsonObject = {}, id?: string): Draft {
  const value = { version: FORMAT_VERSION, key, ...more }
  return { kind: 'session', value, text: (stamp) => headerLine(stamp, key, more), ...(id === undefined ? {} : { id }) }
}

export function valueDraft(text: ValueText): Draft {
  const { name, fields, expires } = text
  // what the index needs of it
  const value = {
    type: 'value',
    name,
    ...(fields !== '' && { value: true }),
    ...(expires !== undefined && { expires }),
  }
  return { kind: 'value', value, text: (stamp) => valueLine(stamp, text) }
}

/** A message that is no object with a role. */
export function rolelessDraft(value: Json): Draft {
  return { kind: 'message', value: { type: 'message', value }, text: (stamp) => rolelessLine(stamp, value) }
}

export function compactionDraft(summary: string, through: string | null, keep: readonly string[] = []): Draft {
  const value = { summary, through, keep: [...keep] }
  return { kind: 'compaction', value, text: (stamp) => compactionLine(stamp, summary, through, keep) }
}

export function answeredDraft(ids: string[]): Draft {
  return { kind: 'answered', value: { ids }, text: (stamp) => answeredLine(stamp, ids) }
}

/** `value` is what the fold needs of `body`, the text of the commit's fields. */
export function commitDraft(value: JsonObject, body: string): Draft {
  return { kind: 'commit', value, text: (stamp) => commitLine(stamp, body) }
}

export function tombstoneDraft(ids: string[]): Draft {
  return { kind: 'tombstone', value: { ids }, text: (stamp) => tombstoneLine(stamp, ids) }
}

/** Lines that are ready to be written in one piece. */
export interface Lines {
  bytes: Buffer
  /** The lines as a reader will find them, for a log that ends at `start`. */
  pieces: Line[]
  texts: string[]
}

/**
 * Stamps drafts for a log with this last time and greatest id, which ends at `start`.
 * @throws SessionError ERR_TOO_LARGE for a line that is longer than `limit` bytes, or nests too deeply; ERR_REDACT
 */
export function stampLines(
  drafts: readonly Draft[],
  clock: Clock,
  { lastAt, maxId }: Pick<Summary, 'lastAt' | 'maxId'>,
  start: number,
  { limit, redaction }: { limit: number; redaction: Redaction | undefined },
): Lines {
  let offset = start
  const pieces: Line[] = []
  const texts: string[] = []
  for (const draft of drafts) {
    const { kind, id } = draft
    const stamped = clock.stamp(lastAt, maxId)
    const stamp = id === undefined ? stamped : { ...stamped, id }
    const given = draft.text(stamp)
    const line = redaction === undefined || draft.isRedacted ? given : redactedLine(given, redaction)
    const value = line === given ? draft.value : JSON.parse(line)
    const length = checkedLength(line, limit)
    pieces.push({ kind, value, id: stamp.id, at: stamp.at, offset, end: offset + length, bare: false, open: false })
    texts.push(line)
    lastAt = stamp.at
    maxId = stamp.id
    offset += length
  }
  return { bytes: Buffer.from(texts.length === 1 ? (texts[0] as string) : texts.join('')), pieces, texts }
}

/** Id and time of the last line. */
export function lastOf({ pieces }: Lines): { id: string; at: string | undefined } {
  const { id = '', at } = pieces.at(-1) ?? {}
  return { id, at }
}

/** Bytes of a line that may be written. @throws SessionError ERR_TOO_LARGE, as `stampLines` does */
export function checkedLength(line: string, limit: number): number {
  if (isTooDeep(line)) throw tooDeep()
  const length = Buffer.byteLength(line)
  if (length > Math.min(limit, MAX_LINE_BYTES)) throw tooLarge(length, Math.min(limit, MAX_LINE_BYTES))
  return length
}

function tooDeep(): SessionError {
  return new SessionError('ERR_TOO_LARGE', `the line would nest deeper than ${MAX_DEPTH} levels`, {})
}

function tooLarge(bytes: number, limit: number): SessionError {
  return new SessionError('ERR_TOO_LARGE', `the line would be ${bytes} bytes long; the limit is ${limit}`, {
    bytes,
    limit,
  })
}
