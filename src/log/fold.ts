/** Folds the lines of a log into a summary, of which the sidecar holds a copy. */
import { isObject, type Json, type JsonObject } from '../base/json.js'
import { isLine, type Line, type Piece } from './line.js'
import { isChat, timeOf } from './parse.js'
import { addUsage, countersOf, type Used, usageFromJson } from './usage.js'
import { furthestOf, isLive, isUndated, noteIds, type Order, reachOver, type Visibility } from './visibility.js'
import { type Waiting, waitingAfter } from './waiting.js'

/** The sums over one log up to `bytes`. Times are ISO 8601 UTC. */
export interface Summary extends Order, Used {
  /** Where the folded part ends: all whole lines before it are in the sums. */
  bytes: number
  /** The greatest version that a header names. */
  version: number
  header: Header | null
  /** Live messages with a role. */
  messages: number
  /** Live messages without a role, of `SessionManager`. */
  roleless: number
  /** Lines that set or delete named values, whether later ones supersede them or not, and their bytes. */
  valueLines: number
  valueBytes: number
  /** Bytes of the lines that set labels. */
  metaBytes: number
  /** The messages that wait for an answer, in line order; see `firstOfEach`. */
  waiting: readonly Waiting[]
  /** Lines that cannot be read. */
  damaged: number
  /** Compaction lines, whether in force or not. */
  compactions: number
  /** Live messages that compactions archived; some, if `undated`, by one that names no time. See `archivedOf`. */
  archived: { messages: number; bytes: number; oldest: string | null; undated: boolean; through: string }
  /** The first time that a line names. */
  firstAt: string | null
  /** The greatest time that a line names. */
  lastAt: string | null
  /** The greatest time of a message or commit line, or the time that a rewrite carried over. */
  lastActivity: string | null
  /** A message or compaction line names no time, and no later line carries one over: the file's time is used. */
  undated: boolean
  /** A message is older than one before it. */
  unsorted: boolean
  /** From this offset on, ids are UUIDv7 that rise. */
  orderedFrom: number
  /** As in `Visibility`; where only a part was read, behind the last line that a part cannot judge. */
  uniqueFrom: number
  /** What `meta` lines set: name, tags, agent, projectRoot, metadata, … */
  labels: JsonObject
}

/** What the first header says. `inherited`: what a fork has of the usage of its source. */
export interface Header {
  id: string
  key: string
  at: string | null
  forkedFrom: string | null
  inherited?: JsonObject
}

/** Labels that are too large for a summary: they are read from the log on demand. */
const UNPROJECTED = new Set(['state'])
/** Keys of `set` that a rewrite writes to carry over the facts of the dropped lines. */
export const CARRIED: ReadonlySet<string> = new Set(['carriedUsage', 'carriedRefs', 'createdAt', 'lastActivity'])

export function emptySummary(): Summary {
  return {
    bytes: 0,
    version: 0,
    header: null,
    messages: 0,
    roleless: 0,
    valueLines: 0,
    valueBytes: 0,
    metaBytes: 0,
    waiting: [],
    damaged: 0,
    compactions: 0,
    archived: { messages: 0, bytes: 0, oldest: null, undated: false, through: '' },
    firstAt: null,
    lastAt: null,
    lastActivity: null,
    undated: false,
    unsorted: false,
    maxId: '',
    bareFrom: 0,
    orderedFrom: 0,
    uniqueFrom: 0,
    usage: new Map(),
    carriedUsage: new Map(),
    labels: {},
  }
}

/** A copy that can be folded on while others still read the first one. */
export function copyOf(summary: Summary): Summary {
  const { archived, usage, carriedUsage } = summary
  return { ...summary, archived: { ...archived }, usage: new Map(usage), carriedUsage: new Map(carriedUsage) }
}

/** The summary of a log that is in memory as a whole. */
export function foldAll(pieces: readonly Piece[], visibility: Visibility): Summary {
  const summary = emptySummary()
  for (const piece of pieces) foldPiece(summary, piece, visibility)
  summary.uniqueFrom = visibility.uniqueFrom
  return summary
}

/** Adds one piece to the sums. `visibility` must know the whole log. */
export function foldPiece(summary: Summary, piece: Piece, visibility: Visibility): void {
  if (piece.kind === 'torn') return
  summary.bytes = piece.end
  if (piece.kind === 'damage') summary.damaged++
  if (!isLine(piece)) return
  if (!noteIds(summary, piece)) {
    summary.uniqueFrom = piece.end
    if (!piece.bare) summary.orderedFrom = piece.end
  }
  if (visibility.copies.get(piece.offset) === 'duplicate') return
  foldFacts(summary, piece)
  summary.waiting = waitingAfter(summary.waiting, piece, visibility)
  if (piece.kind === 'message') countMessage(summary, piece, visibility)
  else if (piece.kind === 'value') {
    summary.valueLines++
    summary.valueBytes += piece.end - piece.offset
  } else if (piece.kind === 'meta') summary.metaBytes += piece.end - piece.offset
  else if (piece.kind === 'compaction') {
    summary.compactions++
    summary.archived.through = furthestOf(visibility.reaches)?.id ?? ''
  }
}

