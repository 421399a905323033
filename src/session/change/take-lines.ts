/** Lines that are ready, with ids and times of their own, as an import makes them: the door by which they come in. */
import { logBusy, notFound } from '../../base/errors.js'
import { randomNonce } from '../../base/ids.js'
import { removeOwnFile } from '../../disk/files.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { isLine } from '../../log/line.js'
import type { SessionLog } from '../log/session-log.js'
import { mergeLines } from './merge.js'
import { checkVersion } from './transaction.js'

/** How often a write starts over when other programs keep changing the log under it. */
const MAX_ATTEMPTS = 50

/**
 * Makes a session of whole lines, a header before them: `given` are they, or the path of a private file with them on
 * the store's own disk, which is moved. False, and nothing is done, when there is a session. For work under the lease.
 * @throws SessionError ERR_LOG_BUSY when another program makes one in that instant
 */
export async function makeOf(log: SessionLog, given: Buffer | string): Promise<boolean> {
  const { layout, settings } = log.context
  if (log.file.stat() !== undefined) return false
  removeOwnFile(log.sidecar.path)
  const isSynced = settings.fsync !== 'no'
  const made =
    typeof given === 'string'
      ? await log.file.adopt(given, isSynced)
      : await log.file.create(given, layout.temporary(log.name, randomNonce()), isSynced)
  if (made === 'exists') throw logBusy(log.key, log.file.path)
  log.reset()
  log.context.noteBehind(log)
  return true
}

/**
 * Adds whole lines at the end of a session that is there, in one write as far as they fit into one. For work under the
 * lease, and for lines of which none is earlier than a message there. @throws SessionError ERR_VERSION_UNSUPPORTED
 */
export async function addAtEnd(log: SessionLog, bytes: Buffer): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const state = await log.forWriting()
    if (state === undefined) throw notFound(log.key)
    checkVersion(state.summary, log.file.path)
    const end = log.file.end()
    const outcome = end === undefined ? 'absent' : await log.file.append(bytes, end, { id: '', at: undefined })
    log.invalidate()
    if (typeof outcome === 'string') continue
    if (log.context.settings.fsync !== 'no') await log.file.sync()
    log.reset()
    log.context.noteBehind(log)
    return
  }
  throw logBusy(log.key, log.file.path)
}

/** Takes whole lines in where their times put them. For work under the lease, and a session that is there. */
export async function mergeAll(log: SessionLog, bytes: Buffer): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const outcome = await mergeLines(log, bytes, attempt)
    if (outcome === undefined) throw notFound(log.key)
    if (outcome !== 'changed') return
  }
  throw logBusy(log.key, log.file.path)
}

/** The time of the last message or commit that names one, found from the end backwards; null when there is none. */
export function lastActivityIn(reader: LogReader): string | null {
  for (const piece of reader.backwards()) {
    if (isLine(piece) && (piece.kind === 'message' || piece.kind === 'commit') && piece.at !== undefined)
      return piece.at
  }
  return null
}
