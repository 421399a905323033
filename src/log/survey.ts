/**
 * What must be known of a whole log before one of its lines can be judged: which ids are removed
 * (a `remove` line holds wherever it stands) and which lines repeat an id.
 */
import { createHash } from 'node:crypto'
import { isV7 } from '../ids.js'
import { canonical } from '../json.js'
import { isLine, type Line, namedIds, type Piece } from './line.js'
import { standInId, standInOffset } from './parse.js'

export interface Survey {
  /** Every id that a `remove` line names. */
  removed: ReadonlySet<string>
  /** Lines that repeat the id of an earlier line, by offset: with equal content, or with another. */
  copies: ReadonlyMap<number, 'duplicate' | 'contradiction'>
}

export const NOTHING_KNOWN: Survey = { removed: new Set(), copies: new Map() }

/** What the lines so far say about the ids to come. */
export interface Order {
  /** The greatest UUIDv7 that is a line's id or is named by a `remove` line. */
  maxId: string
  /** Beyond every offset of a line to come that such an id names: a stand-in id that a rewrite moved up. */
  bareFrom: number
}

/** True when the line's id says by itself that no line before it has or names the same. */
export function isNew(line: Line, { maxId, bareFrom }: Order): boolean {
  return line.bare ? line.offset >= bareFrom : line.id > maxId && isV7(line.id)
}

/** Takes note of the ids that a line has and names. */
export function noteIds(order: Order, line: Line): void {
  if (!line.bare) noteId(order, line.id, line.offset)
  if (line.kind === 'remove') for (const id of namedIds(line)) noteId(order, id, line.offset)
}

function noteId(order: Order, id: string, offset: number): void {
  if (isV7(id)) {
    if (id > order.maxId) order.maxId = id
  } else if (standInOffset(id) >= offset) order.bareFrom = Math.max(order.bareFrom, standInOffset(id) + 1)
}

/**
 * First reading of a log. An id that says by itself that it is new needs no proof;
 * all others are suspects, whose lines a second reading compares (`CopyFinder`).
 */
export class Surveyor {
  readonly removed = new Set<string>()
  readonly suspects = new Set<string>()
  readonly #order: Order = { maxId: '', bareFrom: 0 }

  add(piece: Piece): void {
    if (!isLine(piece)) return
    if (!isNew(piece, this.#order)) this.suspects.add(piece.id)
    noteIds(this.#order, piece)
    if (piece.kind === 'remove') for (const id of namedIds(piece)) this.removed.add(id)
  }
}

/** Second reading: tells of each line with a suspect id whether it is the first, a duplicate or a contradiction. */
export class CopyFinder {
  readonly copies = new Map<number, 'duplicate' | 'contradiction'>()
  readonly #suspects: ReadonlySet<string>
  readonly #contents = new Map<string, Set<string>>()

  constructor(suspects: ReadonlySet<string>) {
    this.#suspects = suspects
  }

  add(piece: Piece): void {
    if (!isLine(piece) || !this.#suspects.has(piece.id)) return
    const content = createHash('sha256').update(contentOf(piece)).digest('base64')
    const former = this.#contents.get(piece.id)
    if (former === undefined) this.#contents.set(piece.id, new Set([content]))
    else {
      this.copies.set(piece.offset, former.has(content) ? 'duplicate' : 'contradiction')
      former.add(content)
    }
  }
}

/** The survey of a log that is in memory as a whole. */
export function surveyOf(pieces: readonly Piece[]): Survey {
  const surveyor = new Surveyor()
  for (const piece of pieces) surveyor.add(piece)
  if (surveyor.suspects.size === 0) return { removed: surveyor.removed, copies: NOTHING_KNOWN.copies }
  const finder = new CopyFinder(surveyor.suspects)
  for (const piece of pieces) finder.add(piece)
  return { removed: surveyor.removed, copies: finder.copies }
}

/** The id under which a line is known: its own, but for the later one of two different lines of one id. */
export function knownId(line: Line, { copies }: Survey): string {
  if (copies.get(line.offset) !== 'contradiction') return line.id
  return standInId(line.offset, line.id + contentOf(line))
}

function contentOf(line: Line): string {
  try {
    return canonical(line.value)
  } catch {
    // nested too deeply to be compared: equal to no other line
    return `#${line.offset}`
  }
}

/** True for a line that counts: the first of its copies, and not removed. Only messages and compactions can be removed. */
export function isLive(line: Line, survey: Survey): boolean {
  if (survey.copies.get(line.offset) === 'duplicate') return false
  if (survey.removed.size === 0 || (line.kind !== 'message' && line.kind !== 'compaction')) return true
  return !survey.removed.has(knownId(line, survey))
}