/** Adds the fields that count whether a line is removed or not: header, times, usage and labels. */
export function foldFacts(summary: Summary, line: Line): void {
  noteTime(summary, line)
  if (line.kind === 'meta') setLabels(summary, line.value.set as JsonObject)
  else if (line.kind === 'commit') noteActivity(summary, line.at)
  else if (line.kind === 'session') noteHeader(summary, line)
  else if (isUndated(line)) summary.undated = true
  if (isChat(line)) addFacts(summary, line)
}

function addFacts(summary: Summary, { at, value }: Line): void {
  if (at !== undefined && summary.lastActivity !== null && at < summary.lastActivity) summary.unsorted = true
  noteActivity(summary, at)
  const { usage, agent } = value
  if (!isObject(usage)) return
  addUsage(summary.usage, typeof agent === 'string' ? agent : 'main', { ...countersOf(usage), apiCalls: 1 }, 1)
}

function countMessage(summary: Summary, line: Line, visibility: Visibility): void {
  if (!isLive(line, visibility)) return
  if (!isChat(line)) {
    summary.roleless++
    return
  }
  summary.messages++
  const reach = reachOver(line, visibility)
  if (reach !== undefined) addArchived(summary.archived, line, reach.at)
}

function noteTime(summary: Summary, { at }: Line): void {
  if (at === undefined) return
  summary.firstAt ??= at
  if (summary.lastAt === null || at > summary.lastAt) summary.lastAt = at
}

function noteActivity(summary: Summary, at: string | undefined): void {
  if (at === undefined) return
  if (summary.lastActivity === null || at > summary.lastActivity) summary.lastActivity = at
}

function noteHeader(summary: Summary, line: Line): void {
  const { version, key, forkedFrom, inherited } = line.value
  summary.version = Math.max(summary.version, version as number)
  summary.header ??= {
    id: line.bare ? '' : line.id,
    key: key as string,
    at: line.at ?? null,
    forkedFrom: typeof forkedFrom === 'string' ? forkedFrom : null,
    ...(isObject(inherited) && { inherited }),
  }
}

/** Bytes of a message's texts: its content and its tool calls. */
export function bytesOf(value: JsonObject): number {
  return textBytes(value.content) + textBytes(value.toolCalls ?? value.tool_calls)
}

function addArchived(archived: Summary['archived'], { value }: Line, at: string | undefined): void {
  archived.messages++
  archived.bytes += bytesOf(value)
  if (at === undefined) archived.undated = true
  else if (archived.oldest === null || at < archived.oldest) archived.oldest = at
}

/** Bytes of a text as returned: a value that is no string is returned as its JSON. */
function textBytes(value: Json | undefined): number {
  if (value === undefined || value === null) return 0
  return Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value))
}

function setLabels(summary: Summary, set: JsonObject): void {
  const labels: JsonObject = {}
  for (const [key, value] of Object.entries(set)) {
    if (key === 'carriedUsage') summary.carriedUsage = usageFromJson(value)
    else if (key === 'lastActivity') noteCarriedActivity(summary, timeOf(value))
    else if (key === 'carriedRefs') continue
    else if (key === 'metadata' && isObject(value)) {
      const former = isObject(summary.labels.metadata) ? summary.labels.metadata : {}
      labels.metadata = { ...former, ...value }
    } else if (!UNPROJECTED.has(key)) Object.defineProperty(labels, key, { value, enumerable: true })
  }
  if (Object.keys(labels).length > 0) summary.labels = { ...summary.labels, ...labels }
}

/** What was carried over is the time of all lines before that name none. */
function noteCarriedActivity(summary: Summary, at: string | undefined): void {
  if (at === undefined) return
  summary.undated = false
  noteActivity(summary, at)
  if (summary.lastAt === null || at > summary.lastAt) summary.lastAt = at
}

/** True for a `meta` line that does nothing but carry over; a newer one replaces it. */
export function isCarryLine(line: Line): boolean {
  return line.kind === 'meta' && Object.keys(line.value.set as JsonObject).every((key) => CARRIED.has(key))
}

/** The archived messages: how many, the bytes of their texts, and since when. `fileTime` as in `timesOf`. */
export function archivedOf({ archived }: Summary, fileTime: string) {
  const { messages, bytes, oldest, undated } = archived
  return { messages, bytes, oldest: undated && (oldest === null || fileTime < oldest) ? fileTime : oldest }
}

/** As `timeOf`, for years of six digits too. */
function anyTime(at: Json | undefined): string | undefined {
  const ms = typeof at === 'string' && /^[+-]\d{6}-/.test(at) ? Date.parse(at) : Number.NaN
  return Number.isNaN(ms) ? timeOf(at) : new Date(ms).toISOString()
}

/**
 * When the session was created, was last active and last changed, as ISO times.
 * `fileTime`, the log's modification time, is used where no line names a time.
 */
export function timesOf(summary: Summary, fileTime: string): { created: string; active: string; updated: string } {
  const header = summary.header?.at ?? null
  const given = anyTime(summary.labels.createdAt)
  const created = given ?? header ?? summary.firstAt ?? fileTime
  const undated = summary.undated ? fileTime : null
  const latest = (...times: Array<string | null>) =>
    times.reduce((a, b) => (b === null || (a !== null && a > b) ? a : b), null)
  return {
    created,
    active: latest(header, summary.lastActivity, undated) ?? created,
    updated: latest(summary.lastAt, undated) ?? fileTime,
  }
}
