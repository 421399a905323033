/** Taking the lines of another copy of a log in: a conflict copy of a synced folder, lines that were lost. */

import { SessionError } from '../base/errors.js'
import { randomNonce } from '../base/ids.js'
import { markOf } from '../disk/file-mark.js'
import { read } from '../disk/files.js'
import { LogReader } from '../disk/log-reader.js'
import { isOwnName } from '../disk/names.js'
import { setAside } from '../disk/quarantine.js'
import type { Piece } from '../log/line.js'
import { mergeLogs } from '../log/merge/merge.js'
import { keyInLog } from './read.js'
import { putInPlace } from './rewrite.js'
import type { SessionLog } from './session-log.js'

export interface MergeResult {
  /** Lines that came in. */
  added: number
  /** Ids that mean one thing here and another in the copy: both lines are kept. */
  contradictions: string[]
}

const NOTHING = Buffer.alloc(0)
/** How often a merge starts over when the log changes meanwhile. */
const MAX_ATTEMPTS = 5

/**
 * Merges the log in `file` into the session's, creating the session if there is none. The file stays as it is.
 * Without a common ancestor nothing counts as taken out: what one of the two was rewritten without comes back.
 */
export async function mergeInto(log: SessionLog, file: string): Promise<MergeResult> {
  return log.hold(async () => {
    const copy = await LogReader.using(file, bytesOf)
    if (copy === undefined) throw Object.assign(new Error(`there is no file ${file}`), { code: 'ENOENT' })
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const outcome = await mergeOnce(log, copy, file)
      if (outcome !== 'changed') return outcome
    }
    throw new SessionError('ERR_LOCKED', 'other programs keep changing the log', { file: log.file.path })
  })
}

function bytesOf(reader: LogReader): Promise<Buffer> {
  return read(reader.fd, 0, reader.size)
}

async function mergeOnce(log: SessionLog, copy: Buffer, file: string): Promise<MergeResult | 'changed'> {
  const outcome = await LogReader.using(log.file.path, (reader) => mergeWith(log, reader, copy))
  if (outcome !== undefined) return outcome
  log.file.look()
  if (!isOwnName(log.name) && (await keyInLog(file, log.name)) === undefined) {
    // neither the name nor a line of the copy would tell the key
    log.create()
    return 'changed'
  }
  const { bytes, report } = mergeLogs(NOTHING, NOTHING, copy)
  const made = log.file.create(bytes, log.context.layout.temporary(log.name, randomNonce()), true)
  if (made === 'exists') return 'changed'
  log.forget()
  log.context.noteBehind(log)
  return { added: report.onlyTheirs, contradictions: [] }
}

/** The same for lines in memory; undefined for a session that is not there. For work under the lease. */
export function mergeLines(log: SessionLog, copy: Buffer): Promise<MergeResult | 'changed' | undefined> {
  return LogReader.using(log.file.path, (reader) => mergeWith(log, reader, copy))
}

async function mergeWith(log: SessionLog, reader: LogReader, copy: Buffer): Promise<MergeResult | 'changed'> {
  const last = lastPiece(reader)
  const torn = last?.kind === 'torn' ? last : undefined
  const ours = (await bytesOf(reader)).subarray(0, torn?.offset)
  const { bytes, report } = mergeLogs(NOTHING, ours, copy)
  const result = { added: report.onlyTheirs, contradictions: report.contradictions }
  if (bytes.equals(ours)) return result
  if (torn !== undefined) await setAside(log.context.layout.quarantine(log.name), reader.fd, [torn])
  if (torn === undefined && bytes.subarray(0, ours.length).equals(ours)) {
    const outcome = log.file.append(bytes.subarray(ours.length), markOf(reader.stat))
    if (typeof outcome === 'string') return 'changed'
    await log.file.sync()
    log.forget()
    log.context.noteBehind(log)
    return result
  }
  return (await putInPlace(log, reader, [bytes])) === 'replaced' ? 'changed' : result
}

function lastPiece(reader: LogReader): Piece | undefined {
  for (const piece of reader.backwards()) return piece
  return undefined
}
