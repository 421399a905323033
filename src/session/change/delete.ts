/** Deleting a session for good. */
import { removeFile, removeOwnFile } from '../../disk/files.js'
import { removeTree, syncFolder } from '../../disk/folders.js'
import { removeValues } from '../../disk/list-cache-file.js'
import type { SessionLog } from '../log/session-log.js'

/** Removes log, sidecar, blobs and quarantined lines; false when there was no session. */
export async function deleteLog(log: SessionLog, signal?: AbortSignal): Promise<boolean> {
  const { layout, settings, runs } = log.context
  const { name } = log
  log.context.checkOpen()
  const existed = await log.holdExisting(() => {
    if (!log.exists()) return false
    log.reset()
    const existed = removeFile(log.file.path)
    if (settings.fsync !== 'no') syncFolder(layout.root)
    removeOwnFile(log.sidecar.path)
    removeTree(layout.blobs(name))
    removeTree(layout.quarantine(name))
    // these only describe what is deleted
    for (const forget of [() => removeValues(layout.list()), () => runs.forget(log.key)]) {
      try {
        forget()
      } catch (error) {
        settings.onError(error, log.key)
      }
    }
    return existed
  }, signal)
  return existed ?? false
}
