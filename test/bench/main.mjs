/**
 * Measures the library beside its limit and its alternatives, in one run, and prints ratios.
 *
 *   npm run bench -- [--only REGEX] [--reps N] [--full | --short] [--json FILE] [--markdown]
 *
 * --only     rows whose name matches
 * --reps     repetitions of each row
 * --full     the sizes that the goals name, and what only they can show: a log of 1 GB, 100,000 sessions, a steady load.
 *            Takes an hour and some GB; SECONDS=600 makes the steady load that long, instead of a minute.
 * --short    for CI: under a minute. Only rows that compare, by the best repetitions. Exit code 1 when a ratio is off its
 *            goal by more than twice, or off what is known of it: a goal may be wrapped in `known(off, why, goal)` where
 *            it cannot be met, and is then told as not met, with the reason, in every report.
 * --json     writes all figures to FILE
 * --markdown prints the table of the README instead
 *
 * A row that fails its proof, or any other error, makes the exit code 1 too. Data goes to a temporary folder, in
 * BENCH_DATA if that is set; BENCH_LIBRARY names another build than dist. On a busy machine only ratios say something.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { judge, regressions } from './goals.mjs'
import { measure } from './harness.mjs'
import { installCompetitors } from './install.mjs'
import { describe, machine } from './machine.mjs'
import { markdown, text } from './report.mjs'

const TOLERATED = 2

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    reps: { type: 'string' },
    full: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
})
const size = options.short ? 'short' : options.full ? 'full' : 'normal'
const repetitions = Number(options.reps ?? (options.short ? 3 : 7))
const milliseconds = options.short ? 20 : 100

installCompetitors()
const { rows } = await import('./rows/index.mjs')
const only = new RegExp(options.only)
const dir = temporaryFolder()
const where = machine(dir)
const say = options.markdown ? console.error : console.log

say(`${describe(where)}; medians of ${repetitions}; the factor is against jsonl-sessions\n`)
const measured = []
for (const row of rows(size).filter(({ name }) => only.test(name))) {
  const { name, work, unit } = row
  try {
    const results = await measure(row, { size, dir, repetitions, milliseconds })
    measured.push({ name, work, unit, results, goals: judge(row.goals, results, options.short ? 'min' : 'median') })
    say(text(measured.at(-1)))
  } catch (error) {
    console.error(`${name}: ${work}\n  FAILED ${error.stack}\n`)
    process.exitCode = 1
  }
}

const command = ['npm run bench', ...(size === 'normal' ? [] : ['--', `--${size}`])].join(' ')
if (options.json) {
  fs.writeFileSync(options.json, `${JSON.stringify({ machine: where, size, repetitions, rows: measured }, null, 2)}\n`)
}
if (options.markdown) console.log(markdown({ rows: measured, machine: where, command }))
const missed = measured.flatMap(({ name, goals }) => goals.filter(({ met }) => !met).map((goal) => ({ name, ...goal })))
say(`${missed.length} of ${measured.flatMap(({ goals }) => goals).length} goals not met`)
if (options.short) {
  for (const { name, goals } of measured) {
    for (const { words, off } of regressions(goals, TOLERATED)) {
      console.error(`${name}: off the goal "${words}" by ${off.toFixed(1)}x`)
      process.exitCode = 1
    }
  }
}

function temporaryFolder() {
  const parent = process.env.BENCH_DATA ?? os.tmpdir()
  fs.mkdirSync(parent, { recursive: true })
  const made = fs.mkdtempSync(path.join(parent, 'jsonl-sessions-bench-'))
  process.once('exit', () => fs.rmSync(made, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  return made
}
