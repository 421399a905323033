/** Clearing away, when a store is opened, what a crash left behind. */
import path from 'node:path'
import { errno, SessionError } from '../base/errors.js'
import { breatheIfDue, sleep } from '../base/event-loop.js'
import { pickNames } from '../disk/directory.js'
import { look, removeFile } from '../disk/files.js'
import { listFolder, refuseLink, removeTree } from '../disk/folders.js'
import { rewrittenNames } from '../disk/formers.js'
import type { Layout } from '../disk/layout.js'
import { leaseOf } from '../disk/lock/lease.js'
import { waitedFor } from '../disk/lock/lock-folder.js'
import { sweepLocks } from '../disk/lock/sweep.js'
import { ABSENCE_MS } from '../disk/log-writer.js'
import { isSessionName, logBeside, nameOf, nameOfBlobs, nameOfSidecar, nameOfTemporary } from '../disk/names.js'
import { unfinishedIn } from '../disk/quarantine.js'
import { deadHeartbeats } from '../disk/runs/heartbeat.js'
import { markedNames, unfinishedMarkers } from '../disk/runs/markers.js'
import { isAbandoned } from '../disk/search-index/file.js'
import { readSidecar } from '../disk/sidecar-file.js'
import { sweepTrash } from '../disk/trash.js'
import { markClock } from '../session/clock.js'
import type { StoreContext } from '../session/context.js'
import { claimOf, findUnmarked } from './running.js'

/** What a folder of blobs holds. Another folder of that name is somebody else's. */
const BLOB = /^[0-9a-f]{64}$|\.tmp$/

/** Paths of what was removed, relative to the store. */
type Swept = string[]

/**
 * Removes temporary files whose writer is gone, and sidecars and blobs whose log is gone. What belongs to a session
 * that somebody is working on is left for the next time. Answers what was removed.
 */
export async function sweep(context: StoreContext): Promise<Swept> {
  const { layout } = context
  const files = await pickNames(layout.root, (name) => name)
  const swept: Swept = []
  refuseLink(layout.running)
  if (files.length === 0) return swept
  const remove = (file: string) => {
    if (look(file) !== 'other' && removeFile(file)) swept.push(path.relative(layout.root, file))
  }
  await whereAllowed(async () => {
    waitedFor(layout.waiting)
    await sweepLocks(layout.locks)
  })
  // whoever takes the lease finishes what a dead rewrite has left
  await whereAllowed(async () => {
    for (const name of rewrittenNames(layout)) await underLease(context, name, () => {})
  })
  for (const name of listFolder(layout.quarantines)) {
    const unfinished = isSessionName(name) ? unfinishedIn(layout.quarantine(name)) : []
    if (unfinished.length > 0) await underLease(context, name, () => unfinished.forEach(remove))
  }
  await whereAllowed(() => sweepTrash(layout))
  sweepIndex(layout)
  await findUnmarked(context, files)
  markClock(layout, context.clock)
  await sweepMarkers(context, remove)
  const present = new Set<string | undefined>(files)
  for (const file of files) {
    if (present.has(logBeside(file))) continue
    const temporary = nameOfTemporary(file)
    const orphan = nameOfSidecar(file) ?? nameOfBlobs(file)
    if (temporary !== undefined) await underLease(context, temporary, () => remove(path.join(layout.root, file)))
    else if (orphan !== undefined) await underLease(context, orphan, () => removeOrphans(context, orphan, swept))
  }
  return swept
}

/** Markers that mean nothing any more, and heartbeats of processes that are gone. */
async function sweepMarkers(context: StoreContext, remove: (file: string) => void): Promise<void> {
  const { layout } = context
  for (const { name, file } of unfinishedMarkers(layout)) await underLease(context, name, () => remove(file))
  for (const name of markedNames(layout)) {
    const isStale = () => claimOf(context, name)?.run.state !== 'running'
    if (isStale()) await underLease(context, name, () => void (isStale() && remove(layout.marker(name))))
    await breatheIfDue()
  }
  for (const file of deadHeartbeats(layout)) remove(file)
}

/** An index of searches that nobody makes any more would keep for ever what it says of sessions that are gone. */
function sweepIndex(layout: Layout): void {
  try {
    if (isAbandoned(layout.signatures())) removeFile(layout.signatures())
  } catch (error) {
    // it is not needed, nor is its removal
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(errno(error) ?? '')) throw error
  }
}

async function removeOrphans({ layout }: StoreContext, name: string, swept: Swept): Promise<void> {
  await sleep(ABSENCE_MS)
  if (look(layout.log(name)) !== undefined) return
  const sidecar = readSidecar(layout.sidecar(name))?.sidecar
  const isOurs = sidecar !== undefined && sidecar !== null && nameOf(sidecar.key) === name
  if (isOurs && removeFile(layout.sidecar(name))) swept.push(path.basename(layout.sidecar(name)))
  if (look(layout.blobs(name)) === undefined) return
  if (!listFolder(layout.blobs(name)).every((file) => BLOB.test(file))) return
  removeTree(layout.blobs(name))
  swept.push(path.basename(layout.blobs(name)))
}

async function underLease({ layout }: StoreContext, name: string, work: () => void | Promise<void>): Promise<void> {
  const lease = leaseOf(layout, name)
  await whereAllowed(async () => {
    await lease.run(work, 0)
    await lease.release()
  })
}

/** What is in use, or may not be read or written, is left: nothing here is needed for correct answers. */
async function whereAllowed(work: () => void | Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const isLeft = error instanceof SessionError || ['EACCES', 'EPERM', 'EROFS'].includes(errno(error) ?? '')
    if (!isLeft) throw error
  }
}
