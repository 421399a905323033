/**
 * Where the named values of one log stand: places, never values. It covers a range of the log that ends where the log
 * does, grows with it, and is extended backwards when a name is read that it does not hold.
 */
import { type FileMark, markOf, sameFile, sameMark } from '../../disk/log/file-mark.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import { LastLines, type Setter } from '../../log/last-lines.js'
import { isLine, type Line, type Piece } from '../../log/line.js'
import { NOTHING_KNOWN } from '../../log/visibility.js'
import { visibilityIn } from '../log/catch-up.js'
import { printAt } from '../log/log-state.js'

/** So many bytes are searched backwards at once; what lies further back is found by reading the whole log. */
const SEARCH_BYTES = 256 * 1024
/**
 * When so many bytes that set something were written, and this part of the log, the superseded ones are counted.
 */
const LOOK_BYTES = 256 * 1024
const LOOK_PART = 1 / 16

/** What is known of the file that `mark` names. */
interface Covered {
  lines: LastLines
  mark: FileMark
  /** The last bytes below `upTo`. */
  print: string
  from: number
  upTo: number
}

/** The result of an index that is up to date with the log. */
export interface Places {
  /** All names are in it. */
  complete: boolean
  get(name: string): Setter | undefined
  names(): IterableIterator<[string, Setter]>
}

export class ValueIndex {
  #covered: Covered | undefined
  #written = 0

  /** Takes in lines that this process has added, with the file's mark and last bytes after that. */
  follow(added: readonly Line[], mark: FileMark, print: string): void {
    const [first] = added
    if (first === undefined) return
    for (const { kind, offset, end } of added) if (kind === 'value' || kind === 'meta') this.#written += end - offset
    if (first.offset === 0) this.#covered = { lines: new LastLines(), mark, print, from: 0, upTo: 0 }
    const covered = this.#covered
    if (covered === undefined || covered.upTo !== first.offset || !sameFile(covered.mark, mark)) return
    for (const line of added) covered.lines.addNext(line)
    Object.assign(covered, { mark, print, upTo: mark.size })
  }

  /** Reads the log again at the next call. */
  forget(): void {
    this.#covered = undefined
  }

  /** The places, if the file is as it was when they were noted. */
  at(mark: FileMark, summary?: Summary): Places | undefined {
    const covered = this.#covered
    return covered !== undefined && sameMark(covered.mark, mark) ? placesOf(covered, summary) : undefined
  }

