/** Any well-formed string is a key, and different keys are different sessions. */
import assert from 'node:assert/strict'
import type { ChatMessage, SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { rejectsWithCode } from '../expect.js'
import { type BackendCase, texts, user } from './scene.js'

const WITH_A_KEY: { [method: string]: (backend: SessionBackend, key: string) => Promise<unknown> } = {
  load: (backend, key) => backend.load(key),
  append: (backend, key) => backend.append(key, user('x')),
  removeLast: (backend, key) => backend.removeLast(key),
  getSessionMetadata: (backend, key) => backend.getSessionMetadata(key),
  compact: (backend, key) => backend.compact(key),
  deleteSession: (backend, key) => backend.deleteSession(key),
  setSessionName: (backend, key) => backend.setSessionName(key, 'name'),
  'setSessionName blank': (backend, key) => backend.setSessionName(key, ''),
  getSessionName: (backend, key) => backend.getSessionName(key),
  setSessionState: (backend, key) => backend.setSessionState(key, 'running', 'turn-1'),
  getSessionState: (backend, key) => backend.getSessionState(key),
}

const AWKWARD_KEYS = [
  '../../etc/x',
  '..',
  '.',
  'con',
  'nul.txt',
  'x.',
  ' ',
  '.jsonl',
  'k'.repeat(300),
  '記'.repeat(90),
  '😀👍🏽',
  '/',
  '\\',
  '/etc/x',
  'C:\\x',
  'a\0b',
  'line\nfeed',
  '*?"<>|',
  'привет мир',
  '__proto__',
  'constructor',
  'x.meta.json',
  'x~5f0c2a9e41',
  '.locks',
  '.trash',
  '-rf',
  '%2e%2e',
]

async function roundTrips(backend: SessionBackend, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key, i) => backend.append(key, user(`text ${i}`))))
  await Promise.all(keys.map((key, i) => backend.setSessionName(key, `name ${i}`)))
  assert.deepEqual(await backend.listSessions(), [...keys].sort())
  const loaded = await Promise.all(keys.map((key) => texts(backend, key)))
  assert.deepEqual(
    loaded,
    keys.map((_, i) => [`text ${i}`]),
  )
  const rows = await Promise.all(keys.map((key) => backend.getSessionMetadata(key)))
  assert.deepEqual(
    rows.map((row) => [row?.key, row?.name, row?.messageCount]),
    keys.map((key, i) => [key, `name ${i}`, 1]),
  )
}

export const keyCases: BackendCase[] = [
  {
    name: 'case 14: keys that look alike',
    async run({ backend }) {
      const keys = ['a/b', 'a:b', 'a b', 'a.b', 'a_b']
      for (const key of keys) await backend.append(key, user(`in ${key}`))
      assert.deepEqual(await backend.listSessions(), ['a b', 'a.b', 'a/b', 'a:b', 'a_b'])
      for (const key of keys) assert.deepEqual(await texts(backend, key), [`in ${key}`])
    },
  },
  {
    name: 'case 15: keys that no file can be named by',
    async run({ backend, outside, reopen }) {
      await roundTrips(backend, AWKWARD_KEYS)
      assert.deepEqual(outside(), [])
      await reopen()
      assert.deepEqual(await backend.listSessions(), [...AWKWARD_KEYS].sort())
      assert.deepEqual(
        (await backend.listSessionsWithMetadata()).map(({ key }) => key).sort(),
        [...AWKWARD_KEYS].sort(),
      )
      assert.deepEqual((await backend.search({ keyword: 'text 0' })).map(({ key }) => key)[0], AWKWARD_KEYS[0])
    },
  },
  {
    name: 'keys that no file can be named by are deleted one by one',
    async run({ backend, outside }) {
      const keys = AWKWARD_KEYS.slice(0, 8)
      for (const key of keys) await backend.append(key, user('x'))
      for (const [i, key] of keys.entries()) {
        assert.equal(await backend.deleteSession(key), true)
        assert.deepEqual(await backend.listSessions(), keys.slice(i + 1).sort())
      }
      assert.deepEqual(outside(), [])
    },
  },
  {
    name: 'case 16: letter case and Unicode forms are distinguished',
    async run({ backend }) {
      await roundTrips(backend, ['Alice', 'alice', '\u00e9', 'e\u0301'])
    },
  },
  {
    name: 'case 17: what is no key',
    async run({ backend, snapshot }) {
      const before = snapshot()
      for (const key of ['', '\ud800']) {
        await rejectsWithCode(backend.load(key), 'ERR_INVALID_KEY')
        await rejectsWithCode(backend.append(key, user('x')), 'ERR_INVALID_KEY')
      }
      const number = 5 as unknown as string
      await assert.rejects(backend.load(number), TypeError)
      await assert.rejects(backend.append(number, user('x')), TypeError)
      assert.deepEqual(await backend.listSessions(), [])
      assert.deepEqual(snapshot(), before)
    },
  },
  ...Object.entries(WITH_A_KEY).map(([method, call]): BackendCase => {
    return {
      name: `${method} refuses what is no key`,
      async run({ backend, snapshot }) {
        const before = snapshot()
        for (const key of ['', '\ud800', 'a\udc00b', '\udc00\ud800']) {
          await rejectsWithCode(call(backend, key), 'ERR_INVALID_KEY')
        }
        for (const key of [5, null, undefined, {}, ['a'], Symbol('a')]) {
          await assert.rejects(call(backend, key as string), TypeError)
        }
        assert.deepEqual(snapshot(), before)
      },
    }
  }),
  {
    name: 'a key is checked before the message',
    async run({ backend }) {
      await rejectsWithCode(backend.append('', user('x')), 'ERR_INVALID_KEY')
      await assert.rejects(backend.append('a', 'x' as unknown as ChatMessage), TypeError)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
]
