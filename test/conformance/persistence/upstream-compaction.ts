/** Upstream's own tests of compaction, pruning and purge, adjusted where the contract differs on purpose. */
import assert from 'node:assert/strict'
import type { NewMessage } from '../../../src/contracts/persistence/index.js'
import { all, context, insert, numbered } from './notation.js'
import { create, idsOf, type PersistenceCase } from './scene.js'

const NO_STATS = { messageCount: 0, sessionCount: 0, sizeBytes: 0, oldest: null }

export const upstreamCompactionCases: PersistenceCase[] = [
  {
    name: 'upstream: test_compact_session',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...Array.from({ length: 10 }, (_, i) => `u msg ${i}`))
      assert.equal(await persistence.compactSession(id, 'Summary of the talk', 2), 8)
      const messages = await persistence.loadContext(id)
      // no row of hints: 3, not 4
      assert.equal(messages.length, 3)
      const system = messages.filter(({ role }) => role === 'system')
      assert.equal(system.length, 1)
      assert(system[0]?.content?.includes('Summary of the talk'))
      assert.equal(messages.filter(({ content }) => content?.startsWith('msg ')).length, 2)
    },
  },
  {
    name: 'upstream: test_compact_preserves_zero',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(6))
      assert.equal(await persistence.compactSession(id, 'sum', 0), 6)
      assert.equal((await persistence.loadContext(id)).length, 1)
    },
  },
  {
    name: 'upstream: test_load_all_messages_includes_compacted',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(5))
      await persistence.compactSession(id, 'sum', 2)
      assert.deepEqual(await all(persistence, id), numbered(5))
    },
  },
  {
    name: 'upstream: the context is not served from before a compaction',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(10))
      assert.equal((await persistence.loadContext(id)).length, 10)
      assert.equal(await persistence.compactSession(id, 'sum', 3), 7)
      assert.deepEqual(await context(persistence, id), ['S sum', 'u m8', 'u m9', 'u m10'])
    },
  },
  {
    name: 'upstream pruning: nothing in, nothing out; a lone user stays',
    async run({ persistence }) {
      const id = await create(persistence)
      assert.deepEqual(await context(persistence, id), [])
      await insert(persistence, id, 'u hello')
      assert.deepEqual(await context(persistence, id), ['u hello'])
    },
  },
  {
    name: 'upstream pruning: a user and a pair',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u go', 'A[t1]', 'T t1')
      const messages = await persistence.loadContext(id)
      assert.equal(messages.length, 3)
      assert.equal(JSON.parse(messages[1]!.toolCalls!)[0].id, 't1')
    },
  },
  {
    name: 'upstream pruning: blank assistants are dropped, blank users and assistants with calls are not',
    async run({ persistence }) {
      const id = await create(persistence)
      const given: Array<string | NewMessage> = [
        { role: 'user', content: '' },
        { role: 'assistant', content: '  ' },
        'a',
        'A[t1]',
        'T t1',
      ]
      const ids = await insert(persistence, id, ...given)
      assert.deepEqual(
        idsOf(await persistence.loadContext(id)),
        [0, 3, 4].map((i) => ids[i]),
      )
    },
  },
  {
    name: 'upstream pruning: the latest of two results wins, results of other calls stay',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u go', 'A[t1,t2]', 'T t1 old', 'T t2', 'T t1 new')
      assert.deepEqual(await context(persistence, id), ['u go', 'A[t1,t2]', 'T t1 new', 'T t2'])
    },
  },
  {
    name: 'upstream pruning: test_prune_mismatched_tool_calls, closed by a user message',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'A[t1]', 'T t1', 'A[t2] text', 'u two')
      assert.deepEqual(await context(persistence, id), ['u one', 'A[t1]', 'T t1', 'u two'])
    },
  },
  {
    name: 'upstream pruning: a new result un-hides its assistant',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'A[t1]', 'u two')
      assert.deepEqual(await context(persistence, id), ['u two'])
      await insert(persistence, id, 'T t1')
      assert.deepEqual(await context(persistence, id), ['A[t1]', 'u two', 'T t1'])
    },
  },
  {
    name: 'upstream: test_compacted_stats_empty',
    async run({ persistence }) {
      assert.deepEqual(await persistence.compactedStats(), NO_STATS)
    },
  },
  {
    name: 'upstream: test_compacted_stats_after_compact',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      const archived = await persistence.compactSession(id, 'sum', 2)
      const { messageCount, sessionCount, sizeBytes, oldest } = await persistence.compactedStats()
      assert.deepEqual([messageCount, sessionCount], [archived, 1])
      assert(sizeBytes > 0)
      assert.notEqual(oldest, null)
    },
  },
  {
    name: 'upstream: test_purge_all',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      await persistence.compactSession(id, 'sum', 2)
      assert((await persistence.purgeCompacted(0)) > 0)
      assert.equal((await persistence.compactedStats()).messageCount, 0)
    },
  },
  {
    name: 'upstream: test_purge_with_age_filter',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      await persistence.compactSession(id, 'sum', 2)
      const stats = await persistence.compactedStats()
      assert.equal(await persistence.purgeCompacted(30), 0)
      assert.deepEqual(await persistence.compactedStats(), stats)
    },
  },
  {
    name: 'upstream: test_load_context_500_messages, without its time',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const at = clock.iso
      log(id).add(...Array.from({ length: 500 }, (_, i) => ({ id: `r${i}`, at, role: 'user', content: `msg ${i}` })))
      assert.equal((await persistence.loadContext(id)).length, 500)
    },
  },
]
