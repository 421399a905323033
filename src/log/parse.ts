/** From bytes to lines. Never throws, for any bytes. */
import { constants, isAscii, isUtf8 } from 'node:buffer'
import { isObject, isTooDeep, type Json, type JsonObject, MAX_DEPTH } from '../base/json.js'
import { isIdList, type Line, type LineKind, type Piece } from './line.js'

const LF = 0x0a
const BOM = '\uFEFF'
const ISO = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
const NEARLY_ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i
const STAND_IN = /^#(\d{1,15})-[0-9a-f]{8}$/

/**
 * Cuts `bytes` into pieces at line feeds, and at nothing else.
 * `base` is the offset of `bytes` in the file, which must be the start of a line;
 * `atEnd` says that the file ends where `bytes` ends, so that a rest without a line feed is the last line.
 * Without `atEnd` such a rest is left out: the caller comes again with it and more.
 */
export function parseLines(bytes: Buffer, base = 0, atEnd = true): Piece[] {
  const pieces: Piece[] = []
  const text = asciiText(bytes)
  const clean = text !== undefined || isUtf8(bytes)
  let start = 0
  for (let feed = feedIn(bytes, text, 0); feed !== -1; feed = feedIn(bytes, text, start)) {
    pieces.push(parseLine(bytes, start, feed, base, false, clean, text))
    start = feed + 1
  }
  if (atEnd && start < bytes.length) pieces.push(parseLine(bytes, start, bytes.length, base, true, clean, text))
  return pieces
}

/** As `parseLines` at the end of a file, from the last line to the first. Each is parsed on demand. */
export function* parseBackwards(bytes: Buffer, base: number): Generator<Piece> {
  const text = asciiText(bytes)
  const clean = text !== undefined || isUtf8(bytes)
  for (let end = bytes.length; end > 0; ) {
    const open = bytes[end - 1] !== LF
    const start = end < 2 ? 0 : bytes.lastIndexOf(LF, end - 2) + 1
    yield parseLine(bytes, start, open ? end : end - 1, base, open, clean, text)
    end = start
  }
}

/** Most logs are ASCII: they become text at once, in which an offset is the same as in the bytes. */
function asciiText(bytes: Buffer): string | undefined {
  return bytes.length <= constants.MAX_STRING_LENGTH && isAscii(bytes) ? bytes.toString('latin1') : undefined
}

/** The next line feed. `text` is that of the bytes if they are ASCII: to search it needs no native call. */
function feedIn(bytes: Buffer, text: string | undefined, from: number): number {
  return text === undefined ? bytes.indexOf(LF, from) : text.indexOf('\n', from)
}

/** `clean` says that all the bytes are UTF-8; `all` is their text if they are ASCII. */
function parseLine(
  bytes: Buffer,
  start: number,
  stop: number,
  base: number,
  open: boolean,
  clean: boolean,
  all: string | undefined,
): Piece {
  const offset = base + start
  const end = base + (open ? stop : stop + 1)
  if (!clean && !isUtf8(bytes.subarray(start, stop))) {
    return open ? { kind: 'torn', offset, end } : { kind: 'damage', offset, end, reason: 'not UTF-8', open }
  }
  if (stop - start > constants.MAX_STRING_LENGTH) {
    return open ? { kind: 'torn', offset, end } : { kind: 'damage', offset, end, reason: 'too long', open }
  }
  let text = all === undefined ? bytes.toString('utf8', start, stop) : all.slice(start, stop)
  if (offset === 0 && text.startsWith(BOM)) text = text.slice(1)
  if (isTooDeep(text)) {
    const reason = `nested deeper than ${MAX_DEPTH} levels`
    return open ? { kind: 'torn', offset, end } : { kind: 'damage', offset, end, reason, open }
  }
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    if (text.trim() === '') return { kind: 'blank', offset, end, open }
    return open ? { kind: 'torn', offset, end } : { kind: 'damage', offset, end, reason: 'not JSON', open }
  }
  if (!isObject(value)) return { kind: 'damage', offset, end, reason: 'not a JSON object', open }
  const kind = kindOf(value)
  if (kind === undefined) {
    return { kind: 'damage', offset, end, reason: 'neither a type nor a string role', open }
  }
  const bare = typeof value.id !== 'string' || value.id === ''
  const id = bare ? standInId(offset, text) : (value.id as string)
  return { kind, offset, end, value, id, at: timeOf(value.at), bare, open }
}

/** What an object on a line of its own is; undefined when it is nothing that a log can hold. */
function kindOf(value: JsonObject): LineKind | undefined {
  const type = value.type
  if (type === undefined) return typeof value.role === 'string' ? 'message' : undefined
  switch (type) {
    case 'message':
      return typeof value.role === 'string' || 'value' in value ? 'message' : 'unknown'
    case 'remove':
    case 'answered':
    case 'tombstone':
      return isIdList(value.ids) ? type : 'unknown'
    case 'meta':
      return isObject(value.set) ? type : 'unknown'
    case 'value':
      return typeof value.name === 'string' && isReadable(value) ? type : 'unknown'
    case 'compaction':
      return typeof value.summary === 'string' ? type : 'unknown'
    case 'session':
      return typeof value.key === 'string' && typeof value.version === 'number' ? type : 'unknown'
    case 'commit':
      return type
    default:
      return 'unknown'
  }
}

/** True for a line of a name whose bytes, if it has any in place of a value, are text. */
function isReadable(value: JsonObject): boolean {
  return 'value' in value || value.bytes === undefined || typeof value.bytes === 'string'
}

/**
 * The id of a line that has none: its place and a checksum (FNV-1a) of its text.
 * It begins with `#`, which sorts before every UUID and is no UUID, so that it is never taken for one.
 */
export function standInId(offset: number, text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return `#${offset}-${(hash >>> 0).toString(16).padStart(8, '0')}`
}

/** The offset in a stand-in id; -1 for other ids. */
export function standInOffset(id: string): number {
  return Number(STAND_IN.exec(id)?.[1] ?? -1)
}

/**
 * A line's time in its one spelling, or undefined when `at` is no ISO 8601 time.
 * One without a zone is UTC: a log says the same on every machine.
 */
export function timeOf(at: Json | undefined): string | undefined {
  if (typeof at !== 'string') return undefined
  if (ISO.test(at)) return at
  const match = NEARLY_ISO.exec(at)
  if (match === null) return undefined
  const ms = Date.parse(at.length > 10 && match[1] === undefined ? `${at}Z` : at)
  return Number.isNaN(ms) ? undefined : isoTime(ms)
}

/** Unix milliseconds as ISO 8601 UTC. Times that no Date can hold are brought into the years 0 to 9999. */
export function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, -62167219200000), 253402300799999)).toISOString()
}

/** True when the line has a string role: a message of every contract, not of `SessionManager` alone. */
export function isChat(line: Line): boolean {
  return line.kind === 'message' && typeof line.value.role === 'string'
}
