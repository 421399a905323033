/** Where compaction cuts: by what is shown, and never through a group. */
import assert from 'node:assert/strict'
import { all, context, insert } from './notation.js'
import { create, type PersistenceCase } from './scene.js'

interface Cut {
  what: string
  given: string[]
  keep: number
  archived: number
  /** What the context shows afterwards, behind the summary. */
  shown: string[]
}

const CUTS: readonly Cut[] = [
  {
    what: 'a hidden row costs no shown one its place',
    given: ['u m1', 'u m2', 'A[x]', 'u m3'],
    keep: 2,
    archived: 1,
    shown: ['u m2', 'u m3'],
  },
  {
    what: 'hidden rows before the cut are archived and counted',
    given: ['u m1', 'A[x] text', 'a', 'T y', 'u m2', 'u m3'],
    keep: 2,
    archived: 4,
    shown: ['u m2', 'u m3'],
  },
  {
    what: 'hidden rows behind the last shown one',
    given: ['u m1', 'u m2', 'T x'],
    keep: 1,
    archived: 1,
    shown: ['u m2'],
  },
  { what: 'nothing kept: behind the last active row', given: ['u m1', 'T x'], keep: 0, archived: 2, shown: [] },
  {
    what: 'a dead call is no obstacle',
    given: ['u m1', 'A[x]', 'u m2', 'u m3'],
    keep: 1,
    archived: 3,
    shown: ['u m3'],
  },
  {
    what: 'results of a dead call are not torn off',
    given: ['u m1', 'A[x,y]', 'u m2', 'T x', 'u m3'],
    keep: 2,
    archived: 3,
    shown: ['u m2', 'u m3'],
  },
  {
    what: 'a dead call with its results lies before the cut',
    given: ['u m1', 'A[x,y]', 'u m2', 'T x', 'u m3'],
    keep: 1,
    archived: 4,
    shown: ['u m3'],
  },
  {
    what: 'the cut falls between the results of parallel calls',
    given: ['u m1', 'A[x,y]', 'T x', 'T y', 'u m2'],
    keep: 2,
    archived: 1,
    shown: ['A[x,y]', 'T x', 'T y', 'u m2'],
  },
  {
    what: 'a result that came late goes with its call, and what stood between stays',
    given: ['u m1', 'A[x]', 'u m2', 'u m3', 'T x', 'u m4'],
    keep: 3,
    archived: 3,
    shown: ['u m2', 'u m3', 'u m4'],
  },
  {
    what: 'of groups that overlap the one that is cut stays whole',
    given: ['u m1', 'A[x]', 'A[y]', 'T x', 'T y', 'u m2'],
    keep: 2,
    archived: 3,
    shown: ['A[y]', 'T y', 'u m2'],
  },
  {
    what: 'the cut lies exactly between two groups',
    given: ['A[x]', 'T x', 'A[y]', 'T y'],
    keep: 2,
    archived: 2,
    shown: ['A[y]', 'T y'],
  },
  {
    what: 'the pending group is kept, even if nothing shall be',
    given: ['u m1', 'u m2', 'A[x,y] text', 'T x'],
    keep: 0,
    archived: 2,
    shown: ['A[x,y] text', 'T x'],
  },
  {
    what: 'the pending group reaches past the end',
    given: ['u m1', 'A[x]', 'a aside', 'system note'],
    keep: 1,
    archived: 1,
    shown: ['A[x]', 'a aside', 'system note'],
  },
  {
    what: 'a group that overlaps the pending one',
    given: ['u m1', 'A[x]', 'A[y]', 'T x'],
    keep: 0,
    archived: 3,
    shown: ['A[y]'],
  },
  {
    what: 'of several results the hidden ones belong to the group',
    given: ['u m1', 'A[x]', 'T x one', 'u m2', 'T x two', 'u m3'],
    keep: 2,
    archived: 4,
    shown: ['u m2', 'u m3'],
  },
  {
    what: 'several results before the cut are archived together',
    given: ['u m1', 'A[x,y]', 'T x one', 'T y', 'T x two', 'u m2', 'u m3'],
    keep: 2,
    archived: 5,
    shown: ['u m2', 'u m3'],
  },
  {
    what: 'a result without a call holds nothing back',
    given: ['T x', 'u m1', 'A[x]', 'T x', 'T x more', 'u m2'],
    keep: 1,
    archived: 5,
    shown: ['u m2'],
  },
]

/** Conversations of which nothing can be archived, with a count that is smaller than what is shown. */
const WHOLE: ReadonlyArray<[what: string, given: string[], keep: number]> = [
  ['a pending group alone', ['A[x,y]', 'T x'], 0],
  ['one group that spans everything', ['A[x]', 'u m1', 'u m2', 'T x'], 3],
  ['groups that overlap from the first row on', ['A[x]', 'A[y]', 'T x', 'u m1', 'T y'], 4],
  ['everything is behind a pending call', ['A[x]', 'a one', 'a two'], 0],
]

export const cutCases: PersistenceCase[] = [
  ...CUTS.map(({ what, given, keep, archived, shown }): PersistenceCase => {
    return {
      name: `cut: ${what}`,
      async run({ persistence }) {
        const id = await create(persistence)
        await insert(persistence, id, ...given)
        const pending = await persistence.hasPendingToolCalls(id)
        assert.equal(await persistence.compactSession(id, 'sum', keep), archived)
        assert.deepEqual(await context(persistence, id), ['S sum', ...shown])
        assert.deepEqual(await all(persistence, id), given)
        assert.equal(await persistence.hasPendingToolCalls(id), pending)
        assert.equal((await persistence.compactedStats()).messageCount, archived)
      },
    }
  }),
  ...WHOLE.map(([what, given, keep]): PersistenceCase => {
    return {
      name: `cut: at the very start (${what})`,
      async run({ persistence, log, weather }) {
        const id = await create(persistence)
        await insert(persistence, id, ...given)
        const before = { context: await persistence.loadContext(id), bytes: log(id).bytes() }
        assert.equal(await persistence.compactSession(id, 'sum', keep), 0)
        assert.deepEqual(await persistence.loadContext(id), before.context)
        if (weather === 'fresh') assert.deepEqual(log(id).bytes(), before.bytes)
      },
    }
  }),
  {
    name: 'cut: a pending group is compacted once it is closed',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u m1', 'A[x]')
      assert.equal(await persistence.compactSession(id, 'first', 0), 1)
      assert.deepEqual(await context(persistence, id), ['S first', 'A[x]'])
      await insert(persistence, id, 'T x', 'a done')
      assert.deepEqual(await context(persistence, id), ['S first', 'A[x]', 'T x', 'a done'])
      assert.equal(await persistence.compactSession(id, 'second', 0), 3)
      assert.deepEqual(await context(persistence, id), ['S second'])
    },
  },
  {
    name: 'cut: through names the last message before it',
    only: 'fresh',
    async run({ persistence, log }) {
      const id = await create(persistence)
      const ids = await insert(persistence, id, 'u m1', 'T orphan', 'u m2', 'A[x]', 'T x', 'u m3')
      const last = () => JSON.parse(log(id).lines().at(-1)!)
      assert.equal(await persistence.compactSession(id, 'first', 4), 2)
      assert.equal(last().through, ids[1])
      assert.equal(await persistence.compactSession(id, 'second', 2), 1)
      assert.equal(last().through, ids[2])
      assert.equal(await persistence.compactSession(id, 'third', 0), 3)
      assert.equal(last().through, ids[5])
    },
  },
]
