/** Taking messages back: a line that names them. */
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import { isLine, type Line, type StoredMessage } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { toStored } from '../../log/views.js'
import { isLive, knownId } from '../../log/visibility.js'
import { isEnding } from '../../log/waiting.js'
import { liveBelow } from '../log/catch-up.js'
import { messageIdsIn } from '../log/message-ids.js'
import { removeDraft } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'
import { liveBackwards } from '../read/read-backwards.js'
import type { Decision } from './transaction.js'

/** Removes messages by the ids of their lines or their own; returns how many of them were there. */
export async function removeMessages(log: SessionLog, given: readonly string[], signal?: AbortSignal): Promise<number> {
  const wanted = new Set(given)
  const removed = await log.transactExisting(async (summary) => {
    const below = summary && (await log.reading((reader) => liveBelow(reader, summary, wanted)))
    if (below?.size === wanted.size) return { ...removalOfAll(below), removes: below }
    const named = await log.reading((reader) => messageIdsIn(reader, wanted))
    const ids = [...wanted].map((id) => named?.get(id)).filter((id) => id !== undefined)
    return removalOfAll(new Set(ids))
  }, signal)
  return removed ?? 0
}

function removalOfAll(ids: ReadonlySet<string>): Decision<number> {
  return { drafts: ids.size > 0 ? [removeDraft([...ids])] : [], result: ids.size }
}

/** Removes the last live message; false when there is none. */
export async function removeLastMessage(log: SessionLog, signal?: AbortSignal): Promise<boolean> {
  const removed = await log.transactExisting((summary, state) => {
    if (summary === undefined || summary.messages === 0) return removalOf(undefined)
    return state?.last === undefined ? removalOfLast(log) : removalOf(state.last)
  }, signal)
  return removed ?? false
}

async function removalOfLast(log: SessionLog): Promise<Decision<boolean>> {
  const last = await lastOf(log)
  return removalOf(last?.id, last?.isPlain)
}

/** Removes the last live message and returns it; undefined when there is none. */
export async function popMessage(log: SessionLog, signal?: AbortSignal): Promise<StoredMessage | undefined> {
  return log.transactExisting(async (summary) => {
    const last = summary?.messages === 0 ? undefined : await lastOf(log)
    return { ...removalOf(last?.id, last?.isPlain), result: last?.message }
  }, signal)
}

/** The last live message, by the id of its line. `isPlain`: it is not archived, and nothing waits again when it is removed. */
interface Last {
  id: string
  message: StoredMessage
  isPlain: boolean
}

async function lastOf(log: SessionLog): Promise<Last | undefined> {
  const last = await log.reading((reader, { summary }) => lastIn(reader, summary))
  if (last !== 'unclear') return last
  const whole = await log.whole()
  const line = whole?.pieces.findLast((piece) => isLine(piece) && isChat(piece) && isLive(piece, whole.visibility))
  if (whole === undefined || line === undefined) return undefined
  const { visibility, fileTime } = whole
  return {
    id: knownId(line as Line, visibility),
    message: toStored(line as Line, visibility, fileTime),
    isPlain: false,
  }
}

async function lastIn(reader: LogReader, summary: Summary): Promise<Last | 'unclear' | undefined> {
  for await (const found of liveBackwards(reader, summary)) {
    if (found === 'unclear') return found
    const { line, archived, visibility } = found
    return { id: line.id, message: toStored(line, visibility, reader.fileTime), isPlain: !isEnding(line) && !archived }
  }
  return undefined
}

/** `isPlain`: nothing waits again by it. */
function removalOf(id: string | undefined, isPlain = true): Decision<boolean> {
  if (id === undefined) return { drafts: [], result: false }
  return { drafts: [removeDraft([id])], result: true, ...(isPlain && { removes: new Set([id]) }) }
}
