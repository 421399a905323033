/** Messages of a log of any length, in constant memory. */

import { LogReader } from '../disk/log-reader.js'
import { nameOf } from '../disk/names.js'
import { isLine, type StoredMessage } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { toStored } from '../log/views.js'
import { isLive, knownId } from '../log/visibility.js'
import { visibilityIn } from './catch-up.js'

/** With `lineIds`, `id` is that of the line, also where the message has one of its own. */
export async function* streamMessages(file: string, { lineIds = false } = {}): AsyncGenerator<StoredMessage> {
  const reader = LogReader.open(file)
  if (reader === undefined) return
  try {
    const visibility = await visibilityIn(reader)
    for await (const pieces of reader.blocks()) {
      for (const piece of pieces) {
        if (!isLine(piece) || !isChat(piece) || !isLive(piece, visibility)) continue
        const message = toStored(piece, visibility, reader.fileTime)
        yield lineIds ? { ...message, id: knownId(piece, visibility) } : message
      }
    }
  } finally {
    reader.close()
  }
}

/** The key in a log's header, if `name` is the name of that key. */
export async function keyInLog(file: string, name: string): Promise<string | undefined> {
  return LogReader.using(file, async (reader) => {
    for await (const pieces of reader.blocks()) {
      for (const piece of pieces) {
        if (isLine(piece) && piece.kind === 'session' && nameOf(String(piece.value.key)) === name)
          return String(piece.value.key)
      }
    }
    return undefined
  })
}
