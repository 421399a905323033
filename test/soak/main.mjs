// npm run test:soak -- [--minutes 60] [--processes 3]
// Mixed work of all contracts in several processes, and in one more that is killed and begun again with each row.
// Exit code 1 when memory, descriptors, timers or files grow, when something fails that should not, when a process
// hangs or does not end, or when a session is not what it should be. With --leak it must fail.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openStore } from '../../dist/lib/index.js'
import { growing } from './judge.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    processes: { type: 'string', default: '3' },
    leak: { type: 'boolean', default: false },
  },
})
const MB = 1024 * 1024
/** A process that is silent for this long hangs, ms. */
const PATIENCE_MS = 120_000
/** In a run of this length all caches are full after a third, ms. */
const WARM_MS = 10 * 60_000
const whole = Number(values.minutes) * 60_000
const processes = Number(values.processes)
// a line a minute; of a short run, twelve lines
const every = Math.min(60_000, whole / 12)
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-soak-'))
const folder = path.join(top, 'sessions')
const failures = []
const rows = []
const children = new Set()
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const say = (text) => process.stdout.write(`${text}\n`)
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  fs.rmSync(top, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** One worker, and its last report. */
class Worker {
  last = undefined

  constructor(seed, flags) {
    this.seed = seed
    const program = fileURLToPath(new URL('worker.mjs', import.meta.url))
    this.child = fork(program, [folder, String(seed), ...flags], { execArgv: ['--expose-gc'] })
    children.add(this.child)
    this.ended = once(this.child, 'exit').finally(() => children.delete(this.child))
    this.child.on('message', (report) => {
      failures.push(...report.failures.map((failure) => `process ${seed}: ${failure}`))
      this.last = report
    })
  }

  get lives() {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async ask() {
    if (!this.lives) return
    this.last = undefined
    this.child.send('tell')
    const end = performance.now() + PATIENCE_MS
    while (this.last === undefined && this.lives && performance.now() < end) await sleep(5)
    if (this.last === undefined) failures.push(`process ${this.seed} ${this.lives ? 'hangs' : 'ended too early'}`)
  }

  async stop() {
    if (this.child.connected) this.child.send('stop')
    const late = setTimeout(() => {
      failures.push(`process ${this.seed} does not end`)
      this.child.kill('SIGKILL')
    }, PATIENCE_MS)
    const [code, signal] = await this.ended
    clearTimeout(late)
    if (code !== 0) failures.push(`process ${this.seed} ended with ${code ?? signal}`)
  }

  async kill() {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** How many files and folders there are, while others come and go. */
function countFiles(within) {
  let entries = []
  try {
    entries = fs.readdirSync(within, { withFileTypes: true })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  const folders = entries.filter((entry) => entry.isDirectory())
  return folders.reduce((sum, { name }) => sum + countFiles(path.join(within, name)), entries.length)
}

// the first keeps its stores open all the time
const leak = values.leak ? ['--leak'] : []
const workers = Array.from({ length: processes }, (_, i) => new Worker(i + 1, i === 0 ? leak : ['--reopen', ...leak]))
const newVictim = () => new Worker(processes + 1, [])
let victim = newVictim()
let kills = 0
const start = performance.now()
while (performance.now() - start < whole && (values.leak || failures.length === 0)) {
  await sleep(every)
  await Promise.all(workers.map((worker) => worker.ask()))
  const told = workers.flatMap(({ last }) => last ?? [])
  if (told.length < processes) break
  const sum = (what) => told.reduce((total, report) => total + report[what], 0)
  const names = ['operations', 'memory', 'rss', 'descriptors', 'timers', 'resources']
  const row = { ...Object.fromEntries(names.map((name) => [name, sum(name)])), files: countFiles(folder) }
  rows.push(row)
  say(
    `${((performance.now() - start) / 60_000).toFixed(1)} min: ${row.operations} operations, ` +
      `memory ${(row.memory / MB).toFixed(1)} MB, rss ${(row.rss / MB).toFixed(0)} MB, ` +
      `${row.descriptors} descriptors, ${row.timers} timers, ${row.resources} resources, ${row.files} files`,
  )
  await victim.kill()
  kills++
  victim = newVictim()
}
await victim.kill()
await Promise.all(workers.map((worker) => worker.stop()))
failures.push(...growing(rows, processes, { isWarm: whole >= WARM_MS }))
await checkStore()

/** The sessions are whole, and no lease is held or waited for. */
async function checkStore() {
  const store = await openStore(folder)
  for (const key of await store.keys()) {
    const { damage, duplicates, contradictions } = (await store.session(key).check()) ?? {}
    if (damage?.length || duplicates || contradictions?.length)
      failures.push(`${key}: ${JSON.stringify({ damage, duplicates, contradictions })}`)
  }
  await store.recover({ action: 'idle' })
  const runs = await store.running()
  if (runs.length > 0) failures.push(`turns that nobody runs: ${JSON.stringify(runs)}`)
  await store.close()
}

const told = new Map(failures.map((failure) => [failure.split('\n', 1)[0], failure]))
for (const failure of [...told.values()].slice(0, 20)) say(`FAILED: ${failure.split('\n').slice(0, 8).join('\n')}`)
const { operations = 0 } = rows.at(-1) ?? {}
say(`${operations} operations in ${processes} processes, ${kills} kills beside them, ${failures.length} failures`)
process.exitCode = failures.length === 0 && operations > 0 ? 0 : 1
