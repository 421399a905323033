/**
 * Files that are named like logs and are none: an inbox, a log of another tool. They are read, and never written to.
 */
import { SessionError } from '../../base/errors.js'
import { readSync } from '../../disk/files.js'
import { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import { isLine, type Piece } from '../../log/line.js'

/** An unfinished object is recognised by its beginning and its end. */
const EDGE_BYTES = 64

/** False for the log of a session; others must be read to know. */
export function mayBeForeign({ bytes, header, messages, roleless }: Summary): boolean {
  return bytes > 0 && header === null && messages + roleless === 0
}

/**
 * True for a file in which no line is one of ours, but for what a crash leaves of a log of ours: a run of NUL bytes, or
 * one unfinished object.
 */
export async function isForeign(reader: LogReader): Promise<boolean> {
  let strange = 0
  let cut = 0
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      if (isLine(piece) && piece.kind !== 'unknown') return false
      if (piece.kind === 'blank') continue
      if (piece.kind !== 'unknown' && isCutOff(reader, piece)) cut++
      else strange++
    }
  }
  return strange > 0 || cut > 1
}

function isCutOff(reader: LogReader, { offset, end }: Piece): boolean {
  const size = end - offset
  const first = readSync(reader.fd, offset, Math.min(size, EDGE_BYTES)).toString('latin1').trim()
  const last = readSync(reader.fd, Math.max(offset, end - EDGE_BYTES), Math.min(size, EDGE_BYTES))
    .toString('latin1')
    .trim()
  if (/^\0+$/.test(first) && /^\0+$/.test(last)) return true
  return first.startsWith('{') && !last.endsWith('}')
}

/** @throws SessionError ERR_NOT_A_LOG for a file in which no line is one of ours */
export async function checkOurs(file: string): Promise<void> {
  if (await LogReader.using(file, isForeign)) throw foreignLog(file)
}

export function foreignLog(file: string): SessionError {
  return new SessionError('ERR_NOT_A_LOG', `no line of ${file} is one of a session: it is left unchanged`, { file })
}
