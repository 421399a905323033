/** Deleting a session for good. */
import { deleteFiles } from '../../disk/deletion.js'
import { removeValues } from '../../disk/list-cache-file.js'
import { withReserve } from '../../disk/reserve.js'
import type { SessionLog } from '../log/session-log.js'

/** Removes log, sidecar, blobs and quarantined lines; false when there was no session. */
export async function deleteLog(log: SessionLog, signal?: AbortSignal): Promise<boolean> {
  const { layout, settings, runs } = log.context
  log.context.checkOpen()
  // a second attempt, without the reserve, may find the rest only
  let existed = false
  const remove = async () => {
    existed ||= log.exists()
    if (!existed) return false
    log.reset()
    await log.moving(() => deleteFiles(layout, log.name, settings.fsync !== 'no'))
    // these only say what nobody asks for any more
    for (const forget of [() => removeValues(layout.list()), () => runs.forget(log.key)]) {
      try {
        forget()
      } catch (error) {
        settings.onError(error, log.key)
      }
    }
    log.noteGone()
    return true
  }
  return (await withReserve(layout, () => log.holdExisting(remove, signal))) ?? existed
}
