import assert from 'node:assert/strict'
import { GroupCommit } from '../competitors/group-commit.mjs'
import { OursDurable } from '../competitors/ours.mjs'
import { SqliteFull } from '../competitors/sqlite.mjs'
import { atMost, faster, known } from '../goals.mjs'
import { keys, messageAt, messages } from '../messages.mjs'
import { contestant } from './contestant.mjs'
import { assertEndsWith } from './proof.mjs'

const OWN_WRITES =
  'callers share a sync; each append is a write of its own, with a look at the file before and after it'

/** How often each caller writes in one operation. */
const ROUNDS = 8

/** An append is answered when it is on disk. SQLite has no such callers: it writes as many messages in one transaction. */
export function appendDurable(callers) {
  const [key] = keys(1)
  const eachWaits = async (store, next) => {
    const caller = async () => {
      for (let i = 0; i < ROUNDS; i++) await store.append(key, next())
    }
    await Promise.all(Array.from({ length: callers }, caller))
  }
  const together = (store, next) => {
    for (let i = 0; i < ROUNDS; i++) store.fill(key, Array.from({ length: callers }, next))
  }
  const durable = (write) => (store) => {
    let written = 0
    return {
      per: callers * ROUNDS,
      most: 40,
      operation: () => write(store, () => messageAt(written++)),
      async proof() {
        const all = await store.load(key)
        assert.equal(all.length, written)
        assertEndsWith(all, messages(written - callers, written))
        assert.equal((await store.metadata(key)).messages, written)
      },
    }
  }
  const commit = 'group commit'
  const transactions = `FULL, transactions of ${callers}`
  return {
    name: 'append-fsync-always',
    work: `append, fsync 'always', ${callers} callers, one session`,
    unit: 'µs',
    contestants: [
      contestant(OursDurable, durable(eachWaits)),
      contestant(GroupCommit, durable(eachWaits), { as: commit }),
      contestant(SqliteFull, durable(together), { as: transactions }),
    ],
    goals: [
      known(1.7, OWN_WRITES, atMost(1.5, 'raw limit', { as: commit })),
      known(2.6, OWN_WRITES, faster(1, 'sqlite', { as: `sqlite ${transactions}` })),
    ],
  }
}
