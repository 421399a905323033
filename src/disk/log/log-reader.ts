/** Reads a log in whole lines, forwards in blocks or backwards from the end. Takes no lock. */
import fs from 'node:fs'
import { notALog, withPath } from '../../base/errors.js'
import { yieldIfDue, yieldToLoop } from '../../base/event-loop.js'
import type { Piece, Range } from '../../log/line.js'
import { isoTime, parseBackwards, parseLines } from '../../log/parse.js'
import { MAX_LINE_BYTES } from '../../log/serialize.js'
import { closeFile, openRegular, read, readInto, readSync, statFile } from '../files.js'
import type { FileMark } from './file-mark.js'

const LF = 0x0a
/** Small enough to stay in the processor's cache until its lines are parsed. */
const BLOCK_BYTES = 64 * 1024
/** The first step back is small: often only the last line is needed. */
const FIRST_BACK_BYTES = 4 * 1024
const BACK_BYTES = 32 * 1024
/** The most of it at first. */
const MOST_BACK_BYTES = 256 * 1024

/** A line that cannot be read. `line` counts from 1, 0 where the lines before it were not read; `offset` and `length` are bytes. */
export interface DamagedLine {
  line: number
  offset: number
  length: number
  reason: string
}

/** Freeing the blocks of a file of this size takes milliseconds. */
const LARGE_BYTES = 8 * 1024 * 1024

/** One open log, as long as it was when it was opened. */
export class LogReader {
  #fileTime: string | undefined
  /** Called at the end of a pass over the log, or over a part of it, with the lines in it that cannot be read. */
  onDamage: ((damage: DamagedLine[]) => void) | undefined
  /** Other work goes first behind each block, not only when the event loop was held: nothing waits for this reading. */
  isPatient = false

  /** `fd` is closed by `close`, unless others keep it open. */
  constructor(
    readonly fd: number,
    readonly stat: FileMark,
  ) {}

  /** Undefined when there is nothing under that name. @throws SessionError ERR_NOT_A_LOG for what is no regular file */
  static open(file: string): LogReader | undefined {
    const opened = openRegular(file)
    if (opened === undefined && statFile(file) === 'other') throw notALog(file)
    return opened && new LogReader(opened.fd, opened.stat)
  }

  /** Opens a log for as long as the work takes; undefined when there is none. */
  static async using<T>(file: string, work: (reader: LogReader) => T | Promise<T>): Promise<T | undefined> {
    const reader = LogReader.open(file)
    if (reader === undefined) return undefined
    try {
      return await work(reader)
    } catch (error) {
      throw withPath(error, file)
    } finally {
      await reader.#release()
    }
  }

  get size(): number {
    return this.stat.size
  }

  /** The log's modification time, used for lines without a time. */
  get fileTime(): string {
    this.#fileTime ??= isoTime(this.stat.mtimeMs)
    return this.#fileTime
  }

  /** The bytes of one range. */
  bytesAt({ offset, end }: Range): Buffer {
    return readSync(this.fd, offset, end - offset)
  }

  close(): void {
    closeFile(this.fd)
  }

  /** Id of the header; undefined when the first line is none. */
  header(): string | undefined {
    const bytes = readSync(this.fd, 0, FIRST_BACK_BYTES)
    const feed = bytes.indexOf(LF)
    const [first] = feed === -1 ? [] : parseLines(bytes.subarray(0, feed + 1))
    return first?.kind === 'session' ? first.id : undefined
  }