  /** True, once, when this process has written much that may supersede other lines. */
  isLookDue(): boolean {
    if (this.#written <= Math.max(LOOK_BYTES, (this.#covered?.upTo ?? 0) * LOOK_PART)) return false
    this.#written = 0
    return true
  }

  /** Bytes of lines that are superseded or expired, where they are known for the whole log of this mark. */
  supersededAt(mark: FileMark, now: number): number | undefined {
    const covered = this.#covered
    if (covered?.from !== 0 || !sameMark(covered.mark, mark)) return undefined
    let bytes = covered.lines.superseded
    for (const { expires, offset, end } of covered.lines.values.values())
      if (expires <= now && expires !== Number.NEGATIVE_INFINITY) bytes += end - offset
    return bytes
  }

  /** The places of all names in the log, or as far back as it takes to find `name`. */
  async read(reader: LogReader, summary: Summary, name?: string): Promise<Places> {
    const covered = await this.#catchUp(reader, summary)
    if (covered !== undefined) {
      const places = placesOf(covered, summary)
      if (places.complete || (name !== undefined && places.get(name) !== undefined)) return places
      if (name !== undefined && searchBack(covered, reader, summary, name)) return placesOf(covered, summary)
    }
    return placesOf(await this.#readWhole(reader, summary), summary)
  }

  /** Finds places without waiting, as long as the file is open. */
  async finder(reader: LogReader, summary: Summary): Promise<(name: string) => Setter | undefined> {
    const isPlain = summary.uniqueFrom === 0 && summary.bareFrom === 0
    const covered = isPlain ? await this.#catchUp(reader, summary) : undefined
    const { lines } = covered ?? (await this.#readWhole(reader, summary))
    return (name) => {
      if (covered !== undefined && !lines.values.has(name))
        searchBack(covered, reader, summary, name, Number.POSITIVE_INFINITY)
      return lines.values.get(name)
    }
  }

  /** As `read`, of labels as well. */
  async readAll(reader: LogReader, summary: Summary): Promise<void> {
    const covered = await this.#catchUp(reader, summary)
    if (covered?.from !== 0) await this.#readWhole(reader, summary)
  }

  reset(): void {
    this.#covered = undefined
  }

  /** Undefined where only a reading of the whole log can judge its lines. */
  async #catchUp(reader: LogReader, summary: Summary): Promise<Covered | undefined> {
    const covered = this.#covered
    if (covered === undefined || !stillHolds(covered, reader, summary)) return this.#startAtEnd(reader, summary)
    if (covered.upTo < summary.bytes) {
      const start = covered.upTo
      const added = (await reader.pieces(start)).filter((piece) => piece.end <= summary.bytes)
      // another call may have been faster
      if (covered.upTo === start) {
        if (added.some((piece) => !isUnique(piece, summary))) return undefined
        for (const piece of added) if (isLine(piece)) covered.lines.addNext(piece)
        covered.upTo = summary.bytes
        covered.print = printAt(reader, covered.upTo)
      }
    }
    if (covered.upTo === summary.bytes) covered.mark = markOf(reader.stat)
    return covered
  }

  #startAtEnd(reader: LogReader, { bytes }: Summary): Covered {
    const print = printAt(reader, bytes)
    this.#covered = { lines: new LastLines(), mark: markOf(reader.stat), print, from: bytes, upTo: bytes }
    return this.#covered
  }

  async #readWhole(reader: LogReader, summary: Summary): Promise<Covered> {
    const isPlain = summary.uniqueFrom === 0 && summary.bareFrom === 0
    const { copies } = isPlain ? NOTHING_KNOWN : await visibilityIn(reader)
    const lines = new LastLines()
    for await (const pieces of reader.blocks(0, summary.bytes)) {
      for (const piece of pieces) {
        if (isLine(piece) && copies.get(piece.offset) !== 'duplicate') lines.addNext(piece)
      }
    }
    const upTo = summary.bytes
    const covered = { lines, mark: markOf(reader.stat), print: printAt(reader, upTo), from: 0, upTo }
    if (this.#covered === undefined || this.#covered.upTo <= upTo || !sameFile(this.#covered.mark, covered.mark))
      this.#covered = covered
    return covered
  }
}

function placesOf({ lines, from }: Covered, summary?: Summary): Places {
  return {
    complete: from === 0 || lines.valueLines === summary?.valueLines,
    get: (name) => lines.values.get(name),
    names: () => lines.values.entries(),
  }
}

/** True when the file has only grown since, by lines that can be judged without those before them. */
function stillHolds({ mark, upTo, print }: Covered, reader: LogReader, summary: Summary): boolean {
  if (!sameFile(mark, reader.stat) || summary.uniqueFrom > upTo) return false
  // of another time and the same size: edited in place
  if (mark.size === reader.size) return sameMark(mark, reader.stat)
  return printAt(reader, upTo, print.length) === print
}

function isUnique(piece: Piece, { uniqueFrom, bareFrom }: Summary): boolean {
  if (!isLine(piece)) return true
  return piece.offset >= uniqueFrom && !(piece.bare && piece.offset < bareFrom)
}

/** Extends backwards until the name is there, or is known not to be; false when that is too far. */
function searchBack(covered: Covered, reader: LogReader, summary: Summary, name: string, most = SEARCH_BYTES): boolean {
  const end = covered.from - most
  if (covered.lines.valueLines === summary.valueLines) return true
  for (const piece of reader.backwards(covered.from)) {
    if (piece.offset < end || !isUnique(piece, summary)) return false
    covered.from = piece.offset
    if (!isLine(piece)) continue
    covered.lines.addFormer(piece)
    if (covered.lines.valueLines === summary.valueLines || covered.lines.values.has(name)) return true
  }
  covered.from = 0
  return true
}
