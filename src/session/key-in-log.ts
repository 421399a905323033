import { LogReader } from '../disk/log-reader.js'
import { nameOf } from '../disk/names.js'
import { isLine } from '../log/line.js'

/** The key that a log's header tells, if it is the one that `name` stands for. */
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
