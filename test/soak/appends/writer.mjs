// Appends to one session and to many until it gets a message: writer.mjs FOLDER WITNESS NAME SESSIONS RATE [--lose]
// Reports twice a second how many appends were acknowledged, and how long the slowest took.
import { setImmediate } from 'node:timers/promises'
import { openStore } from '../../../dist/lib/index.js'
import { keyOf, OLD, Witness } from './witness.mjs'

const [folder, witnesses, name, sessions, rate, lose] = process.argv.slice(2)
const DAY = 86_400_000
const TICK_MS = 20
/** Of so many appends one goes to a session that cleanups take. */
const OLD_EACH = 500
const OLD_SESSIONS = 20
/** Of so many appends one is lost, where they are to be. */
const LOST_EACH = 20
/** Seconds. */
const MAKES_UP_S = 2

const failures = []
const onError = (error, key) => failures.push(`in the background, ${key}: ${error.stack}`)
const store = await openStore(folder, { onError, lockTimeout: 60_000 })
const old = await openStore(folder, { onError, lockTimeout: 60_000, now: () => Date.now() - 100 * DAY })
const witness = new Witness(witnesses, `${name}.acks`)
const numbers = new Map()
let report = { acknowledged: 0, worst: 0 }
let isRunning = true
process.on('message', () => {
  isRunning = false
})

function pick() {
  if (Math.random() * OLD_EACH < 1) return OLD + Math.floor(Math.random() * OLD_SESSIONS)
  return Math.random() < 0.5 ? 0 : 1 + Math.floor(Math.random() * Number(sessions))
}

async function append() {
  const session = pick()
  const n = (numbers.get(session) ?? 0) + 1
  const began = performance.now()
  if (lose === undefined || n % LOST_EACH !== 0)
    await (session < OLD ? store : old).session(keyOf(session)).append({ role: 'user', content: 'x', w: name, n })
  report.worst = Math.max(report.worst, performance.now() - began)
  numbers.set(session, n)
  witness.acknowledged(session, n)
  report.acknowledged++
}

const telling = setInterval(() => {
  process.send({ ...report, failures: failures.splice(0) })
  report = { acknowledged: 0, worst: 0 }
}, 500)
const start = performance.now()
let asked = 0
while (isRunning) {
  const wanted = ((performance.now() - start) / 1_000) * Number(rate)
  // what is behind by more than that, a process that was stopped does not make up for
  const due = Math.min(wanted - asked, Number(rate) * MAKES_UP_S)
  asked = wanted
  for (let i = 0; i < due && isRunning; i++) {
    try {
      await append()
    } catch (error) {
      failures.push(error.stack)
    }
    if (i % 50 === 49) await setImmediate()
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS))
}
clearInterval(telling)
await Promise.all([store.close(), old.close()])
process.send({ ...report, failures }, () => process.disconnect())
