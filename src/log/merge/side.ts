/** One of the logs of a merge, as a list of lines that can be distinguished from the lines of the other logs. */
import { canonical, isObject, type Json } from '../../base/json.js'
import { foldAll, type Summary } from '../fold.js'
import { isLine, type Line, type Piece } from '../line.js'
import { parseLines, standInId } from '../parse.js'
import { asGiven } from '../views.js'
import { contentOf, furthestOf, isLive, knownId, REMOVABLE, type Visibility, visibilityOf } from '../visibility.js'
import { endedBy, isEnding, refOf } from '../waiting.js'

export interface Item {
  piece: Piece
  /** The bytes without line feed and byte order mark. */
  raw: Buffer
  /** Equal for lines of several logs that are the same line. */
  key: string
  /** The id under which the line is known; '' for a line that has none to be known by. */
  id: string
  /** The line's time, or that of the line before it. */
  time: string
  dated: boolean
  /** Headers come first, then what a compaction of this log covers, then the rest. */
  rank: 0 | 1 | 2
}

export interface Side {
  items: Item[]
  byKey: Map<string, Item>
  /** Ids that a line has without being known by them alone. */
  ids: Set<string>
  visibility: Visibility
  summary: Summary
}

/** The logs of one merge. */
export interface Sides {
  base: Side
  ours: Side
  theirs: Side
}

const BOM = Buffer.from('\uFEFF')
/** Stand-in ids that a merge assigns begin like this: no line but the first can have one by its place. */
const GIVEN = '#0-'

/** Reads the logs of one merge: a line that an earlier merge gave another id is known again by it. */
export function sidesOf(logs: readonly Buffer[]): Side[] {
  const read = logs.map((bytes) => ({ bytes, pieces: parseLines(bytes) }))
  const given = new Set(read.flatMap(({ pieces }) => pieces.filter(isLine).map(({ id }) => id)).filter(isGiven))
  return read.map(({ bytes, pieces }) => sideOf(bytes, pieces, given))
}

function isGiven(id: string): boolean {
  return id.startsWith(GIVEN)
}

function sideOf(bytes: Buffer, pieces: readonly Piece[], given: ReadonlySet<string>): Side {
  const visibility = visibilityOf(pieces)
  const upTo = furthestOf(visibility.reaches)?.upTo ?? -1
  const side: Side = { items: [], byKey: new Map(), ids: new Set(), visibility, summary: foldAll(pieces, visibility) }
  const texts = new Map<string, number>()
  let time = ''
  for (const piece of pieces) {
    if (piece.kind === 'blank' || visibility.copies.get(piece.offset) === 'duplicate') continue
    const raw = rawOf(bytes, piece)
    const name = isLine(piece) ? nameOf(piece, raw, visibility, given) : undefined
    const key = name?.key ?? textKey(raw, texts)
    const dated = isLine(piece) && piece.at !== undefined
    if (dated) time = piece.at as string
    const rank = piece.kind === 'session' ? 0 : piece.offset <= upTo ? 1 : 2
    const item: Item = { piece, raw, key, id: name?.id ?? '', time, dated, rank }
    if (side.byKey.has(key)) continue
    side.items.push(item)
    side.byKey.set(key, item)
    if (name !== undefined && isLine(piece) && name.key !== piece.id) side.ids.add(piece.id)
  }
  return side
}

/** Lines that other lines refer to are known by their id alone. */
export function isNamed(piece: Piece): piece is Line & { kind: 'message' | 'compaction' | 'answered' } {
  return isLine(piece) && REMOVABLE.has(piece.kind)
}

function nameOf(
  line: Line,
  _raw: Buffer,
  visibility: Visibility,
  given: ReadonlySet<string>,
): { id: string; key: string } | undefined {
  if (!isNamed(line)) return line.bare ? undefined : { id: line.id, key: `${line.id} ${contentOf(line)}` }
  const id = knownId(line, visibility)
  const other = given.size > 0 ? givenId(id, line) : id
  return given.has(other) ? { id: other, key: other } : { id, key: id }
}

/** The id of the second of two different lines that both sides of a merge gave one id. */
export function givenId(id: string, line: Line): string {
  return standInId(0, id + essenceOf(line))
}

/** The content of such a line, without the id, time and reach that were written into it. */
export function essenceOf(line: Line): string {
  if (line.kind === 'message') return `message ${canonical(asGiven(line) as Json)}${saidOfLine(line)}`
  const { id: _, at: __, through: ___, keep: ____, ...rest } = line.value
  return `${line.kind} ${canonical(rest)}`
}

/** What the line of a message says of it, where it says anything. */
function saidOfLine(line: Line): string {
  const ref = refOf(line)
  return ref === undefined && !isEnding(line) ? '' : canonical([ref ?? null, [...endedBy(line)]])
}

/** The same text again is another line, in either log: the second one there is the second one here. */
function textKey(raw: Buffer, texts: Map<string, number>): string {
  const text = raw.toString('latin1').trim()
  const count = (texts.get(text) ?? 0) + 1
  texts.set(text, count)
  return `?${count} ${text}`
}

function rawOf(bytes: Buffer, { offset, end }: Piece): Buffer {
  const hasMark = offset === 0 && bytes.subarray(0, BOM.length).equals(BOM)
  return bytes.subarray(hasMark ? BOM.length : offset, bytes[end - 1] === 0x0a ? end - 1 : end)
}

/** True for a line that its own log removed. */
export function isRemoved({ piece }: Item, { visibility }: Side): boolean {
  return isLine(piece) && !isLive(piece, visibility)
}

/** True for a line that sets the usage of messages that rewrites took out. */
export function carriesUsage({ piece }: Item): boolean {
  return piece.kind === 'meta' && isObject(piece.value.set) && 'carriedUsage' in piece.value.set
}
