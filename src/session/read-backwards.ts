/** Live messages from the end of a log, for as long as the lines behind a line are enough to judge it. */
import type { LogReader } from '../disk/log-reader.js'
import type { Summary } from '../log/fold.js'
import { BackwardReading } from '../log/fold-tail.js'
import { isLine, type Line, type StoredMessage } from '../log/line.js'
import { toStored } from '../log/views.js'
import type { Visibility } from '../log/visibility.js'
import type { SessionLog } from './session-log.js'

/** A live message, and whether a compaction covers it. */
export interface BackwardLine {
  line: Line
  archived: boolean
  /** All that stands before it is archived. */
  archivedBefore: boolean
  /** What the lines behind it say. */
  visibility: Visibility
}

/** Ends with `'unclear'` where only a reading of the whole log can tell what comes before. */
export function* liveBackwards(reader: LogReader, summary: Summary): Generator<BackwardLine | 'unclear'> {
  const reading = new BackwardReading(summary)
  for (const piece of reader.backwards()) {
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
 * The last `count` live messages in order, none when there is no session; `'unclear'` where only a reading of the whole
 * log can tell.
 */
export async function lastMessages(log: SessionLog, count: number): Promise<StoredMessage[] | 'unclear'> {
  const last = await log.reading((reader, { summary }) => {
    const messages: StoredMessage[] = []
    for (const found of liveBackwards(reader, summary)) {
      if (found === 'unclear') return found
      messages.push(toStored(found.line, found.visibility, reader.fileTime))
      if (messages.length === count) break
    }
    return messages.reverse()
  })
  return last ?? []
}
