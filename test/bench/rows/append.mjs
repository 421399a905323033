import assert from 'node:assert/strict'
import { Naive } from '../competitors/naive.mjs'
import { OurBackend, Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite, SqliteFts } from '../competitors/sqlite.mjs'
import { atMost, faster, known, under } from '../goals.mjs'
import { keys, messageAt, messages } from '../messages.mjs'
import { random } from '../statistics.mjs'
import { contestant, withStore } from './contestant.mjs'
import { assertEndsWith } from './proof.mjs'

/** Keeps the logs small enough to be read back as a whole. */
const MOST = 20_000
/** What happens once per pause, such as taking a lease, must not weigh more than it does in a busy bot. */
const least = (store) => (store instanceof Naive ? 20 : 2000)
const SESSIONS = 1000
const EACH = 10

export function append() {
  const [key] = keys(1)
  const one = (store) => {
    let written = 0
    return {
      least: least(store),
      most: MOST,
      operation: () => store.append(key, messageAt(written++)),
      async proof() {
        const all = await store.load(key)
        assert.equal(all.length, written)
        assertEndsWith(all, messages(Math.max(0, written - 50), written))
        assert.equal((await store.metadata(key)).messages, written)
      },
    }
  }
  return {
    name: 'append',
    work: 'append, one awaited caller, one session',
    unit: 'µs',
    latency: true,
    contestants: [Ours, OurBackend, Raw, Sqlite, SqliteFts, Naive].map((Store) => contestant(Store, one)),
    goals: [atMost(1.7, 'raw limit', { as: 'kept fd + stat' }), under(50, 'p99')],
  }
}

/** All sessions are in use when the time begins, as on a busy day; `appendFirst` measures those at rest. */
export function appendSpread(sessions) {
  const over = (all) => (store) => {
    const rand = random(7)
    const written = new Map()
    const write = (key) => {
      const count = written.get(key) ?? 0
      written.set(key, count + 1)
      return store.append(key, messageAt(count))
    }
    return {
      least: least(store),
      most: MOST,
      async turn() {
        for (const key of all) await write(key)
      },
      operation: () => write(all[Math.floor(rand() * all.length)]),
      async proof() {
        for (const [key, count] of written) assert.equal((await store.load(key)).length, count)
      },
    }
  }
  const spread = over(keys(sessions))
  return {
    name: 'append-spread',
    work: `append, spread over ${sessions.toLocaleString('en')} sessions in use`,
    unit: 'µs',
    latency: true,
    contestants: [
      ...[Ours, Raw, Sqlite, SqliteFts, Naive].map((Store) => contestant(Store, spread)),
      contestant(Ours, over(keys(1)), { name: 'jsonl-sessions, one session' }),
    ],
    goals: [atMost(1.3, 'jsonl-sessions, one session', { as: 'one session' })],
  }
}

/** What the first message after a pause costs: nothing is open or held yet. */
export function appendFirst() {
  const most = 200
  const all = keys(SESSIONS)
  const first = (Store) => ({
    name: Store.title,
    async start(dir) {
      await withStore(Store, dir, async (store) => {
        for (const key of all) await store.fill(key, messages(0, EACH))
      })
      let store = await Store.open(dir)
      let written = 0
      let place = 0
      return {
        least: most,
        most,
        async turn() {
          await store.close()
          store = await Store.open(dir)
          place = 0
        },
        operation() {
          written++
          return store.append(all[place++ % SESSIONS], messageAt(EACH))
        },
        async proof() {
          let found = 0
          for (const key of all) found += (await store.load(key)).length
          assert.equal(found, SESSIONS * EACH + written)
        },
        stop: () => store.close(),
      }
    },
  })
  return {
    name: 'append-first',
    work: 'first append to a session after opening the store',
    unit: 'µs',
    contestants: [Ours, Raw, Sqlite, SqliteFts, Naive].map(first),
    goals: [known(2, 'a file is opened, and its first and its last line are read', faster(1, 'sqlite'))],
  }
}
