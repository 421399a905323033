/** Several changes of one session, decided on its content: all of them, or none. */
import { checkCount, checkNames, checkTexts, stillOpen, type WaitOptions } from '../../base/arguments.js'
import { messageNotFound } from '../../base/errors.js'
import { isObject } from '../../base/json.js'
import { type FileMark, sameMark } from '../../disk/log/file-mark.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import type { AnyMessage, Line, StoredMessage } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { messageText } from '../../log/serialize.js'
import { idsToRemove, messageLines, toStored } from '../../log/views.js'
import { knownId, NOTHING_KNOWN, type Visibility } from '../../log/visibility.js'
import { type Entry, entryOf } from '../entry.js'
import { wholeOf } from '../log/catch-up.js'
import { MessageIds } from '../log/message-ids.js'
import { type Draft, messageDraft, removeDraft } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'
import { liveBackwards } from '../read/read-backwards.js'
import { draftOf, type SessionValues, type Value, type ValueToSet } from '../values/values.js'
import { rewriteHeld } from './rewrite.js'
import type { Decision } from './transaction.js'

/** What a change is decided on. */
export interface ChangeView<M extends AnyMessage> {
  /** The live messages, or the last of them. */
  messages: StoredMessage<M>[]
  /** The same messages, apart from their lines. */
  entries: Entry<M>[]
  /** The value of a name; undefined where there is none. */
  value<T = Value>(name: string): T | undefined
}

/** What is to be done. */
export interface Change<T> {
  append?: readonly AnyMessage[]
  /** Ids of messages of the view: of their lines, or their own. */
  remove?: readonly string[]
  values?: Iterable<ValueToSet>
  /** What `change` returns. */
  result: T
}

export type DecideChange<M extends AnyMessage, T> = (view: ChangeView<M>) => Change<T>

/** A decision in terms of lines. */
interface Planned<T> {
  appended: Draft[]
  values: Draft[]
  /** Ids of the lines that go: messages, and summaries that stand for one of them. */
  removed: string[]
  result: T
}

/**
 * Decides under the lease. Nothing is written for a decision that changes nothing; one line, or messages alone, are
 * added in one write; all else rewrites the log.
 * @throws TypeError; SessionError ERR_MESSAGE_NOT_FOUND for an id that is not in the view
 */
export async function changeLog<M extends AnyMessage, T>(
  log: SessionLog,
  values: SessionValues,
  options: { last?: number } & WaitOptions,
  decide: DecideChange<M, T>,
): Promise<T> {
  const { last, signal } = checkNames('change', options, ['last', 'signal'])
  if (last !== undefined) checkCount('last', last)
  if (typeof decide !== 'function') throw new TypeError('a change needs a function')
  const plan = (reader?: LogReader, summary?: Summary) => planOf(log, values, decide, { reader, summary, last })
  return log.transact(async (): Promise<Decision<T>> => {
    const planned = await log.reading(async (reader, { summary }) => ({
      mark: reader.stat as FileMark,
      ...(await plan(reader, summary)),
    }))
    if (planned === undefined) {
      const { appended, values: set, result } = await plan()
      return { drafts: [...appended, ...set], result, isStrict: true }
    }
    const { appended, values: set, removed, result } = planned
    const drafts = [...(removed.length > 0 ? [removeDraft(removed)] : []), ...appended, ...set]
    if (drafts.length <= 1 || drafts.length === appended.length) return { drafts, result, isStrict: true }
    return { drafts: [], result: await rewriteWith(log, planned, plan) }
  }, stillOpen(signal))
}

/** Decides again where the log has become another one meanwhile. */
async function rewriteWith<T>(
  log: SessionLog,
  first: Planned<T> & { mark: FileMark },
  plan: (reader: LogReader, summary: Summary) => Promise<Planned<T>>,
): Promise<T> {
  let { result } = first
  await rewriteHeld(log, async (reader) => {
    const isSame = sameMark(reader.stat, first.mark)
    const again = isSame ? first : await log.reading((own, { summary }) => plan(own, summary))
    const { appended, values, removed } = again ?? first
    result = (again ?? first).result
    const ids = new Set(removed)
    return {
      purges: (line, visibility) => ids.has(knownId(line, visibility)),
      drops: ({ kind, id }) => kind === 'compaction' && ids.has(id),
      adds: [...appended, ...values],
    }
  })
  return result
}

