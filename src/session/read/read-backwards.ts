/** Live messages from the end of a log, as far as the lines after a line are enough to judge it. */
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
export function* liveBackwards(reader: LogReader, summary: Summary, bytes = 0): Generator<BackwardLine | 'unclear'> {
  const reading = new BackwardReading(summary)
  for (const piece of reader.backwards(reader.size, bytes)) {
    const live = reading.add(piece)
    if (reading.uncertain) {
      yield 'unclear'
      return
    }
    if (!live || !isLine(piece)) continue
    const { archived, archivedBefore, visibility } = reading
    yield { line: piece, archived, archivedBefore, visibility }
  }
}

/**
 * The last `count` live messages in order, none without a session; `'unclear'` where only the whole log decides it.
 */
export async function lastMessages(log: SessionLog, count: number): Promise<StoredMessage[] | 'unclear'> {
  const last = await log.readingNow((reader, { summary }) => {
    const messages: StoredMessage[] = []
    const each = summary.bytes / (summary.messages + 1)
    for (const found of liveBackwards(reader, summary, count * each)) {
      if (found === 'unclear') return found
      messages.push(toStored(found.line, found.visibility, reader.fileTime))
      if (messages.length === count) break
    }
    return messages.reverse()
  })
  return last ?? []
}
