import { stripVTControlCharacters } from 'node:util'
import { terminalWidth } from './output.js'
import { type Measure, measureFor } from './table.js'

/** Lines broken between words at the width of the terminal; each rest begins where its line began. Elsewhere as given. */
export async function wrapped(text: string, width = terminalWidth()): Promise<string> {
  const lines = text.split('\n')
  const plain = lines.map(stripVTControlCharacters)
  if (plain.every(({ length }) => 2 * length <= width)) return text
  const measure = await measureFor(plain)
  return lines.flatMap((line) => wrapLine(line, width, (part) => measure(stripVTControlCharacters(part)))).join('\n')
}

/** A word that is wider than the terminal stays whole, so that it can be copied. */
function wrapLine(line: string, width: number, measure: Measure): string[] {
  if (measure(line) <= width) return [line]
  const margin = /^ */.exec(line)?.[0] ?? ''
  const lines: string[] = []
  let current = ''
  for (const part of line.slice(margin.length).split(/( +)/)) {
    if (current === '' && part.trim() === '' && lines.length > 0) continue
    if (current !== '' && measure(margin + current + part.trimEnd()) > width) {
      lines.push((margin + current).trimEnd())
      current = part.trimStart()
    } else current += part
  }
  return current === '' ? lines : [...lines, margin + current]
}
