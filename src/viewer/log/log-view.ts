/** A log by bytes: a page of lines around any offset, without a reading of the rest. */

import { notFound } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import type { Json, JsonObject } from '../../base/json.js'
import { read, readSync } from '../../disk/files.js'
import { LogReader } from '../../disk/log/log-reader.js'
import { hashOf } from '../../disk/sidecar/sidecar-file.js'
import { isLine, type Piece } from '../../log/line.js'
import { standInOffset } from '../../log/parse.js'
import { knownId } from '../../log/visibility.js'
import { ViewerError } from '../api/answers.js'
import type { LineMark, LinePage, LogLine } from '../api/shapes.js'
import { LineNumbers } from './line-numbers.js'
import { LogMarks, marksOf } from './log-marks.js'

const LF = 0x0a
const MAX_LINES = 200
const PAGE_BYTES = 2 * 1024 * 1024
/** A longer line comes with its texts cut. */
const LINE_BYTES = 64 * 1024
const TEXT_CHARS = 8 * 1024
/** So much is shown of bytes that cannot be read. */
const BAD_BYTES = 2 * 1024
const MAX_DEPTH = 100
const MAX_FIELDS = 1_000
const SCAN_BYTES = 1024 * 1024
/** A log of this size that can be read in this time has its marks on the first page, ms. */
const QUICK_BYTES = 16 * 1024 * 1024
const MARKS_MS = 150

export interface Wanted {
  /** An offset, or the end of the log. */
  at: number | 'end'
  dir: 'before' | 'after'
  limit: number
  /** With `after`: so many lines before that place, too. */
  before?: number
  /** The identity of the log that the offset is of; none for any. */
  log?: string | undefined
}

/** Lines of a page, before the page is known to have room for them. */
interface Cut {
  pieces: readonly Piece[]
  around: readonly Piece[]
  start: number
  isBackwards: boolean
}

/** Inode and first line: a log that only grew keeps both. */
export function logId(reader: LogReader): string {
  const head = readSync(reader.fd, 0, 512)
  const feed = head.indexOf(LF)
  return `${reader.stat.ino}-${hashOf(head.toString('latin1', 0, feed === -1 ? head.length : feed))}`
}

export class LogView {
  #id = ''
  #numbers = new LineNumbers()
  #marks = new LogMarks()
  #work: Promise<void> | undefined

  constructor(
    readonly key: string,
    readonly path: string,
    /** Called when the marks are known of a log whose pages went out without. */
    readonly onMarked: () => void,
  ) {}

  /** The log holds the graph of an agent, as far as it was read. */
  get hasGraph(): boolean {
    return this.#marks.hasGraph
  }

