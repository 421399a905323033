/** createdAt and lastActivity. */
import assert from 'node:assert/strict'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { HOUR, SECOND } from '../clock.js'
import { type BackendCase, raw, user } from './scene.js'

async function timesOf(backend: SessionBackend, key: string): Promise<[created?: Date, active?: Date]> {
  const row = await backend.getSessionMetadata(key)
  assert(row)
  const rows = await backend.listSessionsWithMetadata()
  assert.deepEqual(
    rows.find((other) => other.key === key),
    row,
  )
  return [row.createdAt, row.lastActivity]
}

export const timeCases: BackendCase[] = [
  {
    name: 'case 22: names, states, removals and rewrites are no activity',
    async run({ backend, clock }) {
      const t1 = clock.date
      await backend.append('a', user('one'))
      const t2 = clock.move(HOUR)
      await backend.append('a', user('two'))
      clock.move(HOUR)
      await backend.removeLast('a')
      await backend.setSessionName('a', 'named')
      await backend.setSessionState('a', 'running', 'turn-1')
      await backend.compact('a')
      const expected = { key: 'a', name: 'named', createdAt: t1, lastActivity: t2, messageCount: 1 }
      assert.deepEqual(await backend.getSessionMetadata('a'), expected)
      assert.deepEqual(await backend.listSessionsWithMetadata(), [expected])
      assert.deepEqual(await backend.listRunningSessions(), [expected])
    },
  },
  {
    name: 'a rewrite carries over the activity of a removed message, time and again',
    async run({ backend, clock, reopen }) {
      const t1 = clock.date
      await backend.append('a', user('one'))
      const t2 = clock.move(HOUR)
      await backend.append('a', user('two'))
      clock.move(HOUR)
      await backend.removeLast('a')
      await backend.compact('a')
      clock.move(HOUR)
      await backend.removeLast('a')
      await backend.compact('a')
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t2])
      await reopen()
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t2])
      const t3 = clock.move(HOUR)
      await backend.append('a', user('three'))
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t3])
    },
  },
  {
    name: 'a rewrite carries over the creation time that a removed line gave',
    async run({ backend, clock, log }) {
      const t1 = clock.date
      const t2 = clock.move(HOUR)
      log('a').write(
        raw.message('r1', t1, 'one'),
        raw.message('r2', t2, 'two'),
        raw.remove('x1', clock.move(HOUR), ['r1']),
        'damage',
      )
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t2])
      await backend.compact('a')
      assert(!log('a').text().includes('r1'))
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t2])
      clock.move(HOUR)
      await backend.removeLast('a')
      await backend.compact('a')
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t2])
    },
  },
  {
    name: 'created: the time of the header',
    async run({ backend, clock, log }) {
      const t1 = clock.date
      log('a').write(raw.header('a', clock.move(HOUR)), raw.message('r1', t1, 'older than the header'))
      assert.deepEqual(await timesOf(backend, 'a'), [clock.date, clock.date])
    },
  },
  {
    name: 'created: else the first time that a line names',
    async run({ backend, clock, log }) {
      const t1 = clock.date
      const t2 = clock.move(HOUR)
      log('a').write({ type: 'session', version: 1, key: 'a', id: 'h1' }, raw.message('r1', t1, 'x'))
      log('b').write(raw.meta('l1', t1, { name: 'b' }), raw.message('r1', t2, 'x'))
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t1])
      assert.deepEqual(await timesOf(backend, 'b'), [t1, t2])
    },
  },
  {
    name: 'created: else the time of the file',
    async run({ backend, clock, log }) {
      log('a').write('{"role":"user","content":"x"}')
      log('a').touch(clock.date)
      assert.deepEqual(await timesOf(backend, 'a'), [clock.date, clock.date])
      log('b').write()
      log('b').touch(clock.date)
      assert.deepEqual(await timesOf(backend, 'b'), [clock.date, clock.date])
    },
  },
  {
    name: 'a session without messages was active when it was created',
    async run({ backend, clock }) {
      const t1 = clock.date
      await backend.setSessionName('a', 'named')
      clock.move(HOUR)
      await backend.setSessionName('a', 'renamed')
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t1])
    },
  },
  {
    name: 'a graph commit is activity',
    async run({ backend, clock, log }) {
      const t1 = clock.date
      const t2 = clock.move(HOUR)
      log('a').write(
        raw.header('a', t1),
        { type: 'commit', id: 'g1', at: t2.toISOString(), session: 'a', revision: 1, nodes: [], leaf: null, usage: [] },
        raw.meta('l1', clock.move(HOUR), { todo: 'later' }),
      )
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t2])
    },
  },
  {
    name: 'a copy of a line is no activity, nor is a time that a message has of its own',
    async run({ backend, clock, log }) {
      const t1 = clock.date
      await backend.append('a', { role: 'user', content: 'x', at: '2099-01-01T00:00:00.000Z' })
      clock.move(HOUR)
      log('a').add(log('a').lines().at(-1)!)
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t1])
    },
  },
  {
    name: 'times have milliseconds',
    async run({ backend, clock }) {
      const t1 = clock.move(1)
      await backend.append('a', user('x'))
      const t2 = clock.move(997)
      await backend.append('a', user('y'))
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t2])
      assert.deepEqual(
        (await backend.load('a')).map(({ at }) => at),
        ['2026-01-01T12:00:00.001Z', '2026-01-01T12:00:00.998Z'],
      )
    },
  },
  {
    name: 'a clock that steps back by up to an hour does not bring a line before the one above it',
    async run({ backend, clock, log }) {
      const t1 = clock.date
      await backend.append('a', user('one'))
      clock.move(-HOUR / 2)
      await backend.append('a', user('two'))
      assert.deepEqual(await timesOf(backend, 'a'), [t1, t1])
      assert.equal((await backend.load('a'))[1]?.at, t1.toISOString())
      const future = new Date(t1.getTime() + 90 * SECOND)
      log('a').add(raw.message('r1', future, 'three'))
      await backend.append('a', user('four'))
      assert.equal((await backend.load('a'))[3]?.at, future.toISOString())
      assert.deepEqual(await timesOf(backend, 'a'), [t1, future])
    },
  },
]
