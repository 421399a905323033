/** Makes the signature of a log. */

import { readSync } from '../disk/files.js'
import { type FileMark, isSettled, markOf, sameFile } from '../disk/log/file-mark.js'
import type { LogReader } from '../disk/log/log-reader.js'
import { addText, signatureBytes } from '../disk/search-index/bloom-filter.js'
import type { Signature } from '../disk/search-index/record.js'
import { hashOf } from '../disk/sidecar/sidecar-file.js'
import { isLine, type Piece } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { stringsIn } from '../log/views.js'
import { foldedText } from './words.js'

const PRINT_BYTES = 512
/** Two changes of a file within this time can leave it the same modification time, ms. */
const TICK_MS = 20

/** True when any later change of the log changes its mark. */
export function isSettledLog(log: FileMark, now: number): boolean {
  return isSettled(log, now, TICK_MS)
}

/** True when the bytes that the signature covers are still the same. */
export function hasOnlyGrown({ mark, covered, print }: Signature, reader: LogReader): boolean {
  if (!sameFile(mark, reader.stat) || mark.size >= reader.size) return false
  return hashOf(printAt(reader, covered, print.length)) === print.hash
}

function printAt(reader: LogReader, end: number, length = PRINT_BYTES): string {
  const start = Math.max(0, end - length)
  return readSync(reader.fd, start, end - start).toString('latin1')
}

/** The signature of a log; of one that has only grown, made from its former signature and the new lines. */
export async function signatureOf(name: string, reader: LogReader, grown: Signature | undefined): Promise<Signature> {
  const bits = grown?.bits ?? Buffer.alloc(signatureBytes(reader.size))
  let covered = grown?.covered ?? 0
  for await (const pieces of reader.blocks(covered)) {
    for (const piece of pieces) {
      addPiece(bits, piece)
      if (isWhole(piece)) covered = piece.end
    }
  }
  const print = printAt(reader, covered)
  return {
    name,
    mark: markOf(reader.stat),
    covered,
    print: { length: print.length, hash: hashOf(print) },
    bits,
  }
}

/** Removed messages too: a later line may restore one. */
function addPiece(bits: Uint8Array, piece: Piece): void {
  if (!isLine(piece) || !isChat(piece)) return
  const { id: _, role: __, type: ___, ...said } = piece.value
  for (const text of stringsIn(said)) addText(bits, foldedText(text))
}

function isWhole(piece: Piece): boolean {
  return piece.kind !== 'torn' && !piece.open
}