  /** @throws SessionError ERR_SESSION_NOT_FOUND, ViewerError ERR_VIEWER_LOG_REWRITTEN */
  async page(wanted: Wanted): Promise<LinePage> {
    return this.#reading(async (reader, log) => {
      if (wanted.log !== undefined && wanted.log !== log) {
        throw new ViewerError(
          409,
          'ERR_VIEWER_LOG_REWRITTEN',
          'the log was rewritten: request it by message id, or from its end',
        )
      }
      const limit = Math.min(Math.max(wanted.limit, 1), MAX_LINES)
      const start = wanted.at === 'end' ? reader.size : lineStart(reader, wanted.at)
      const pieces =
        wanted.dir === 'before' ? piecesBefore(reader, start, limit) : await piecesAfter(reader, start, limit)
      const around = wanted.before ? piecesBefore(reader, start, Math.min(wanted.before, MAX_LINES)) : []
      return this.#answer(reader, log, { pieces, around, start, isBackwards: wanted.dir === 'before' })
    })
  }

  /** The page that begins with the line of this id, or with the line that stands at `near` for logs of great length. */
  async offsetOf(id: string): Promise<number | undefined> {
    return this.#reading(async (reader) => {
      const own = standInOffset(id)
      if (own >= 0) return own < reader.size ? lineStart(reader, own) : undefined
      return offsetOfId(reader, id)
    })
  }

  /** One line with all its texts. */
  async line(at: number): Promise<LogLine> {
    return this.#reading(async (reader) => {
      const [piece] = await piecesAfter(reader, lineStart(reader, at), 1)
      if (piece === undefined) throw new ViewerError(404, 'ERR_VIEWER_NOT_FOUND', 'the log ends before this offset')
      return this.#lineOf(reader, piece, Number.POSITIVE_INFINITY)
    })
  }

  async #reading<T>(work: (reader: LogReader, log: string) => Promise<T>): Promise<T> {
    const reader = LogReader.open(this.path)
    if (reader === undefined) throw notFound(this.key)
    try {
      const log = logId(reader)
      if (log !== this.#id) {
        this.#id = log
        this.#numbers = new LineNumbers()
        this.#marks = new LogMarks()
        this.#work = undefined
      }
      return await work(reader, log)
    } finally {
      reader.close()
    }
  }

  async #answer(reader: LogReader, log: string, { pieces, around, start, isBackwards }: Cut): Promise<LinePage> {
    const work = this.#learn()
    if (reader.size < QUICK_BYTES) await Promise.race([work, sleep(MARKS_MS)])
    const lines: LogLine[] = []
    let bytes = 0
    // what does not fit on the page is what is farthest from the requested place
    for (const piece of isBackwards ? pieces.toReversed() : pieces) {
      bytes += Math.min(piece.end - piece.offset, LINE_BYTES)
      if (bytes > PAGE_BYTES && lines.length > 0) break
      lines.push(this.#lineOf(reader, piece, LINE_BYTES))
    }
    if (isBackwards) lines.reverse()
    else lines.unshift(...around.map((piece) => this.#lineOf(reader, piece, LINE_BYTES)))
    this.#number(reader, lines)
    return {
      log,
      size: reader.size,
      from: lines[0]?.offset ?? start,
      to: lines.at(-1)?.end ?? start,
      start,
      lines,
      marked: this.#marks.visibility !== undefined,
    }
  }

  /**
   * Reads the log as a whole, beside the pages. A log that was changed or removed meanwhile is read with the next page.
   */
  #learn(): Promise<void> {
    if (this.#work !== undefined) return this.#work
    const [marks, numbers] = [this.#marks, this.#numbers]
    const isFirst = marks.visibility === undefined
    const work = LogReader.using(this.path, async (reader) => {
      if (logId(reader) !== this.#id) return
      await numbers.count(reader)
      await marks.update(reader)
    })
      .catch(() => undefined)
      .then(() => {
        if (this.#work === work) this.#work = undefined
        if (isFirst && marks.visibility !== undefined) this.onMarked()
      })
    this.#work = work
    return work
  }

  #number(reader: LogReader, lines: LogLine[]): void {
    const first = lines[0]
    let number = first && this.#numbers.at(reader, first.offset)
    if (number === undefined) return
    for (const line of lines) line.line = number++
  }

  #lineOf(reader: LogReader, piece: Piece, maxBytes: number): LogLine {
    const { kind, offset, end } = piece
    if (!isLine(piece)) {
      const text = kind === 'blank' ? '' : readSync(reader.fd, offset, Math.min(BAD_BYTES, end - offset)).toString()
      const reason = kind === 'damage' ? piece.reason : kind === 'torn' ? 'an unfinished last line' : 'a blank line'
      return { offset, end, kind, reason, text: text.replace(/\n$/, '') }
    }
    const visibility = this.#marks.visibility
    const line: LogLine = {
      ...{ offset, end, kind },
      id: visibility === undefined ? piece.id : knownId(piece, visibility),
      value: piece.value,
    }
    if (piece.at !== undefined) line.at = piece.at
    const marks: LineMark[] = visibility === undefined ? [] : marksOf(piece, visibility)
    if (marks.length > 0) line.marks = marks
    if (end - offset > maxBytes || isDeep(piece.value)) {
      line.value = cutTexts(piece.value)
      line.cut = true
    }
    return line
  }
}

/** Where the line begins that this byte is in. */
function lineStart(reader: LogReader, at: number): number {
  let end = Math.min(at, reader.size)
  for (let step = 4 * 1024; end > 0; step *= 2) {
    const start = Math.max(0, end - step)
    const feed = readSync(reader.fd, start, end - start).lastIndexOf(LF)
    if (feed !== -1) return start + feed + 1
    end = start
  }
  return 0
}

/** In the order of the log. */
function piecesBefore(reader: LogReader, end: number, limit: number): Piece[] {
  const pieces: Piece[] = []
  let bytes = 0
  for (const piece of reader.backwards(end)) {
    pieces.push(piece)
    bytes += Math.min(piece.end - piece.offset, LINE_BYTES)
    if (pieces.length === limit || bytes > PAGE_BYTES) break
  }
  return pieces.reverse()
}

async function piecesAfter(reader: LogReader, start: number, limit: number): Promise<Piece[]> {
  const pieces: Piece[] = []
  let bytes = 0
  for await (const block of reader.blocks(start)) {
    for (const piece of block) {
      pieces.push(piece)
      bytes += Math.min(piece.end - piece.offset, LINE_BYTES)
      if (pieces.length === limit || bytes > PAGE_BYTES) return pieces
    }
  }
  return pieces
}

/** The line whose own id this is: found by the bytes of the id, so that a large log is not parsed. */
async function offsetOfId(reader: LogReader, id: string): Promise<number | undefined> {
  const needle = Buffer.from(JSON.stringify(id))
  for (let at = 0; at < reader.size; at += SCAN_BYTES) {
    const bytes = await read(reader.fd, at, SCAN_BYTES + needle.length)
    for (let found = bytes.indexOf(needle); found !== -1; found = bytes.indexOf(needle, found + 1)) {
      const start = lineStart(reader, at + found)
      const [piece] = await piecesAfter(reader, start, 1)
      if (piece !== undefined && isLine(piece) && piece.id === id) return start
    }
  }
  return undefined
}

/** The same value with long texts cut, and without what is nested deeply or stands late in long lists. */
function cutTexts(value: JsonObject): JsonObject {
  let left = LINE_BYTES
  const cut = (one: Json, depth: number): Json => {
    if (typeof one === 'string') {
      const kept = one.length > TEXT_CHARS ? `${one.slice(0, TEXT_CHARS)}…` : one
      left -= kept.length
      return left < 0 ? '…' : kept
    }
    if (typeof one !== 'object' || one === null) return one
    if (depth === MAX_DEPTH) return '…'
    if (Array.isArray(one)) return one.slice(0, MAX_FIELDS).map((inner) => cut(inner, depth + 1))
    const fields = Object.entries(one).slice(0, MAX_FIELDS)
    return Object.fromEntries(fields.map(([name, inner]) => [name, cut(inner, depth + 1)]))
  }
  return cut(value, 0) as JsonObject
}

/** True for a value that is nested too deeply to be written or shown. */
function isDeep(value: Json, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === MAX_DEPTH) return true
  for (const inner of Array.isArray(value) ? value : Object.values(value)) if (isDeep(inner, depth + 1)) return true
  return false
}
