/** Files of other tools in the folder of a store: they look like logs, and hold no message of ours. */
import path from 'node:path'
import { LogReader } from '../disk/log/log-reader.js'
import { listSource } from '../disk/source-file.js'
import { formatsOf } from './import/sources.js'

/** Lines with a role are ours as well; what names its tool is not. */
const SURE = 2

/** A log of another tool that lies in the folder of a store. */
export interface ForeignFile {
  file: string
  /** The name of its format, for `importFile`. */
  format: string
  /** Lines that are no message, label or removal of ours. */
  lines: number
}

/** The format of a file whose lines name another tool; undefined for a log of ours, and for an unknown file. */
export async function foreignFormat(file: string): Promise<string | undefined> {
  const [best] = formatsOf(file)
  return best !== undefined && best.weight >= SURE ? best.format.name : undefined
}

/**
 * The logs of other tools in the folder of a store, which lists them as sessions without messages: `importFile` takes
 * them in.
 */
export async function foreignFiles(dir: string): Promise<ForeignFile[]> {
  const found: ForeignFile[] = []
  for (const name of listSource(dir)) {
    if (name.startsWith('.') || !name.endsWith('.jsonl')) continue
    const file = path.join(dir, name)
    const format = await foreignFormat(file)
    if (format !== undefined) found.push({ file, format, lines: await unknownLinesIn(file) })
  }
  return found
}

async function unknownLinesIn(file: string): Promise<number> {
  let lines = 0
  await LogReader.using(file, async (reader) => {
    for await (const pieces of reader.blocks()) {
      for (const { kind } of pieces) if (kind === 'unknown' || kind === 'damage') lines++
    }
  })
  return lines
}
