/** cleanupStale: idle sessions go to the trash. */
import assert from 'node:assert/strict'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { type Clock, HOUR } from '../clock.js'
import { type BackendCase, keysOf, texts, user } from './scene.js'

/** Sessions whose last message came so many hours, or milliseconds, before the clock's new time. */
async function withAges(backend: SessionBackend, clock: Clock, ages: { [key: string]: number }): Promise<void> {
  const end = clock.ms + Math.max(...Object.values(ages))
  for (const [key, age] of Object.entries(ages).sort((a, b) => b[1] - a[1])) {
    clock.ms = end - age
    await backend.append(key, user(`text of ${key}`))
  }
  clock.ms = end
}

export const cleanupCases: BackendCase[] = [
  {
    name: 'case 30: what is older than the cut goes, to the millisecond',
    async run({ backend, clock }) {
      await withAges(backend, clock, { old: 100 * HOUR, new: 0, cut: 48 * HOUR, older: 48 * HOUR + 1 })
      assert.equal(await backend.cleanupStale(48), 2)
      assert.deepEqual(await backend.listSessions(), ['cut', 'new'])
      assert.deepEqual(keysOf(await backend.listSessionsWithMetadata()), ['new', 'cut'])
      for (const key of ['old', 'older']) assert.deepEqual(await backend.load(key), [])
      assert.deepEqual(await texts(backend, 'cut'), ['text of cut'])
      assert.equal(await backend.cleanupStale(48), 0)
    },
  },
  {
    name: 'case 31: disabled, refused, or longer than anything is old',
    async run({ backend, clock }) {
      await withAges(backend, clock, { old: 100 * HOUR, new: 0 })
      assert.equal(await backend.cleanupStale(0), 0)
      await assert.rejects(backend.cleanupStale(-1), RangeError)
      await assert.rejects(backend.cleanupStale(Number.NaN), RangeError)
      assert.equal(await backend.cleanupStale(1e15), 0)
      assert.equal(await backend.cleanupStale(Infinity), 0)
      assert.equal(await backend.cleanupStale(Number.MAX_VALUE), 0)
      await assert.rejects(backend.cleanupStale(-Infinity), RangeError)
      for (const wrong of ['48', null, undefined, {}, 48n]) {
        await assert.rejects(backend.cleanupStale(wrong as unknown as number), TypeError)
      }
      assert.deepEqual(await backend.listSessions(), ['new', 'old'])
    },
  },
  {
    name: 'case 32: a session that runs in this process stays; one that was removed starts clean',
    async run({ backend, clock }) {
      for (const key of ['running', 'stale']) {
        await backend.append(key, user('old text'))
        await backend.setSessionName(key, 'old name')
      }
      await backend.setSessionState('running', 'running', 'turn-1')
      await backend.setSessionState('stale', 'error', 'turn-2')
      const now = clock.move(100 * HOUR)
      assert.equal(await backend.cleanupStale(48), 1)
      assert.deepEqual(await backend.listSessions(), ['running'])
      assert.deepEqual(await texts(backend, 'running'), ['old text'])
      assert.equal((await backend.getSessionState('running'))?.turnId, 'turn-1')
      assert.deepEqual(await backend.load('stale'), [])
      assert.equal(await backend.getSessionMetadata('stale'), null)
      await backend.append('stale', user('new text'))
      assert.deepEqual(await texts(backend, 'stale'), ['new text'])
      assert.deepEqual(await backend.getSessionMetadata('stale'), {
        key: 'stale',
        name: null,
        createdAt: now,
        lastActivity: now,
        messageCount: 1,
      })
      assert.equal(await backend.getSessionName('stale'), null)
      assert.deepEqual(await backend.getSessionState('stale'), { state: 'idle', turnId: null, turnStartedAt: null })
      assert.equal(await backend.cleanupStale(48), 0)
    },
  },
  {
    name: 'a run that has ended protects no longer',
    async run({ backend, clock }) {
      for (const key of ['idle', 'error', 'running']) {
        await backend.append(key, user('x'))
        await backend.setSessionState(key, 'running', 'turn-1')
      }
      await backend.setSessionState('idle', 'idle', 'turn-1')
      await backend.setSessionState('error', 'error', 'turn-1')
      clock.move(100 * HOUR)
      assert.equal(await backend.cleanupStale(48), 2)
      assert.deepEqual(await backend.listSessions(), ['running'])
      await backend.setSessionState('running', 'idle')
      assert.equal(await backend.cleanupStale(48), 1)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
  {
    name: 'fractions of an hour are fine',
    async run({ backend, clock }) {
      await withAges(backend, clock, { cut: HOUR / 4, older: HOUR / 4 + 1 })
      assert.equal(await backend.cleanupStale(0.25), 1)
      assert.deepEqual(await backend.listSessions(), ['cut'])
    },
  },
  {
    name: 'messages and changes of labels keep a session: no state or rewrite does',
    async run({ backend, clock }) {
      await withAges(backend, clock, { a: 100 * HOUR, b: 0, named: 100 * HOUR })
      await backend.append('c', user('x'))
      await backend.setSessionName('named', 'new name')
      await backend.setSessionState('a', 'idle')
      await backend.compact('a')
      assert.equal(await backend.cleanupStale(48), 1)
      assert.deepEqual(await backend.listSessions(), ['b', 'c', 'named'])
    },
  },
  {
    name: 'a session without messages is as old as its creation',
    async run({ backend, clock }) {
      await backend.setSessionName('a', 'named')
      clock.move(48 * HOUR)
      assert.equal(await backend.cleanupStale(48), 0)
      clock.move(1)
      assert.equal(await backend.cleanupStale(48), 1)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
  {
    name: 'a new message saves an old session',
    async run({ backend, clock }) {
      await backend.append('a', user('old'))
      clock.move(100 * HOUR)
      await backend.append('a', user('new'))
      assert.equal(await backend.cleanupStale(48), 0)
      assert.deepEqual(await texts(backend, 'a'), ['old', 'new'])
    },
  },
  {
    name: 'the trash keeps every life of a key',
    async run({ backend, clock, filesHolding }) {
      for (const life of ['first life', 'second life', 'third life']) {
        await backend.append('a/b', user(life))
        clock.move(100 * HOUR)
        assert.equal(await backend.cleanupStale(48), 1)
        assert.deepEqual(await backend.load('a/b'), [])
        assert.deepEqual(await backend.search({ keyword: 'life' }), [])
      }
      for (const life of ['first life', 'second life', 'third life']) {
        const files = filesHolding(life)
        assert.equal(files.length, 1, life)
        assert.match(files[0]!, /^\.trash\//)
      }
    },
  },
]
