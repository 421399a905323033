/** Counting and purging what is archived. */
import assert from 'node:assert/strict'
import type { Persistence, SessionId } from '../../../src/contracts/persistence/index.js'
import { HOUR } from '../clock.js'
import { all, calls, context, insert, numbered } from './notation.js'
import { answer, answers, create, DAY, laterId, type PersistenceCase, raw, rowOf } from './scene.js'

const NO_STATS = { messageCount: 0, sessionCount: 0, sizeBytes: 0, oldest: null }

/** A session of `count` messages of which the last `keep` are not archived. */
async function compacted(persistence: Persistence, count: number, keep: number): Promise<SessionId> {
  const id = await create(persistence)
  await insert(persistence, id, ...numbered(count))
  assert.equal(await persistence.compactSession(id, 'sum', keep), count - keep)
  return id
}

export const purgeCases: PersistenceCase[] = [
  {
    name: 'case 42: what is archived',
    async run({ persistence, clock }) {
      assert.deepEqual(await persistence.compactedStats(), NO_STATS)
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      clock.move(HOUR)
      assert.equal(await persistence.compactSession(id, 'sum', 2), 6)
      const compactedAt = clock.iso
      clock.move(HOUR)
      const { sizeBytes, ...stats } = await persistence.compactedStats()
      assert.deepEqual(stats, { messageCount: 6, sessionCount: 1, oldest: compactedAt })
      assert(sizeBytes > 0)
    },
  },
  {
    name: 'case 43: all archived messages of all sessions',
    async run({ persistence }) {
      const first = await compacted(persistence, 8, 2)
      const second = await compacted(persistence, 5, 1)
      const contexts = [await persistence.loadContext(first), await persistence.loadContext(second)]
      assert.equal(await persistence.purgeCompacted(0), 10)
      assert.equal(await persistence.purgeCompacted(0), 0)
      assert.deepEqual(await persistence.compactedStats(), NO_STATS)
      assert.deepEqual([await persistence.loadContext(first), await persistence.loadContext(second)], contexts)
      assert.deepEqual(await all(persistence, first), ['u m7', 'u m8'])
      assert.deepEqual(await all(persistence, second), ['u m5'])
      assert.equal((await rowOf(persistence, first))?.messageCount, 2)
    },
  },
  {
    name: 'case 44: by age since archiving',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      // the age of the messages does not matter
      clock.move(100 * DAY)
      await persistence.compactSession(id, 'sum', 2)
      const stats = await persistence.compactedStats()
      assert.equal(await persistence.purgeCompacted(30), 0)
      assert.deepEqual(await persistence.compactedStats(), stats)
      clock.move(30 * DAY)
      assert.equal(await persistence.purgeCompacted(30), 0)
      clock.move(1)
      assert.equal(await persistence.purgeCompacted(30), 6)
      for (const age of [-1, Number.NaN, 0.5]) await assert.rejects(persistence.purgeCompacted(age), RangeError)
    },
  },
  {
    name: 'stats: bytes of contents and of calls, in UTF-8',
    async run({ persistence }) {
      const id = await create(persistence)
      const toolCalls = calls('ü')
      await insert(
        persistence,
        id,
        { role: 'user', content: 'é👍' },
        { role: 'assistant', content: null, toolCalls },
        { role: 'tool', content: 'abc', toolCallId: 'ü' },
        { role: 'assistant', content: null },
        'u kept',
      )
      assert.equal(await persistence.compactSession(id, 'a summary of some length', 1), 4)
      const { sizeBytes, messageCount } = await persistence.compactedStats()
      assert.deepEqual([messageCount, sizeBytes], [4, 6 + Buffer.byteLength(toolCalls) + 3])
    },
  },
  {
    name: 'stats: sessions without archived messages do not count, removed messages neither',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [one] = await insert(persistence, id, 'u one', 'u three', 'u five')
      await persistence.compactSession(id, 'sum', 1)
      const removed = await create(persistence)
      const [gone] = await insert(persistence, removed, 'u gone', 'u there')
      await persistence.compactSession(removed, 'sum', 1)
      await insert(persistence, await create(persistence), 'u active')
      log('rootless').write(
        raw.header('rootless', clock.date),
        raw.message('r1', clock.date, '12'),
        raw.compaction('c1', clock.move(-DAY), 'sum', 'r1'),
      )
      const oldest = clock.iso
      assert.deepEqual(await persistence.compactedStats(), { messageCount: 4, sessionCount: 3, sizeBytes: 14, oldest })
      log(removed).add(raw.remove(laterId(1), clock.date, [gone!]))
      log(id).add(raw.remove(laterId(1), clock.date, [one!]))
      assert.deepEqual(await persistence.compactedStats(), { messageCount: 2, sessionCount: 2, sizeBytes: 7, oldest })
      await persistence.deleteSession(id)
      assert.deepEqual(await persistence.compactedStats(), { messageCount: 1, sessionCount: 1, sizeBytes: 2, oldest })
    },
  },
  {
    name: 'stats: the oldest is the first line that covers a message that is still there',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(6))
      await persistence.compactSession(id, 'first', 4)
      const first = clock.iso
      clock.move(DAY)
      await persistence.compactSession(id, 'second', 2)
      const second = clock.iso
      clock.move(DAY)
      assert.equal((await persistence.compactedStats()).oldest, first)
      assert.equal(await persistence.purgeCompacted(1), 2)
      const { messageCount, oldest } = await persistence.compactedStats()
      assert.deepEqual([messageCount, oldest], [2, second])
      assert.deepEqual(await context(persistence, id), ['S second', 'u m5', 'u m6'])
      assert.deepEqual(await all(persistence, id), ['u m3', 'u m4', 'u m5', 'u m6'])
      clock.move(1)
      assert.equal(await persistence.purgeCompacted(1), 2)
      assert.deepEqual(await persistence.compactedStats(), NO_STATS)
    },
  },
  {
    name: 'purge: only what is due, of sessions archived at different times',
    async run({ persistence, clock }) {
      const first = await compacted(persistence, 4, 1)
      clock.move(10 * DAY)
      const second = await compacted(persistence, 4, 2)
      clock.move(1)
      assert.equal(await persistence.purgeCompacted(10), 3)
      assert.deepEqual(await all(persistence, first), ['u m4'])
      assert.deepEqual(await all(persistence, second), numbered(4))
      assert.equal(await persistence.purgeCompacted(11), 0)
      assert.equal(await persistence.purgeCompacted(0), 2)
    },
  },
  {
    name: 'purge: any number of days, and a clock that stepped back',
    async run({ persistence, clock }) {
      await compacted(persistence, 4, 1)
      clock.move(1000 * DAY)
      for (const days of [1001, 2 ** 31, Number.MAX_SAFE_INTEGER, 1e300]) {
        assert.equal(await persistence.purgeCompacted(days), 0, `${days}`)
      }
      clock.move(-2000 * DAY)
      assert.equal(await persistence.purgeCompacted(1), 0)
      assert.equal(await persistence.purgeCompacted(0), 3)
    },
  },
  {
    name: 'purge: a session with nothing due is not touched',
    only: 'fresh',
    async run({ persistence, log, clock, reopen }) {
      const due = await compacted(persistence, 4, 1)
      clock.move(DAY)
      const later = await compacted(persistence, 4, 1)
      const active = await create(persistence)
      await insert(persistence, active, 'u one')
      log('damaged').write(raw.message('r1', clock.date, 'x'), 'damage')
      await persistence.compactedStats()
      await reopen()
      const old = new Date(clock.ms - 7 * DAY)
      const others = [later, active, 'damaged']
      for (const id of others) log(id).touch(old)
      const state = () => others.map((id) => [log(id).bytes(), log(id).mtimeMs])
      const before = state()
      clock.move(1)
      assert.equal(await persistence.purgeCompacted(1), 3)
      assert.deepEqual(await all(persistence, due), ['u m4'])
      assert.deepEqual(state(), before)
      assert.equal(await persistence.purgeCompacted(5), 0)
      assert.deepEqual(state(), before)
    },
  },
  {
    name: 'purge: removed messages are not counted, and alone they are not due',
    async run({ persistence, log, clock, weather }) {
      const id = await compacted(persistence, 4, 1)
      const [first] = await persistence.loadAllMessages(id)
      log(id).add(raw.remove(laterId(1), clock.date, [first!.id]))
      assert.equal(await persistence.purgeCompacted(0), 2)
      const other = await compacted(persistence, 3, 1)
      const [one, two] = await persistence.loadAllMessages(other)
      log(other).add(raw.remove(laterId(1), clock.date, [one!.id, two!.id]))
      const before = log(other).bytes()
      assert.equal(await persistence.purgeCompacted(0), 0)
      if (weather === 'fresh') assert.deepEqual(log(other).bytes(), before)
      assert.deepEqual(await context(persistence, other), ['S sum', 'u m3'])
    },
  },
  {
    name: 'purge: the texts are gone from the folder, summary and metadata stay',
    async run({ persistence, filesHolding }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u private one', answer('private two', 3, 4), 'u open')
      await persistence.setMetadata(id, 'note', 'kept')
      await persistence.setTodo(id, 'task')
      await persistence.compactSession(id, 'the summary', 1)
      const usage = await persistence.sessionTokenUsage(id)
      const before = await persistence.loadContext(id)
      assert.equal(await persistence.purgeCompacted(0), 2)
      assert.deepEqual(filesHolding('private'), [])
      assert.deepEqual(await persistence.loadContext(id), before)
      assert.deepEqual([await persistence.getMetadata(id, 'note'), await persistence.getTodo(id)], ['kept', 'task'])
      assert.deepEqual(await persistence.sessionTokenUsage(id), usage)
    },
  },
  {
    name: 'purge: of all messages of a session, which lives on',
    async run({ persistence, clock, reopen }) {
      const id = await compacted(persistence, 3, 0)
      const row = await rowOf(persistence, id)
      clock.move(HOUR)
      assert.equal(await persistence.purgeCompacted(0), 3)
      assert.deepEqual(await context(persistence, id), ['S sum'])
      assert.deepEqual(await rowOf(persistence, id), { ...row, messageCount: 0 })
      await reopen()
      await insert(persistence, id, 'u four', 'u five')
      assert.deepEqual(await context(persistence, id), ['S sum', 'u four', 'u five'])
      assert.equal(await persistence.compactSession(id, 'next', 1), 1)
      assert.deepEqual(await context(persistence, id), ['S next', 'u five'])
      assert.equal(await persistence.purgeCompacted(0), 1)
      assert.deepEqual(await context(persistence, id), ['S next', 'u five'])
    },
  },
  {
    name: 'purge: messages that come in meanwhile are kept, and two purges at once delete each message once',
    async run({ persistence, another }) {
      const other = await another()
      const id = await compacted(persistence, 6, 2)
      const [ours, theirs] = await Promise.all([
        persistence.purgeCompacted(0),
        other.purgeCompacted(0),
        insert(persistence, id, 'u late 1', 'u late 2'),
        insert(other, id, 'u other'),
      ])
      assert.equal(ours + theirs, 4)
      const left = await all(persistence, id)
      assert.deepEqual(
        left.filter((label) => label !== 'u other'),
        ['u m5', 'u m6', 'u late 1', 'u late 2'],
      )
      assert(left.includes('u other'))
      assert.deepEqual(await answers(persistence, [id]), await answers(other, [id]))
    },
  },
]