  /** As `close`; closing a large log that was replaced frees its blocks, which must not hold the event loop. */
  #release(): Promise<void> | void {
    if (this.size < LARGE_BYTES || fs.fstatSync(this.fd).nlink > 0) return this.close()
    return new Promise((resolve, reject) => fs.close(this.fd, (error) => (error ? reject(error) : resolve())))
  }

  /** All pieces from `start` (the start of a line) up to `end`, in order, a block at a time. */
  async *blocks(start = 0, end = this.size): AsyncGenerator<Piece[]> {
    const damage: DamagedLine[] = []
    let lines = 0
    try {
      for await (const pieces of this.#blocks(start, end)) {
        for (const piece of pieces) {
          lines++
          if (piece.kind === 'damage') damage.push(damagedLine(piece, start === 0 ? lines : 0))
        }
        yield pieces
      }
    } finally {
      if (damage.length > 0) this.onDamage?.(damage)
    }
  }

  async *#blocks(start: number, end: number): AsyncGenerator<Piece[]> {
    let buffer: Buffer = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, Math.max(end - start, 0)))
    /** Bytes of an unfinished line at the start of the buffer. */
    let rest = 0
    for (let position = start; position < end; ) {
      // a long line is read in doubling steps, so that it is copied a few times only
      if (rest > buffer.length / 2) buffer = Buffer.concat([buffer], buffer.length * 2)
      const room = buffer.subarray(rest, Math.min(buffer.length, rest + end - position))
      const count = await readInto(room, this.fd, position)
      if (count === 0) throw shrunk(this.stat.size, position)
      position += count
      const bytes = buffer.subarray(0, rest + count)
      const atEnd = position >= end
      const stop = atEnd ? bytes.length : bytes.lastIndexOf(LF) + 1
      if (stop > 0) yield parseLines(bytes.subarray(0, stop), position - bytes.length, atEnd)
      rest = bytes.length - stop
      if (rest > MAX_LINE_BYTES) {
        const next = await this.#skipLine(position, end)
        yield [tooLong(position - rest, next, end)]
        position = next
        rest = 0
      }
      buffer.copyWithin(0, stop, stop + rest)
      await (this.isPatient ? yieldToLoop() : yieldIfDue())
    }
  }

  /** The end of the line at `position`. */
  async #skipLine(position: number, end: number): Promise<number> {
    for (let at = position; at < end; ) {
      const chunk = await read(this.fd, at, Math.min(BLOCK_BYTES * 4, end - at))
      if (chunk.length === 0) throw shrunk(this.stat.size, at)
      const feed = chunk.indexOf(LF)
      if (feed !== -1) return at + feed + 1
      at += chunk.length
      await yieldIfDue()
    }
    return end
  }

  /** The same lines with their numbers, for lines in the order of the log. */
  async numbered(lines: readonly DamagedLine[]): Promise<DamagedLine[]> {
    const found: DamagedLine[] = []
    let line = 1
    let position = 0
    for (const given of lines) {
      while (position < given.offset) {
        const bytes = await read(this.fd, position, Math.min(BLOCK_BYTES * 16, given.offset - position))
        if (bytes.length === 0) throw shrunk(this.stat.size, position)
        for (let feed = bytes.indexOf(LF); feed !== -1; feed = bytes.indexOf(LF, feed + 1)) line++
        position += bytes.length
        await yieldIfDue()
      }
      found.push({ ...given, line })
    }
    return found
  }

  /** All pieces from `start` on, in memory. `note` is called with each as soon as it is parsed. */
  async pieces(start = 0, note?: (piece: Piece) => void): Promise<Piece[]> {
    const pieces: Piece[] = []
    for await (const block of this.blocks(start)) {
      for (const piece of block) {
        note?.(piece)
        pieces.push(piece)
      }
    }
    return pieces
  }

  /** Pieces from `end` backwards, each read on demand. The caller will want about `bytes`. */
  *backwards(end = this.size, bytes = 0): Generator<Piece> {
    const damage: DamagedLine[] = []
    let wanted = Math.min(FIRST_BACK_BYTES + Math.ceil(bytes), MOST_BACK_BYTES)
    try {
      for (let stop = end; stop > 0; ) {
        const start = Math.max(0, stop - wanted)
        const block = readSync(this.fd, start, stop - start)
        if (block.length < stop - start) throw shrunk(this.stat.size, start + block.length)
        const feed = start === 0 ? -1 : block.indexOf(LF)
        const first = start > 0 && feed === -1 ? block.length : feed + 1
        for (const piece of parseBackwards(block.subarray(first), start + first)) {
          if (piece.kind === 'damage') damage.push(damagedLine(piece, 0))
          yield piece
        }
        // a line longer than the step needs a longer one
        wanted = first === block.length ? wanted * 2 : BACK_BYTES
        stop = start + first
      }
    } finally {
      if (damage.length > 0) this.onDamage?.(damage.reverse())
    }
  }
}

function damagedLine({ offset, end, reason }: Extract<Piece, { kind: 'damage' }>, line: number): DamagedLine {
  return { line, offset, length: end - offset, reason }
}

function tooLong(offset: number, next: number, end: number): Piece {
  return next >= end
    ? { kind: 'torn', offset, end: next }
    : { kind: 'damage', offset, end: next, reason: `longer than ${MAX_LINE_BYTES} bytes`, open: false }
}

function shrunk(size: number, position: number): Error {
  return Object.assign(new Error(`the log was ${size} bytes long and ends at ${position} now`), { code: 'EIO' })
}
