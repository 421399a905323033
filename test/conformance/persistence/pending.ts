/** Calls that still wait for results. */
import assert from 'node:assert/strict'
import { context, insert } from './notation.js'
import { create, laterId, line, type PersistenceCase, raw } from './scene.js'

/** Conversations, and whether calls are pending at their end. All of a pending group is shown. */
const ENDS: ReadonlyArray<[given: string[], pending: boolean]> = [
  [['A[x]'], true],
  [['u q', 'A[x,y]', 'T y'], true],
  [['u q', 'A[x,y]', 'T y', 'T x'], false],
  [['A[x] text', 'a thinking aloud'], true],
  [['A[x]', 'system note', 'a text'], true],
  [['A[x]', 'T y'], true],
  [['T x', 'A[x]'], true],
  [['A[x]', 'A[y]', 'T y'], false],
  [['A[x]', 'A[y]', 'T x'], true],
  [['A[x]', 'T x', 'A[x]'], true],
  [['A[x]', 'u next'], false],
  [['A[x]', 'u next', 'T x'], false],
  [['A[x,y]', 'u next', 'T x'], false],
  [['A[x]', 'u next', 'A[y]'], true],
  [['a text'], false],
]

export const pendingCases: PersistenceCase[] = [
  {
    name: 'case 28: pending until the last result is there',
    async run({ persistence }) {
      const id = await create(persistence)
      const given = ['u q', 'A[t1,t2]', 'T t1', 'T t2']
      assert.equal(await persistence.hasPendingToolCalls(id), false)
      for (const [i, pending] of [false, true, true, false].entries()) {
        await insert(persistence, id, given[i]!)
        assert.equal(await persistence.hasPendingToolCalls(id), pending, `step ${i}`)
        assert.deepEqual(await context(persistence, id), given.slice(0, i + 1), `step ${i}`)
      }
    },
  },
  {
    name: 'case 29: a user message closes the calls',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'A[t1]', 'u next')
      assert.equal(await persistence.hasPendingToolCalls(id), false)
    },
  },
  ...ENDS.map(([given, pending]): PersistenceCase => {
    return {
      name: `pending: ${pending ? 'yes' : 'no'} after ${given.join(', ')}`,
      async run({ persistence }) {
        const id = await create(persistence)
        await insert(persistence, id, ...given)
        assert.equal(await persistence.hasPendingToolCalls(id), pending)
      },
    }
  }),
  {
    name: 'pending: the group is kept as it stands, and hidden whole once a user message closes it',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u q', 'A[x,y,z] text', 'T y', 'T x', 'a aside')
      assert.deepEqual(await context(persistence, id), ['u q', 'A[x,y,z] text', 'T x', 'T y', 'a aside'])
      await insert(persistence, id, 'u next')
      assert.deepEqual(await context(persistence, id), ['u q', 'a aside', 'u next'])
      await insert(persistence, id, 'T z')
      assert.deepEqual(await context(persistence, id), [
        'u q',
        'A[x,y,z] text',
        'T x',
        'T y',
        'T z',
        'a aside',
        'u next',
      ])
      assert.equal(await persistence.hasPendingToolCalls(id), false)
    },
  },
  {
    name: 'pending: archived calls wait no longer',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [, call] = await insert(persistence, id, 'u q', 'A[x]')
      assert.equal(await persistence.hasPendingToolCalls(id), true)
      log(id).add(raw.compaction(laterId(1), clock.date, 'sum', call!))
      assert.equal(await persistence.hasPendingToolCalls(id), false)
      assert.deepEqual(await context(persistence, id), ['S sum'])
      await insert(persistence, id, 'T x')
      assert.deepEqual(await context(persistence, id), ['S sum'])
    },
  },
  {
    name: 'pending: a removed result is missing, a removed user message closes nothing',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [, , result, next] = await insert(persistence, id, 'u q', 'A[x]', 'T x', 'u next')
      assert.equal(await persistence.hasPendingToolCalls(id), false)
      log(id).add(raw.remove(laterId(1), clock.date, [result!]))
      assert.equal(await persistence.hasPendingToolCalls(id), false)
      assert.deepEqual(await context(persistence, id), ['u q', 'u next'])
      log(id).add(raw.remove(laterId(2), clock.date, [next!]))
      assert.equal(await persistence.hasPendingToolCalls(id), true)
      assert.deepEqual(await context(persistence, id), ['u q', 'A[x]'])
    },
  },
  {
    name: 'pending: other roles close nothing',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, 'A[x]')
      log(id).add(raw.message(laterId(1), clock.date, 'note', 'developer'), line(laterId(2), clock.date, 'system note'))
      assert.equal(await persistence.hasPendingToolCalls(id), true)
      log(id).add(line(laterId(3), clock.date, 'u next'))
      assert.equal(await persistence.hasPendingToolCalls(id), false)
      assert.deepEqual(await context(persistence, id), ['developer note', 'system note', 'u next'])
    },
  },
]
