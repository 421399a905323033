/** Up to where a log was read, and how a later reading checks that it still begins with the same bytes. */
import { readSync } from '../../disk/files.js'
import { sameFile } from '../../disk/log/file-mark.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Piece } from '../../log/line.js'

const PRINT_BYTES = 64

export interface ReadMark {
  dev: number
  ino: number
  /** Where the last whole line ended. */
  end: number
  /** The bytes before that. */
  print: string
}

export function markAt(reader: LogReader, end: number): ReadMark {
  const { dev, ino } = reader.stat
  return { dev, ino, end, print: printAt(reader, end) }
}

/** True when the log is the one that was read, and has only grown since. */
export function isGrown(reader: LogReader, mark: ReadMark): boolean {
  return isNoShorter(reader, mark) && printAt(reader, mark.end) === mark.print
}

/** The bytes that were added since, in one reading; undefined where the log has not only grown. */
export function readAdded(reader: LogReader, mark: ReadMark): Buffer | undefined {
  if (!isNoShorter(reader, mark)) return undefined
  const { end, print } = mark
  const bytes = readSync(reader.fd, end - print.length, reader.size - end + print.length)
  return bytes.toString('latin1', 0, print.length) === print ? bytes.subarray(print.length) : undefined
}

/** The mark at `end`, which lies in the bytes that were added. */
export function markBehind(mark: ReadMark, added: Buffer, end: number): ReadMark {
  const count = end - mark.end
  const print = mark.print + added.toString('latin1', Math.max(0, count - PRINT_BYTES), count)
  return { ...mark, end, print: print.slice(-PRINT_BYTES) }
}

/** Where the last whole line of these pieces ends. */
export function endOf(pieces: readonly Piece[]): number | undefined {
  return pieces.findLast((piece) => piece.kind !== 'torn' && !piece.open)?.end
}

function isNoShorter({ stat, size }: LogReader, mark: ReadMark): boolean {
  return sameFile(stat, mark) && size >= mark.end
}

function printAt(reader: LogReader, end: number): string {
  const start = Math.max(0, end - PRINT_BYTES)
  return readSync(reader.fd, start, end - start).toString('latin1')
}
