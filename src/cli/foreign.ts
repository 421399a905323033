/** Files of other tools in the folder of a store: they look like logs, and hold no message of ours. */
import { join } from 'node:path'
import { LogReader } from '../disk/log/log-reader.js'
import { listSource } from '../disk/source-file.js'
import { formatsOf } from '../formats/import/sources.js'
import { escapeLine } from './terminal/escape.js'
import { count } from './terminal/format.js'

/** Lines with a role are ours as well; what names its tool is not. */
const SURE = 2

/** The format of a file of another tool; undefined for a log of ours, and for an unknown file. */
export function foreignFormat(file: string): string | undefined {
  const [best] = formatsOf(file)
  return best !== undefined && best.weight >= SURE ? best.format.name : undefined
}

export interface ForeignFile {
  file: string
  format: string
  /** Lines that are no message, label or removal of ours. */
  lines: number
}

/** The files of other tools in a folder. */
export async function foreignIn(folder: string): Promise<ForeignFile[]> {
  const found: ForeignFile[] = []
  for (const name of listSource(folder)) {
    if (name.startsWith('.') || !name.endsWith('.jsonl')) continue
    const file = join(folder, name)
    const format = foreignFormat(file)
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

/** What to do about such a file. */
export function foreignNote(file: string, format: string, lines?: number): string {
  const unknown = lines === undefined ? '' : `${count(lines, 'line')} of kinds not known here, `
  return `${escapeLine(file)}: ${unknown}looks like ${format}; take it in with: jsonl-sessions import ${escapeLine(file)}`
}
