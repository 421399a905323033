/** listRunningSessions and listStuckSessions. */
import assert from 'node:assert/strict'
import { HOUR, SECOND } from '../clock.js'
import { type BackendCase, keysOf, user } from './scene.js'

export const runningCases: BackendCase[] = [
  {
    name: 'case 43: running sessions, newest start first',
    async run({ backend, clock }) {
      for (const key of ['s1', 's2', 's3']) await backend.append(key, user('x'))
      await backend.setSessionState('s1', 'running', 'turn-1')
      clock.move(SECOND)
      await backend.setSessionState('s2', 'running', 'turn-2')
      await backend.setSessionState('s3', 'idle')
      const running = await backend.listRunningSessions()
      assert.deepEqual(keysOf(running), ['s2', 's1'])
      for (const row of running) assert.deepEqual(row, await backend.getSessionMetadata(row.key))
    },
  },
  {
    name: 'case 44: running for longer than the threshold, to the millisecond',
    async run({ backend, clock }) {
      await backend.append('a', user('x'))
      await backend.setSessionState('a', 'running', 'turn-1')
      clock.move(600 * SECOND)
      assert.deepEqual(keysOf(await backend.listStuckSessions(300)), ['a'])
      assert.deepEqual(await backend.listStuckSessions(900), [])
      assert.deepEqual(await backend.listStuckSessions(600), [])
      assert.deepEqual(keysOf(await backend.listStuckSessions(599.999)), ['a'])
      assert.deepEqual(await backend.listStuckSessions(300), [await backend.getSessionMetadata('a')])
    },
  },
  {
    name: 'case 45: thresholds at the edges',
    async run({ backend, clock }) {
      await backend.append('a', user('x'))
      await backend.setSessionState('a', 'running', 'turn-1')
      assert.deepEqual(await backend.listStuckSessions(0), [])
      clock.move(1)
      assert.deepEqual(keysOf(await backend.listStuckSessions(0)), ['a'])
      await assert.rejects(backend.listStuckSessions(-1), RangeError)
      await assert.rejects(backend.listStuckSessions(Number.NaN), RangeError)
      await assert.rejects(backend.listStuckSessions(-Infinity), RangeError)
      assert.deepEqual(await backend.listStuckSessions(Infinity), [])
      assert.deepEqual(await backend.listStuckSessions(Number.MAX_VALUE), [])
      for (const wrong of ['300', null, undefined, {}, 300n]) {
        await assert.rejects(backend.listStuckSessions(wrong as unknown as number), TypeError)
      }
    },
  },
  {
    name: 'stuck sessions, earliest start first, ties by key',
    async run({ backend, clock }) {
      for (const [key, wait] of [
        ['late', 2],
        ['b', 0],
        ['a', 0],
        ['B', 0],
        ['early', -1],
      ] as const) {
        const start = clock.ms
        clock.ms = start + wait * SECOND
        await backend.setSessionState(key, 'running', 'turn-1')
        clock.ms = start
      }
      clock.move(10 * SECOND)
      assert.deepEqual(keysOf(await backend.listStuckSessions(5)), ['early', 'B', 'a', 'b', 'late'])
      assert.deepEqual(keysOf(await backend.listStuckSessions(8)), ['early', 'B', 'a', 'b'])
      assert.deepEqual(keysOf(await backend.listRunningSessions()), ['late', 'B', 'a', 'b', 'early'])
    },
  },
  {
    name: 'only running sessions run, and only running ones are stuck',
    async run({ backend, clock }) {
      for (const key of ['idle', 'error', 'ended', 'never', 'running']) await backend.append(key, user('x'))
      await backend.setSessionState('idle', 'idle')
      await backend.setSessionState('error', 'error', 'turn-1')
      await backend.setSessionState('ended', 'running', 'turn-1')
      await backend.setSessionState('running', 'running', 'turn-1')
      await backend.setSessionState('ended', 'idle', 'turn-1')
      clock.move(HOUR)
      assert.deepEqual(keysOf(await backend.listRunningSessions()), ['running'])
      assert.deepEqual(keysOf(await backend.listStuckSessions(300)), ['running'])
    },
  },
  {
    name: 'messages do not make a turn younger, a new turn does',
    async run({ backend, clock }) {
      await backend.setSessionState('a', 'running', 'turn-1')
      clock.move(600 * SECOND)
      await backend.append('a', user('x'))
      await backend.setSessionName('a', 'named')
      await backend.setSessionState('a', 'running', 'turn-1')
      await backend.compact('a')
      assert.deepEqual(keysOf(await backend.listStuckSessions(300)), ['a'])
      await backend.setSessionState('a', 'running', 'turn-2')
      assert.deepEqual(await backend.listStuckSessions(300), [])
      clock.move(301 * SECOND)
      assert.deepEqual(keysOf(await backend.listStuckSessions(300)), ['a'])
    },
  },
  {
    name: 'a start in the future is never stuck',
    async run({ backend, clock }) {
      await backend.setSessionState('a', 'running', 'turn-1')
      clock.move(-HOUR)
      assert.deepEqual(await backend.listStuckSessions(0), [])
      assert.deepEqual(keysOf(await backend.listRunningSessions()), ['a'])
      clock.move(HOUR + 1)
      assert.deepEqual(keysOf(await backend.listStuckSessions(0)), ['a'])
    },
  },
  {
    name: 'only a caller ends a stuck run',
    async run({ backend, clock, reopen }) {
      const start = clock.date
      await backend.setSessionState('a', 'running', 'turn-1')
      clock.move(10_000 * HOUR)
      await reopen()
      await backend.listRunningSessions()
      await backend.listStuckSessions(300)
      await backend.cleanupStale(1e15)
      assert.deepEqual(await backend.getSessionState('a'), {
        state: 'running',
        turnId: 'turn-1',
        turnStartedAt: start,
      })
      assert.deepEqual(keysOf(await backend.listRunningSessions()), ['a'])
      await backend.setSessionState('a', 'idle')
      assert.deepEqual(await backend.listRunningSessions(), [])
    },
  },
]
