/**
 * Measures the import of a log of 1 GB of Claude Code and of Codex beside a plain parse of the same file, in turns.
 *
 *   npm run build && node test/bench/import/main.mjs [--megabytes 1024] [--reps 3] [--only REGEX] [--sessions 200000]
 *
 * BENCH_DATA names the folder for data, which takes 2.2 GB. Prints a table; exit code 1 when a goal is missed.
 */
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { MB } from '../memory.mjs'
import { nextTurn, writeLog } from './data.mjs'

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1024' },
    reps: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    sessions: { type: 'string', default: '200000' },
  },
})
const size = Number(values.megabytes) * MB
const only = new RegExp(values.only)
const dir = fs.mkdtempSync(path.join(process.env.BENCH_DATA ?? os.tmpdir(), 'import-bench-'))
const root = path.join(dir, 'store')
let missed = 0

/** `least` or `most` is the goal. */
function report(situation, value, unit, { least, most } = {}) {
  const isMet = (least === undefined || value >= least) && (most === undefined || value <= most)
  if (!isMet) missed++
  const limit = least === undefined ? most : least
  const goal =
    limit === undefined
      ? ''
      : `${isMet ? 'met' : 'MISSED'}, goal ${least === undefined ? 'at most' : 'at least'} ${limit} ${unit}`
  console.log(
    `${situation.padEnd(58)} ${`${value < 10 ? value.toFixed(2) : Math.round(value)} ${unit}`.padStart(12)}   ${goal}`,
  )
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

function inProcess(...args) {
  const script = path.join(import.meta.dirname, 'process.mjs')
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', script, ...args], { encoding: 'utf8' }))
}

/** The median rate of both, measured in turns. */
async function measureLog(format) {
  const file = path.join(dir, `${format}.jsonl`)
  const made = writeLog(file, format, size)
  const rate = (run) => made.bytes / MB / (run.milliseconds / 1000)
  const [parses, imports] = [[], []]
  for (let i = 0; i < Number(values.reps); i++) {
    fs.rmSync(root, { recursive: true, force: true })
    parses.push(inProcess('parse', file))
    imports.push(inProcess('import', file, root))
    const { action, lines } = imports[i].result
    if (action !== 'created' || lines !== made.lines) throw new Error(`${action}, ${lines} of ${made.lines} lines`)
  }
  const [parse, taken] = [median(parses.map(rate)), median(imports.map(rate))]
  report(`${format}: plain parse`, parse, 'MB/s')
  report(`${format}: import`, taken, 'MB/s', { least: 60 })
  report(`${format}: import, times of a plain parse`, parse / taken, 'x')
  const cpu = (runs) => median(runs.map((run) => run.cpu)) / 1000
  report(`${format}: import, processor time`, cpu(imports), 's')
  report(`${format}: plain parse, processor time`, cpu(parses), 's')
  report(`${format}: memory of the importing process`, Math.max(...imports.map(({ memory }) => memory)) / MB, 'MB', {
    most: 150,
  })
  const again = inProcess('import', file, root)
  if (again.result.action !== 'unchanged') throw new Error(`again: ${again.result.action}`)
  report(`${format}: again, unchanged`, again.milliseconds, 'ms', { most: 50 })
  await measureFollow(format, file, made)
  fs.rmSync(file)
}

/** From a line that is written to the command's word that it came in. */
async function measureFollow(format, file, made) {
  const command = path.join(import.meta.dirname, '../../../dist/lib/cli/main.js')
  const child = spawn(process.execPath, [command, 'import', file, '--follow', '--final', '--root', root])
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let out = ''
  child.stdout.on('data', (text) => {
    out += text
  })
  child.stderr.pipe(process.stderr)
  const has = async (text) => {
    const end = Date.now() + 60_000
    while (!out.includes(text)) {
      if (Date.now() > end) throw new Error(`not told: ${text}`)
      await setTimeout(5)
    }
  }
  await has('unchanged')
  await setTimeout(1_000 + Math.random() * 250)
  out = ''
  const start = performance.now()
  fs.appendFileSync(file, nextTurn(format, made))
  await has('came in')
  report(`${format}: a followed turn came in after`, performance.now() - start, 'ms', { most: 1_000 })
  child.kill('SIGINT')
  await ended
}

/** Many small sessions in one file. */
function measureMany(count) {
  const file = path.join(dir, 'many.jsonl')
  const fd = fs.openSync(file, 'w')
  for (let i = 0; i < count; i += 1_000) {
    const lines = Array.from({ length: 1_000 }, (_, k) => ({
      messages: [{ role: 'user', content: `question ${i + k}` }],
    }))
    fs.writeSync(fd, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
  fs.closeSync(fd)
  fs.rmSync(root, { recursive: true, force: true })
  const { milliseconds, memory, result } = inProcess('import', file, root)
  const logs = fs.readdirSync(root).filter((name) => name.endsWith('.jsonl')).length
  if (logs !== count || result.lines !== count) throw new Error(`${logs} of ${count} sessions`)
  report(`${count} sessions in one file`, milliseconds / 1000, 's')
  report(`${count} sessions in one file, each`, (milliseconds / count) * 1000, 'µs')
  report(`${count} sessions in one file, memory`, memory / MB, 'MB')
}

try {
  for (const format of ['claude-code', 'codex']) if (only.test(format)) await measureLog(format)
  if (only.test('many')) measureMany(Number(values.sessions))
} finally {
  fs.rmSync(dir, { recursive: true, force: true })
}
process.exitCode = missed > 0 ? 1 : 0
