/** Which files of the folder are sessions, and which only look like one. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { HOUR } from '../clock.js'
import { promptly } from '../expect.js'
import { makePipe } from '../folder.js'
import { type BackendCase, keysOf, raw, texts, user } from './scene.js'

const NEEDLE = '{"id":"n","at":"2020-01-01T00:00:00.000Z","role":"user","content":"needle"}\n'

/** Every method treats what has that name as missing, those that would create reject, and nothing changes. */
async function isNoSession(backend: SessionBackend, key: string): Promise<void> {
  assert.deepEqual(await promptly(backend.load(key)), [])
  assert.equal(await promptly(backend.removeLast(key)), false)
  assert.equal(await promptly(backend.deleteSession(key)), false)
  assert.equal(await promptly(backend.getSessionMetadata(key)), null)
  assert.equal(await promptly(backend.getSessionName(key)), null)
  assert.equal(await promptly(backend.getSessionState(key)), null)
  assert.equal(await promptly(backend.compact(key)), undefined)
  assert(!(await promptly(backend.listSessions())).includes(key))
  assert(!keysOf(await promptly(backend.listSessionsWithMetadata())).includes(key))
  assert(!keysOf(await promptly(backend.search())).includes(key))
  assert.deepEqual(await promptly(backend.search({ keyword: 'needle' })), [])
  assert.equal(await promptly(backend.cleanupStale(1)), 0)
}

async function isNoLog(backend: SessionBackend, key: string): Promise<void> {
  const calls = [
    () => backend.load(key),
    () => backend.removeLast(key),
    () => backend.deleteSession(key),
    () => backend.getSessionMetadata(key),
    () => backend.getSessionName(key),
    () => backend.getSessionState(key),
    () => backend.compact(key),
    () => backend.append(key, user('x')),
    () => backend.setSessionName(key, 'name'),
    () => backend.setSessionState(key, 'running', 'turn-1'),
  ]
  for (const call of calls) await promptly(assert.rejects(call(), { code: 'ERR_NOT_A_LOG' }))
  assert(!(await promptly(backend.listSessions())).includes(key))
  assert(!keysOf(await promptly(backend.listSessionsWithMetadata())).includes(key))
  assert(!keysOf(await promptly(backend.search())).includes(key))
  assert.deepEqual(await promptly(backend.search({ keyword: 'needle' })), [])
  assert.equal(await promptly(backend.cleanupStale(1)), 0)
}

const KINDS: ReadonlyArray<[kind: string, make: (file: string) => boolean]> = [
  [
    'a folder',
    (file) => {
      fs.mkdirSync(file)
      fs.writeFileSync(path.join(file, 'inside.jsonl'), NEEDLE)
      return true
    },
  ],
  [
    'a link to a log',
    (file) => {
      const target = path.join(path.dirname(file), '..', 'elsewhere.jsonl')
      fs.writeFileSync(target, NEEDLE)
      fs.symlinkSync(target, file)
      return true
    },
  ],
  [
    'a dangling link',
    (file) => {
      fs.symlinkSync(path.join(path.dirname(file), '..', 'nowhere.jsonl'), file)
      return true
    },
  ],
  ['a named pipe', makePipe],
]

