/** Lists, rows and missing sessions. */
import assert from 'node:assert/strict'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { HOUR } from '../clock.js'
import { type BackendCase, keysOf, user } from './scene.js'

/** Reads and no-ops on a missing session, with their answers. */
const ON_A_MISSING_KEY: ReadonlyArray<
  [method: string, call: (b: SessionBackend) => Promise<unknown>, answer: unknown]
> = [
  ['load', (b) => b.load('missing'), []],
  ['removeLast', (b) => b.removeLast('missing'), false],
  ['compact', (b) => b.compact('missing'), undefined],
  ['deleteSession', (b) => b.deleteSession('missing'), false],
  ['getSessionName', (b) => b.getSessionName('missing'), null],
  ['getSessionState', (b) => b.getSessionState('missing'), null],
  ['getSessionMetadata', (b) => b.getSessionMetadata('missing'), null],
]

export const listCases: BackendCase[] = [
  {
    name: 'case 2: a missing session',
    async run({ backend, snapshot }) {
      const before = snapshot()
      for (const [method, call, answer] of ON_A_MISSING_KEY) assert.deepEqual(await call(backend), answer, method)
      assert.deepEqual(snapshot(), before)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
  {
    name: 'case 2: a missing session beside one that exists',
    async run({ backend }) {
      await backend.append('there', user('x'))
      for (const [method, call, answer] of ON_A_MISSING_KEY) assert.deepEqual(await call(backend), answer, method)
      assert.deepEqual(await backend.listSessions(), ['there'])
    },
  },
  {
    name: 'an empty folder',
    async run({ backend, snapshot }) {
      const before = snapshot()
      assert.deepEqual(await backend.listSessions(), [])
      assert.deepEqual(await backend.listSessionsWithMetadata(), [])
      assert.deepEqual(await backend.search(), [])
      assert.deepEqual(await backend.search({ keyword: 'x' }), [])
      assert.deepEqual(await backend.listRunningSessions(), [])
      assert.deepEqual(await backend.listStuckSessions(0), [])
      assert.equal(await backend.cleanupStale(1), 0)
      assert.deepEqual(snapshot(), before)
    },
  },
  {
    name: 'case 20: keys are ordered by code units',
    async run({ backend }) {
      assert.deepEqual(await backend.listSessions(), [])
      for (const key of ['b', 'a', 'B']) await backend.append(key, user('x'))
      assert.deepEqual(await backend.listSessions(), ['B', 'a', 'b'])
      await backend.append('\uffee', user('x'))
      await backend.append('😀', user('x'))
      await backend.append('ä', user('x'))
      assert.deepEqual(await backend.listSessions(), ['B', 'a', 'b', 'ä', '😀', '\uffee'])
    },
  },
  {
    name: 'case 21: newest activity first, ties by key; the single row is the row of the list',
    async run({ backend, clock }) {
      const t1 = clock.date
      await backend.append('first', user('x'))
      const t2 = clock.move(1)
      await backend.append('second', user('x'))
      const t3 = clock.move(HOUR)
      for (const key of ['b', 'a', 'B']) await backend.append(key, user('x'))
      await backend.append('third', user('x'))
      await backend.append('third', user('y'))
      const rows = await backend.listSessionsWithMetadata()
      const row = (key: string, at: Date, messageCount = 1) => {
        return { key, name: null, createdAt: at, lastActivity: at, messageCount }
      }
      const expected = [
        row('B', t3),
        row('a', t3),
        row('b', t3),
        row('third', t3, 2),
        row('second', t2),
        row('first', t1),
      ]
      assert.deepEqual(rows, expected)
      for (const one of rows) assert.deepEqual(await backend.getSessionMetadata(one.key), one)
    },
  },
  {
    name: 'a new message moves its session to the top',
    async run({ backend, clock }) {
      for (const key of ['a', 'b', 'c']) {
        await backend.append(key, user('x'))
        clock.move(10)
      }
      assert.deepEqual(keysOf(await backend.listSessionsWithMetadata()), ['c', 'b', 'a'])
      await backend.append('a', user('y'))
      assert.deepEqual(keysOf(await backend.listSessionsWithMetadata()), ['a', 'c', 'b'])
      assert.deepEqual(keysOf(await backend.search()), ['a', 'c', 'b'])
    },
  },
  {
    name: 'rows are copies',
    async run({ backend, clock }) {
      await backend.append('a', user('x'))
      await backend.setSessionState('a', 'running', 'turn-1')
      const now = clock.date
      const lists = [
        () => backend.listSessionsWithMetadata(),
        () => backend.search(),
        () => backend.search({ keyword: 'x' }),
        () => backend.listRunningSessions(),
        async () => [(await backend.getSessionMetadata('a'))!],
      ]
      for (const list of lists) {
        const rows = await list()
        rows[0]!.lastActivity.setTime(0)
        rows[0]!.createdAt.setTime(0)
        rows[0]!.messageCount = 99
        rows[0]!.name = 'changed'
        rows.push(rows[0]!)
        const again = await list()
        assert.deepEqual(again, [{ key: 'a', name: null, createdAt: now, lastActivity: now, messageCount: 1 }])
      }
      const state = await backend.getSessionState('a')
      state!.turnStartedAt!.setTime(0)
      assert.deepEqual((await backend.getSessionState('a'))?.turnStartedAt, now)
      const keys = await backend.listSessions()
      keys.push('b')
      assert.deepEqual(await backend.listSessions(), ['a'])
    },
  },
  {
    name: 'the count is that of the loaded messages after every change',
    async run({ backend, log, clock }) {
      const counts = async () => {
        const { length } = await backend.load('a')
        const [row] = await backend.listSessionsWithMetadata()
        assert.equal(row?.messageCount, length)
        assert.equal((await backend.getSessionMetadata('a'))?.messageCount, length)
        return length
      }
      await backend.append('a', user('one'))
      assert.equal(await counts(), 1)
      await backend.append('a', user('two'))
      assert.equal(await counts(), 2)
      await backend.removeLast('a')
      assert.equal(await counts(), 1)
      log('a').add('damage', { id: 'r1', at: clock.iso, role: 'user', content: 'three' })
      assert.equal(await counts(), 2)
      log('a').add({ type: 'remove', id: 'x1', at: clock.iso, ids: ['r1', 'unknown'] })
      assert.equal(await counts(), 1)
      await backend.setSessionName('a', 'named')
      assert.equal(await counts(), 1)
      await backend.compact('a')
      assert.equal(await counts(), 1)
    },
  },
]
