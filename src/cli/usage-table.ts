import { bar, barStyle } from './bar.js'
import { escapeLine } from './escape.js'
import { count } from './format.js'
import { paint, terminalWidth } from './output.js'
import { type Column, GAP, table, tableWidth } from './table.js'
import type { Counters, UsageRow } from './usage-rows.js'

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
/** A shorter bar tells too little. */
const NARROWEST_BAR = 6

interface TableOptions {
  /** What a row is. */
  noun: 'session' | 'agent'
  /** Adds bars to the rows, and a last line. */
  total?: Counters
}

export async function usageTable(rows: readonly UsageRow[], { noun, total }: TableOptions): Promise<string> {
  const columns: Column[] = [
    { title: noun === 'agent' ? 'AGENT' : 'KEY', paint: (text) => paint('cyan', text) },
    ...COUNTERS.map(([, title]) => ({ title, right: true })),
  ]
  const cells = rows.map(([name, usage]) => [escapeLine(name), ...numbersOf(usage)])
  if (total === undefined) return table(columns, cells, terminalWidth())

  const all = [...cells, [count(rows.length, noun), ...numbersOf(total)]]
  const width = Math.min(WIDEST_BAR, terminalWidth() - GAP.length - (await tableWidth(columns, all)))
  if (width >= NARROWEST_BAR) {
    const style = barStyle()
    const most = Math.max(...rows.map(([, { totalTokens }]) => totalTokens))
    columns.push({ title: '', paint: (text) => paint('green', text) })
    rows.forEach(([, { totalTokens }], i) => {
      cells[i]!.push(bar(totalTokens / most, width, style))
    })
  }
  const lines = (await table(columns, all, terminalWidth())).split('\n')
  return [...lines.slice(0, -1), paint('bold', lines.at(-1)!)].join('\n')
}

function numbersOf(usage: Counters): string[] {
  return COUNTERS.map(([name]) => usage[name].toLocaleString('en-US'))
}
