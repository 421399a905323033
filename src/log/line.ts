/**
 * The lines of a log, as data. FORMAT.md beside this file shows each kind as it stands on disk.
 */
import type { Json, JsonObject } from '../base/json.js'

/** The version that this library writes. A log of a higher one is read and never written. */
export const FORMAT_VERSION = 1

/** A range of bytes in a log: from `offset` up to, not including, `end`. */
export interface Range {
  offset: number
  end: number
}

/** What a range of bytes is. Its line feed, if it has one, belongs to it. */
export type Piece = Line | Damage | Blank | Torn

export type LineKind =
  | 'session'
  | 'message'
  | 'remove'
  | 'answered'
  | 'compaction'
  | 'meta'
  | 'value'
  | 'commit'
  | 'tombstone'
  | 'unknown'

/** A line that is a JSON object of a known shape, or of a type that this version does not know. */
export interface Line extends Range {
  kind: LineKind
  /** The parsed line. */
  value: JsonObject
  /** The line's id: its own if that is a string, else a stand-in made of its place and its bytes. */
  id: string
  /** The line's time, ISO 8601 UTC with milliseconds; undefined when it names none that can be read. */
  at: string | undefined
  /** True when `id` is a stand-in. */
  bare: boolean
  /** True for a last line that lacks its line feed. */
  open: boolean
}

/** Bytes that no reader can use. `reason` is for people. */
export interface Damage extends Range {
  kind: 'damage'
  reason: string
  open: boolean
}

/** A line of white space. */
export interface Blank extends Range {
  kind: 'blank'
  open: boolean
}

/** What a crash left at the end of the file. */
export interface Torn extends Range {
  kind: 'torn'
}

export function isLine(piece: Piece): piece is Line {
  return piece.kind !== 'damage' && piece.kind !== 'blank' && piece.kind !== 'torn'
}

/** Ids that a `remove`, `answered` or `tombstone` line names. */
export function namedIds(line: Line): string[] {
  return (line.value.ids as string[]) ?? []
}

/** Counters of one model call, or their sums. Missing counters are 0. */
export interface Usage {
  promptTokens: number
  completionTokens: number
  cacheReadTokens: number
  cacheCreationTokens: number
  thinkingTokens: number
  apiCalls: number
}

/** Fields of a message that name the line itself; a message's own fields of these names stand in `own`. */
export const LINE_FIELDS = ['id', 'at', 'type', 'own', 'received', 'answers'] as const

/** True for a list of texts: what names other lines. */
export function isIdList(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string')
}

/** The least that a message says. Interfaces fit as well as type aliases; all of it must be JSON. */
export interface AnyMessage {
  role: string
}

/** A message of which nothing more is known. */
export interface ChatMessage extends AnyMessage {
  content?: Json
  [field: string]: Json | undefined
}

/** What a session of messages `M` accepts. */
export type GivenMessage<M extends AnyMessage> = ChatMessage extends M ? AnyMessage : M

/**
 * What reading returns: the message plus, unless it has its own, the id of its line and the line's time (ISO 8601 UTC
 * with milliseconds). `Session.entries` returns the three separately.
 */
export type StoredMessage<M extends AnyMessage = ChatMessage> = M extends unknown
  ? M & Unless<M, 'id'> & Unless<M, 'at'>
  : never

type Unless<M, Name extends string> = M extends Record<Name, unknown> ? unknown : Record<Name, string>
