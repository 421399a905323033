/** Going back in a session. */
import { metaDraft, removeDraft } from './draft.js'
import { notFound } from './errors.js'
import { idsToRemove, messageLines } from './log/whole-session.js'
import type { SessionLog } from './session-log.js'

/**
 * Keeps the first `count` messages and removes the others, with the compactions that cover any of them: one line.
 * False when there is nothing to remove; then nothing happens. @throws SessionError ERR_SESSION_NOT_FOUND
 */
export async function rewindLog(log: SessionLog, count: number): Promise<boolean> {
  if (!log.exists()) throw notFound(log.key)
  return log.transact(async (summary) => {
    const whole = await log.whole()
    if (whole === undefined) throw notFound(log.key)
    const gone = messageLines(whole.pieces, whole.survey).slice(count)
    if (gone.length === 0) return { drafts: [], result: false }
    const ids = idsToRemove(gone, whole.pieces, whole.survey)
    const label = summary?.labels.turnCount === count ? [] : [metaDraft({ turnCount: count })]
    return { drafts: [removeDraft(ids), ...label], result: true }
  })
}
