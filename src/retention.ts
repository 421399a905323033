/** Taking away what nobody has used for long, and putting it back. */
import { look } from './disk/files.js'
import { writeMarker } from './disk/markers.js'
import { isOwnName, nameOf } from './disk/names.js'
import { livenessOf } from './disk/owner.js'
import { type Run, readSidecar } from './disk/sidecar-file.js'
import { listTrash, logInTrash, moveBack, moveToTrash, sidecarInTrash, type TrashedFiles } from './disk/trash.js'
import { SessionError } from './errors.js'
import { timeInId } from './ids.js'
import { infoOf } from './info.js'
import { isObject } from './json.js'
import { keyInLog } from './key-in-log.js'
import type { Summary } from './log/fold.js'
import type { SessionLog } from './session-log.js'
import { readRun, unmark } from './sidecar.js'
import type { StoreInternals } from './store.js'

export interface CleanupOptions {
  /** Sessions whose last activity is longer ago than this, ms. */
  olderThan: number
  /** Only tell what would be removed. */
  dryRun?: boolean
}

export interface CleanupResult {
  /** Keys, longest idle first. */
  removed: string[]
  /** Sessions that should have gone and could not. */
  failed: Array<{ key: string; error: unknown }>
}

export interface TrashEntry {
  id: string
  key: string
  /** When it was put there. */
  at: Date
}

/** A run on another host that says nothing for longer than this is no reason to keep a session, ms. */
const UNSEEN_RUN_MS = 24 * 3_600_000

/** @throws TypeError for an unknown or missing option, RangeError for an age that is negative or no number */
export async function cleanUp(store: StoreInternals, options: CleanupOptions): Promise<CleanupResult> {
  const { olderThan, dryRun } = checkCleanup(options)
  const result: CleanupResult = { removed: [], failed: [] }
  const rows = (await store.index.rows()).sort((a, b) => a.lastActivity.getTime() - b.lastActivity.getTime())
  for (const { key, lastActivity } of rows) {
    if (!(store.context.clock.now() - lastActivity.getTime() > olderThan)) continue
    try {
      const log = store.log(key)
      if (await (dryRun ? isDue(log, olderThan) : removeIfDue(log, olderThan))) result.removed.push(key)
    } catch (error) {
      result.failed.push({ key, error })
      store.context.settings.onError(error, key)
    }
  }
  return result
}

function checkCleanup(options: unknown): Required<CleanupOptions> {
  if (!isObject(options)) throw new TypeError('cleanup needs an object of options')
  const { olderThan, dryRun = false, ...unknown } = options as unknown as CleanupOptions & Record<string, unknown>
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`unknown option: ${name}`)
  if (typeof olderThan !== 'number') throw new TypeError('option olderThan must be a number of milliseconds')
  if (typeof dryRun !== 'boolean') throw new TypeError('option dryRun must be true or false')
  if (!(olderThan >= 0)) throw new RangeError('option olderThan must not be negative')
  return { olderThan, dryRun }
}

/** Whether a session has been idle for that long, and nobody who may still live is running a turn in it. */
async function isDue(log: SessionLog, olderThan: number): Promise<boolean> {
  const known = await log.known()
  if (known === undefined) return false
  const run = readRun(log, known.summary)
  const now = log.context.clock.now()
  const { lastActivity } = infoOf(log.key, known, run)
  return now - lastActivity.getTime() > olderThan && !isUnreadable(known.summary) && !mayBeRunning(run, now)
}

/** What nobody can read is not known to be unused. */
function isUnreadable({ header, lastAt, messages, damaged }: Summary): boolean {
  return header === null && lastAt === null && messages === 0 && damaged > 0
}

function mayBeRunning(run: Run | null, now: number): boolean {
  if (run?.state !== 'running') return false
  const liveness = livenessOf(run.owner)
  return liveness === 'unknown' ? now - Date.parse(run.since) < UNSEEN_RUN_MS : liveness === 'alive'
}

async function removeIfDue(log: SessionLog, olderThan: number): Promise<boolean> {
  return log.hold(async () => {
    if (!(await isDue(log, olderThan))) return false
    const { layout, clock } = log.context
    log.forget()
    moveToTrash(layout, log.name, clock.id(''))
    unmark(log)
    return true
  })
}

/** What can be put back, newest first. */
export async function trashOf({ context }: StoreInternals): Promise<TrashEntry[]> {
  const entries: TrashEntry[] = []
  for (const trashed of listTrash(context.layout)) {
    const key = await keyOf(trashed)
    if (key !== undefined) entries.push({ id: trashed.id, key, at: new Date(timeInId(trashed.id)) })
  }
  return entries.sort((a, b) => (a.id < b.id ? 1 : -1))
}

async function keyOf(trashed: TrashedFiles): Promise<string | undefined> {
  if (isOwnName(trashed.name)) return trashed.name
  const key = readSidecar(sidecarInTrash(trashed))?.sidecar?.key
  return key !== undefined && nameOf(key) === trashed.name ? key : keyInLog(logInTrash(trashed), trashed.name)
}

export async function restore(store: StoreInternals, id: string): Promise<string> {
  const { layout } = store.context
  const trashed = listTrash(layout).find((entry) => entry.id === id)
  const key = trashed && (await keyOf(trashed))
  if (trashed === undefined || key === undefined) {
    throw new SessionError('ERR_SESSION_NOT_FOUND', 'nothing in the trash has this id', { id })
  }
  const log = store.log(key)
  return log.hold(() => {
    if (look(layout.log(trashed.name)) !== undefined) {
      throw new SessionError('ERR_SESSION_EXISTS', 'there is a session of this key', { key })
    }
    const run = readSidecar(sidecarInTrash(trashed))?.sidecar?.run
    if (run?.state === 'running') writeMarker(layout, log.name, key, run)
    moveBack(layout, trashed)
    log.forget()
    return key
  })
}
