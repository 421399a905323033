/** What processes cost each other. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import path from 'node:path'
import { Naive } from '../competitors/naive.mjs'
import { Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite } from '../competitors/sqlite.mjs'
import { atMost, faster, known, under } from '../goals.mjs'
import { keys, messageAt } from '../messages.mjs'
import { contestant, withStore } from './contestant.mjs'

const APPENDING = path.join(import.meta.dirname, 'append-process.mjs')
const NEIGHBOUR = path.join(import.meta.dirname, 'neighbour-process.mjs')
/** Sessions that the neighbour holds. */
const OTHERS = 20
/** A process is stopped when it has appended for so long, ms. */
const STOP_AFTER_MS = 3
const LOOKS = 'a line that others have written before is looked for in the file once it is written'

/** The next message of a child; rejects when it ends instead. */
export function told(child) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`a process ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message)
    })
  })
}

export async function started(file, ...args) {
  const child = fork(file, args)
  await told(child)
  return child
}

/** Processes that append when they are told to, all to one store. */
async function appenders(count, Store, dir) {
  const children = []
  for (let i = 0; i < count; i++) children.push(await started(APPENDING, Store.title, dir, String(i)))
  return {
    children,
    stop: () => Promise.all(children.map(end)),
    /** `used` are the sessions, and how often each process appended `each` messages to them. */
    proof: (used, each) =>
      withStore(Store, dir, async (store) => {
        for (const { key, times } of used) assertAll(await store.load(key), { processes: count, each, times })
      }),
  }
}

export async function end(child) {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  if (child.connected) child.disconnect()
  await gone
}

/** All begin at once, and each appends as often as it can; a new session in each repetition. */
export function appendProcesses(processes, appends) {
  const shared = (Store, as, each) => ({
    name: Store.title,
    as,
    async start(dir) {
      const { children, proof, stop } = await appenders(processes, Store, dir)
      const used = []
      let worst
      return {
        most: 1,
        elsewhere: true,
        per: processes * each,
        turn(number) {
          used.push({ key: `slack_shared${number}`, times: 0 })
          worst = 0
        },
        async operation() {
          const session = used.at(-1)
          session.times++
          const answers = Promise.all(children.map(told))
          for (const child of children) child.send({ key: session.key, count: each })
          for (const answer of await answers) worst = Math.max(worst, answer.worst)
        },
        figures: () => ({ worst: worst * 1000 }),
        proof: () => proof(used, each),
        stop,
      }
    },
  })
  return {
    name: `append-${processes}-processes`,
    work: `append, ${processes} processes on one session, over all`,
    unit: 'µs',
    contestants: [
      shared(Ours, undefined, appends),
      shared(Raw, 'O_APPEND, no lock', appends),
      shared(Sqlite, undefined, appends),
      // a hundred times as slow
      shared(Naive, undefined, Math.ceil(appends / 100)),
    ],
    goals: [
      known(2.2, LOOKS, atMost(2, 'raw limit', { as: 'O_APPEND, no lock' })),
      faster(1, 'sqlite'),
      under(20_000, 'worst'),
    ],
  }
}

const NONE_STOPPED = `${Ours.title}, none stopped`

/**
 * The others go on while one of them is stopped in the midst of its appends, or has ended them: what both have in
 * common is no wait for the one that is stopped. SQLite's may hold the lock of the file then.
 */
export function appendBesideStopped(processes, each) {
  const beside = (Store, { name = Store.title, as, stops = true } = {}) => ({
    name,
    as,
    async start(dir) {
      const { children, proof, stop } = await appenders(processes, Store, dir)
      const used = []
      let worst
      let running
      return {
        most: 1,
        selfTimed: true,
        per: (processes - 1) * each,
        turn(number) {
          used.push({ key: `slack_stopped${number}`, times: 0 })
          worst = running = 0
        },
        async operation() {
          const session = used.at(-1)
          session.times++
          const [victim, ...others] = children
          const last = told(victim)
          const answers = Promise.all(others.map(told))
          victim.send({ key: session.key, count: each })
          if (!stops) await last
          else {
            await new Promise((resolve) => setTimeout(resolve, STOP_AFTER_MS))
            victim.kill('SIGSTOP')
          }
          const start = performance.now()
          for (const child of others) child.send({ key: session.key, count: each })
          for (const answer of await answers) {
            worst = Math.max(worst, answer.worst)
            running = Math.max(running, answer.running)
          }
          const took = performance.now() - start
          victim.kill('SIGCONT')
          await last
          return took
        },
        figures: () => ({ worst: worst * 1000, 'worst with a processor': running * 1000 }),
        proof: () => proof(used, each),
        stop,
      }
    },
  })
  return {
    name: 'append-beside-stopped',
    work: `append, ${processes} processes on one session of which one is stopped, over all`,
    unit: 'µs',
    contestants: [
      beside(Ours),
      beside(Ours, { name: NONE_STOPPED, stops: false }),
      beside(Raw, { as: 'O_APPEND, no lock' }),
    ],
    goals: [under(50_000, 'worst with a processor'), under(50_000, 'worst')],
  }
}

/** Nothing is lost or doubled, and what one process wrote is in the order in which it wrote it. */
function assertAll(all, { processes, each, times }) {
  assert.equal(all.length, processes * each * times)
  const next = Array(processes).fill(0)
  for (const { from, place, content } of all) {
    assert.equal(place, next[from] % each)
    assert.equal(content, messageAt(place).content)
    next[from]++
  }
}

/** Another process keeps its own sessions of the same store in use meanwhile. */
export function appendBeside() {
  const [key, ...others] = keys(1 + OTHERS)
  const appends = (store) => {
    let written = 0
    let worst = 0
    return {
      least: store instanceof Naive ? 20 : 2000,
      most: 20_000,
      turn() {
        worst = 0
      },
      async operation() {
        const start = performance.now()
        await store.append(key, messageAt(written++))
        worst = Math.max(worst, performance.now() - start)
      },
      figures: () => ({ worst: worst * 1000 }),
      async proof() {
        assert.equal((await store.load(key)).length, written)
      },
    }
  }
  const beside = (Store) => ({
    name: Store.title,
    async start(dir) {
      const store = await Store.open(dir)
      const neighbour = await started(NEIGHBOUR, Store.title, dir, ...others)
      const measured = appends(store)
      return {
        ...measured,
        async proof() {
          await measured.proof()
          assert.equal(neighbour.exitCode, null)
          for (const other of others) assert.ok((await store.load(other)).length > 0)
        },
        async stop() {
          await end(neighbour)
          await store.close()
        },
      }
    },
  })
  return {
    name: 'append-beside',
    work: `append while another process holds ${OTHERS} other sessions`,
    unit: 'µs',
    latency: true,
    contestants: [...[Ours, Sqlite, Naive].map(beside), contestant(Ours, appends, { name: 'jsonl-sessions, alone' })],
    goals: [atMost(1.5, 'jsonl-sessions, alone', { as: 'the same alone' }), under(50, 'p99')],
  }
}
