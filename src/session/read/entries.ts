/** Live messages with the lines that they stand in, of any part of a log. */
import { checkCount, checkNames, checkSignal, checkText } from '../../base/arguments.js'
import { messageNotFound } from '../../base/errors.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import { type AnyMessage, type ChatMessage, isLine } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { isLive, knownId } from '../../log/visibility.js'
import { type Entry, entryOf } from '../entry.js'
import { visibilityIn } from '../log/catch-up.js'
import { MessageIds, messageIdsIn } from '../log/message-ids.js'
import type { SessionLog } from '../log/session-log.js'
import { liveInSteps, readEnd } from './read-backwards.js'

export interface EntriesOptions {
  /** So many at the end of what the other options leave. */
  last?: number
  /** Those before the message of this id: of its line, or its own where exactly one live message has it. */
  before?: string
  /** Those behind the message of this id. */
  after?: string
  signal?: AbortSignal
}

/** @throws TypeError, RangeError */
export function checkEntriesOptions(options: EntriesOptions | undefined): EntriesOptions {
  const given = checkNames('entries', options, ['last', 'before', 'after', 'signal'])
  const { last, before, after, signal } = given
  if (last !== undefined) checkCount('last', last)
  if (before !== undefined) checkText('before', before)
  if (after !== undefined) checkText('after', after)
  checkSignal(signal)
  return given
}

/** Ids of lines. */
interface Bounds {
  before: string | undefined
  after: string | undefined
}

/** @throws SessionError ERR_MESSAGE_NOT_FOUND; what the signal was aborted with */
export async function* entriesOf<M extends AnyMessage>(
  log: SessionLog,
  options: EntriesOptions,
): AsyncGenerator<Entry<M>> {
  const { last, before, after, signal } = options
  signal?.throwIfAborted()
  const end = last === undefined ? 'unclear' : await entriesAtEnd<M>(log, last, { before, after })
  if (end !== 'unclear') {
    yield* end
    return
  }
  const reader = log.openReader()
  try {
    const bounds = await boundsIn(reader, log.key, { before, after })
    if (reader === undefined) return
    const entries = stream<M>(reader, bounds, signal)
    yield* last === undefined ? entries : await lastOf(entries, last)
  } finally {
    reader?.close()
  }
}

/** The last entries in order; all where there are no more. */
export async function lastEntries(log: SessionLog, last: number): Promise<Entry[]> {
  const end = await entriesAtEnd<ChatMessage>(log, last, { before: undefined, after: undefined })
  if (end !== 'unclear') return end
  const entries: Entry[] = []
  for await (const entry of entriesOf<ChatMessage>(log, { last })) entries.push(entry)
  return entries
}

/** `'unclear'` where only the whole log decides it, or the ids are not found among those of the lines. */
async function entriesAtEnd<M>(log: SessionLog, last: number, bounds: Bounds): Promise<Entry<M>[] | 'unclear'> {
  const found = await readEnd(log, last, (reader, summary) => readBackwards<M>(reader, summary, last, bounds))
  return found ?? (bounds.before === undefined && bounds.after === undefined ? [] : 'unclear')
}

function* readBackwards<M>(
  reader: LogReader,
  summary: Summary,
  last: number,
  bounds: Bounds,
): Generator<unknown, Entry<M>[] | 'unclear'> {
  const { after } = bounds
  const entries: Entry<M>[] = []
  let isInside = bounds.before === undefined
  if (isInside && last === 0 && after === undefined) return []
  // without bounds it is known about how much is read: in one call, instead of block by block
  const each = isInside && after === undefined ? summary.bytes / (summary.messages + 1) : 0
  for (const found of liveInSteps(reader, summary, last * each)) {
    if (found === 'unclear') return found
    if (found === 'pause') {
      yield
      continue
    }
    const { line, visibility } = found
    const id = knownId(line, visibility)
    if (id === after) return isInside ? entries.reverse() : []
    if (isInside && entries.length < last) entries.push(entryOf<M>(line, visibility, reader.fileTime))
    if (id === bounds.before) isInside = true
    if (isInside && entries.length === last && after === undefined) return entries.reverse()
  }
  return isInside && after === undefined ? entries.reverse() : 'unclear'
}

async function boundsIn(reader: LogReader | undefined, key: string, given: Bounds): Promise<Bounds> {
  const wanted = [given.before, given.after].filter((id) => id !== undefined)
  if (wanted.length === 0) return given
  const ids = reader === undefined ? new MessageIds([]) : await messageIdsIn(reader, wanted)
  const lineOf = (id: string | undefined) => {
    const line = id === undefined ? undefined : ids.get(id)
    if (id !== undefined && line === undefined) throw messageNotFound(key, id)
    return line
  }
  return { before: lineOf(given.before), after: lineOf(given.after) }
}

async function* stream<M>(
  reader: LogReader,
  { before, after }: Bounds,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry<M>> {
  const visibility = await visibilityIn(reader)
  let isInside = after === undefined
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      signal?.throwIfAborted()
      if (!isLine(piece) || !isChat(piece) || !isLive(piece, visibility)) continue
      const id = knownId(piece, visibility)
      if (id === before) return
      if (isInside) yield entryOf<M>(piece, visibility, reader.fileTime)
      if (id === after) isInside = true
    }
  }
}

async function lastOf<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  let last: T[] = []
  for await (const item of items) {
    last.push(item)
    if (last.length > 2 * count + 64) last = last.slice(-count)
  }
  return count === 0 ? [] : last.slice(-count)
}
