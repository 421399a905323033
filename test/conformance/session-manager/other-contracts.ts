/** The same sessions as the other contracts see. */
import assert from 'node:assert/strict'
import { HOUR, SECOND } from '../clock.js'
import { raw } from '../session-backend/scene.js'
import {
  a,
  a2,
  idsInList,
  lineIds,
  type ManagerCase,
  messagesOf,
  metadataOf,
  seconds,
  session,
  stored,
  three,
  u,
  u2,
} from './scene.js'

export const otherContractCases: ManagerCase[] = [
  {
    name: 'case 11: a session that SessionBackend made',
    async run({ manager, backend, clock, reopen }) {
      const createdAt = seconds(clock)
      await backend.append('b', u)
      clock.move(SECOND)
      await backend.append('b', a)
      const expected = session('b', { messages: [u, a], turnCount: 2 })
      const metadata = { ...expected.metadata, createdAt, updatedAt: createdAt + 1, forkedFrom: null }
      assert.deepEqual(await manager.list(), [metadata])
      assert.deepEqual(await manager.resume('b'), { ...expected, metadata })
      await reopen()
      assert.deepEqual(await manager.resume('b'), { ...expected, metadata })
    },
  },
  {
    name: 'case 35: what others append and remove is in the session',
    async run({ manager, backend }) {
      await manager.save(three())
      await backend.append('s', u2)
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, u2])
      await backend.removeLast('s')
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u])
    },
  },
  {
    name: 'SessionBackend sees what was saved',
    async run({ manager, backend, clock, reopen }) {
      await manager.save(three({ messages: [u, a, 5, u2] }))
      await reopen()
      assert.deepEqual(
        (await backend.load('s')).map(({ role, content, at }) => ({ role, content, at })),
        [u, a, u2].map((message) => ({ ...message, at: clock.iso })),
      )
      assert.deepEqual(await backend.getSessionMetadata('s'), {
        key: 's',
        name: 'n',
        createdAt: clock.date,
        lastActivity: clock.date,
        messageCount: 3,
      })
      assert.deepEqual(
        (await backend.search({ keyword: 'meetings' })).map(({ key }) => key),
        ['s'],
      )
      await manager.rewind('s', 1)
      assert.deepEqual(await backend.search({ keyword: 'meetings' }), [])
      assert.equal((await backend.getSessionMetadata('s'))?.messageCount, 1)
    },
  },
  {
    name: 'names are one and the same, but for the empty one',
    async run({ manager, backend }) {
      await manager.save(three())
      await backend.setSessionName('s', 'by the backend')
      assert.equal((await metadataOf(manager, 's')).name, 'by the backend')
      await manager.rename('s', 'by the manager')
      assert.equal(await backend.getSessionName('s'), 'by the manager')
      await backend.setSessionName('s', '')
      assert.equal((await metadataOf(manager, 's')).name, null)
      await manager.rename('s', '')
      assert.equal(await backend.getSessionName('s'), null)
      assert.equal((await backend.listSessionsWithMetadata())[0]?.name, null)
      assert.equal((await metadataOf(manager, 's')).name, '')
    },
  },
  {
    name: 'a save over a session that another contract made keeps its creation time',
    async run({ manager, backend, clock, reopen }) {
      const createdAt = seconds(clock)
      await backend.append('b', u)
      clock.move(HOUR)
      await manager.save(three({ createdAt: 1_600_000_000 }, 'b'))
      const expected = stored(three({}, 'b'), clock, { createdAt })
      assert.deepEqual(await manager.resume('b'), expected)
      await reopen()
      assert.deepEqual(await manager.resume('b'), expected)
    },
  },
  {
    name: 'a save over such a session keeps the messages that are the same',
    async run({ manager, backend, log, clock }) {
      await backend.append('b', u)
      log('b').add({ ...raw.message('r2', clock.date, a.content, 'assistant') }, { role: 'user', content: 'by hand' })
      const before = await lineIds(backend, 'b')
      clock.move(HOUR)
      await manager.save(session('b', { messages: [u, a, { role: 'user', content: 'by hand' }, a2] }))
      assert.deepEqual((await lineIds(backend, 'b')).slice(0, 3), before)
      assert.deepEqual(await messagesOf(manager, 'b'), [u, a, { role: 'user', content: 'by hand' }, a2])
    },
  },
  {
    name: 'a message comes back as its writer gave it',
    async run({ manager, log, clock }) {
      const at = clock.iso
      log('s').write(
        raw.header('s', clock.date),
        { id: 'r1', at, role: 'user', content: 'flat', usage: { promptTokens: 1 }, agent: 'main', toolCalls: '[]' },
        { type: 'message', id: 'r2', at, role: 'user', content: 'typed', own: { id: 'mine', type: 'note' } },
        { role: 'user', content: 'bare' },
        { type: 'message', id: 'r3', at, value: { role: 'user', id: 'x', at: 'y' } },
        { type: 'message', id: 'r4', at, role: 'user', value: 5 },
      )
      assert.deepEqual(await messagesOf(manager, 's'), [
        { role: 'user', content: 'flat', usage: { promptTokens: 1 }, agent: 'main', toolCalls: '[]' },
        { role: 'user', content: 'typed', id: 'mine', type: 'note' },
        { role: 'user', content: 'bare' },
        { role: 'user', id: 'x', at: 'y' },
        { role: 'user', value: 5 },
      ])
    },
  },
  {
    name: 'removed and duplicate lines are no messages',
    async run({ manager, log, clock }) {
      const at = clock.date
      const value = { type: 'message', id: 'v1', at: clock.iso, value: ['once'] }
      log('s').write(
        raw.header('s', at),
        value,
        raw.remove('x1', at, ['r1', 'v2']),
        raw.message('r1', at, 'removed'),
        value,
        { ...value, id: 'v2' },
        { ...value, value: ['another content'] },
      )
      assert.deepEqual(await messagesOf(manager, 's'), [['once'], ['another content']])
      assert.equal((await metadataOf(manager, 's')).turnCount, 2)
      assert.deepEqual((await manager.rewind('s', 1)).messages, [['once']])
    },
  },
  {
    name: 'cleanup, trash and deletion by another contract end a session here too',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      await manager.save(three({}, 't'))
      await backend.deleteSession('t')
      assert.deepEqual(await idsInList(manager), ['s'])
      clock.move(100 * HOUR)
      assert.equal(await backend.cleanupStale(48), 1)
      assert.deepEqual(await manager.list(), [])
      await assert.rejects(manager.resume('s'), { code: 'ERR_SESSION_NOT_FOUND' })
      await manager.save(session('s', { messages: [a] }))
      assert.deepEqual(await messagesOf(manager, 's'), [a])
    },
  },
]
