/** Deleting the files of a session for good, so that a crash leaves nothing of it that another does not take away. */
import { errno } from '../base/errors.js'
import { randomNonce } from '../base/ids.js'
import { removeFile, removeOwnFile, statFile } from './files.js'
import { ensureFolder, isThere, removeTree, syncFolders } from './folders.js'
import type { Layout } from './layout.js'
import { deletedLogs } from './log/formers.js'
import { rename } from './platform/calls.js'
import { isNoRoom } from './reserve.js'

/**
 * Deletes log, sidecar, blobs and quarantined lines, for work under the lease. The log is moved away first, and goes
 * last: as long as it is there, `finishDeletions` takes the rest away.
 */
export async function deleteFiles(layout: Layout, name: string, isSynced: boolean): Promise<void> {
  const log = layout.log(name)
  const hasMore = isThere(layout.blobs(name)) || isThere(layout.quarantine(name))
  if (hasMore) moveAway(layout, name, log)
  else removeFile(log)
  if (isSynced) await syncFolders([layout.root, ...(hasMore ? [layout.rewrites] : [])])
  removeOwnFile(layout.sidecar(name))
  if (hasMore) removeRest(layout, name)
}

function moveAway(layout: Layout, name: string, log: string): void {
  try {
    ensureFolder(layout.rewrites)
    rename(log, layout.deleted(name, randomNonce()))
  } catch (error) {
    const code = errno(error)
    if (code === 'ENOENT') return
    // no room for another name: what frees space goes on
    if (!isNoRoom(error) && code !== 'UNKNOWN') throw error
    removeFile(log)
  }
}

/** Takes away what a deletion that was cut off has left. A log that was made since may need the blobs: they stay then. */
export function finishDeletions(layout: Layout, name: string): void {
  if (deletedLogs(layout, name).length === 0) return
  if (statFile(layout.log(name)) === undefined) removeOwnFile(layout.sidecar(name))
  removeRest(layout, name)
}

function removeRest(layout: Layout, name: string): void {
  if (statFile(layout.log(name)) === undefined) {
    removeTree(layout.blobs(name))
    removeTree(layout.quarantine(name))
  }
  for (const log of deletedLogs(layout, name)) removeFile(log)
}
