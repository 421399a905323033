/**
 * What must be known of a whole log before one of its lines can be judged: which ids are removed (a `remove` line is
 * in force for the whole log) and which lines repeat an id.
 */
import { createHash } from 'node:crypto'
import { isV7 } from '../base/ids.js'
import { canonical, type Json, type JsonObject } from '../base/json.js'
import { LargeMap, LargeSet } from '../base/large-map.js'
import { isIdList, isLine, type Line, type LineKind, namedIds, type Piece } from './line.js'
import { isChat, standInId, standInOffset, timeOf } from './parse.js'

/** Which lines of a log readers see, under which ids, and which of them are archived. */
export interface Visibility {
  /** Every id that a `remove` line names. */
  removed: Pick<ReadonlySet<string>, 'has' | 'size'>
  /** Lines that repeat the id of an earlier line, by offset: with equal content, or with another. */
  copies: Pick<ReadonlyMap<number, 'duplicate' | 'contradiction'>, 'has' | 'get' | 'size'>
  /**
   * Where the compactions in force reach, in line order: only compactions that cover something that none before them
   * covers.
   */
  reaches: readonly Reach[]
  /** Activities that `meta` lines carry over, in line order: the times of lines before them that name none. */
  carried: readonly Carried[]
  /** From this offset on, no line repeats an id or has one that an earlier line names: later lines are enough to judge it. */
  uniqueFrom: number
}

export interface Reach {
  upTo: number
  /** Id of the message there. */
  id: string
  /** Ids of messages before it that stay active. */
  keep: ReadonlySet<string>
  /** The compaction's time; undefined when the file's time is used. */
  at: string | undefined
}

export interface Carried {
  offset: number
  at: string
}

/** Kinds of lines that a `remove` line can name. */
export const REMOVABLE: ReadonlySet<LineKind> = new Set(['message', 'compaction', 'answered'])
const KEEPS_NONE: ReadonlySet<string> = new Set()

export const NOTHING_KNOWN: Visibility = {
  removed: new Set(),
  copies: new Map(),
  reaches: [],
  carried: [],
  uniqueFrom: 0,
}

/** What the lines so far say about the ids to come. */
export interface Order {
  /** The greatest UUIDv7 that is a line's id or is named by a `remove` or compaction line. */
  maxId: string
  /** Beyond every offset of a line to come that such an id names: a stand-in id that a rewrite moved up. */
  bareFrom: number
}

/**
 * Takes note of the ids that a line has and names: a line of that id that comes later is no plain new one.
 * True when the line's own id says by itself that no line before it has or names the same.
 */
export function noteIds(order: Order, line: Line): boolean {
  const isNew = line.bare ? line.offset >= order.bareFrom : noteId(order, line.id, line.offset)
  if (line.kind === 'remove') for (const id of namedIds(line)) noteId(order, id, line.offset)
  if (line.kind === 'compaction') noteId(order, line.value.through, line.offset)
  return isNew
}

/** True when the id is a UUIDv7 beyond all before. */
function noteId(order: Order, id: Json | undefined, offset: number): boolean {
  if (typeof id !== 'string') return false
  if (id.startsWith('#')) {
    if (standInOffset(id) >= offset) order.bareFrom = Math.max(order.bareFrom, standInOffset(id) + 1)
    return false
  }
  if (id <= order.maxId || !isV7(id)) return false
  order.maxId = id
  return true
}

/**
 * First reading of a log. An id that says by itself that it is new needs no proof;
 * all others are suspects, whose lines a second reading compares (`SecondVisibilityPass`).
 */
export class FirstVisibilityPass {
  readonly removed = new LargeSet()
  readonly suspects = new LargeSet()
  readonly compactions: Line[] = []
  readonly carried: Carried[] = []
  /** Behind the last line whose id an earlier line names. */
  namedUpTo = 0
  readonly throughs = new Set<unknown>()
  #undated = false
  readonly #order: Order = { maxId: '', bareFrom: 0 }

  add(piece: Piece): void {
    if (!isLine(piece)) return
    if (!noteIds(this.#order, piece)) {
      this.suspects.add(piece.id)
      if (this.removed.has(piece.id) || this.throughs.has(piece.id)) this.namedUpTo = piece.end
    }
    // most lines: nothing more can be learnt from them
    if (piece.kind === 'message' && piece.at !== undefined) return
    if (piece.kind === 'remove') for (const id of namedIds(piece)) this.removed.add(id)
    if (piece.kind === 'compaction') {
      this.compactions.push(piece)
      this.throughs.add(piece.value.through)
    }
    this.#noteTime(piece)
  }

  #noteTime(line: Line): void {
    const at = carriedActivity(line)
    if (at === undefined) this.#undated ||= isUndated(line)
    else if (this.#undated) {
      this.carried.push({ offset: line.offset, at })
      this.#undated = false
    }
  }

  /** True when a second reading is needed to judge the lines. */
  get needsMore(): boolean {
    return this.suspects.size > 0 || this.compactions.length > 0 || this.carried.length > 0
  }

  /** The visibility of the lines that were added, when they are the whole log. */
  visibilityOf(pieces: readonly Piece[]): Visibility {
    if (!this.needsMore) return { ...NOTHING_KNOWN, removed: this.removed }
    const second = new SecondVisibilityPass(this)
    for (const piece of pieces) second.add(piece)
    return second.visibility()
  }
}

