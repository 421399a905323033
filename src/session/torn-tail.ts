/** The end of a log after a crash or a race: saving a torn tail, and finding out which lines have arrived. */
import { type FileMark, sameFile } from '../disk/file-mark.js'
import { LogReader } from '../disk/log-reader.js'
import type { LogFile } from '../disk/log-writer.js'
import { setAside } from '../disk/quarantine.js'
import { isLine, type Range } from '../log/line.js'

/** Saves a torn tail and cuts it off, if the log still is as `mark` says. */
export async function mendTail(file: LogFile, mark: FileMark, torn: Range, quarantine: string): Promise<void> {
  await LogReader.using(file.path, async (reader) => {
    if (!sameFile(reader.stat, mark) || reader.size !== mark.size) return
    await setAside(quarantine, reader.fd, [torn])
    file.cutTail(mark, torn.offset)
  })
}

/** The ids of all lines of a log; none when there is none. */
export async function idsInLog(path: string): Promise<Set<string>> {
  const ids = new Set<string>()
  await LogReader.using(path, async (reader) => {
    for await (const pieces of reader.blocks()) for (const piece of pieces) if (isLine(piece)) ids.add(piece.id)
  })
  return ids
}
