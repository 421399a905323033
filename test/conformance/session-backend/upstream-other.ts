/** What the tests of the upstream's trait and of its callers ask for. */
import assert from 'node:assert/strict'
import type { SessionMetadata, SessionQuery } from '../../../src/contracts/session-backend/index.js'
import { assistant, type BackendCase, given, texts, user } from './scene.js'

export const upstreamOtherCases: BackendCase[] = [
  {
    name: 'upstream trait: metadata is constructible, a query has defaults',
    async run({ backend, clock }) {
      for (let n = 0; n < 5; n++) await backend.append('a', user(n))
      const metadata: SessionMetadata = {
        key: 'a',
        name: null,
        createdAt: clock.date,
        lastActivity: clock.date,
        messageCount: 5,
      }
      const query: SessionQuery = {}
      assert.deepEqual(await backend.search(query), [metadata])
    },
  },
  {
    name: 'upstream callers: rollback of an orphan user turn',
    async run({ backend }) {
      await backend.append('a', user('question'))
      await backend.append('a', assistant('answer'))
      await backend.append('a', user('orphan'))
      assert.equal((await backend.load('a')).length, 3)
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual((await backend.load('a')).map(given), [user('question'), assistant('answer')])
    },
  },
  {
    name: 'upstream callers: four concurrent persisters store in call order',
    async run({ backend }) {
      const persist = (n: number) => backend.append('a', user(`message ${n}`))
      await Promise.all([persist(1), persist(2), persist(3), persist(4)])
      assert.deepEqual(await texts(backend, 'a'), ['message 1', 'message 2', 'message 3', 'message 4'])
    },
  },
  {
    name: "upstream callers: whether a deleted session may come back is the caller's check",
    async run({ backend }) {
      await backend.append('a', user('old'))
      await backend.deleteSession('a')
      assert.equal(await backend.getSessionMetadata('a'), null)
      await backend.append('a', user('late'))
      assert.deepEqual(await texts(backend, 'a'), ['late'])
    },
  },
  {
    name: 'upstream later: metadata keep millisecond precision',
    async run({ backend, clock, reopen }) {
      const createdAt = clock.move(123)
      await backend.append('a', user('x'))
      const lastActivity = clock.move(456)
      await backend.append('a', user('y'))
      await reopen()
      const row = await backend.getSessionMetadata('a')
      assert.deepEqual([row?.createdAt, row?.lastActivity], [createdAt, lastActivity])
      assert.deepEqual([row?.createdAt.getMilliseconds(), row?.lastActivity.getMilliseconds()], [123, 579])
    },
  },
  {
    name: 'upstream later: a key of a chat service',
    async run({ backend, reopen }) {
      const key = 'matrix_@user:m.org||!room:m.org_$evt123:m.org_@user:m.org'
      await backend.append(key, user('hello'))
      await reopen()
      assert.deepEqual(await texts(backend, key), ['hello'])
      assert.deepEqual(await backend.listSessions(), [key])
      assert.equal(await backend.removeLast(key), true)
      assert.equal(await backend.deleteSession(key), true)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
]