/**
 * Second reading: finds for each line with a suspect id whether it is the first, a duplicate or a contradiction, and
 * the offsets up to which compactions reach.
 */
export class SecondVisibilityPass {
  readonly #first: FirstVisibilityPass
  readonly #copies = new LargeMap<number, 'duplicate' | 'contradiction'>()
  /** A hash of the content of each line; of several where an id has several. */
  readonly #contents = new LargeMap<string, string | LargeSet>()
  readonly #places = new Map<string, number>()
  #uniqueFrom: number

  constructor(first: FirstVisibilityPass) {
    this.#first = first
    this.#uniqueFrom = first.namedUpTo
  }

  add(piece: Piece): void {
    if (!isLine(piece)) return
    if (this.#first.suspects.has(piece.id)) this.#compare(piece)
    if (piece.kind !== 'message' || this.#first.throughs.size === 0) return
    if (this.#copies.get(piece.offset) === 'duplicate') return
    const id = knownId(piece, this.#visibility())
    if (this.#first.throughs.has(id)) this.#places.set(id, piece.offset)
  }

  #visibility(reaches: Reach[] = []): Visibility {
    const { removed, carried } = this.#first
    return { removed, copies: this.#copies, reaches, carried, uniqueFrom: this.#uniqueFrom }
  }

  visibility(): Visibility {
    const reaches: Reach[] = []
    for (const line of this.#first.compactions) {
      const id = line.value.through as string
      const upTo = this.#places.get(id)
      const coversMore = reaches.every((former) => upTo !== undefined && (upTo > former.upTo || former.keep.size > 0))
      if (upTo === undefined || !coversMore || !isLive(line, this.#visibility())) continue
      reaches.push({ upTo, id, keep: keptBy(line), at: timeIn(line, this.#visibility(), '') || undefined })
    }
    return this.#visibility(reaches)
  }

  #compare(piece: Line): void {
    const content = createHash('sha256').update(contentOf(piece)).digest('binary')
    const former = this.#contents.get(piece.id)
    if (former === undefined) {
      this.#contents.set(piece.id, content)
      return
    }
    const contents = typeof former === 'string' ? new LargeSet() : former
    if (typeof former === 'string') contents.add(former)
    this.#uniqueFrom = Math.max(this.#uniqueFrom, piece.end)
    this.#copies.set(piece.offset, contents.has(content) ? 'duplicate' : 'contradiction')
    contents.add(content)
    this.#contents.set(piece.id, contents)
  }
}

/** A log in memory, with what must be known to judge its lines. */
export interface WholeLog {
  pieces: Piece[]
  visibility: Visibility
  /** The time of lines without one. */
  fileTime: string
}

/** The visibility of the lines of a whole log. */
export function visibilityOf(pieces: readonly Piece[]): Visibility {
  const first = new FirstVisibilityPass()
  for (const piece of pieces) first.add(piece)
  return first.visibilityOf(pieces)
}

/** The compaction that archived this message, if one did. */
export function reachOver(line: Line, visibility: Visibility): Reach | undefined {
  if (visibility.reaches.length === 0) return undefined
  return visibility.reaches.find(
    ({ upTo, keep }) => line.offset <= upTo && !(keep.size > 0 && keep.has(knownId(line, visibility))),
  )
}

/** The one of them that goes furthest. */
export function furthestOf(reaches: readonly Reach[]): Reach | undefined {
  return reaches.reduce<Reach | undefined>((far, reach) => (far && far.upTo >= reach.upTo ? far : reach), undefined)
}

/** Ids of messages that a compaction leaves active although they stand before its last one. */
export function keptBy({ value }: Line): ReadonlySet<string> {
  return isIdList(value.keep) && value.keep.length > 0 ? new Set(value.keep) : KEEPS_NONE
}

/** The id under which a line is known: its own, but for the later one of two different lines of one id. */
export function knownId(line: Line, { copies }: Visibility): string {
  if (copies.get(line.offset) !== 'contradiction') return line.id
  return standInId(line.offset, line.id + contentOf(line))
}

/** The time of the last activity that a `meta` line carries over. */
export function carriedActivity({ kind, value }: Line): string | undefined {
  return kind === 'meta' ? timeOf((value.set as JsonObject).lastActivity) : undefined
}

/** True for a line without a time whose time readers see. */
export function isUndated(line: Line): boolean {
  return line.at === undefined && (isChat(line) || line.kind === 'compaction')
}

/** The line's time. One that names none has the next one that was carried over, else the file's. */
export function timeIn(line: Line, { carried }: Visibility, fileTime: string): string {
  return line.at ?? carried.find(({ offset }) => offset > line.offset)?.at ?? fileTime
}

/** The content of a line in a canonical spelling. */
export function contentOf(line: Line): string {
  return canonical(line.value)
}

/** True for a line that counts: the first of its copies, and not removed. */
export function isLive(line: Line, visibility: Visibility): boolean {
  if (visibility.copies.get(line.offset) === 'duplicate') return false
  if (visibility.removed.size === 0 || !REMOVABLE.has(line.kind)) return true
  return !visibility.removed.has(knownId(line, visibility))
}
