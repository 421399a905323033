import assert from 'node:assert/strict'
import { Naive } from '../competitors/naive.mjs'
import { Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite, SqliteFts } from '../competitors/sqlite.mjs'
import { faster, known } from '../goals.mjs'
import { keys, messageAt, messages } from '../messages.mjs'
import { random } from '../statistics.mjs'
import { contestant, withStore } from './contestant.mjs'

const EACH = 100
const ALL = [Ours, Raw, Sqlite, SqliteFts, Naive]

/** What a bot does all day, by share. */
const OPERATIONS = [
  { kind: 'append', until: 0.7, call: (store, key) => store.append(key, messageAt(key.length * 31)) },
  { kind: 'last 50', until: 0.85, call: (store, key) => store.last(key, 50) },
  { kind: 'newest 50', until: 0.95, call: (store) => store.newest(50) },
  { kind: 'metadata', until: 0.99, call: (store, key) => store.metadata(key) },
  { kind: 'removeLast', until: 1, call: (store, key) => store.removeLast(key) },
]

export function mixed(sessions) {
  const all = keys(sessions)
  const day = (store) => {
    let rand
    let kind
    const counts = new Map(all.map((key) => [key, EACH]))
    return {
      /**
       * In each repetition the same operations for every contestant. All sessions are in use when the time begins, as in
       * `appendSpread`: others had their turn meanwhile, and what was held is given back. Nothing is held the naive way.
       */
      async turn(number) {
        rand = random(number + 1)
        if (store instanceof Naive) return
        for (const key of all) {
          counts.set(key, counts.get(key) + 1)
          await store.append(key, messageAt(number))
        }
      },
      operation() {
        const share = rand()
        const operation = OPERATIONS.find(({ until }) => share < until)
        const key = all[Math.floor(rand() * sessions)]
        kind = operation.kind
        if (kind === 'append') counts.set(key, counts.get(key) + 1)
        else if (kind === 'removeLast') counts.set(key, counts.get(key) - 1)
        return operation.call(store, key)
      },
      kind: () => kind,
      // fewer would not hold all kinds in their shares, and the first list after a pause, which looks at all, would be much of it
      least: store instanceof Naive ? 300 : 10_000,
      most: 20_000,
      async proof() {
        for (const [key, count] of counts) {
          assert.equal((await store.load(key)).length, count)
          assert.equal((await store.metadata(key)).messages, count)
        }
        assert.equal((await store.newest(50)).length, 50)
      },
    }
  }
  const fill = async (store) => {
    for (const key of all) await store.fill(key, messages(0, EACH))
  }
  return {
    name: 'mixed',
    work: `mixed workload, ${sessions.toLocaleString('en')} sessions in use x ${EACH} messages`,
    unit: 'µs',
    latency: true,
    contestants: ALL.map((Store) => contestant(Store, day, { fill })),
    goals: [known(2, 'the raw limit itself is 4x as fast as sqlite', faster(3, 'sqlite'))],
  }
}

/** From open to close: what is written behind is paid for here. */
export function burst() {
  const sessions = keys(50)
  const each = 10
  const whole = (Store) => ({
    name: Store.title,
    async start(dir) {
      let times = 0
      return {
        async operation() {
          times++
          await withStore(Store, dir, async (store) => {
            for (let i = 0; i < each; i++) {
              for (const key of sessions) await store.append(key, messageAt(i))
            }
          })
        },
        proof: () =>
          withStore(Store, dir, async (store) => {
            for (const key of sessions) assert.equal((await store.load(key)).length, times * each)
          }),
        most: 20,
        stop() {},
      }
    },
  })
  return {
    name: 'burst',
    work: `open, ${each} messages to each of ${sessions.length} sessions in turn, close`,
    unit: 'ms',
    contestants: ALL.map(whole),
    goals: [known(6, 'for each session a lease is taken and a sidecar made at close', faster(1, 'sqlite'))],
  }
}
