/** Live messages from the end of a log, as far as the lines after a line are enough to judge it. */
import { withPauses, yieldIfDue } from '../../base/event-loop.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import { BackwardReading, LINES_A_STEP } from '../../log/fold-tail.js'
import { isLine, type Line, type StoredMessage } from '../../log/line.js'
import { toStored } from '../../log/views.js'
import type { Visibility } from '../../log/visibility.js'
import type { SessionLog } from '../log/session-log.js'

/** A live message, and whether a compaction covers it. */
export interface BackwardLine {
  line: Line
  archived: boolean
  /** Everything before it is archived. */
  archivedBefore: boolean
  /** The visibility as far as the lines after it decide it. */
  visibility: Visibility
}

/** Ends with `'unclear'` where only the whole log decides what comes before. The event loop runs in between. */
export async function* liveBackwards(reader: LogReader, summary: Summary): AsyncGenerator<BackwardLine | 'unclear'> {
  for (const found of liveInSteps(reader, summary)) {
    if (found === 'pause') await yieldIfDue()
    else yield found
  }
}

/** The same, for a caller that pauses by itself, and will read about `bytes`. */
export function* liveInSteps(
  reader: LogReader,
  summary: Summary,
  bytes = 0,
): Generator<BackwardLine | 'unclear' | 'pause'> {
  const reading = new BackwardReading(summary)
  let passed = 0
  for (const piece of reader.backwards(reader.size, bytes)) {
    const live = reading.add(piece)
    if (++passed % LINES_A_STEP === 0) yield 'pause'
    if (reading.uncertain) {
      yield 'unclear'
      return
    }
    if (!live || !isLine(piece)) continue
    const { archived, archivedBefore, visibility } = reading
    yield { line: piece, archived, archivedBefore, visibility }
  }
}

/** So many steps are made at once: more, behind many removed messages, would hold the event loop. */
const STEPS_AT_ONCE = 8

/**
 * What `work` finds at the end of the log, which yields after each step: at once where that is about
 * `count` messages, else with pauses. Undefined without a session.
 */
export async function readEnd<T>(
  log: SessionLog,
  count: number,
  work: (reader: LogReader, summary: Summary) => Generator<unknown, T>,
): Promise<T | undefined> {
  const found = await log.readingNow((reader, { summary }) => {
    const reading = work(reader, summary)
    for (let steps = 0; steps <= STEPS_AT_ONCE + count / LINES_A_STEP; steps++) {
      const next = reading.next()
      if (next.done) return { value: next.value }
    }
    return 'long'
  })
  if (found !== 'long') return found?.value
  return log.reading((reader, { summary }) => withPauses(work(reader, summary)))
}

/**
 * The last `count` live messages in order, none without a session; `'unclear'` where only the whole log decides it.
 */
export async function lastMessages(log: SessionLog, count: number): Promise<StoredMessage[] | 'unclear'> {
  return (await readEnd(log, count, (reader, summary) => collecting(reader, summary, count))) ?? []
}

function* collecting(reader: LogReader, summary: Summary, count: number): Generator<void, StoredMessage[] | 'unclear'> {
  const messages: StoredMessage[] = []
  const each = summary.bytes / (summary.messages + 1)
  for (const found of liveInSteps(reader, summary, Math.min(count * each, summary.bytes))) {
    if (found === 'unclear') return found
    if (found === 'pause') yield
    else messages.push(toStored(found.line, found.visibility, reader.fileTime))
    if (messages.length === count) break
  }
  return messages.reverse()
}
