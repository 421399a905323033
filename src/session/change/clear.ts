/** Empties a session: its messages are off the disk when this resolves. */

import type { SessionLog } from '../log/session-log.js'
import { rewriteHeld } from './rewrite.js'

/** Takes out all messages and summaries, and with `values` what names hold; returns how many messages there were. */
export async function clearLog(log: SessionLog, values: boolean, signal?: AbortSignal): Promise<number> {
  log.context.checkOpen()
  const rewrite = () =>
    rewriteHeld(log, () => ({
      purges: () => true,
      drops: ({ kind }) => kind === 'compaction' || (values && kind === 'value'),
    }))
  const result = await log.holdExisting(rewrite, signal)
  return result?.purged ?? 0
}
