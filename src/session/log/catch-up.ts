/** Reads a log as far as needed to know its current state. */

import { inSteps, withPauses } from '../../base/event-loop.js'
import { readSync } from '../../disk/files.js'
import { sameFile } from '../../disk/log/file-mark.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { copyOf, emptySummary, foldPiece, type Summary } from '../../log/fold.js'
import { canFollow, foldTail, idsToLookUp, liveAmong } from '../../log/fold-tail.js'
import { isLine, type Piece } from '../../log/line.js'
import { parseLines } from '../../log/parse.js'
import {
  FirstVisibilityPass,
  isLive,
  NOTHING_KNOWN,
  REMOVABLE,
  SecondVisibilityPass,
  type Visibility,
  type WholeLog,
} from '../../log/visibility.js'
import { type LogState, logStateOf, printAt } from './log-state.js'

/** A log up to this size is folded whole; of a larger one, a writer reads only the ends. */
const SMALL_BYTES = 1024 * 1024

/** True when it takes long to fold a log of `size` bytes of which the first `known` are folded. */
export function isLongReading(size: number, known = 0): boolean {
  return size - known > SMALL_BYTES
}

/** The current state of the log: reads only what was added if `former` still holds. */
export async function catchUp(reader: LogReader, former: LogState | undefined): Promise<LogState> {
  if (former === undefined || former.partial || former.open || !sameFile(former.mark, reader.stat))
    return foldLog(reader)
  const summary = copyOf(former.summary)
  const grown =
    reader.size > former.mark.size || (reader.size === former.mark.size && reader.stat.mtimeMs === former.mark.mtimeMs)
  if (!grown || printAt(reader, summary.bytes, former.print.length) !== former.print) return foldLog(reader)
  if (reader.size - summary.bytes > SMALL_BYTES * 16) return foldLog(reader)
  const added = await reader.pieces(summary.bytes)
  const named = idsToLookUp(summary, added)
  const live = named && (await liveBelow(reader, summary, named))
  if (named === undefined || live === undefined || !canFollow(summary, named, live)) return foldLog(reader)
  foldTail(summary, added, live)
  return logStateOf(reader, summary, added.at(-1))
}

/** As `liveAmong` the lines below the summary's watermark, which are read as far as needed. */
export function liveBelow(
  reader: LogReader,
  summary: Summary,
  ids: ReadonlySet<string>,
): Promise<Set<string> | undefined> {
  return withPauses(liveAmong(reader.backwards(summary.bytes), summary, ids))
}

/** Reads the whole log: once if nothing in it refers to anything else, else as often as it takes. */
export async function foldLog(reader: LogReader): Promise<LogState> {
  const pass = new FirstVisibilityPass()
  const first = emptySummary()
  let last: Piece | undefined
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      pass.add(piece)
      foldPiece(first, piece, NOTHING_KNOWN)
    }
    last = pieces.at(-1) ?? last
  }
  if (pass.removed.size === 0 && !pass.needsMore) return logStateOf(reader, first, last)
  const visibility = await completeVisibility(pass, reader.blocks())
  const summary = emptySummary()
  for await (const pieces of reader.blocks()) for (const piece of pieces) foldPiece(summary, piece, visibility)
  summary.uniqueFrom = visibility.uniqueFrom
  return logStateOf(reader, summary, last)
}

/** The whole log in memory. */
export async function wholeOf(reader: LogReader): Promise<WholeLog> {
  const first = new FirstVisibilityPass()
  const pieces = await reader.pieces(0, (piece) => first.add(piece))
  const visibility = await completeVisibility(first, inSteps(pieces))
  return { pieces, visibility, fileTime: reader.fileTime }
}

/** The same log without removed lines, and without lines of the kinds that cannot be removed. */
export async function liveOf({ pieces, visibility, fileTime }: WholeLog): Promise<WholeLog> {
  const isLeft = (piece: Piece) => isLine(piece) && REMOVABLE.has(piece.kind) && isLive(piece, visibility)
  const left: Piece[] = []
  for await (const step of inSteps(pieces)) left.push(...step.filter(isLeft))
  return { pieces: left, visibility, fileTime }
}

/** The visibility of the lines of a log, read in constant memory. */
export async function visibilityIn(reader: LogReader): Promise<Visibility> {
  const first = new FirstVisibilityPass()
  for await (const pieces of reader.blocks()) for (const piece of pieces) first.add(piece)
  return completeVisibility(first, reader.blocks())
}

/** What is still to be known after a first reading, from a second one, which begins if it must. */
async function completeVisibility(first: FirstVisibilityPass, again: AsyncIterable<Piece[]>): Promise<Visibility> {
  if (!first.needsMore) return { ...NOTHING_KNOWN, removed: first.removed }
  const second = new SecondVisibilityPass(first)
  for await (const pieces of again) for (const piece of pieces) second.add(piece)
  return second.visibility()
}

/** What a writer must know to add lines: version and header from the start of the log, time and id of its last line. */
export async function edgesOf(reader: LogReader): Promise<LogState> {
  if (reader.size <= SMALL_BYTES) return foldLog(reader)
  const summary = emptySummary()
  const first = firstPiece(reader)
  // without a header in its place, only the whole log names the session
  if (first?.kind !== 'session') return foldLog(reader)
  foldPiece(summary, first, NOTHING_KNOWN)
  let last: Piece | undefined
  for (const piece of reader.backwards()) {
    last ??= piece
    if (piece.kind !== 'torn') foldPiece(summary, piece, NOTHING_KNOWN)
    if (isLine(piece) && piece.at !== undefined && !piece.bare) break
  }
  summary.bytes = last?.kind === 'torn' ? last.offset : reader.size
  return { ...logStateOf(reader, summary, last), partial: true }
}

function firstPiece(reader: LogReader): Piece | undefined {
  const bytes = readSync(reader.fd, 0, 64 * 1024)
  const feed = bytes.indexOf(0x0a)
  if (feed === -1) return undefined
  return parseLines(bytes.subarray(0, feed + 1))[0]
}