interface Seen {
  reader: LogReader | undefined
  summary: Summary | undefined
  last: number | undefined
}

async function planOf<M extends AnyMessage, T>(
  log: SessionLog,
  values: SessionValues,
  decide: DecideChange<M, T>,
  { reader, summary, last }: Seen,
): Promise<Planned<T>> {
  const seen = reader && summary && (await messagesIn(reader, summary, last))
  const valueIn = reader && summary && (await values.lookUp(reader, summary))
  const lines = seen?.lines ?? []
  const decided = decide({
    messages: lines.map((line) => toStored(line, seen!.visibility, reader!.fileTime) as StoredMessage<M>),
    entries: lines.map((line) => entryOf<M>(line, seen!.visibility, reader!.fileTime)),
    value: <V>(name: string) => valueIn?.(name) as V | undefined,
  })
  const { append = [], remove = [], values: set = [], result } = checkChange(decided)
  const removed = removedLines(log, remove, seen)
  return {
    appended: append.map((message) => messageDraft(messageText(message))),
    values: [...set].map((entry) => draftOf(log.context.clock, entry)),
    removed: removed.length === 0 ? [] : await idsOf(reader as LogReader, removed, seen as SeenLines),
    result,
  }
}

function checkChange<T>(decided: Change<T>): Change<T> {
  if (!isObject(decided) || decided instanceof Promise)
    throw new TypeError('the function of a change must return an object')
  const change = checkNames('a change', decided, ['append', 'remove', 'values', 'result'])
  if (change.append !== undefined && !Array.isArray(change.append)) throw new TypeError('append must be an array')
  if (change.remove !== undefined) checkTexts('remove', change.remove)
  return change
}

interface SeenLines {
  lines: Line[]
  visibility: Visibility
  /** A summary stands for one of them, or may do so. */
  archived: boolean
}

async function messagesIn(reader: LogReader, summary: Summary, last: number | undefined): Promise<SeenLines> {
  const end = last === undefined ? 'unclear' : await linesAtEnd(reader, summary, last)
  if (end !== 'unclear') return end
  const { pieces, visibility } = await wholeOf(reader)
  const lines = messageLines(pieces, visibility).filter(isChat)
  return {
    lines: last === undefined ? lines : lines.slice(lines.length - Math.min(last, lines.length)),
    visibility,
    archived: true,
  }
}

async function linesAtEnd(reader: LogReader, summary: Summary, last: number): Promise<SeenLines | 'unclear'> {
  const seen: SeenLines = {
    lines: [],
    visibility: NOTHING_KNOWN,
    archived: false,
  }
  if (last === 0) return seen
  for await (const found of liveBackwards(reader, summary)) {
    if (found === 'unclear') return found
    seen.lines.unshift(found.line)
    seen.visibility = found.visibility
    if (found.archived) seen.archived = true
    if (seen.lines.length === last) break
  }
  return seen
}

function removedLines(log: SessionLog, remove: readonly string[], seen: SeenLines | undefined): Line[] {
  const ids = new MessageIds(remove)
  for (const line of seen?.lines ?? []) ids.add(line, knownId(line, seen!.visibility))
  const wanted = new Set(
    remove.map((id) => {
      const line = ids.get(id)
      if (line === undefined) throw messageNotFound(log.key, id)
      return line
    }),
  )
  return (seen?.lines ?? []).filter((line) => wanted.has(knownId(line, seen!.visibility)))
}

/** With the summaries that stand for one of them. */
async function idsOf(reader: LogReader, removed: readonly Line[], seen: SeenLines): Promise<string[]> {
  if (!seen.archived) return removed.map((line) => knownId(line, seen.visibility))
  const { pieces, visibility } = await wholeOf(reader)
  return idsToRemove(removed, pieces, visibility)
}
