/** Live messages from the end of a log, for as long as the lines behind a line tell all about it. */
import type { LogReader } from '../disk/log-reader.js'
import type { Summary } from '../log/fold.js'
import { BackwardReading } from '../log/fold-tail.js'
import { isLine, type Line } from '../log/line.js'
import type { Survey } from '../log/visibility.js'

/** A live message, and whether a compaction covers it. */
export interface BackwardLine {
  line: Line
  archived: boolean
  /** What the lines behind it tell. */
  survey: Survey
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
    if (live && isLine(piece)) yield { line: piece, archived: reading.archived, survey: reading.survey }
  }
}
