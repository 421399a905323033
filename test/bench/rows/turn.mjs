/** A bot's whole turn: running, the question, the last 50, the answer, idle. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { Naive } from '../competitors/naive.mjs'
import { OurBackend, Ours, OurTurns } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite, SqliteFts } from '../competitors/sqlite.mjs'
import { atMost, faster, known } from '../goals.mjs'
import { keys, messages } from '../messages.mjs'
import { random } from '../statistics.mjs'
import { contestant, withStore } from './contestant.mjs'
import { end, started, told } from './processes.mjs'
import { turnOf } from './turn-of.mjs'

const TURNING = path.join(import.meta.dirname, 'turn-process.mjs')
/** Messages of each session before. */
const EACH = 20
const PLAIN = { as: 'the same writes and looks by plain calls' }
const PARSING =
  'to parse its 50 messages alone takes a third of what the goal allows; four writes and nine looks come to half of it'

async function fill(store, all) {
  for (const key of all) await store.fill(key, messages(0, EACH))
}

/** What each contestant does, by states and appends or by a verb of its own. */
export function turnRows(sessions) {
  const all = keys(sessions)
  const turning = (store) => {
    const rand = random(11)
    const counts = new Map(all.map((key) => [key, EACH]))
    let number = 0
    return {
      least: store instanceof Naive ? 20 : 1000,
      most: 5000,
      operation() {
        const key = all[Math.floor(rand() * sessions)]
        counts.set(key, counts.get(key) + 2)
        return turnOf(store, key, number++)
      },
      async proof() {
        for (const [key, count] of counts) {
          assert.equal((await store.load(key)).length, count)
          assert.equal((await store.metadata(key)).state, 'idle')
        }
      },
    }
  }
  const one = (Store, name) => contestant(Store, turning, { name, fill: (store) => fill(store, all) })
  const row = (name, work, Store, goals, others) => ({
    name,
    work: `a turn ${work}, ${sessions.toLocaleString('en')} sessions of at least ${EACH} messages`,
    unit: 'µs',
    latency: true,
    contestants: [one(Store, Ours.title), one(Sqlite), ...others.map((Other) => one(Other))],
    goals: [known(2.5, PARSING, faster(3, 'sqlite')), faster(1, 'sqlite', { figure: 'p99' }), ...goals],
  })
  return [
    row('turn', 'by setState and append', Ours, [atMost(2, 'raw limit', PLAIN)], [Raw, SqliteFts, Naive]),
    row('turn-verb', 'by session.turn', OurTurns, [], []),
    row('turn-backend', 'through SessionBackend', OurBackend, [], []),
  ]
}

/** All begin at once, each on any of the sessions. */
export function turnProcesses(processes, sessions, turns) {
  const all = keys(sessions)
  const shared = (Store) => ({
    name: Store.title,
    async start(dir) {
      await withStore(Store, dir, (store) => fill(store, all))
      const children = []
      for (let i = 0; i < processes; i++) {
        children.push(await started(TURNING, Store.title, dir, String(i), String(processes), String(sessions)))
      }
      let done = 0
      return {
        most: 1,
        elsewhere: true,
        per: processes * turns,
        async operation() {
          const answers = Promise.all(children.map(told))
          for (const child of children) child.send(turns)
          await answers
          done += processes * turns
        },
        proof: () =>
          withStore(Store, dir, async (store) => {
            let found = 0
            for (const key of all) found += (await store.load(key)).length
            assert.equal(found, sessions * EACH + 2 * done)
          }),
        stop: () => Promise.all(children.map(end)),
      }
    },
  })
  return {
    name: `turn-${processes}-processes`,
    work: `a turn by setState and append, ${processes} processes, ${sessions.toLocaleString('en')} sessions, over all`,
    unit: 'µs',
    contestants: [Ours, Sqlite].map(shared),
    goals: [known(2.5, 'each turn looks at the run logs of all other processes', faster(2, 'sqlite'))],
  }
}
