/** The outcome as people read it: text while it runs, and a Markdown table for the README. */
import { describe } from './machine.mjs'
import { MB } from './memory.mjs'

const OURS = 'jsonl-sessions'
/** Of the figures that contestants tell themselves, those in bytes; the others are times in µs. */
const BYTES = new Set(['memory'])
const COLUMNS = [OURS, 'raw limit', 'sqlite', 'sqlite+FTS5', 'naive']

/** One row with all its contestants and goals. */
export function text({ name, work, unit, results, goals }) {
  const ours = results.find((result) => result.name === OURS)
  const width = Math.max(...results.map((result) => nameOf(result).length))
  const lines = results.map((result) => {
    const { median, min, max, cpu, p99 } = result
    const cells = [
      nameOf(result).padEnd(width),
      figure(median, unit).padStart(10),
      `(${figure(min, unit, false)} - ${figure(max, unit, false)})`.padEnd(18),
      `${factor(median / ours.median)}x`.padStart(8),
      cpu === undefined ? '' : `  cpu ${figure(cpu, unit)}`,
      p99 === undefined ? '' : `  p99 ${figure(p99, unit)}`,
      ...Object.entries(result.figures).map(([name, value]) => `  ${name} ${own(name, value)}`),
    ]
    return `  ${cells.join(' ').trimEnd()}`
  })
  const kinds = Object.entries(ours.kinds).filter(([kind]) => kind !== 'operation')
  const verdicts = goals.map((goal) => `  ${verdict(goal)} ${goal.words}: ${reached(goal)}${excuse(goal)}`)
  const parts = results
    .filter(({ kinds }) => Object.keys(kinds).length > 1)
    .map((result) => `  ${byKind(result, width)}`)
  const head = kinds.length > 0 ? ['  p50 / p99 by kind, µs:'] : []
  return [`${name}: ${work}`, ...lines, ...head, ...parts, ...verdicts, ''].join('\n')
}

/**
 * The table of the README. A cell holds the median and, in brackets, how many times ours it is; reasons of what is not
 * met stand below.
 */
export function markdown({ rows, machine, command }) {
  const reasons = []
  const columns = COLUMNS.filter((column) => rows.some(({ results }) => results.some(({ name }) => name === column)))
  const head = ['work', ...columns, 'goals']
  const lines = rows.map(({ work, unit, results, goals }) => {
    const ours = results.find(({ name }) => name === OURS)
    const cells = columns.map((column) => {
      const result = results.find(({ name }) => name === column)
      if (result === undefined) return ''
      if (result === ours) return [`**${figure(ours.median, unit)}**`, ...ownFigures(ours)].join(', ')
      const what = result.as === undefined ? '' : `${result.as}: `
      return `${what}${figure(result.median, unit)} (${factor(result.median / ours.median)}x)`
    })
    return [work, ...cells, summary(goals, reasons)]
  })
  const align = head.map((_, i) => (i === 0 || i === head.length - 1 ? '---' : '---:'))
  const table = [head, align, ...lines].map((cells) => `| ${cells.join(' | ')} |`)
  const notes = reasons.map((why, i) => `${i + 1}. ${why[0].toUpperCase()}${why.slice(1)}.`)
  const parts = [table.join('\n'), `Medians of \`${command}\` on ${describe(machine)}.`, notes.join('\n')]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function ownFigures({ figures }) {
  return Object.entries(figures).map(([name, value]) => `${name} ${own(name, value)}`)
}

function summary(goals, reasons) {
  if (goals.length === 0) return ''
  const missed = goals
    .filter(({ met }) => !met)
    .map((goal) => `${goal.words}: ${reached(goal)}${reference(goal, reasons)}`)
  return missed.length === 0 ? 'met' : `not met: ${missed.join('; ')}`
}

function verdict({ met }) {
  return met ? 'met    ' : 'NOT MET'
}

function reached({ kind, measured, inverse, unit }) {
  if (kind === 'ratio') return inverse ? `${factor(1 / measured)}x as fast` : `${factor(measured)}x`
  return unit === 'bytes' ? megabytes(measured) : `${factor(measured)} µs`
}

/** The number of the goal's reason among those that are told below the table. */
function reference({ known }, reasons) {
  if (known === undefined) return ''
  if (!reasons.includes(known.why)) reasons.push(known.why)
  return ` (${reasons.indexOf(known.why) + 1})`
}

/** A known miss is told with its reason wherever it is told. */
function excuse({ met, known }) {
  return met || known === undefined ? '' : ` (known: ${known.why})`
}

function own(name, value) {
  return BYTES.has(name) ? megabytes(value) : figure(value, 'ms')
}

function megabytes(bytes) {
  return `${factor(bytes / MB)} MB`
}

function nameOf({ name, as }) {
  return as === undefined ? name : `${name}: ${as}`
}

function byKind({ name, kinds }, width) {
  const parts = Object.entries(kinds).map(([kind, { p50, p99 }]) => `${kind} ${factor(p50)} / ${factor(p99)}`)
  return `${name.padEnd(width)} ${parts.join(', ')}`
}

function figure(micros, unit, named = true) {
  const value = unit === 'ms' ? micros / 1000 : micros
  return factor(value) + (named ? ` ${unit}` : '')
}

function factor(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value < 10 ? 2 : 1)
}
