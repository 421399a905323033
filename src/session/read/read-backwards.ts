/** Live messages from the end of a log, as far as the lines after a line are enough to judge it. */
import { yieldIfDue } from '../../base/event-loop.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import { BackwardReading } from '../../log/fold-tail.js'
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

/** Ends with `'unclear'` where only the whole log decides what comes before. The caller will read about `bytes`. */
export function liveBackwards(reader: LogReader, summary: Summary, bytes = 0): Generator<BackwardLine | 'unclear'> {
  return inSteps(reader, summary, bytes, Number.POSITIVE_INFINITY) as Generator<BackwardLine | 'unclear'>
}

/** The same, with a pause after so many lines that are no live message. */
function* inSteps(
  reader: LogReader,
  summary: Summary,
  bytes: number,
  step: number,
): Generator<BackwardLine | 'unclear' | 'pause'> {
  const reading = new BackwardReading(summary)
  let passed = 0
  for (const piece of reader.backwards(reader.size, bytes)) {
    const live = reading.add(piece)
    if (++passed % step === 0) yield 'pause'
    if (reading.uncertain) {
      yield 'unclear'
      return
    }
    if (!live || !isLine(piece)) continue
    const { archived, archivedBefore, visibility } = reading
    yield { line: piece, archived, archivedBefore, visibility }
  }
}

/** So many lines are judged between two looks at the event loop, … */
const STEP = 256
/** … of which a reading at once makes so many: behind many removed messages it would hold the event loop. */
const STEPS_AT_ONCE = 8

/**
 * The last `count` live messages in order, none without a session; `'unclear'` where only the whole log decides it.
 */
export async function lastMessages(log: SessionLog, count: number): Promise<StoredMessage[] | 'unclear'> {
  const last = await log.readingNow((reader, { summary }) => {
    let steps = 0
    const reading = collecting(reader, summary, count)
    for (let next = reading.next(); ; next = reading.next()) {
      if (next.done) return next.value
      if (++steps > STEPS_AT_ONCE + count / STEP) return 'long'
    }
  })
  if (last !== 'long') return last ?? []
  const late = await log.reading(async (reader, { summary }) => {
    const reading = collecting(reader, summary, count)
    for (let next = reading.next(); ; next = reading.next()) {
      if (next.done) return next.value
      await yieldIfDue()
    }
  })
  return late ?? []
}

function* collecting(reader: LogReader, summary: Summary, count: number): Generator<void, StoredMessage[] | 'unclear'> {
  const messages: StoredMessage[] = []
  const each = summary.bytes / (summary.messages + 1)
  for (const found of inSteps(reader, summary, Math.min(count * each, summary.bytes), STEP)) {
    if (found === 'unclear') return found
    if (found === 'pause') yield
    else messages.push(toStored(found.line, found.visibility, reader.fileTime))
    if (messages.length === count) break
  }
  return messages.reverse()
}
