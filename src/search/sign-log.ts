/** Making the signature of a log. */
import { type FileMark, isSettled, markOf, readSync, sameFile } from '../disk/files.js'
import type { LogReader } from '../disk/log-reader.js'
import { addText, signatureBytes } from '../disk/search-index/bloom-filter.js'
import type { Basis, Signature } from '../disk/search-index/record.js'
import { hashOf } from '../disk/sidecar-file.js'
import { isLine, type Piece } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { textsOf } from '../log/views.js'

const PRINT_BYTES = 512
/** A file that was changed less than so long ago may change again and keep its time, ms. */
const TICK_MS = 20

/** True when any later change of the log gives it another time. */
export function isSettledLog(log: FileMark, now: number): boolean {
  return isSettled(log, now, TICK_MS)
}

/** True when what the signature says still holds for the bytes that it covers. */
export function hasOnlyGrown({ mark, covered, print }: Basis, reader: LogReader): boolean {
  if (!sameFile(mark, reader.stat) || mark.size >= reader.size) return false
  return hashOf(printAt(reader, covered, print.length)) === print.hash
}

function printAt(reader: LogReader, end: number, length = PRINT_BYTES): string {
  const start = Math.max(0, end - length)
  return readSync(reader.fd, start, end - start).toString('latin1')
}

/** The signature of a log; of one that has only grown, with what was added to it. */
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
    length: bits.length,
  }
}

/** Removed messages, too: a line that comes later may bring one back to life. */
function addPiece(bits: Uint8Array, piece: Piece): void {
  if (!isLine(piece) || !isChat(piece)) return
  for (const text of textsOf(piece)) addText(bits, text.toLowerCase())
}

function isWhole(piece: Piece): boolean {
  return piece.kind !== 'torn' && !piece.open
}
