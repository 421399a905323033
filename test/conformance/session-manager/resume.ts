/** resume: the whole session, and nothing happens to it. */
import assert from 'node:assert/strict'
import type { Session } from '../../../src/contracts/session-manager/index.js'
import { HOUR } from '../clock.js'
import { a, idsInList, type ManagerCase, messagesOf, session, three, u, u2 } from './scene.js'

/** Changes all of a session that can be changed. */
function spoil(resumed: Session): void {
  resumed.metadata.name = 'spoilt'
  resumed.metadata.tags.push('spoilt')
  resumed.metadata.updatedAt = 0
  ;(resumed.messages[0] as { content: string[] }).content.push('spoilt')
  resumed.messages.push('spoilt')
  ;(resumed.state as { k: number[] }).k.push(9)
}

const DEEP = three({ messages: [{ role: 'user', content: ['x'] }, a], state: { k: [1] } })

export const resumeCases: ManagerCase[] = [
  {
    name: 'case 6: a resumed session is a copy, and resuming is no update',
    async run({ manager, clock, reopen }) {
      await manager.save(DEEP)
      clock.move(1)
      await manager.save(three({}, 'later'))
      clock.move(HOUR)
      const first = await manager.resume('s')
      const copy = structuredClone(first)
      const list = await manager.list()
      spoil(first)
      assert.deepEqual(await manager.resume('s'), copy)
      await reopen()
      assert.deepEqual(await manager.resume('s'), copy)
      assert.deepEqual(await manager.list(), list)
      assert.deepEqual(await idsInList(manager), ['later', 's'])
    },
  },
  {
    name: 'what list, fork and rewind answer is a copy too',
    async run({ manager }) {
      await manager.save(DEEP)
      const [row] = await manager.list()
      const list = structuredClone([row])
      row?.tags.push('spoilt')
      row!.name = 'spoilt'
      assert.deepEqual(await manager.list(), list)
      const fork = await manager.fork('s', 'f')
      const forked = structuredClone(fork)
      fork.tags.push('spoilt')
      assert.deepEqual((await manager.resume(fork.id)).metadata, forked)
      for (const index of [2, 1]) {
        const rewound = await manager.rewind('s', index)
        const copy = structuredClone(rewound)
        spoil(rewound)
        assert.deepEqual(await manager.resume('s'), copy)
      }
    },
  },
  {
    name: 'neither resume nor list changes anything on disk',
    only: 'fresh',
    async run({ manager, log, reopen, snapshot }) {
      await manager.save(three())
      log('s').add('damage', '{"role":"user","content":"by hand"}')
      log('s').addBytes('{"role":"us')
      log('bare').write('{"role":"user","content":"x"}')
      await reopen()
      await manager.list()
      await reopen()
      const before = snapshot()
      assert.equal((await manager.resume('s')).messages.length, 4)
      await manager.resume('bare')
      await manager.list()
      await manager.resume('s')
      assert.deepEqual(snapshot(), before)
    },
  },
  {
    name: 'a running session can be resumed',
    async run({ manager, backend }) {
      await manager.save(three())
      await backend.setSessionState('s', 'running', 'turn-1')
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u])
      assert.equal((await backend.getSessionState('s'))?.turnId, 'turn-1')
    },
  },
  {
    name: 'a resumed session can be saved unchanged',
    async run({ manager, backend, clock }) {
      await manager.save(three({ messages: [u, 1, null, { role: 'user', id: 'own', type: 'x' }] }))
      await backend.append('s', u2)
      const resumed = await manager.resume('s')
      clock.move(HOUR)
      await manager.save(resumed)
      const { updatedAt } = resumed.metadata
      assert.deepEqual(await manager.resume('s'), {
        ...resumed,
        metadata: { ...resumed.metadata, updatedAt: updatedAt + 3600 },
      })
    },
  },
  {
    name: 'a resumed session can be saved under another id',
    async run({ manager, clock }) {
      await manager.save(three())
      const resumed = await manager.resume('s')
      clock.move(HOUR)
      await manager.save({ ...resumed, metadata: { ...resumed.metadata, id: 't' } })
      const { createdAt, updatedAt } = resumed.metadata
      assert.deepEqual(await manager.resume('t'), {
        ...resumed,
        metadata: { ...resumed.metadata, id: 't', createdAt, updatedAt: updatedAt + 3600 },
      })
      assert.deepEqual(await manager.resume('s'), resumed)
    },
  },
  {
    name: 'a thousand messages come back in order',
    async run({ manager }) {
      const messages = Array.from({ length: 1000 }, (_, i) => ({
        role: i % 2 === 0 ? 'user' : 'assistant',
        content: i,
      }))
      await manager.save(session('s', { messages }))
      assert.deepEqual(await messagesOf(manager, 's'), messages)
    },
  },
]
