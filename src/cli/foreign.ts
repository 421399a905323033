/** What to do about files of other tools in the folder of a store. */
import { escapeLine } from './terminal/escape.js'
import { count } from './terminal/format.js'

export function foreignNote(file: string, format: string, lines?: number): string {
  const unknown = lines === undefined ? '' : `${count(lines, 'line')} of kinds not known here, `
  return `${escapeLine(file)}: ${unknown}looks like ${format}; take it in with: jsonl-sessions import ${escapeLine(file)}`
}