export const fileCases: BackendCase[] = [
  {
    name: 'case 23: other files are not listed, not searched and not cleaned up',
    async run({ backend, dir, snapshot, reopen }) {
      const others = ['notes.txt', 'sessions.db', 'x.jsonl.migrated', '.tmpAb12']
      await backend.append('real', user('x'))
      await reopen(() => {
        for (const name of others) {
          fs.writeFileSync(path.join(dir, name), NEEDLE)
          fs.utimesSync(path.join(dir, name), 0, 0)
        }
        fs.mkdirSync(path.join(dir, 'd.jsonl'))
        fs.writeFileSync(path.join(dir, 'd.jsonl', 'e.jsonl'), NEEDLE)
      })
      const before = snapshot()
      assert.deepEqual(await backend.listSessions(), ['real'])
      assert.deepEqual(keysOf(await backend.listSessionsWithMetadata()), ['real'])
      assert.deepEqual(keysOf(await backend.search()), ['real'])
      assert.deepEqual(await backend.search({ keyword: 'needle' }), [])
      assert.equal(await backend.cleanupStale(1), 0)
      const after = snapshot()
      for (const name of [...others, 'd.jsonl', 'd.jsonl/e.jsonl']) {
        assert(before[name], name)
        assert.equal(after[name], before[name], name)
      }
    },
  },
  {
    name: 'case 24: a folder under the name of a log',
    async run({ backend, dir, snapshot }) {
      fs.mkdirSync(path.join(dir, 'd.jsonl'))
      fs.writeFileSync(path.join(dir, 'd.jsonl', 'e.jsonl'), NEEDLE)
      const before = snapshot()
      await isNoLog(backend, 'd')
      assert.deepEqual(snapshot(), before)
    },
  },
  ...KINDS.map(([kind, make]): BackendCase => {
    return {
      name: `${kind} under the name of a log is an error in every verb, and lists go on`,
      async run({ backend, dir, snapshot }) {
        if (!make(path.join(dir, 'd.jsonl'))) return
        const before = snapshot()
        await isNoLog(backend, 'd')
        assert.deepEqual(snapshot(), before)
      },
    }
  }),
  {
    name: 'a link that takes the place of a log is an error',
    async run({ backend, log }) {
      await backend.append('a', user('needle'))
      const target = `${log('a').file}.moved`
      fs.renameSync(log('a').file, target)
      fs.symlinkSync(target, log('a').file)
      const before = fs.readFileSync(target)
      await isNoLog(backend, 'a')
      assert.deepEqual(fs.readFileSync(target), before)
      assert.equal(fs.readlinkSync(log('a').file), target)
    },
  },
  {
    name: 'a log that another program removed is no session from then on',
    async run({ backend, log }) {
      await backend.append('a', user('x'))
      await backend.append('b', user('x'))
      fs.rmSync(log('a').file)
      await isNoSession(backend, 'a')
      assert.deepEqual(await backend.listSessions(), ['b'])
    },
  },
  {
    name: 'a log that another program added is a session from then on',
    async run({ backend, log, clock }) {
      await backend.append('a', user('x'))
      assert.deepEqual(await backend.listSessions(), ['a'])
      log('b').write(raw.header('b', clock.date), raw.message('r1', clock.date, 'by hand'))
      assert.deepEqual(await backend.listSessions(), ['a', 'b'])
      assert.deepEqual(await texts(backend, 'b'), ['by hand'])
      assert.deepEqual(keysOf(await backend.search({ keyword: 'hand' })), ['b'])
    },
  },
  {
    name: 'a sidecar without its log is a leftover and no session',
    async run({ backend, log, clock, reopen }) {
      await backend.append('a', user('needle'))
      await backend.setSessionName('a', 'old name')
      await backend.setSessionState('a', 'running', 'old-turn')
      let sidecars: string[] = []
      await reopen(() => {
        sidecars = fs.readdirSync(path.dirname(log('a').file)).filter((name) => name.startsWith('a.meta'))
        fs.rmSync(log('a').file)
      })
      assert.notDeepEqual(sidecars, [], 'there was a sidecar')
      await isNoSession(backend, 'a')
      assert.deepEqual(await backend.listRunningSessions(), [])
      assert.deepEqual(await backend.listStuckSessions(0), [])
      const now = clock.move(HOUR)
      await backend.append('a', user('new'))
      assert.deepEqual(await texts(backend, 'a'), ['new'])
      assert.deepEqual(await backend.getSessionMetadata('a'), {
        key: 'a',
        name: null,
        createdAt: now,
        lastActivity: now,
        messageCount: 1,
      })
      assert.deepEqual(await backend.getSessionState('a'), { state: 'idle', turnId: null, turnStartedAt: null })
    },
  },
  {
    name: 'a left-over temporary file never replaces a log, and is never a session',
    async run({ backend, dir, reopen }) {
      await backend.append('k', user('x'))
      const names = [
        '.k.0123456789abcdef.tmp',
        'k.jsonl.tmp',
        '.k.jsonl.tmp',
        'k.jsonl.1234',
        'k.jsonl.1234567890',
        '.tmp',
      ]
      await reopen(() => {
        for (const name of names) fs.writeFileSync(path.join(dir, name), NEEDLE)
      })
      assert.deepEqual(await backend.listSessions(), ['k'])
      assert.deepEqual(await texts(backend, 'k'), ['x'])
      assert.deepEqual(await backend.search({ keyword: 'needle' }), [])
      await backend.append('k', user('y'))
      await backend.removeLast('k')
      await backend.compact('k')
      assert.deepEqual(await backend.listSessions(), ['k'])
      assert.deepEqual(await texts(backend, 'k'), ['x'])
    },
  },
]
