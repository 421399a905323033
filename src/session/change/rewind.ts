/** Going back in a session. */
import { checkCount, checkText } from '../../base/arguments.js'
import { messageNotFound, notFound } from '../../base/errors.js'
import { isObject } from '../../base/json.js'
import { isChat } from '../../log/parse.js'
import { idsToRemove, messageLines } from '../../log/views.js'
import { knownId, type WholeLog } from '../../log/visibility.js'
import { isEnding } from '../../log/waiting.js'
import { liveOf } from '../log/catch-up.js'
import { MessageIds } from '../log/message-ids.js'
import { metaDraft, removeDraft } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'

/**
 * The last message that stays, by the id of its line or its own where one live message has it; or how many of the first
 * ones stay.
 */
export type RewindTarget = { to: string } | { keep: number }

/** @throws TypeError, RangeError */
export function checkTarget(target: unknown): asserts target is RewindTarget {
  if (!isObject(target) || 'to' in target === 'keep' in target)
    throw new TypeError('a rewind needs the message to go back to, or how many to keep')
  if ('to' in target) checkText('to', target.to)
  else checkCount('keep', target.keep)
}

/**
 * Removes the messages behind the target, with the compactions that cover any of them: one line. Returns how many;
 * 0 when there is nothing to remove: then nothing happens.
 * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_MESSAGE_NOT_FOUND
 */
export async function rewindLog(
  log: SessionLog,
  target: RewindTarget,
  dryRun = false,
  signal?: AbortSignal,
): Promise<number> {
  const removed = await log.transactExisting(async (summary) => {
    const whole = await log.whole()
    if (whole === undefined) throw notFound(log.key)
    const live = await liveOf(whole)
    const count = countOf(live, target, log.key)
    const gone = messageLines(live.pieces, live.visibility).slice(count)
    if (gone.length === 0 || dryRun) return { drafts: [], result: gone.length }
    const ids = idsToRemove(gone, whole.pieces, whole.visibility)
    const label = summary?.labels.turnCount === count ? [] : [metaDraft({ turnCount: count })]
    const isPlain = ids.length === gone.length && gone.every((line) => isChat(line) && !isEnding(line))
    const removes = isPlain ? new Set(ids) : undefined
    return { drafts: [removeDraft(ids), ...label], result: gone.length, ...(removes && { removes }) }
  }, signal)
  if (removed === undefined) throw notFound(log.key)
  return removed
}

/** How many messages stay. */
function countOf({ pieces, visibility }: WholeLog, target: RewindTarget, key: string): number {
  if ('keep' in target) return target.keep
  const lines = messageLines(pieces, visibility)
  const ids = new MessageIds([target.to])
  for (const line of lines) ids.add(line, knownId(line, visibility))
  const to = ids.get(target.to)
  const place = lines.findIndex((line) => knownId(line, visibility) === to)
  if (to === undefined || place === -1) throw messageNotFound(key, target.to)
  return place + 1
}
