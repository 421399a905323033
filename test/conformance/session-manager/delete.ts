/** delete: for good, with all that belongs to the session. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import { rejectsWithCode } from '../expect.js'
import { idsInList, type ManagerCase, messagesOf, metadataOf, session, three, u } from './scene.js'

const isNoLock = (name: string) => !name.startsWith('.locks/')

export const deleteCases: ManagerCase[] = [
  {
    name: 'case 12: gone, not listed, and no file is left',
    async run({ manager, filesHolding, pathsHolding, reopen }) {
      await manager.save(three({ state: 'secret', name: 'secret', tags: ['secret'] }, 'secretive'))
      await manager.save(session('other', { messages: [u] }))
      assert.equal(await manager.delete('secretive'), undefined)
      const left = () => [...filesHolding('secret'), ...pathsHolding('secretive')].filter(isNoLock)
      assert.deepEqual(left(), [])
      assert.deepEqual(await idsInList(manager), ['other'])
      await rejectsWithCode(manager.resume('secretive'), 'ERR_SESSION_NOT_FOUND', { id: 'secretive' })
      await rejectsWithCode(manager.delete('secretive'), 'ERR_SESSION_NOT_FOUND', { id: 'secretive' })
      await reopen()
      assert.deepEqual(left(), [])
      assert.deepEqual(await idsInList(manager), ['other'])
      assert.deepEqual(await messagesOf(manager, 'other'), [u])
    },
  },
  {
    name: 'case 13: a fork outlives its source',
    async run({ manager, reopen }) {
      await manager.save(three())
      const fork = await manager.fork('s', 'f')
      const before = await manager.resume(fork.id)
      await manager.delete('s')
      await reopen()
      assert.deepEqual(await manager.resume(fork.id), before)
      assert.equal(before.metadata.forkedFrom, 's')
      assert.deepEqual(before.messages, three().messages)
      assert.deepEqual(await idsInList(manager), [fork.id])
    },
  },
  {
    name: 'a source outlives its fork',
    async run({ manager }) {
      await manager.save(three())
      const before = await manager.resume('s')
      const fork = await manager.fork('s', 'f')
      await manager.delete(fork.id)
      assert.deepEqual(await manager.resume('s'), before)
      assert.deepEqual(await idsInList(manager), ['s'])
    },
  },
  {
    name: 'a running session may be deleted, and its next life is idle',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      await backend.setSessionState('s', 'running', 'turn-1')
      await manager.delete('s')
      assert.equal(await backend.getSessionState('s'), null)
      clock.move(HOUR)
      await manager.save(session('s'))
      assert.equal((await backend.getSessionState('s'))?.state, 'idle')
      assert.deepEqual(await messagesOf(manager, 's'), [])
      assert.deepEqual((await metadataOf(manager, 's')).tags, [])
    },
  },
  {
    name: 'of two deletions at once one finds the session',
    async run({ manager }) {
      await manager.save(three())
      const outcomes = await Promise.allSettled([manager.delete('s'), manager.delete('s')])
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      assert.equal(failed?.reason.code, 'ERR_SESSION_NOT_FOUND')
    },
  },
  {
    name: 'a session that another contract made, or that is damaged, can be deleted',
    async run({ manager, backend, log }) {
      await backend.append('b', u)
      log('garbage').write('garbage')
      log('empty').write()
      for (const id of ['b', 'garbage', 'empty']) await manager.delete(id)
      assert.deepEqual(await manager.list(), [])
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
]
