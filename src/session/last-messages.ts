/** The last messages of a log: from memory if it is the file that it was, else from its end. */

import { look, markOf } from '../disk/files.js'
import type { Line, StoredMessage } from '../log/line.js'
import { toStored } from '../log/views.js'
import { liveBackwards } from './read-backwards.js'
import type { SessionLog } from './session-log.js'

/** In order; `'unclear'` where only a reading of the whole log can tell. None when there is no session. */
export async function lastMessages(log: SessionLog, count: number): Promise<StoredMessage[] | 'unclear'> {
  const { tails } = log.context
  const mark = look(log.file.path)
  const kept = mark === undefined || mark === 'other' ? undefined : tails.last(log.name, mark, count)
  if (kept !== undefined) return kept
  const last = await log.reading((reader, { summary }) => {
    const messages: StoredMessage[] = []
    const lines: Line[] = []
    for (const found of liveBackwards(reader, summary)) {
      if (found === 'unclear') return found
      lines.push(found.line)
      messages.push(toStored(found.line, found.survey, reader.fileTime))
      if (messages.length === count) break
    }
    tails.set(log.name, markOf(reader.stat), lines.reverse(), count)
    return tails.last(log.name, reader.stat, count) ?? messages.reverse()
  })
  return last ?? []
}
