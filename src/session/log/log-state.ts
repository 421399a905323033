/**
 * The folded state of a log as plain data, and how to check that it still matches the file. `CachedLog` keeps one for
 * each log.
 */

import { readSync } from '../../disk/files.js'
import { type FileMark, markOf, sameFile, sameMark } from '../../disk/log/file-mark.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { hashOf, type Sidecar } from '../../disk/sidecar/sidecar-file.js'
import type { Summary } from '../../log/fold.js'
import type { Piece, Range } from '../../log/line.js'

const PRINT_BYTES = 512

/** The folded state of a log, and the bytes that it was folded from. */
export interface LogState {
  summary: Summary
  /** The file as it was then. */
  mark: FileMark
  /** The last bytes below `summary.bytes`, as latin1: a file that still has them there has only grown. */
  print: string
  /** The last line lacks its line feed. */
  open: boolean
  torn: Range | null
  /** Only the ends of the log were read: enough to append, not to read messages. */
  partial: boolean
  /** Id of the last line, where it is known to be a live message with a role and without `answers`. */
  last?: string | undefined
}

/** The last bytes of a write, to recognise it. */
export function printOf(bytes: Buffer): string {
  return bytes.toString('latin1', Math.max(0, bytes.length - PRINT_BYTES))
}

/** The bytes right below an offset, as latin1. */
export function printAt(reader: LogReader, end: number, length = PRINT_BYTES): string {
  const start = Math.max(0, end - length)
  return readSync(reader.fd, start, end - start).toString('latin1')
}

/** The state in a sidecar, if it is of this log and of bytes that are unchanged. */
export function stateFromSidecar(
  sidecar: Sidecar | null | undefined,
  mark: FileMark,
  reader?: LogReader,
): LogState | undefined {
  if (!sidecar?.watermark || !sidecar.summary) return undefined
  const { watermark, summary } = sidecar
  if (!sameFile(watermark, mark) || watermark.size > mark.size) return undefined
  if (watermark.size === mark.size && watermark.mtimeMs !== mark.mtimeMs) return undefined
  const state = { summary, mark: watermark, print: '', open: false, torn: null, partial: false }
  if (watermark.size === mark.size)
    return { ...state, print: reader ? printAt(reader, summary.bytes, watermark.print.length) : '' }
  if (reader === undefined) return undefined
  const print = printAt(reader, summary.bytes, watermark.print.length)
  return hashOf(print) === watermark.print.hash ? { ...state, print } : undefined
}

/** The state of a log that was read to its end; `last` is its last piece. */
export function logStateOf(reader: LogReader, summary: Summary, last: Piece | undefined): LogState {
  return {
    summary,
    mark: markOf(reader.stat),
    print: printAt(reader, summary.bytes),
    open: last !== undefined && last.kind !== 'torn' && 'open' in last && last.open,
    torn: last?.kind === 'torn' ? { offset: last.offset, end: last.end } : null,
    partial: false,
  }
}

/** True when a log is the one that was read, or has only grown since. */
export function isSameLog(now: FileMark, then: FileMark, isStrict: boolean): boolean {
  return sameMark(now, then) || (!isStrict && sameFile(now, then) && now.size > then.size)
}
