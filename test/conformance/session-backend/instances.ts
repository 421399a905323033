/** Several instances on one folder. */
import assert from 'node:assert/strict'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { HOUR, SECOND } from '../clock.js'
import { rejectsWithCode } from '../expect.js'
import { type BackendCase, keysOf, texts, user } from './scene.js'

/** What `writer` does, `reader` shows at once. */
async function shows(reader: SessionBackend, writer: SessionBackend, key: string): Promise<void> {
  assert.deepEqual(await reader.load(key), [])
  await writer.append(key, user('one'))
  assert.deepEqual(await texts(reader, key), ['one'])
  assert((await reader.listSessions()).includes(key))
  await writer.append(key, user('two needle'))
  assert.deepEqual(await texts(reader, key), ['one', 'two needle'])
  assert.equal((await reader.getSessionMetadata(key))?.messageCount, 2)
  assert.deepEqual(keysOf(await reader.search({ keyword: 'needle' })), [key])
  await writer.setSessionName(key, 'named')
  assert.equal(await reader.getSessionName(key), 'named')
  assert.equal((await reader.listSessionsWithMetadata()).find((row) => row.key === key)?.name, 'named')
  assert.equal(await writer.removeLast(key), true)
  assert.deepEqual(await texts(reader, key), ['one'])
  assert.equal((await reader.listSessionsWithMetadata()).find((row) => row.key === key)?.messageCount, 1)
  assert.deepEqual(await reader.search({ keyword: 'needle' }), [])
  await writer.compact(key)
  assert.deepEqual(await texts(reader, key), ['one'])
  await writer.setSessionState(key, 'running', 'turn-1')
  assert.equal((await reader.getSessionState(key))?.turnId, 'turn-1')
  assert.deepEqual(keysOf(await reader.listRunningSessions()), [key])
  await writer.setSessionState(key, 'idle', 'turn-1')
  assert.deepEqual(await reader.listRunningSessions(), [])
  assert.equal(await writer.deleteSession(key), true)
  assert.deepEqual(await reader.load(key), [])
  assert.equal(await reader.getSessionMetadata(key), null)
  assert.equal(await reader.getSessionState(key), null)
  assert(!(await reader.listSessions()).includes(key))
}

export const instanceCases: BackendCase[] = [
  {
    name: 'case 47: what one instance does, the other shows at once',
    async run({ backend, another }) {
      const other = await another()
      await shows(other, backend, 'a')
      await shows(backend, other, 'b')
      await shows(other, backend, 'x/y')
    },
  },
  {
    name: 'two instances write in turns',
    async run({ backend, another, clock }) {
      const other = await another()
      await backend.append('a', user('one'))
      clock.move(SECOND)
      await other.append('a', user('two'))
      await backend.append('a', user('three'))
      assert.equal(await other.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(other, 'a'), ['one'])
      await other.setSessionName('a', 'first')
      await backend.setSessionName('a', 'second')
      assert.equal(await other.getSessionName('a'), 'second')
    },
  },
  {
    name: 'two instances append at once, and nothing is lost or mixed',
    async run({ backend, another }) {
      const other = await another()
      const numbers = Array.from({ length: 25 }, (_, i) => i)
      await Promise.all(
        numbers.flatMap((n) => [backend.append('a', user(`ours ${n}`)), other.append('a', user(`theirs ${n}`))]),
      )
      const all = await texts(backend, 'a')
      assert.equal(all.length, 50)
      for (const who of ['ours', 'theirs']) {
        assert.deepEqual(
          all.filter((text) => String(text).startsWith(who)),
          numbers.map((n) => `${who} ${n}`),
        )
      }
      assert.equal((await other.getSessionMetadata('a'))?.messageCount, 50)
    },
  },
  {
    name: 'of two creators at once both messages stay',
    async run({ backend, another }) {
      const other = await another()
      for (const key of ['a', 'b', 'c/d']) {
        await Promise.all([backend.append(key, user('ours')), other.append(key, user('theirs'))])
        assert.deepEqual((await texts(backend, key)).sort(), ['ours', 'theirs'])
      }
      assert.deepEqual(await other.listSessions(), ['a', 'b', 'c/d'])
    },
  },
  {
    name: 'an append that waits for a rewrite by a second handle is kept',
    async run({ backend, another, log }) {
      const other = await another()
      for (let n = 0; n < 5; n++) await backend.append('a', user(`before ${n}`))
      await backend.removeLast('a')
      log('a').add('damage')
      await Promise.all([other.compact('a'), backend.append('a', user('during')), other.compact('a')])
      assert.deepEqual(await texts(backend, 'a'), ['before 0', 'before 1', 'before 2', 'before 3', 'during'])
      assert.deepEqual(await texts(other, 'a'), ['before 0', 'before 1', 'before 2', 'before 3', 'during'])
      await backend.append('a', user('after'))
      assert.equal((await other.load('a')).length, 6)
    },
  },
  {
    name: 'two removals by two instances remove two messages',
    async run({ backend, another }) {
      const other = await another()
      for (const text of ['one', 'two', 'three']) await backend.append('a', user(text))
      assert.deepEqual(await Promise.all([backend.removeLast('a'), other.removeLast('a')]), [true, true])
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
  {
    name: 'an append to a session that another instance deleted creates it again',
    async run({ backend, another, clock }) {
      const other = await another()
      await backend.append('a', user('old'))
      await backend.setSessionName('a', 'old name')
      assert.equal(await other.deleteSession('a'), true)
      const now = clock.move(HOUR)
      await backend.append('a', user('new'))
      assert.deepEqual(await texts(other, 'a'), ['new'])
      assert.deepEqual(await other.getSessionMetadata('a'), {
        key: 'a',
        name: null,
        createdAt: now,
        lastActivity: now,
        messageCount: 1,
      })
    },
  },
  {
    name: 'a turn that one instance began is protected from the other',
    async run({ backend, another, clock }) {
      const other = await another()
      await backend.append('a', user('x'))
      await backend.setSessionState('a', 'running', 'A')
      await rejectsWithCode(other.setSessionState('a', 'idle', 'B'), 'ERR_TURN_MISMATCH', { running: 'A', given: 'B' })
      clock.move(100 * HOUR)
      assert.equal(await other.cleanupStale(48), 0)
      await other.setSessionState('a', 'running', 'B')
      await rejectsWithCode(backend.setSessionState('a', 'error', 'A'), 'ERR_TURN_MISMATCH', {
        running: 'B',
        given: 'A',
      })
      await backend.setSessionState('a', 'idle')
      assert.equal((await other.getSessionState('a'))?.state, 'idle')
    },
  },
]
