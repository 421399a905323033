/** The trash: lists, restores and purges sessions that cleanup took away. */

import { checkWait, type WaitOptions } from '../base/arguments.js'
import { SessionError, sessionExists } from '../base/errors.js'
import { timeInId } from '../base/ids.js'
import { statFile } from '../disk/files.js'
import { nameIn } from '../disk/given-names.js'
import { removeValues } from '../disk/list-cache-file.js'
import { isKeyName, nameOf } from '../disk/names.js'
import { withReserve } from '../disk/reserve.js'
import { statementOf } from '../disk/runs/run-lines.js'
import { sidecarOrNone } from '../disk/sidecar/sidecar-file.js'
import { listTrash, logInTrash, moveBack, removeForGood, sidecarInTrash, type TrashedFiles } from '../disk/trash.js'
import type { StoreInternals } from '../list/store-internals.js'
import { attempt } from '../session/options.js'
import { keyInLog } from '../session/read/read.js'
import { timePassed } from './cleanup.js'
import { checkPurgeTrash, type PurgeTrashOptions } from './options.js'

export interface TrashEntry {
  id: string
  key: string
  /** When it was put there. */
  at: Date
  /** Size of the log. */
  bytes: number
}

export interface PurgeTrashResult {
  /** Oldest first. */
  purged: TrashEntry[]
  /** What should have gone and could not. */
  failed: Array<{ id: string; error: unknown }>
}

/** What can be put back, newest first. */
export async function trashOf({ context }: StoreInternals): Promise<TrashEntry[]> {
  const entries: TrashEntry[] = []
  for (const trashed of listTrash(context.layout)) {
    const entry = await attempt(context.settings, trashed.name, () => entryOf(trashed))
    if (entry !== undefined) entries.push(entry)
  }
  return entries.sort((a, b) => (a.id < b.id ? 1 : -1))
}

async function entryOf(trashed: TrashedFiles): Promise<TrashEntry | undefined> {
  const log = statFile(logInTrash(trashed))
  const key = log === undefined || log === 'other' ? undefined : await keyOf(trashed)
  if (key === undefined || log === undefined || log === 'other') return undefined
  return { id: trashed.id, key, at: new Date(timeInId(trashed.id)), bytes: log.size }
}

async function keyOf(trashed: TrashedFiles): Promise<string | undefined> {
  if (isKeyName(trashed.name)) return trashed.name
  const key = sidecarOrNone(sidecarInTrash(trashed))?.key
  return key !== undefined && nameOf(key) === trashed.name ? key : keyInLog(logInTrash(trashed), trashed.name)
}

/** @throws SessionError ERR_SESSION_NOT_FOUND, ERR_SESSION_EXISTS */
export async function restore(store: StoreInternals, id: string, options?: WaitOptions): Promise<string> {
  const signal = checkWait('restore', options)
  const { layout, runs, settings, leases } = store.context
  const trashed = listTrash(layout).find((entry) => entry.id === id)
  const key = trashed && (await keyOf(trashed))
  if (trashed === undefined || key === undefined) throw notInTrash(id)
  const lease = leases.of(trashed.name, key)
  const work = async () => {
    const names = [trashed.name, nameIn(layout, key)]
    if (names.some((name) => statFile(layout.log(name)) !== undefined)) throw sessionExists(key)
    if (statFile(logInTrash(trashed)) === undefined) throw notInTrash(id)
    const sidecar = sidecarOrNone(sidecarInTrash(trashed))
    if (sidecar?.run?.state === 'running') runs.pointTo([statementOf(key, sidecar.session, sidecar.run)])
    await moveBack(layout, trashed, settings.fsync !== 'no').catch((error) => {
      lease.noteUnfinished()
      throw error
    })
    store.log(key).reset()
    return key
  }
  return lease.run(work, settings.lockTimeout, signal)
}

function notInTrash(id: string): SessionError {
  return new SessionError('ERR_SESSION_NOT_FOUND', `nothing in the trash has the id ${JSON.stringify(id)}`, { id })
}

/** Removes for good what was put into the trash long ago. @throws TypeError, RangeError for wrong options */
export async function purgeTrash(store: StoreInternals, options: PurgeTrashOptions): Promise<PurgeTrashResult> {
  const { olderThan, dryRun, signal } = checkPurgeTrash(options)
  const { context } = store
  const { leases, settings } = context
  const now = timePassed(context, await store.index.sessions())
  const result: PurgeTrashResult = { purged: [], failed: [] }
  for (const trashed of listTrash(context.layout).sort((a, b) => (a.id < b.id ? -1 : 1))) {
    signal?.throwIfAborted()
    if (!(now - timeInId(trashed.id) > olderThan)) continue
    const entry = await attempt(context.settings, trashed.name, () => entryOf(trashed))
    if (entry === undefined) continue
    try {
      if (
        dryRun ||
        (await withReserve(context.layout, () =>
          leases.of(trashed.name, entry.key).run(() => removeForGood(trashed), settings.lockTimeout, signal),
        ))
      )
        result.purged.push(entry)
    } catch (error) {
      signal?.throwIfAborted()
      result.failed.push({ id: trashed.id, error })
      context.settings.onError(error, entry.key)
    }
  }
  if (result.purged.length > 0 && !dryRun)
    await attempt(context.settings, '', async () => removeValues(context.layout.list()))
  return result
}
