/** How failures are reported. */
import assert from 'node:assert/strict'
import type { ChatMessage, SessionBackend, SessionQuery } from '../../../src/contracts/session-backend/index.js'
import { HOUR } from '../clock.js'
import { rejectsWithCode } from '../expect.js'
import { type BackendCase, found, raw, texts, user } from './scene.js'

const wrong = <T>(value: unknown): T => value as T

/** One call of each method that must fail. */
const FAILING_CALLS: { [method: string]: (backend: SessionBackend) => unknown } = {
  load: (b) => b.load(''),
  append: (b) => b.append('a', wrong<ChatMessage>(null)),
  removeLast: (b) => b.removeLast(wrong(5)),
  getSessionMetadata: (b) => b.getSessionMetadata(''),
  compact: (b) => b.compact(''),
  cleanupStale: (b) => b.cleanupStale(-1),
  search: (b) => b.search({ limit: -1 }),
  deleteSession: (b) => b.deleteSession(''),
  setSessionName: (b) => b.setSessionName('a', wrong(5)),
  getSessionName: (b) => b.getSessionName(''),
  setSessionState: (b) => b.setSessionState('a', wrong('banana')),
  getSessionState: (b) => b.getSessionState(''),
  listStuckSessions: (b) => b.listStuckSessions(-1),
}

const WRITES: { [method: string]: (backend: SessionBackend) => Promise<unknown> } = {
  append: (b) => b.append('a', user('new')),
  removeLast: (b) => b.removeLast('a'),
  setSessionName: (b) => b.setSessionName('a', 'new name'),
  'setSessionName blank': (b) => b.setSessionName('a', ''),
  compact: (b) => b.compact('a'),
}

export const errorCases: BackendCase[] = [
  ...Object.entries(FAILING_CALLS).map(([method, call]): BackendCase => {
    return {
      name: `${method} rejects and does not throw`,
      async run({ another }) {
        const backend = await another()
        let answer: unknown
        assert.doesNotThrow(() => {
          answer = call(backend)
        })
        assert(answer instanceof Promise)
        await assert.rejects(answer)
      },
    }
  }),
  {
    name: 'a query of wrong types is refused',
    async run({ backend }) {
      await backend.append('a', user('5 true'))
      for (const query of [
        { keyword: 5 },
        { keyword: true },
        { keyword: ['a'] },
        { limit: '3' },
        { limit: {} },
        { limit: 3n },
      ]) {
        await assert.rejects(backend.search(wrong<SessionQuery>(query)), TypeError)
      }
    },
  },
  {
    name: 'a query is read at the call',
    only: 'fresh',
    async run({ backend }) {
      await backend.append('a', user('alpha'))
      await backend.append('b', user('beta'))
      const query = { keyword: 'alpha', limit: 5 }
      const answer = backend.search(query)
      query.keyword = 'beta'
      query.limit = 0
      assert.deepEqual(
        (await answer).map(({ key }) => key),
        ['a'],
      )
    },
  },
  {
    name: 'a log of a newer version can be read',
    async run({ backend, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at, 99),
        raw.message('r1', at, 'one needle'),
        { type: 'new', id: 'u1', at: clock.iso },
        raw.message('r2', clock.move(HOUR), 'two'),
        raw.meta('l1', at, { name: 'named' }),
        'damage',
      )
      assert.deepEqual(await texts(backend, 'a'), ['one needle', 'two'])
      const row = { key: 'a', name: 'named', createdAt: at, lastActivity: clock.date, messageCount: 2 }
      assert.deepEqual(await backend.listSessionsWithMetadata(), [row])
      assert.deepEqual(await backend.getSessionMetadata('a'), row)
      assert.equal(await backend.getSessionName('a'), 'named')
      assert.deepEqual(await found(backend, 'needle'), ['a'])
    },
  },
  ...Object.entries(WRITES).map(([method, write]): BackendCase => {
    return {
      name: `${method} leaves a log of a newer version alone`,
      async run({ backend, log, clock, reopen }) {
        const at = clock.date
        log('a').write(
          raw.header('a', at, 99),
          raw.message('r1', at, 'x'),
          raw.meta('l1', at, { name: 'named' }),
          'damage',
        )
        log('a').addBytes('{"role":"user","content":"to')
        const before = log('a').bytes()
        const { mtimeMs } = log('a')
        await rejectsWithCode(write(backend), 'ERR_VERSION_UNSUPPORTED')
        await backend.load('a')
        await rejectsWithCode(write(backend), 'ERR_VERSION_UNSUPPORTED')
        await reopen()
        await rejectsWithCode(write(backend), 'ERR_VERSION_UNSUPPORTED')
        assert.deepEqual(log('a').bytes(), before)
        assert.equal(log('a').mtimeMs, mtimeMs)
        assert.deepEqual(await texts(backend, 'a'), ['x'])
      },
    }
  }),
]
