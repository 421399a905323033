import { bar, barStyle } from '../terminal/bar.js'
import { escapeLine } from '../terminal/escape.js'
import { count, number } from '../terminal/format.js'
import { paint, terminalWidth } from '../terminal/output.js'
import { type Column, GAP, table, tableWidth } from '../terminal/table.js'
import type { Counters, UsageRow } from './rows.js'

const COUNTERS = [
  ['apiCalls', 'CALLS'],
  ['promptTokens', 'PROMPT'],
  ['completionTokens', 'COMPLETION'],
  ['cacheReadTokens', 'CACHE READ'],
  ['cacheCreationTokens', 'CACHE CREATION'],
  ['thinkingTokens', 'THINKING'],
  ['totalTokens', 'TOTAL'],
] as const

const WIDEST_BAR = 30
/** A shorter bar shows too little. */
const NARROWEST_BAR = 6

export type UsageNoun = 'session' | 'agent' | 'day' | 'model'

const TITLES: Record<UsageNoun, string> = { session: 'KEY', agent: 'AGENT', day: 'DAY', model: 'MODEL' }

interface TableOptions {
  /** What a row is. */
  noun: UsageNoun
  /** Adds bars to the rows, and a last line. */
  total?: Counters
}

export async function usageTable(rows: readonly UsageRow[], { noun, total }: TableOptions): Promise<string> {
  const all: UsageRow[] = total === undefined ? [...rows] : [...rows, [count(rows.length, noun), total]]
  const numbers = await columnsFor(all, noun)
  const cells = all.map((row) => numbers.map(({ cell }) => cell(row)))
  if (total === undefined) return table(numbers, cells, terminalWidth())

  const columns: Column[] = [...numbers]
  const width = Math.min(WIDEST_BAR, terminalWidth() - GAP.length - (await tableWidth(columns, cells)))
  if (width >= NARROWEST_BAR) {
    columns.push({ title: '', paint: (text) => paint('green', text) })
    const style = barStyle()
    const most = rows.reduce((greatest, [, { totalTokens }]) => Math.max(greatest, totalTokens), 0)
    rows.forEach(([, { totalTokens }], i) => {
      cells[i]!.push(bar(totalTokens / most, width, style))
    })
  }
  const lines = (await table(columns, cells, terminalWidth())).split('\n')
  return [...lines.slice(0, -1), paint('bold', lines.at(-1)!)].join('\n')
}

interface UsageColumn extends Column {
  cell: (row: UsageRow) => string
}

/** All columns; on a narrow terminal only the ones with values. */
async function columnsFor(rows: readonly UsageRow[], noun: TableOptions['noun']): Promise<UsageColumn[]> {
  const name: UsageColumn = {
    title: TITLES[noun],
    whole: noun === 'session',
    cell: ([name]) => escapeLine(name),
    paint: (text) => paint('cyan', text),
  }
  const numbers = COUNTERS.map(([counter, title]) => ({
    title,
    right: true,
    cell: ([, usage]: UsageRow) => number(usage[counter]),
    isUsed: counter === 'totalTokens' || rows.some(([, usage]) => usage[counter] > 0),
  }))
  const all = [name, ...numbers]
  const width = await tableWidth(
    all,
    rows.map((row) => all.map(({ cell }) => cell(row))),
  )
  return width <= terminalWidth() ? all : [name, ...numbers.filter(({ isUsed }) => isUsed)]
}
