/** Clearing away, when a store is opened, what a crash left behind. */
import path from 'node:path'
import { sleep } from './disk/breath.js'
import { listFolder, look, removeFile, removeTree } from './disk/files.js'
import { leaseOf } from './disk/lease.js'
import { sweepSpares, waitedFor } from './disk/lock-folder.js'
import { ABSENCE_MS } from './disk/log-file.js'
import { isSessionName, nameOf, nameOfBlobs, nameOfLog, nameOfSidecar, nameOfTemporary } from './disk/names.js'
import { unfinishedIn } from './disk/quarantine.js'
import { readSidecar } from './disk/sidecar-file.js'
import { sweepTrash } from './disk/trash.js'
import { errno, SessionError } from './errors.js'
import type { StoreContext } from './store-context.js'

/** What a folder of blobs holds. Another folder of that name is somebody else's. */
const BLOB = /^[0-9a-f]{64}$|\.tmp$/

/**
 * Removes temporary files whose writer is gone, and sidecars and blobs whose log is gone. What belongs to a session
 * that somebody is working on is left for the next time.
 */
export async function sweep(context: StoreContext): Promise<void> {
  const { layout } = context
  const files = listFolder(layout.root)
  if (files.length === 0) return
  waitedFor(layout.waiting)
  sweepSpares(layout.locks)
  for (const name of listFolder(layout.quarantines)) {
    const unfinished = isSessionName(name) ? unfinishedIn(layout.quarantine(name)) : []
    if (unfinished.length > 0) await underLease(context, name, () => unfinished.forEach(removeFile))
  }
  sweepTrash(layout)
  const logs = new Set(files.map(nameOfLog))
  for (const file of files) {
    const temporary = nameOfTemporary(file)
    const orphan = nameOfSidecar(file) ?? nameOfBlobs(file)
    if (temporary !== undefined)
      await underLease(context, temporary, () => void removeFile(path.join(layout.root, file)))
    else if (orphan !== undefined && !logs.has(orphan))
      await underLease(context, orphan, () => removeOrphans(context, orphan))
  }
}

async function removeOrphans({ layout }: StoreContext, name: string): Promise<void> {
  await sleep(ABSENCE_MS)
  if (look(layout.log(name)) !== undefined) return
  const sidecar = readSidecar(layout.sidecar(name))?.sidecar
  if (sidecar !== undefined && sidecar !== null && nameOf(sidecar.key) === name) removeFile(layout.sidecar(name))
  if (listFolder(layout.blobs(name)).every((file) => BLOB.test(file))) removeTree(layout.blobs(name))
}

async function underLease({ layout }: StoreContext, name: string, work: () => void | Promise<void>): Promise<void> {
  const lease = leaseOf(layout.lock(name), layout.waiting)
  try {
    await lease.run(work, 0)
    await lease.release()
  } catch (error) {
    // in use, or a folder that may only be read: nothing here is needed for correct answers
    const isLeft = error instanceof SessionError || ['EACCES', 'EPERM', 'EROFS'].includes(errno(error) ?? '')
    if (!isLeft) throw error
  }
}
