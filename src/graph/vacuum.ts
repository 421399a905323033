/** Taking the tombstoned nodes out of a session's log. */

import { vacuumOf } from '../log/graph/vacuum.js'
import { rewriteHeld } from '../session/change/rewrite.js'
import { checkReadable, foldGraph, type GraphLog } from './graph-log.js'

/**
 * Rewrites the log without them, and without what no reader sees; returns how many there were. None: no file is
 * touched.
 * @throws SessionError ERR_LOG_CORRUPT
 */
export async function vacuumLog({ log }: GraphLog): Promise<number> {
  log.context.checkOpen()
  const removed = await log.holdExisting(async () => {
    let removed = 0
    await rewriteHeld(log, async (reader) => {
      const { graph } = await foldGraph(reader)
      checkReadable(graph)
      removed = graph.tombstoned.size
      return removed === 0 ? null : { changes: vacuumOf(graph) }
    })
    return removed
  })
  return removed ?? 0
}
