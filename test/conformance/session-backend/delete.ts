/** deleteSession: for good, without a trace. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { HOUR } from '../clock.js'
import { type BackendCase, keysOf, raw, texts, user } from './scene.js'

export const deleteCases: BackendCase[] = [
  {
    name: 'case 38: deleted, and a later session of that key starts empty',
    async run({ backend, clock }) {
      await backend.append('a', user('old'))
      await backend.setSessionName('a', 'old name')
      await backend.setSessionState('a', 'error', 'turn-1')
      assert.equal(await backend.deleteSession('a'), true)
      assert.equal(await backend.deleteSession('a'), false)
      assert.deepEqual(await backend.load('a'), [])
      assert.deepEqual(await backend.listSessions(), [])
      assert.deepEqual(await backend.listSessionsWithMetadata(), [])
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
      assert.equal(await backend.getSessionName('a'), null)
      assert.deepEqual(await backend.getSessionState('a'), { state: 'idle', turnId: null, turnStartedAt: null })
    },
  },
  {
    name: 'nothing of a deleted session is left in the folder, not even its damaged lines',
    async run({ backend, dir, log, clock, filesHolding, pathsHolding, reopen }) {
      log('secretive').write(raw.message('r1', clock.date, 'private one'), '{"role":"user","content":"private two"')
      await backend.append('secretive', user('private three'))
      await backend.removeLast('secretive')
      log('secretive').addBytes('{"role":"user","content":"private four')
      await backend.compact('secretive')
      await backend.setSessionName('secretive', 'private five')
      await backend.setSessionState('secretive', 'running', 'private six')
      await backend.append('secretive/too', user('private seven'))
      fs.mkdirSync(path.join(dir, 'secretive.blobs'))
      fs.writeFileSync(path.join(dir, 'secretive.blobs', 'private'), 'private eight')
      await backend.append('other', user('public'))
      assert.notDeepEqual(filesHolding('private two'), [])
      assert.equal(await backend.deleteSession('secretive'), true)
      assert.equal(await backend.deleteSession('secretive/too'), true)
      const left = () => [...filesHolding('private'), ...filesHolding('secretive'), ...pathsHolding('secretive')]
      // the lease under which it was deleted may last a little longer than the session
      const isNoLock = (name: string) => !name.startsWith('.locks/')
      assert.deepEqual(left().filter(isNoLock), [])
      await reopen(() => assert.deepEqual(left(), []))
      assert.deepEqual(left(), [])
      assert.deepEqual(await backend.listSessions(), ['other'])
      assert.deepEqual(await texts(backend, 'other'), ['public'])
    },
  },
  {
    name: 'a sidecar that a crash left behind is not adopted by the next life',
    async run({ backend, dir, clock, reopen }) {
      const sidecar = path.join(dir, 'a.meta.json')
      await backend.append('a', user('old'))
      await backend.setSessionName('a', 'old name')
      await backend.setSessionState('a', 'running', 'old-turn')
      let bytes = Buffer.alloc(0)
      await reopen(() => {
        bytes = fs.readFileSync(sidecar)
      })
      assert.equal(await backend.deleteSession('a'), true)
      fs.writeFileSync(sidecar, bytes)
      assert.deepEqual(await backend.listSessions(), [])
      assert.equal(await backend.getSessionState('a'), null)
      assert.equal(await backend.getSessionName('a'), null)
      assert.deepEqual(await backend.listRunningSessions(), [])
      const now = clock.move(HOUR)
      await backend.append('a', user('new'))
      fs.writeFileSync(sidecar, bytes)
      assert.deepEqual(await backend.getSessionState('a'), { state: 'idle', turnId: null, turnStartedAt: null })
      assert.deepEqual(await backend.listRunningSessions(), [])
      const row = { key: 'a', name: null, createdAt: now, lastActivity: now, messageCount: 1 }
      assert.deepEqual(await backend.listSessionsWithMetadata(), [row])
      await reopen(() => fs.writeFileSync(sidecar, bytes))
      assert.deepEqual(await backend.getSessionState('a'), { state: 'idle', turnId: null, turnStartedAt: null })
      assert.deepEqual(await backend.listSessionsWithMetadata(), [row])
      assert.deepEqual(await texts(backend, 'a'), ['new'])
    },
  },
  {
    name: 'a running session may be deleted',
    async run({ backend }) {
      await backend.append('a', user('x'))
      await backend.setSessionState('a', 'running', 'turn-1')
      assert.equal(await backend.deleteSession('a'), true)
      assert.deepEqual(await backend.listRunningSessions(), [])
      assert.deepEqual(await backend.listStuckSessions(0), [])
      assert.equal(await backend.getSessionState('a'), null)
      await backend.setSessionState('a', 'idle', 'turn-2')
      assert.equal((await backend.getSessionState('a'))?.state, 'idle')
    },
  },
  {
    name: 'of two deletions at once one finds the session',
    async run({ backend }) {
      await backend.append('a', user('x'))
      const answers = await Promise.all([backend.deleteSession('a'), backend.deleteSession('a')])
      assert.deepEqual(answers.sort(), [false, true])
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
  {
    name: 'other sessions do not change',
    async run({ backend }) {
      for (const key of ['a', 'a.b', 'A', 'a/b']) await backend.append(key, user(key))
      assert.equal(await backend.deleteSession('a'), true)
      assert.deepEqual(await backend.listSessions(), ['A', 'a.b', 'a/b'])
      assert.deepEqual(keysOf(await backend.listSessionsWithMetadata()), ['A', 'a.b', 'a/b'])
      for (const key of ['A', 'a.b', 'a/b']) assert.deepEqual(await texts(backend, key), [key])
    },
  },
  {
    name: 'a log of garbage, or none at all, is a session that can be deleted',
    async run({ backend, log }) {
      log('a').write('garbage')
      log('b').write()
      assert.equal(await backend.deleteSession('a'), true)
      assert.equal(await backend.deleteSession('b'), true)
      assert.deepEqual(await backend.listSessions(), [])
      assert(!log('a').exists() && !log('b').exists())
    },
  },
]
