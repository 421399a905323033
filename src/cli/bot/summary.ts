import { escapeLine } from '../terminal/escape.js'
import { count } from '../terminal/format.js'
import { paint, terminalWidth } from '../terminal/output.js'
import { table } from '../terminal/table.js'
import type { Summary } from './stats.js'

const MOST_ROWS = 20

/** The table that the bot ends with, its totals, and where to look. */
export async function summaryText(summary: Summary): Promise<string> {
  const shown = summary.senders.slice(0, MOST_ROWS)
  const parts: string[] = []
  if (shown.length > 0) {
    const rows = shown.map(({ key, turns, failed, messages, file }) => [
      escapeLine(key),
      String(turns),
      String(failed),
      String(messages),
      file,
    ])
    parts.push(
      await table(
        [
          { title: 'SENDER', paint: (text) => paint('cyan', text) },
          { title: 'TURNS', right: true },
          { title: 'FAILED', right: true, paint: (text) => (text === '0' ? text : paint('red', text)) },
          { title: 'MESSAGES', right: true },
          { title: 'FILE' },
        ],
        rows,
        terminalWidth(),
      ),
    )
  }
  const rest = summary.senders.length - shown.length
  if (rest > 0) parts.push(paint('dim', `… and ${count(rest, 'more sender')}`))
  parts.push('', totals(summary), `The files are in ${escapeLine(summary.root)}`)
  return parts.join('\n').replace(/^\n/, '')
}

function totals(summary: Summary): string {
  const { turns, sessions, messages, failed, badLines, unserved, leftRunning, seconds } = summary
  const trouble = [
    failed > 0 ? `${failed} failed` : '',
    badLines > 0 ? count(badLines, 'bad line') : '',
    unserved > 0 ? `${count(unserved, 'line')} read but not served` : '',
  ].filter((text) => text !== '')
  return [
    `${count(turns, 'turn')} in ${count(sessions, 'session')}`,
    `${count(messages, 'message')} now`,
    ...trouble.map((text) => paint('red', text)),
    leftRunning > 0 ? paint('red', `${leftRunning} left running`) : '0 left running',
    `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`,
  ].join(', ')
}
