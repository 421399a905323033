/** Taking the oldest messages of a session off the disk. */
import { visibilityIn } from '../log/catch-up.js'
import type { SessionLog } from '../log/session-log.js'
import { forkRange } from './fork-range.js'
import { rewriteHeld } from './rewrite.js'

/** Leaves the last `keep` messages, the call to which the first of them is the result, and what waits; returns how many went. */
export async function trimLog(log: SessionLog, keep: number, signal?: AbortSignal): Promise<number> {
  log.context.checkOpen()
  const result = await log.holdExisting(async () => {
    const waiting = new Set((await log.current())?.summary.waiting.map(({ id }) => id))
    return rewriteHeld(log, async (reader) => {
      const range = await forkRange(reader, await visibilityIn(reader), { last: keep })
      return { purges: ({ offset, id }) => offset < (range?.from ?? 0) && !waiting.has(id) }
    })
  }, signal)
  return result?.purged ?? 0
}
