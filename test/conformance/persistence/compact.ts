/** Compaction into a summary. */
import assert from 'node:assert/strict'
import type { Persistence, SessionId } from '../../../src/contracts/persistence/index.js'
import { HOUR } from '../clock.js'
import { all, context, insert, message, numbered } from './notation.js'
import { create, idsOf, type PersistenceCase, row, rowOf, wrong } from './scene.js'

async function sessionOf(persistence: Persistence, ...given: string[]): Promise<SessionId> {
  const id = await create(persistence)
  await insert(persistence, id, ...given)
  return id
}

export const compactCases: PersistenceCase[] = [
  {
    name: 'case 36: ten messages, two kept',
    async run({ persistence, log, weather }) {
      const id = await sessionOf(persistence, ...numbered(10))
      const before = log(id).lines().length
      assert.equal(await persistence.compactSession(id, 'sum', 2), 8)
      if (weather === 'fresh') assert.equal(log(id).lines().length, before + 1)
      assert.deepEqual(await context(persistence, id), ['S sum', 'u m9', 'u m10'])
      assert.deepEqual(await all(persistence, id), numbered(10))
      assert.equal((await rowOf(persistence, id))?.messageCount, 10)
    },
  },
  {
    name: 'case 37: nothing kept',
    async run({ persistence }) {
      const id = await sessionOf(persistence, ...numbered(6))
      assert.equal(await persistence.compactSession(id, 'sum', 0), 6)
      assert.deepEqual(await context(persistence, id), ['S sum'])
    },
  },
  {
    name: 'case 38: nothing to archive',
    async run({ persistence, log, weather }) {
      const id = await sessionOf(persistence, ...numbered(3))
      const before = log(id).bytes()
      assert.equal(await persistence.compactSession(id, 'sum', 4), 0)
      assert.equal(await persistence.compactSession(id, 'sum', 3), 0)
      if (weather === 'fresh') assert.deepEqual(log(id).bytes(), before)
      assert.deepEqual(await context(persistence, id), numbered(3))
    },
  },
  {
    name: 'case 39: a call stays with its result',
    async run({ persistence }) {
      const id = await sessionOf(persistence, 'u q', 'A[t1]', 'T t1', 'a done')
      assert.equal(await persistence.compactSession(id, 'sum', 2), 1)
      assert.deepEqual(await context(persistence, id), ['S sum', 'A[t1]', 'T t1', 'a done'])
    },
  },
  {
    name: 'case 40: compaction again and again',
    async run({ persistence, log, weather }) {
      const id = await sessionOf(persistence, ...numbered(10))
      assert.equal(await persistence.compactSession(id, 'first', 4), 6)
      await insert(persistence, id, ...numbered(14).slice(10))
      assert.equal(await persistence.compactSession(id, 'second', 2), 6)
      assert.deepEqual(await context(persistence, id), ['S second', 'u m13', 'u m14'])
      assert.deepEqual(await all(persistence, id), numbered(14))
      const before = log(id).bytes()
      assert.equal(await persistence.compactSession(id, 'third', 2), 0)
      if (weather === 'fresh') assert.deepEqual(log(id).bytes(), before)
      assert.deepEqual(await context(persistence, id), ['S second', 'u m13', 'u m14'])
    },
  },
  {
    name: 'case 41: what is no count and no summary is refused',
    async run({ persistence, log, weather }) {
      const id = await sessionOf(persistence, ...numbered(3))
      const before = log(id).bytes()
      for (const keep of [-1, 1.5, Number.NaN]) {
        await assert.rejects(persistence.compactSession(id, 'sum', keep), RangeError)
      }
      await assert.rejects(persistence.compactSession(id, wrong<string>(5), 1), TypeError)
      if (weather === 'fresh') assert.deepEqual(log(id).bytes(), before)
      assert.deepEqual(await context(persistence, id), numbered(3))
    },
  },
  {
    name: 'compaction: the summary is a system message with the id and time of its line',
    async run({ persistence, clock, log }) {
      const id = await create(persistence)
      await persistence.insertMessageWithAgent(id, { ...message('a one'), agentName: 'helper' })
      const two = await persistence.insertMessageWithAgent(id, { ...message('a two'), agentName: 'helper' })
      const at = clock.iso
      clock.move(HOUR)
      assert.equal(await persistence.compactSession(id, 'the\nsummary ', 1), 1)
      const { id: compaction } = JSON.parse(log(id).lines().at(-1)!)
      assert.deepEqual(await persistence.loadContext(id), [
        row({
          id: compaction,
          sessionId: id,
          role: 'system',
          kind: 'summary',
          content: 'the\nsummary ',
          at: clock.iso,
        }),
        row({ id: two, sessionId: id, role: 'assistant', content: 'two', agentName: 'helper', at }),
      ])
      assert(compaction > two)
    },
  },
  {
    name: 'compaction: any summary is kept unchanged',
    async run({ persistence, reopen }) {
      for (const summary of ['', '  ', 'a\r\n\u2028👍\0"', 'x'.repeat(500_000)]) {
        const id = await sessionOf(persistence, 'u one', 'u two')
        assert.equal(await persistence.compactSession(id, summary, 1), 1)
        await reopen()
        const [first, ...others] = await persistence.loadContext(id)
        assert.deepEqual([first?.kind, first?.content, first?.role], ['summary', summary, 'system'])
        assert.equal(others.length, 1)
      }
    },
  },
  {
    name: 'compaction: of nothing, or of what is archived already',
    async run({ persistence }) {
      const id = await create(persistence)
      assert.equal(await persistence.compactSession(id, 'sum', 0), 0)
      assert.deepEqual(await context(persistence, id), [])
      await insert(persistence, id, 'u one')
      assert.equal(await persistence.compactSession(id, 'first', 0), 1)
      assert.equal(await persistence.compactSession(id, 'second', 0), 0)
      assert.deepEqual(await context(persistence, id), ['S first'])
    },
  },
  {
    name: 'compaction: messages that no context shows are not archived',
    async run({ persistence }) {
      const id = await sessionOf(persistence, 'T x', 'T y')
      assert.equal(await persistence.compactSession(id, 'sum', 0), 0)
      await insert(persistence, id, 'u q')
      assert.equal(await persistence.compactSession(id, 'sum', 1), 0)
      assert.equal(await persistence.compactSession(id, 'sum', 0), 3)
      assert.deepEqual(await context(persistence, id), ['S sum'])
    },
  },
  {
    name: 'compaction: messages that come in meanwhile are kept',
    async run({ persistence }) {
      const id = await sessionOf(persistence, ...numbered(10))
      const late = ['u late 1', 'u late 2', 'u late 3']
      const [archived] = await Promise.all([
        persistence.compactSession(id, 'sum', 2),
        ...late.map((label) => persistence.insertMessage(id, message(label))),
      ])
      const whole = [...numbered(10), ...late]
      assert.deepEqual(await all(persistence, id), whole)
      assert(archived >= 8 && archived <= 11, `${archived}`)
      assert.deepEqual(await context(persistence, id), ['S sum', ...whole.slice(archived)])
    },
  },
  {
    name: 'compaction: of two at once one has nothing left to do',
    async run({ persistence, another, log }) {
      const other = await another()
      const id = await sessionOf(persistence, ...numbered(10))
      const answers = await Promise.all([
        persistence.compactSession(id, 'ours', 2),
        other.compactSession(id, 'theirs', 2),
      ])
      assert.deepEqual([...answers].sort(), [0, 8])
      const summaries = log(id)
        .lines()
        .filter((text) => JSON.parse(text).type === 'compaction')
      assert.equal(summaries.length, 1)
      assert.deepEqual(await context(other, id), [`S ${answers[0] === 8 ? 'ours' : 'theirs'}`, 'u m9', 'u m10'])
    },
  },
  {
    name: 'compaction: other sessions do not change',
    async run({ persistence }) {
      const id = await sessionOf(persistence, ...numbered(4))
      const other = await sessionOf(persistence, ...numbered(4))
      const before = await persistence.loadContext(other)
      await persistence.compactSession(id, 'sum', 1)
      assert.deepEqual(await persistence.loadContext(other), before)
      assert.deepEqual(idsOf(await persistence.loadContext(other)), idsOf(await persistence.loadAllMessages(other)))
    },
  },
]
