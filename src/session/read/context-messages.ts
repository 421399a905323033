/** What a model is given of a session. */
import { activeMessages, lastOf, shownOf } from '../../log/context-order.js'
import { type Context, contextFromEnd } from '../../log/context-tail.js'
import type { ChatMessage, Line } from '../../log/line.js'
import { asGiven, summaryOf } from '../../log/views.js'
import { knownId, type WholeLog } from '../../log/visibility.js'
import { liveOf } from '../log/catch-up.js'
import type { SessionLog } from '../log/session-log.js'
import { readEnd } from './read-backwards.js'

/** By the ids of lines; see `ContextView`. */
export interface View {
  /** False for a message that waits for a later turn. */
  takes: (id: string) => boolean
  /** True for a message whose calls get no result any more. */
  isCutOff: (id: string) => boolean
}

/** The summary in force and the messages behind it, or the `last` of these, as their writers gave them. */
export async function contextOf(log: SessionLog, { last }: { last?: number }, view?: View): Promise<ChatMessage[]> {
  log.context.checkNotClosed()
  if (last !== undefined) {
    const end = await readEnd(log, last, (reader, summary) =>
      contextFromEnd(
        reader.backwards(reader.size, (last * summary.bytes) / (summary.messages + 1)),
        summary,
        last,
        linesOf(view, ({ id }) => id),
      ),
    )
    if (end === undefined) return []
    if (end !== 'unclear') return messagesOf(end)
  }
  log.context.checkOpen()
  const whole = await log.whole()
  return whole === undefined ? [] : messagesOf(wholeContext(await liveOf(whole), last, view))
}

function wholeContext(
  { pieces, visibility, fileTime }: WholeLog,
  last: number | undefined,
  view: View | undefined,
): Context {
  const shown = shownOf(
    activeMessages(pieces, visibility),
    linesOf(view, (line) => knownId(line, visibility)),
  )
  const summary = summaryOf(pieces, visibility, fileTime)
  const compaction = pieces.findLast(
    (piece): piece is Line => piece.kind === 'compaction' && knownId(piece, visibility) === summary?.id,
  )
  return { compaction, shown: last === undefined ? shown : lastOf(shown, last), visibility }
}

function linesOf(view: View | undefined, idOf: (line: Line) => string) {
  if (view === undefined) return {}
  return { takes: (line: Line) => view.takes(idOf(line)), isCutOff: (line: Line) => view.isCutOff(idOf(line)) }
}

function messagesOf({ compaction, shown }: Context): ChatMessage[] {
  const messages = shown.map(asGiven)
  return compaction === undefined
    ? messages
    : [{ role: 'system', content: compaction.value.summary as string }, ...messages]
}
