/** rewind: the first messages stay, the others go. */
import assert from 'node:assert/strict'
import { HOUR, SECOND } from '../clock.js'
import { raw } from '../session-backend/scene.js'
import {
  a,
  a2,
  addedLines,
  idsInList,
  kindOf,
  lineIds,
  type ManagerCase,
  messagesOf,
  metadataOf,
  seconds,
  session,
  stored,
  three,
  u,
  u2,
  wrong,
} from './scene.js'

export const rewindCases: ManagerCase[] = [
  {
    name: 'case 20: one message is kept',
    async run({ manager, clock, reopen }) {
      await manager.save(three())
      const expected = stored(three({ messages: [u], turnCount: 1 }), clock)
      assert.deepEqual(await manager.rewind('s', 1), expected)
      assert.deepEqual(await manager.resume('s'), expected)
      await reopen()
      assert.deepEqual(await manager.resume('s'), expected)
      assert.deepEqual(await manager.list(), [expected.metadata])
    },
  },
  {
    name: 'case 21: no message is kept',
    async run({ manager, clock, reopen }) {
      await manager.save(three())
      const expected = stored(three({ messages: [], turnCount: 0 }), clock)
      assert.deepEqual(await manager.rewind('s', 0), expected)
      assert.deepEqual(await manager.list(), [expected.metadata])
      await reopen()
      assert.deepEqual(await manager.resume('s'), expected)
      assert.deepEqual(await manager.list(), [expected.metadata])
    },
  },
  {
    name: 'case 22: behind the end nothing happens at all',
    async run({ manager, clock }) {
      await manager.save(three())
      clock.move(HOUR)
      const before = await manager.resume('s')
      assert.equal(before.metadata.turnCount, 2)
      for (const index of [3, 99, Number.MAX_SAFE_INTEGER]) {
        assert.deepEqual(await manager.rewind('s', index), before)
        assert.deepEqual(await manager.resume('s'), before)
      }
    },
  },
  {
    name: 'case 22: behind the end no byte is written',
    only: 'fresh',
    async run({ manager, log, clock }) {
      await manager.save(three())
      clock.move(HOUR)
      const before = log('s').bytes()
      for (const index of [3, 4, 99, Number.MAX_SAFE_INTEGER]) await manager.rewind('s', index)
      assert.deepEqual(log('s').bytes(), before)
    },
  },
  {
    name: 'case 23: what is no index',
    async run({ manager }) {
      await manager.save(three())
      const before = await manager.resume('s')
      for (const index of [-1, 1.5, Number.NaN, Infinity, -Infinity, -0.5, Number.MIN_VALUE]) {
        await assert.rejects(manager.rewind('s', index), RangeError, String(index))
      }
      for (const index of ['1', null, undefined, 1n, [1], {}, true]) {
        await assert.rejects(manager.rewind('s', wrong(index)), TypeError, String(index))
      }
      assert.deepEqual(await manager.resume('s'), before)
    },
  },
  {
    name: 'an index of -0 is 0',
    async run({ manager }) {
      await manager.save(three())
      assert.deepEqual((await manager.rewind('s', -0)).messages, [])
      const { turnCount } = await metadataOf(manager, 's')
      assert.equal(turnCount, 0)
    },
  },
  {
    name: 'case 24: all but messages, turns and update time stays',
    async run({ manager, clock }) {
      await manager.save(three({ createdAt: 1_600_000_000 }))
      const before = await manager.resume('s')
      clock.move(60 * SECOND)
      assert.deepEqual(await manager.rewind('s', 2), {
        ...before,
        messages: [u, a],
        metadata: { ...before.metadata, turnCount: 2, updatedAt: before.metadata.updatedAt + 60 },
      })
    },
  },
  {
    name: 'case 24: one remove line, and the label if it changed',
    only: 'fresh',
    async run({ manager, backend, log, clock }) {
      await manager.save(three({ messages: [u, a, u, a2] }))
      const [, second, third, fourth] = await lineIds(backend, 's')
      clock.move(60 * SECOND)
      const last = await addedLines(log('s'), () => manager.rewind('s', 3))
      assert.deepEqual(last.map(kindOf), ['remove', 'meta'])
      assert.deepEqual(last[0], { type: 'remove', id: last[0]?.id, at: clock.iso, ids: [fourth] })
      assert.deepEqual(last[1]?.set, { turnCount: 3 })
      const others = await addedLines(log('s'), () => manager.rewind('s', 1))
      assert.deepEqual(others[0]?.ids, [second, third])
      await manager.save(three({ messages: [u, a], turnCount: 1 }))
      const same = await addedLines(log('s'), () => manager.rewind('s', 1))
      assert.deepEqual(same.map(kindOf), ['remove'])
    },
  },
  {
    name: 'case 25: again, and then on from there',
    async run({ manager, backend }) {
      await manager.save(three())
      const [first] = await lineIds(backend, 's')
      await manager.rewind('s', 2)
      await manager.rewind('s', 1)
      assert.deepEqual(await messagesOf(manager, 's'), [u])
      await manager.save(three({ messages: [u, a2] }))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a2])
      assert.equal((await lineIds(backend, 's'))[0], first)
    },
  },
  {
    name: 'a rewind counts the messages of other contracts and values too',
    async run({ manager, backend }) {
      await manager.save(three({ messages: [u, 1, null] }))
      await backend.append('s', a)
      await backend.append('s', u2)
      const { messages, metadata } = await manager.rewind('s', 4)
      assert.deepEqual(messages, [u, 1, null, a])
      assert.equal(metadata.turnCount, 4)
      assert.deepEqual((await manager.rewind('s', 2)).messages, [u, 1])
      assert.equal((await backend.load('s')).length, 1)
    },
  },
  {
    name: 'a rewind is no activity and ends no turn',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      const { date } = clock
      await backend.setSessionState('s', 'running', 'turn-1')
      clock.move(HOUR)
      await manager.rewind('s', 1)
      assert.equal((await backend.getSessionState('s'))?.turnId, 'turn-1')
      assert.deepEqual((await backend.getSessionMetadata('s'))?.lastActivity, date)
    },
  },
  {
    name: 'money spent stays spent',
    async run({ manager, log, clock, reopen }) {
      const spent = { usage: { promptTokens: 10, completionTokens: 5 } }
      log('s').write(
        raw.header('s', clock.date),
        raw.message('r1', clock.date, 'one'),
        { ...raw.message('r2', clock.date, 'two', 'assistant'), ...spent },
        { ...raw.message('r3', clock.date, 'three', 'assistant'), ...spent },
      )
      clock.move(HOUR)
      const { metadata, messages } = await manager.rewind('s', 1)
      assert.deepEqual(messages, [{ role: 'user', content: 'one' }])
      assert.deepEqual([metadata.turnCount, metadata.totalTokens, metadata.updatedAt], [1, 30, seconds(clock)])
      await reopen()
      assert.equal((await metadataOf(manager, 's')).totalTokens, 30)
    },
  },
  {
    name: 'a session that was never saved: behind the end nothing is labelled',
    only: 'fresh',
    async run({ manager, backend, log, reopen }) {
      await backend.append('s', u)
      await reopen()
      const before = log('s').bytes()
      assert.equal((await manager.rewind('s', 1)).metadata.turnCount, 1)
      await backend.append('s', a)
      assert.deepEqual(log('s').bytes().subarray(0, before.length), before)
      assert.equal((await metadataOf(manager, 's')).turnCount, 2)
    },
  },
  {
    name: 'an empty session can be rewound to 0',
    only: 'fresh',
    async run({ manager, log }) {
      await manager.save(session('s', { turnCount: 5 }))
      const before = log('s').bytes()
      assert.equal((await manager.rewind('s', 0)).metadata.turnCount, 5)
      assert.deepEqual(log('s').bytes(), before)
    },
  },
  {
    name: 'removed text is in the log until the next rewrite',
    async run({ manager, backend, log, filesHolding, weather }) {
      await manager.save(three({ messages: [u, { role: 'user', content: 'a secret' }] }))
      await manager.rewind('s', 1)
      if (weather !== 'rewritten') assert(log('s').text().includes('a secret'))
      await backend.compact('s')
      assert.deepEqual(filesHolding('a secret'), [])
      assert.deepEqual(await messagesOf(manager, 's'), [u])
      assert.deepEqual(await idsInList(manager), ['s'])
    },
  },
  {
    name: 'many messages are removed by one line, none of them twice',
    only: 'fresh',
    async run({ manager, log }) {
      const messages = Array.from({ length: 300 }, (_, i) => ({ role: 'user', content: i }))
      await manager.save(session('s', { messages, turnCount: 1 }))
      const added = await addedLines(log('s'), () => manager.rewind('s', 100))
      assert.deepEqual(added.map(kindOf), ['remove', 'meta'])
      assert.equal(new Set(added[0]?.ids).size, 200)
      assert.equal(added[0]?.ids.length, 200)
      assert.deepEqual(await messagesOf(manager, 's'), messages.slice(0, 100))
    },
  },
]
