import { paint } from './output.js'

export interface Column {
  title: string
  /** Never cut: what people copy. */
  whole?: boolean
  /** Numbers stand at the right. */
  right?: boolean
  /** Colours a cell; given the text as it is shown, cut if need be. */
  paint?: (text: string) => string
}

export const GAP = '  '
/** One long key must not widen every row of a piped table. */
const MOST_PADDED = 100

/** An aligned table; columns are narrowed, widest first, until a line fits into `width`. Cells are escaped already. */
export async function table(columns: readonly Column[], rows: readonly string[][], width: number): Promise<string> {
  const measure = await measureFor(textsOf(columns, rows))
  const natural = naturalWidths(columns, rows, measure)
  const widths = widthsIn(columns, natural, width - GAP.length * (columns.length - 1))
  const cell = (text: string, i: number, colour: Column['paint']) => {
    const shown = cut(text, widths[i]!, measure)
    const space = ' '.repeat(Math.max(Math.min(widths[i]!, MOST_PADDED) - measure(shown), 0))
    const painted = colour?.(shown) ?? shown
    return columns[i]!.right ? space + painted : painted + space
  }
  const head = columns.map(({ title }, i) => cell(title, i, (text) => paint('dim', text)))
  const lines = rows.map((row) => columns.map((column, i) => cell(row[i] ?? '', i, column.paint)))
  return [head, ...lines].map((cells) => cells.join(GAP).trimEnd()).join('\n')
}

/** How many columns of a terminal the table takes when nothing is narrowed. */
export async function tableWidth(columns: readonly Column[], rows: readonly string[][]): Promise<number> {
  const widths = naturalWidths(columns, rows, await measureFor(textsOf(columns, rows)))
  return widths.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1))
}

function textsOf(columns: readonly Column[], rows: readonly string[][]): string[] {
  return [...columns.map(({ title }) => title), ...rows.flat()]
}

function naturalWidths(columns: readonly Column[], rows: readonly string[][], measure: Measure): number[] {
  return columns.map(({ title }, i) =>
    rows.reduce((widest, row) => Math.max(widest, measure(row[i] ?? '')), measure(title)),
  )
}

/** Columns that are never cut have their width, however little is left for the others. */
function widthsIn(columns: readonly Column[], natural: readonly number[], room: number): number[] {
  const narrowed = natural.filter((_, i) => !columns[i]!.whole)
  const whole = natural.reduce((sum, width, i) => sum + (columns[i]!.whole ? width : 0), 0)
  const fitted = fit(narrowed, room - whole)
  return natural.map((width, i) => (columns[i]!.whole ? width : fitted.shift()!))
}

/** Takes from the widest column until all fit into `room`; no column goes below one. */
export function fit(natural: readonly number[], room: number): number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, width) => sum + width, 0) - room
  while (excess > 0) {
    const widest = Math.max(...widths)
    if (widest <= 1) break
    // Bring the widest ones down to the next width in one step rather than column by column.
    const below = Math.max(1, ...widths.filter((width) => width < widest))
    const wide = widths.map((width, i) => (width === widest ? i : -1)).filter((i) => i >= 0)
    const step = Math.max(1, Math.min(widest - below, Math.floor(excess / wide.length)))
    for (const i of wide) {
      if (excess <= 0) break
      widths[i]! -= step
      excess -= step
    }
  }
  return widths
}

/** How many columns of a terminal a text takes. */
export type Measure = (text: string) => number

/** Also the quotes of previews and the mark of a cut: one column each. `string-width` takes longer to load than a list. */
const PLAIN = /^[\x20-\x7e“”…]*$/

/** A measure for these texts; `string-width` is only loaded when one of them is not plain text of one column a character. */
export async function measureFor(texts: Iterable<string>): Promise<Measure> {
  for (const text of texts) {
    if (PLAIN.test(text)) continue
    const { default: stringWidth } = await import('string-width')
    return (text) => (PLAIN.test(text) ? text.length : stringWidth(text))
  }
  return (text) => text.length
}

/** The text cut to `width` columns between whole characters; a cut is shown by an ellipsis. */
export function cut(text: string, width: number, measure: Measure): string {
  if (measure(text) <= width) return text
  if (width < 1) return ''
  let kept = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += measure(segment)
    if (used > width - 1) break
    kept += segment
  }
  return `${kept}…`
}
