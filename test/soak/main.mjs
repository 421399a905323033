// npm run test:soak -- [--minutes 60] [--processes 3]
// Mixed work of all contracts in several processes. Exit code 1 when memory, descriptors or timers grow, when
// something fails that should not, or when a message is missing.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, processes: { type: 'string', default: '3' } },
})
const MB = 1024 * 1024
const whole = Number(values.minutes) * 60_000
// a line a minute; of a short run, nine lines
const every = Math.min(60_000, whole / 9)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-soak-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const say = (text) => process.stdout.write(`${text}\n`)
const worker = fileURLToPath(new URL('worker.mjs', import.meta.url))
const children = Array.from({ length: Number(values.processes) }, (_, i) =>
  fork(worker, [path.join(folder, 'sessions'), String(i + 1)], { execArgv: ['--expose-gc'] }),
)
const failures = []
for (const [i, child] of children.entries()) {
  child.setMaxListeners(0)
  child.on('exit', (code, signal) => code !== 0 && failures.push(`process ${i} ended with ${code ?? signal}`))
}

const rows = []
const start = performance.now()
while (performance.now() - start < whole && failures.length === 0) {
  await new Promise((resolve) => setTimeout(resolve, every))
  const reports = await Promise.all(
    children.map(async (child) => {
      if (!child.connected) return undefined
      child.send('tell')
      return new Promise((resolve) => {
        child.once('message', resolve)
        child.once('exit', () => resolve(undefined))
      })
    }),
  )
  const there = reports.filter((report) => report !== undefined)
  const row = {}
  for (const what of ['operations', 'heapUsed', 'rss', 'timers', 'descriptors'])
    row[what] = there.reduce((sum, report) => sum + report[what], 0)
  rows.push(row)
  for (const report of there) failures.push(...report.failures)
  const minutes = ((performance.now() - start) / 60_000).toFixed(1)
  const { operations, heapUsed, rss, timers, descriptors } = row
  say(
    `${minutes} min: ${operations} operations, heap ${(heapUsed / MB).toFixed(1)} MB, rss ${(rss / MB).toFixed(0)} MB, ` +
      `${descriptors} descriptors, ${timers} timers`,
  )
}
for (const child of children) if (child.connected) child.send('stop')
await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))

/** How much the last third has more than the middle one, each at its best: what is left when all else is given back. */
function growth(what) {
  const third = Math.floor(rows.length / 3)
  const least = (some) => Math.min(...some.map((row) => row[what]))
  return third === 0 ? 0 : least(rows.slice(-third)) - least(rows.slice(third, 2 * third))
}
const processes = children.length
const limits = { heapUsed: 4 * MB * processes, descriptors: 10 * processes, timers: 3 * processes }
for (const [what, limit] of Object.entries(limits))
  if (growth(what) > limit) failures.push(`${what} grow: by ${growth(what)} from the middle third to the last`)
for (const failure of failures.slice(0, 10)) say(`FAILED: ${failure}`)
const { operations = 0 } = rows.at(-1) ?? {}
say(`${operations} operations in ${processes} processes, ${failures.length} failures`)
process.exitCode = failures.length === 0 && operations > 0 ? 0 : 1
