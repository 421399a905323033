/** Messages of a log of any length, in constant memory. */

import { LogReader } from '../../disk/log/log-reader.js'
import { nameOf } from '../../disk/names.js'
import { isLine, type StoredMessage } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { toStored } from '../../log/views.js'
import { isLive } from '../../log/visibility.js'
import { visibilityIn } from '../log/catch-up.js'
import type { SessionLog } from '../log/session-log.js'

/** @throws what the signal was aborted with */
export async function* streamMessages(log: SessionLog, signal?: AbortSignal): AsyncGenerator<StoredMessage> {
  const reader = log.openReader()
  if (reader === undefined) return
  try {
    const visibility = await visibilityIn(reader)
    for await (const pieces of reader.blocks()) {
      for (const piece of pieces) {
        signal?.throwIfAborted()
        if (!isLine(piece) || !isChat(piece) || !isLive(piece, visibility)) continue
        yield toStored(piece, visibility, reader.fileTime)
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
