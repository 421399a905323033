/** Taking the lines of another copy of a log in: a conflict copy of a synced folder, lines that were lost. */

import { logBusy, notFound } from '../../base/errors.js'
import { randomNonce } from '../../base/ids.js'
import { read } from '../../disk/files.js'
import { markOf, sameMark } from '../../disk/log/file-mark.js'
import { LogReader } from '../../disk/log/log-reader.js'
import { isKeyName } from '../../disk/names.js'
import type { Piece } from '../../log/line.js'
import { mergeLogs } from '../../log/merge/merge.js'
import { foreignLog, isForeign } from '../log/foreign-log.js'
import type { SessionLog } from '../log/session-log.js'
import { keyInLog } from '../read/read.js'
import { redactedLines } from '../redaction.js'
import { putInPlace } from './rewrite.js'

export interface MergeResult {
  /** Lines that came in. */
  added: number
  /** Ids that mean one thing here and another in the copy: both lines are kept. */
  contradictions: string[]
}

const NOTHING = Buffer.alloc(0)
/** How often a merge starts over when the log changes meanwhile. */
const MAX_ATTEMPTS = 20

/** Another copy of a log, and what it was made from. */
interface Copy {
  bytes: Buffer
  base: Buffer
  attempt: number
}

/**
 * Merges the log in `file` into the session's, creating the session if there is none. The file stays unchanged.
 * Without a common ancestor (`base`) nothing counts as taken out: what one of the two was rewritten without comes back.
 */
export async function mergeInto(
  log: SessionLog,
  file: string,
  { base, signal }: { base?: string | undefined; signal?: AbortSignal | undefined },
): Promise<MergeResult> {
  const work = async (): Promise<MergeResult> => {
    const taken = async (path: string) => redactedLines(await bytesIn(path), log.redaction())
    const copy = { bytes: await taken(file), base: base === undefined ? NOTHING : await taken(base) }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const outcome = await mergeOnce(log, { ...copy, attempt }, file)
      if (outcome !== 'changed') return outcome
    }
    throw logBusy(log.key, log.file.path)
  }
  return log.hold(work, { signal })
}

function bytesOf(reader: LogReader): Promise<Buffer> {
  return read(reader.fd, 0, reader.size)
}

async function bytesIn(file: string): Promise<Buffer> {
  const bytes = await LogReader.using(file, bytesOf)
  if (bytes === undefined) throw Object.assign(new Error(`there is no file ${file}`), { code: 'ENOENT' })
  return bytes
}

async function mergeOnce(log: SessionLog, copy: Copy, file: string): Promise<MergeResult | 'changed'> {
  const outcome = await log.using((reader) => mergeWith(log, reader, copy))
  if (outcome !== undefined) return outcome
  if (copy.base.length > 0) throw notFound(log.key)
  log.file.stat()
  if (!isKeyName(log.name) && (await keyInLog(file, log.name)) === undefined) {
    // neither the name nor a line of the copy would contain the key
    await log.create()
    return 'changed'
  }
  const { bytes, report } = mergeLogs(NOTHING, NOTHING, copy.bytes)
  const made = await log.file.create(bytes, log.context.layout.temporary(log.name, randomNonce()), true)
  if (made === 'exists') return 'changed'
  log.reset()
  log.context.noteBehind(log)
  return { added: report.onlyTheirs, contradictions: [] }
}

/** The same for lines in memory; undefined for a session that is not there. For work under the lease. */
export function mergeLines(
  log: SessionLog,
  copy: Buffer,
  attempt: number,
): Promise<MergeResult | 'changed' | undefined> {
  return log.using((reader) => mergeWith(log, reader, { bytes: copy, base: NOTHING, attempt }))
}

async function mergeWith(log: SessionLog, reader: LogReader, copy: Copy): Promise<MergeResult | 'changed'> {
  if (await isForeign(reader)) throw foreignLog(log.file.path)
  const last = lastPiece(reader)
  // half of a write, or what a crash left of one: it stays what it is
  const size = last?.kind === 'torn' ? last.offset : reader.size
  const ours = (await bytesOf(reader)).subarray(0, size)
  const { bytes, report } = mergeLogs(copy.base, redactedLines(ours, log.redaction()), copy.bytes)
  const result = { added: report.onlyTheirs, contradictions: report.contradictions }
  if (bytes.equals(ours)) return result
  if (bytes.subarray(0, ours.length).equals(ours)) {
    const end = log.file.end()
    if (end === undefined || !sameMark(end.mark, markOf(reader.stat))) return 'changed'
    const outcome = await log.file.append(bytes.subarray(ours.length), end, { id: '', at: undefined })
    if (typeof outcome === 'string') return 'changed'
    await log.file.sync()
    log.reset()
    log.context.noteBehind(log)
    return result
  }
  return (await putInPlace(log, reader, { parts: [bytes], size, attempt: copy.attempt })) === 'replaced'
    ? 'changed'
    : result
}

function lastPiece(reader: LogReader): Piece | undefined {
  for (const piece of reader.backwards()) return piece
  return undefined
}
