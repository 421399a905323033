// npm run soak:appends -- [--minutes 60] [--writers 8] [--rewriters 2] [--readers 1] [--sessions 500] [--rate 2000]
//   [--wait 2500] [--least 0]
// Writers append to one session and to many, `rate` messages a second over all; rewriters work on the same sessions, and
// end or stop between any two of their steps; writers are killed and stopped as well; readers look all the time whether
// what was acknowledged is there. Exit code 1 when a message is missing, twice or out of its writer's order, when a call
// fails that should not, or when an append took longer than `wait` ms: no caller waits for a process that is stopped for
// three seconds, what is left is a busy machine. With --lose some are acknowledged and not made, and it must fail.
// With `least` it goes on until so many appends are made.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openStore } from '../../../dist/lib/index.js'
import { faultsIn, keyOf, OLD, Witnesses } from './witness.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    writers: { type: 'string', default: '8' },
    rewriters: { type: 'string', default: '2' },
    readers: { type: 'string', default: '1' },
    sessions: { type: 'string', default: '500' },
    rate: { type: 'string', default: '2000' },
    wait: { type: 'string', default: '2500' },
    least: { type: 'string', default: '0' },
    lose: { type: 'boolean', default: false },
  },
})
const whole = Number(values.minutes) * 60_000
const writers = Number(values.writers)
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-appends-'))
const folder = path.join(top, 'sessions')
const witnesses = path.join(top, 'witnesses')
fs.mkdirSync(witnesses)
/** A writer is stopped for so long, ms. */
const STOP_MS = 3_000
/** Writers are killed or stopped at random moments so far apart, ms. */
const HARM_MS = 2_000
/** A process that does not end within this time hangs, ms. */
const PATIENCE_MS = 120_000
const failures = []
const total = { acknowledged: 0, looks: 0, killed: 0, stopped: 0, cut: 0, worst: 0, over50: 0, reports: 0, done: {} }
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const say = (text) => process.stdout.write(`${text}\n`)
const children = new Set()
process.on('exit', () => {
  for (const { child } of children) child.kill('SIGKILL')
  fs.rmSync(top, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** A process that is begun again whenever it is killed. */
class Role {
  lives = 0
  isEnding = false
  isAtWork = false
  /** Reports that tell of a time in which it was stopped are passed over. */
  passesOver = 0

  constructor(program, argsOf) {
    this.program = fileURLToPath(new URL(program, import.meta.url))
    this.argsOf = argsOf
    children.add(this)
    this.begin()
  }

  begin() {
    this.isAtWork = false
    this.child = fork(this.program, [folder, witnesses, ...this.argsOf(++this.lives)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.ended = once(this.child, 'exit')
    this.child.on('message', (report) => this.take(report))
    this.child.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) failures.push(`${this.program} ended with ${code ?? signal}`)
      if (this.isEnding || signal !== 'SIGKILL') return
      if (!this.wasKilled) total.cut++
      this.wasKilled = false
      this.begin()
    })
  }

  take({ acknowledged = 0, worst = 0, looks = 0, done = {}, failures: told = [] }) {
    failures.push(...told)
    this.isAtWork = true
    total.acknowledged += acknowledged
    total.looks += looks
    for (const [what, count] of Object.entries(done)) total.done[what] = (total.done[what] ?? 0) + count
    if (acknowledged === 0) return
    if (this.passesOver > 0) {
      this.passesOver--
      return
    }
    total.reports++
    if (worst > 50) total.over50++
    total.worst = Math.max(total.worst, worst)
    if (worst > Number(values.wait)) failures.push(`an append took ${Math.round(worst)} ms`)
  }

  get isStopped() {
    try {
      return / T /.test(fs.readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').replace(/^.*\)/, ''))
    } catch {
      return false
    }
  }

  kill() {
    this.wasKilled = true
    this.child.kill('SIGKILL')
    total.killed++
  }

  async stop(ms) {
    const { child } = this
    child.kill('SIGSTOP')
    total.stopped++
    await sleep(ms)
    this.passesOver = 2
    child.kill('SIGCONT')
  }

  async end() {
    this.isEnding = true
    if (this.child.connected) this.child.send('stop')
    // a rewriter may stop itself once more before it gets the message
    const going = setInterval(() => this.child.kill('SIGCONT'), 50)
    const late = setTimeout(() => {
      failures.push(`${this.program} does not end`)
      this.child.kill('SIGKILL')
    }, PATIENCE_MS)
    await this.ended
    clearInterval(going)
    clearTimeout(late)
  }
}

const lose = values.lose ? ['--lose'] : []
const rate = String(Number(values.rate) / writers)
const many = (count, make) => Array.from({ length: Number(count) }, (_, i) => make(i))
const writing = many(
  writers,
  (i) => new Role('writer.mjs', (life) => [`w${i}.${life}`, values.sessions, rate, ...lose]),
)
const rewriting = many(values.rewriters, (i) => new Role('rewriter.mjs', (life) => [`r${i}.${life}`, values.sessions]))
const reading = many(values.readers, () => new Role('reader.mjs', () => [values.sessions]))

const start = performance.now()
const ms = () => performance.now() - start
let told = 0
let nextHarm = 0
const stops = new Map()
const isOver = () => ms() > whole && (total.acknowledged >= Number(values.least) || ms() > whole + PATIENCE_MS)
while (!isOver() && failures.length === 0) {
  await sleep(100)
  // a rewriter that has stopped itself goes on after a while
  for (const role of rewriting) {
    if (!role.isStopped) stops.delete(role)
    else if (!stops.has(role)) stops.set(role, ms() + Math.random() * STOP_MS)
    else if (stops.get(role) < ms()) {
      role.child.kill('SIGCONT')
      stops.delete(role)
      total.stopped++
    }
  }
  if (ms() > nextHarm) {
    nextHarm = ms() + HARM_MS * Math.random()
    const role = writing[Math.floor(Math.random() * writers)]
    if (!role.isAtWork) continue
    if (Math.random() < 0.5) role.kill()
    else void role.stop(Math.min(STOP_MS, whole / 5))
  }
  if (ms() - told > 60_000) {
    told = ms()
    say(`${(told / 60_000).toFixed(0)} min: ${words()}`)
  }
}
await sleep(Math.min(STOP_MS, whole / 5) + 100)
await Promise.all([...writing, ...rewriting, ...reading].map((role) => role.end()))
await judge()
for (const failure of failures.slice(0, 20)) say(`FAILED: ${failure}`)
say(`${words()}; ${failures.length} failures`)
process.exitCode = failures.length === 0 && total.acknowledged > 0 && total.looks > 0 ? 0 : 1

function words() {
  const { acknowledged, looks, killed, stopped, cut, worst, over50, reports } = total
  const done = Object.entries(total.done).map(([what, count]) => `${what} ${count}`)
  return (
    `${acknowledged} appends acknowledged, ${looks} looks of readers, ${killed} writers and ${cut} rewriters killed, ` +
    `${stopped} stops, slowest append ${worst.toFixed(0)} ms (above 50 ms in ${over50} of ${reports} half ` +
    `seconds of a writer), ${done.join(', ')}`
  )
}

/** At the end, all sessions; those that cleanups took as they lie in the trash. */
async function judge() {
  const witness = new Witnesses(witnesses).look('.acks').look('.floors')
  const store = await openStore(folder)
  for (const number of witness.acknowledged.keys()) {
    const acknowledged = witness.of(number, 'acknowledged')
    const session = store.session(keyOf(number))
    const messages = await session.messages()
    if (number >= OLD) failures.push(...lostIn(number, acknowledged))
    else failures.push(...faultsIn(number, messages, acknowledged, witness.of(number, 'floors')))
    const { contradictions = [] } = (await session.check()) ?? {}
    if (contradictions.length > 0) failures.push(`${keyOf(number)}: ${contradictions.length} ids with two contents`)
  }
  await store.close()
}

/** A message that is neither in the log of an old session nor in one of those of its key in the trash. */
function lostIn(number, acknowledged) {
  const key = keyOf(number)
  const trash = path.join(folder, '.trash')
  const binned = fs.existsSync(trash) ? fs.readdirSync(trash).filter((name) => name.startsWith(`${key}~`)) : []
  const files = [path.join(folder, `${key}.jsonl`), ...binned.map((name) => path.join(trash, name, `${key}.jsonl`))]
  const text = files.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '')).join('')
  const found = new Set([...text.matchAll(/"w":"([^"]+)","n":(\d+),/g)].map(([, writer, n]) => `${writer} ${n}`))
  const lost = []
  for (const [writer, number] of acknowledged) {
    for (let n = 1; n <= number; n++)
      if (!found.has(`${writer} ${n}`)) lost.push(`${key}: ${n} of ${writer} is nowhere`)
  }
  return lost
}
