/** Folding what was added behind a watermark, without reading what lies before it. */
import { isV7 } from '../base/ids.js'
import { LargeSet } from '../base/large-map.js'
import { foldPiece, type Summary } from './fold.js'
import { isLine, type Line, namedIds, type Piece } from './line.js'
import { isChat } from './parse.js'
import { type Carried, carriedActivity, isLive, keptBy, NOTHING_KNOWN, noteIds, type Visibility } from './visibility.js'
import { isEnding } from './waiting.js'

/** Readings from the end of a log yield after so many lines, that other work may run. */
export const LINES_A_STEP = 256

/**
 * Which lines below the watermark must be read before `added` can be folded: the ids that the
 * added `remove` lines name and that the added lines do not hold. `undefined` when only a reading
 * of the whole log can decide, because an added line may repeat an earlier one or be removed by one.
 */
export function idsToLookUp(summary: Summary, added: readonly Piece[]): Set<string> | undefined {
  const order = { maxId: summary.maxId, bareFrom: summary.bareFrom }
  const held = new Set<string>()
  const named = new Set<string>()
  for (const piece of added) {
    if (!isLine(piece)) continue
    if (!noteIds(order, piece)) return undefined
    held.add(piece.id)
    if (piece.kind === 'remove') for (const id of namedIds(piece)) named.add(id)
  }
  for (const id of named) if (held.has(id) || (id > summary.maxId && isV7(id))) named.delete(id)
  const touchesArchive = summary.archived.undated || added.some(({ kind }) => kind === 'compaction')
  return touchesArchive ? undefined : named
}

/**
 * Whether the sums can follow the removal of `named` lines below the watermark, of which `live` are messages with a
 * role that are not archived: not that of other lines, where there are any.
 */
export function canFollow(summary: Summary, named: ReadonlySet<string>, live: ReadonlySet<string>): boolean {
  return isOfMessagesOnly(summary) || [...named].every((id) => live.has(id))
}

/** True where nothing is archived, and all messages have a role. */
function isOfMessagesOnly({ compactions, roleless }: Summary): boolean {
  return compactions === 0 && roleless === 0
}

/** Whether the sums can follow lines that this process has just written; `live` as in `canFollow`, if it is known. */
export function canFollowWrite(summary: Summary, lines: readonly Line[], live?: ReadonlySet<string>): boolean {
  if (lines.every(({ kind }) => kind === 'message')) return true
  if (live === undefined) return lines.every(({ kind }) => kind !== 'compaction' && kind !== 'remove')
  if (lines.some(({ kind }) => kind === 'compaction')) return false
  if (isOfMessagesOnly(summary)) return true
  const named = new Set(lines.flatMap((line) => (line.kind === 'remove' ? namedIds(line) : [])))
  return canFollow(summary, named, live)
}

/**
 * The ids out of `ids` of live messages among `pieces`, which come from the summary's watermark backwards; undefined
 * where only the whole log can decide, or what their removal does to the sums. Yields after each step of lines.
 */
export function* liveAmong(
  pieces: Iterable<Piece>,
  summary: Ordered,
  ids: ReadonlySet<string>,
): Generator<undefined, Set<string> | undefined> {
  const live = new Set<string>()
  const wanted = new Set(ids)
  if (wanted.size === 0) return live
  const rising = [...ids].filter(isV7).sort()
  const reading = new BackwardReading(summary)
  let passed = 0
  for (const piece of pieces) {
    if (++passed % LINES_A_STEP === 0) yield
    const isFound = reading.add(piece)
    if (reading.uncertain) return undefined
    if (!isLine(piece)) continue
    if (wanted.delete(piece.id)) {
      // what it ended waits again
      if (isEnding(piece) && isLive(piece, reading.visibility)) return undefined
      if (isFound && reading.archived) return undefined
      if (isFound) live.add(piece.id)
    }
    while (rising.length > 0 && reading.isPast(rising.at(-1)!)) wanted.delete(rising.pop()!)
    if (wanted.size === 0) break
  }
  return live
}

/**
 * Adds `added` to the summary, in place. `liveBelow` holds the ids out of `idsToLookUp`
 * that are live messages below the watermark.
 */
export function foldTail(summary: Summary, added: readonly Piece[], liveBelow: ReadonlySet<string> = new Set()): void {
  const removed = new Set<string>()
  for (const piece of added) if (piece.kind === 'remove') for (const id of namedIds(piece)) removed.add(id)
  const visibility = { ...NOTHING_KNOWN, removed }
  for (const piece of added) foldPiece(summary, piece, visibility)
  summary.messages -= liveBelow.size
}

type Ordered = Pick<Summary, 'orderedFrom' | 'uniqueFrom' | 'bareFrom'>

/**
 * Judges lines that are given from the end of the log backwards. Where ids are not repeated, the lines after a line
 * are enough to judge it. `uncertain`: a line was given that only the whole log can judge.
 */
export class BackwardReading {
  readonly #removed = new LargeSet()
  readonly #carried: Carried[] = []
  /** What is known of the lines that came in: all that must be, as long as the reading is certain. */
  readonly visibility: Visibility = { ...NOTHING_KNOWN, removed: this.#removed, carried: this.#carried }
  readonly #summary: Ordered
  /** What compactions keep, by the message through which they reach. */
  readonly #throughs = new Map<unknown, Array<ReadonlySet<string>>>()
  /** The same of those compactions whose last message came in. */
  readonly #kept: Array<ReadonlySet<string>> = []
  /** Ids that compactions keep and that were added. */
  readonly #keptSeen = new Set<string>()
  /** Id of the last line that came in, where all lines before it have lesser ones. */
  #last = ''
  uncertain = false
  /** A compaction covers the line that came in last. */
  archived = false

  constructor(summary: Ordered) {
    this.#summary = summary
  }

  /** True when `piece` is a live message. */
  add(piece: Piece): boolean {
    if (!isLine(piece)) return false
    if (piece.offset < this.#summary.uniqueFrom || (piece.bare && piece.offset < this.#summary.bareFrom))
      this.uncertain = true
    if (piece.kind === 'remove') for (const id of namedIds(piece)) this.#removed.add(id)
    const at = carriedActivity(piece)
    if (at !== undefined) this.#carried.unshift({ offset: piece.offset, at })
    if (piece.kind === 'compaction' && isLive(piece, this.visibility)) this.#noteCompaction(piece)
    if (piece.kind === 'message' && this.#throughs.has(piece.id)) {
      this.#kept.push(...(this.#throughs.get(piece.id) as Array<ReadonlySet<string>>))
      this.#throughs.delete(piece.id)
    }
    this.archived = this.#kept.some((kept) => !kept.has(piece.id))
    if (this.#kept.length > 0) this.#keptSeen.add(piece.id)
    this.#last = piece.offset >= this.#summary.orderedFrom ? piece.id : ''
    return isChat(piece) && isLive(piece, this.visibility)
  }

  /** True when everything before the last given line is archived. */
  get archivedBefore(): boolean {
    return this.#kept.some((kept) => [...kept].every((id) => this.#keptSeen.has(id) || this.isPast(id)))
  }

  /** True for an id that no line before the last given one can have. */
  isPast(id: string): boolean {
    return isV7(id) && isV7(this.#last) && id >= this.#last
  }

  #noteCompaction(line: Line): void {
    const { through } = line.value
    this.#throughs.set(through, [...(this.#throughs.get(through) ?? []), keptBy(line)])
  }
}
