/** Giving a message another text where it stands. */
import { messageNotFound, notFound } from '../../base/errors.js'
import type { JsonObject } from '../../base/json.js'
import { isIdList, type Line } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { type LineSays, type MessageText, messageLine } from '../../log/serialize.js'
import { isLive, knownId, timeIn } from '../../log/visibility.js'
import { visibilityIn } from '../log/catch-up.js'
import { messageIdsIn } from '../log/message-ids.js'
import { checkedLength } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'
import { rewriteHeld } from './rewrite.js'

/**
 * Writes the log anew with another message in the line that `id` names: its place, id and time stay, and what it says
 * of references and answers. Returns the id of the line.
 * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_MESSAGE_NOT_FOUND, ERR_TOO_LARGE
 */
export async function replaceMessage(
  log: SessionLog,
  id: string,
  message: MessageText,
  signal?: AbortSignal,
): Promise<string> {
  const { key, context } = log
  context.checkOpen()
  const replaced = await log.holdExisting(async () => {
    let found = ''
    await rewriteHeld(log, async (reader) => {
      const visibility = await visibilityIn(reader)
      const line = (await messageIdsIn(reader, [id])).get(id)
      if (line === undefined) throw messageNotFound(key, id)
      found = line
      const isIt = (one: Line) => isChat(one) && isLive(one, visibility) && knownId(one, visibility) === line
      return {
        changes: (one) => (isIt(one) ? () => textOf(one) : undefined),
        facts: (one) => (isIt(one) ? ({ ...message.facts, ...saidBy(one) } as JsonObject) : undefined),
      }

      function textOf(one: Line): string {
        const stamp = { id: line as string, at: timeIn(one, visibility, reader.fileTime) }
        const text = messageLine(stamp, message, saidBy(one))
        checkedLength(text, context.settings.maxMessageBytes)
        return text.trimEnd()
      }
    })
    return found
  }, signal)
  if (replaced === undefined) throw notFound(key)
  return replaced
}

/** The fields of the line beside those of its message, if any. */
function saidBy({ value: { received, answers } }: Line): LineSays | undefined {
  const says = { ...(typeof received === 'string' && { received }), ...(isIdList(answers) && { answers }) }
  return Object.keys(says).length === 0 ? undefined : says
}
