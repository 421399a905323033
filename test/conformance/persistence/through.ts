/** Compaction lines as they stand in a log: what they archive, and what is left when one goes. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import { all, context, insert, label } from './notation.js'
import { create, DAY, idsOf, laterId, line, type PersistenceCase, raw } from './scene.js'

const NOWHERE: ReadonlyArray<[what: string, through: null | string | number]> = [
  ['null', null],
  ['an unknown id', 'r9'],
  ['a number', 5],
  ['the id of another line', 'l1'],
]

export const throughCases: PersistenceCase[] = [
  ...NOWHERE.map(([what, through]): PersistenceCase => {
    return {
      name: `through: ${what} archives nothing, and the summary counts`,
      async run({ persistence, log, clock }) {
        const at = clock.date
        log('a').write(
          raw.header('a', at),
          line('r1', at, 'u one'),
          raw.meta('l1', at, { name: 'named' }),
          line('r2', at, 'u two'),
          raw.compaction('c1', at, 'sum', through),
        )
        assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u one', 'u two'])
        assert.equal((await persistence.compactedStats()).messageCount, 0)
        assert.equal(await persistence.purgeCompacted(0), 0)
        assert.equal(await persistence.compactSession('a', 'next', 1), 1)
        assert.deepEqual(await context(persistence, 'a'), ['S next', 'u two'])
      },
    }
  }),
  {
    name: 'through: the named message and every one before it',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        line('r1', at, 'u one'),
        line('r2', at, 'a two'),
        line('r3', at, 'u three'),
        raw.compaction('c1', clock.move(HOUR), 'sum', 'r2'),
      )
      const messages = await persistence.loadContext('a')
      assert.deepEqual(messages.map(label), ['S sum', 'u three'])
      assert.deepEqual([messages[0]?.id, messages[0]?.at], ['c1', clock.iso])
      assert.deepEqual(await all(persistence, 'a'), ['u one', 'a two', 'u three'])
    },
  },
  {
    name: 'through: a removed message still marks the place',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const ids = await insert(persistence, id, 'u one', 'u two', 'u three')
      assert.equal(await persistence.compactSession(id, 'sum', 1), 2)
      log(id).add(raw.remove(laterId(1), clock.date, [ids[1]!]))
      assert.deepEqual(await context(persistence, id), ['S sum', 'u three'])
      assert.deepEqual(await all(persistence, id), ['u one', 'u three'])
      assert.equal((await persistence.compactedStats()).messageCount, 1)
      log(id).add(raw.remove(laterId(2), clock.date, [ids[0]!]))
      assert.deepEqual(await context(persistence, id), ['S sum', 'u three'])
      assert.equal((await persistence.compactedStats()).messageCount, 0)
      await insert(persistence, id, 'u four')
      assert.deepEqual(await context(persistence, id), ['S sum', 'u three', 'u four'])
    },
  },
  {
    name: 'through: the last compaction line holds the summary, though an earlier one reaches farther',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        line('r1', at, 'u one'),
        line('r2', at, 'u two'),
        line('r3', at, 'u three'),
        raw.compaction('c1', at, 'far', 'r2'),
        raw.compaction('c2', at, 'near', 'r1'),
      )
      assert.deepEqual(await context(persistence, 'a'), ['S near', 'u three'])
      assert.equal((await persistence.compactedStats()).messageCount, 2)
    },
  },
  {
    name: 'through: a removed compaction line is gone, and what only it covered is active again',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two', 'A[x]', 'T x', 'u five')
      assert.equal(await persistence.compactSession(id, 'first', 4), 1)
      const [first] = await persistence.loadContext(id)
      assert.equal(await persistence.compactSession(id, 'second', 1), 3)
      const [second] = await persistence.loadContext(id)
      assert.equal(second?.content, 'second')
      log(id).add(raw.remove(laterId(1), clock.date, [second!.id]))
      assert.deepEqual(await context(persistence, id), ['S first', 'u two', 'A[x]', 'T x', 'u five'])
      assert.equal((await persistence.compactedStats()).messageCount, 1)
      log(id).add(raw.remove(laterId(2), clock.date, [first!.id]))
      assert.deepEqual(await context(persistence, id), ['u one', 'u two', 'A[x]', 'T x', 'u five'])
      assert.deepEqual(await persistence.compactedStats(), {
        messageCount: 0,
        sessionCount: 0,
        sizeBytes: 0,
        oldest: null,
      })
      assert.equal((await all(persistence, id)).length, 5)
      assert.equal(await persistence.compactSession(id, 'third', 1), 4)
      assert.deepEqual(await context(persistence, id), ['S third', 'u five'])
    },
  },
  {
    name: 'through: without the earlier compaction line the later one covers alone, from its own time on',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two', 'u three')
      assert.equal(await persistence.compactSession(id, 'first', 2), 1)
      const [first] = await persistence.loadContext(id)
      assert.equal((await persistence.compactedStats()).oldest, clock.iso)
      clock.move(DAY)
      assert.equal(await persistence.compactSession(id, 'second', 1), 1)
      assert.notEqual((await persistence.compactedStats()).oldest, clock.iso)
      log(id).add(raw.remove(laterId(1), clock.date, [first!.id]))
      assert.deepEqual(await context(persistence, id), ['S second', 'u three'])
      const { messageCount, oldest } = await persistence.compactedStats()
      assert.deepEqual([messageCount, oldest], [2, clock.iso])
    },
  },
  {
    name: 'through: a foreign cut through a group leaves no result without its call',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [, call] = await insert(persistence, id, 'u q', 'A[x]', 'T x', 'u next')
      log(id).add(raw.compaction(laterId(1), clock.date, 'sum', call!))
      assert.deepEqual(await context(persistence, id), ['S sum', 'u next'])
      assert.equal(await persistence.compactSession(id, 'more', 1), 0)
      assert.equal(await persistence.compactSession(id, 'more', 0), 2)
    },
  },
  {
    name: 'through: a result behind the cut finds an active call of the same id only',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [, archived] = await insert(
        persistence,
        id,
        'A[x] old',
        'T x old',
        'u q',
        'A[x] new',
        'T x new',
        'T x newer',
      )
      log(id).add(raw.compaction(laterId(1), clock.date, 'sum', archived!))
      assert.deepEqual(await context(persistence, id), ['S sum', 'u q', 'A[x] new', 'T x newer'])
    },
  },
  {
    name: 'through: a line without an id is named by its stand-in',
    async run({ persistence, log, clock }) {
      const at = clock.iso
      log('a').write(
        raw.header('a', clock.date),
        { at, role: 'user', content: 'one' },
        { at, role: 'user', content: 'two' },
        { at, role: 'user', content: 'three' },
      )
      const ids = idsOf(await persistence.loadAllMessages('a'))
      assert.equal(await persistence.compactSession('a', 'sum', 1), 2)
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u three'])
      assert.deepEqual(idsOf(await persistence.loadAllMessages('a')), ids)
      assert.equal(await persistence.purgeCompacted(0), 2)
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u three'])
      assert.deepEqual(idsOf(await persistence.loadAllMessages('a')), ids.slice(2))
    },
  },
  {
    name: 'through: for a compaction line without a time that of the file stands in',
    only: 'fresh',
    async run({ persistence, log, clock }) {
      const at = clock.date
      const lines = [raw.header('a', at), line('r1', at, 'u one'), line('r2', at, 'u two')]
      log('a').write(...lines, { type: 'compaction', summary: 'sum', through: 'r1' })
      log('a').touch(clock.move(HOUR))
      const archivedAt = clock.iso
      const [summary, ...others] = await persistence.loadContext('a')
      assert.deepEqual([summary?.kind, summary?.at], ['summary', archivedAt])
      assert.deepEqual(others.map(label), ['u two'])
      assert.equal((await persistence.loadContext('a'))[0]?.id, summary?.id)
      assert.equal((await persistence.compactedStats()).oldest, archivedAt)
      clock.move(DAY)
      assert.equal(await persistence.purgeCompacted(1), 0)
      clock.move(1)
      assert.equal(await persistence.purgeCompacted(1), 1)
      assert.deepEqual(await persistence.loadContext('a'), [summary, ...others])
    },
  },
  {
    name: 'through: a message that comes behind the compaction line, as in a merged log',
    async run({ persistence, log, clock, reopen }) {
      const at = clock.date
      log('a').write(raw.header('a', at), line('r1', at, 'u one'), raw.compaction('c1', at, 'sum', 'r3'))
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u one'])
      assert.equal((await persistence.compactedStats()).messageCount, 0)
      log('a').add(line('r2', at, 'u two'), line('r3', at, 'u three'), line('r4', at, 'u four'))
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u four'])
      assert.equal((await persistence.compactedStats()).messageCount, 3)
      await reopen()
      assert.equal((await persistence.compactedStats()).messageCount, 3)
      assert.equal(await persistence.purgeCompacted(0), 3)
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u four'])
    },
  },
  {
    name: 'through: a compaction line that was removed before it came',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(raw.header('a', at), line('r1', at, 'u one'), raw.remove('x1', at, ['c1']))
      assert.deepEqual(await context(persistence, 'a'), ['u one'])
      log('a').add(raw.compaction('c1', at, 'sum', 'r1'), line('r2', at, 'u two'))
      assert.deepEqual(await context(persistence, 'a'), ['u one', 'u two'])
      assert.equal((await persistence.compactedStats()).messageCount, 0)
    },
  },
  {
    name: 'through: the first of two copies of a message marks the place',
    async run({ persistence, log, clock }) {
      const at = clock.date
      const one = line('r1', at, 'u one')
      log('a').write(raw.header('a', at), one, line('r2', at, 'u two'), one, raw.compaction('c1', at, 'sum', 'r1'))
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u two'])
      assert.equal((await persistence.compactedStats()).messageCount, 1)
    },
  },
  {
    name: 'through: a second copy of a compaction line changes nothing',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two', 'u three')
      await persistence.compactSession(id, 'first', 2)
      const copy = log(id).lines().at(-1)!
      clock.move(HOUR)
      await persistence.compactSession(id, 'second', 1)
      log(id).add(copy)
      assert.deepEqual(await context(persistence, id), ['S second', 'u three'])
      assert.equal((await persistence.compactedStats()).messageCount, 2)
    },
  },
]
