/** How long the event loop stands still while a store works through many sessions. */
import assert from 'node:assert/strict'
import { Ours } from '../competitors/ours.mjs'
import { Sqlite } from '../competitors/sqlite.mjs'
import { under } from '../goals.mjs'
import { keys, messageAt, messages } from '../messages.mjs'
import { withStore } from './contestant.mjs'

const EACH = 10
const RARE = 'xylophonist'
/** How often the event loop ought to come by, ms. */
const TICK = 1

/** How long `work` took, and the longest time beyond a tick in which no timer could run, ms. */
async function stallsOf(work) {
  let longest = 0
  let last = performance.now()
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last - TICK)
    last = now
  }
  const timer = setInterval(look, TICK)
  const start = performance.now()
  const answer = await work()
  const took = performance.now() - start
  // what ran last ends with the next tick
  await new Promise((resolve) => setTimeout(resolve, 2 * TICK))
  look()
  clearInterval(timer)
  return { longest, took, answer }
}

/** Of an open store. `check` looks at the answer; `prepare` makes something to do, and is not timed. */
function stall(sessions, name, work, { run, check, prepare, most, stores = [Ours] }) {
  const all = keys(sessions)
  const fill = async (store) => {
    for (const key of all) await store.fill(key, messages(0, EACH))
    await store.append(all[sessions >> 1], { role: 'user', content: `who is the ${RARE}?` })
  }
  return {
    name: `stall-${name}-${sessions}`,
    work: `${work} ${sessions.toLocaleString('en')} sessions, longest stall of the event loop`,
    unit: 'ms',
    most,
    contestants: stores.map((Store) => ({
      name: Store.title,
      async start(dir) {
        await withStore(Store, dir, fill)
        const store = await Store.open(dir)
        let outcome
        return {
          most: 1,
          selfTimed: true,
          before: () => prepare?.(store, all),
          async operation() {
            outcome = await stallsOf(() => run(store, all))
            return outcome.took
          },
          figures: () => ({ stall: outcome.longest * 1000 }),
          proof: () => check(outcome.answer, store, all),
          stop: () => store.close(),
        }
      },
    })),
    goals: [under(20_000, 'stall')],
  }
}

export function stallOfList(sessions) {
  return stall(sessions, 'list', 'list', {
    stores: [Ours, Sqlite],
    prepare: (store, all) => store.append(all[0], messageAt(0)),
    run: (store) => store.list(),
    check: (rows) => assert.equal(rows.length, sessions),
  })
}

export function stallOfSearch(sessions) {
  return stall(sessions, 'search', 'search', {
    run: ({ store }) => store.search(RARE),
    check: (found, _store, all) =>
      assert.deepEqual(
        found.map(({ key }) => key),
        [all[sessions >> 1]],
      ),
  })
}

/** Each session has a message that was taken back, so that each log is written anew. */
export function stallOfCompact(sessions) {
  return stall(sessions, 'compact', 'rewrite', {
    // minutes, with so many syncs
    most: 1,
    async prepare(store, all) {
      for (const key of all) {
        await store.append(key, messageAt(EACH))
        await store.removeLast(key)
      }
    },
    async run({ store }, all) {
      let rewritten = 0
      for (const key of all) if ((await store.session(key).rewrite()) !== null) rewritten++
      return rewritten
    },
    async check(rewritten, { store }, all) {
      assert.equal(rewritten, sessions)
      for (const key of all) {
        const { messages, bytes } = await store.session(key).info()
        assert.ok(messages === EACH || (messages === EACH + 1 && key === all[sessions >> 1]))
        assert.ok(bytes > 0)
        assert.deepEqual(await store.session(key).removed(), [])
      }
    },
  })
}
