/** fork: an independent copy under a new id. */
import assert from 'node:assert/strict'
import type { Session } from '../../../src/contracts/session-manager/index.js'
import { HOUR, SECOND } from '../clock.js'
import { raw } from '../session-backend/scene.js'
import { a, a2, idsInList, type ManagerCase, messagesOf, metadataOf, seconds, session, three, u, u2 } from './scene.js'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export const forkCases: ManagerCase[] = [
  {
    name: 'case 15: a fork is a copy of what was said, made now',
    async run({ manager, clock, reopen }) {
      const given = three({ createdAt: 1_600_000_000 })
      await manager.save(given)
      clock.move(5 * SECOND)
      const fork = await manager.fork('s', 'f')
      assert.match(fork.id, UUID_V7)
      assert.deepEqual(fork, {
        ...given.metadata,
        id: fork.id,
        name: 'f',
        createdAt: seconds(clock),
        updatedAt: seconds(clock),
        forkedFrom: 's',
      })
      const expected: Session = { ...given, metadata: fork }
      assert.deepEqual(await manager.resume(fork.id), expected)
      await reopen()
      assert.deepEqual(await manager.resume(fork.id), expected)
      assert.deepEqual((await manager.list())[0], fork)
    },
  },
  {
    name: 'case 16: the source stays byte for byte',
    only: 'fresh',
    async run({ manager, log, clock }) {
      await manager.save(three())
      log('s').add('damage', raw.message('dead', clock.date, 'x'), raw.remove('x1', clock.date, ['dead']))
      log('s').addBytes('{"role":"us')
      const old = clock.move(-HOUR)
      log('s').touch(old)
      clock.move(2 * HOUR)
      const before = log('s').bytes()
      await manager.fork('s', 'f')
      assert.deepEqual(log('s').bytes(), before)
      assert.equal(log('s').mtimeMs, old.getTime())
    },
  },
  {
    name: 'case 16: the source keeps its place in the list',
    async run({ manager, clock, reopen }) {
      for (const id of ['last', 's', 'first']) {
        await manager.save(three({}, id))
        clock.move(1)
      }
      const before = await manager.list()
      clock.move(HOUR)
      const fork = await manager.fork('s')
      assert.deepEqual(await manager.list(), [fork, ...before])
      await reopen()
      assert.deepEqual(await manager.list(), [fork, ...before])
    },
  },
  {
    name: 'case 17: the name of a fork',
    async run({ manager }) {
      await manager.save(three({ name: 'x' }, 'named'))
      await manager.save(three({ name: null }, 'nameless'))
      await manager.save(three({ name: '' }, 'empty'))
      const fork = await manager.fork('named')
      assert.equal(fork.name, 'x (fork)')
      assert.equal((await manager.fork('named', null)).name, 'x (fork)')
      assert.equal((await manager.fork('named', undefined)).name, 'x (fork)')
      assert.equal((await manager.fork('nameless')).name, null)
      assert.equal((await manager.fork('empty')).name, null)
      assert.equal((await manager.fork(fork.id)).name, 'x (fork) (fork)')
      assert.equal((await manager.fork('named', '')).name, '')
      assert.equal((await manager.fork('nameless', ' as it is ')).name, ' as it is ')
      assert.equal((await metadataOf(manager, fork.id)).name, 'x (fork)')
    },
  },
  {
    name: 'case 18: what is done to one side is not done to the other',
    async run({ manager, clock }) {
      await manager.save(three())
      const source = await manager.resume('s')
      const { id } = await manager.fork('s')
      clock.move(SECOND)
      const fork = await manager.resume(id)
      await manager.save({ ...fork, messages: [...fork.messages, a2] })
      assert.deepEqual(await manager.resume('s'), source)
      const continued = await manager.resume(id)
      assert.deepEqual(continued.messages, [u, a, u, a2])
      await manager.rewind('s', 0)
      assert.deepEqual(await manager.resume(id), continued)
      assert.deepEqual(await messagesOf(manager, 's'), [])
    },
  },
  {
    name: 'case 19: a fork of a running session is idle',
    async run({ manager, backend }) {
      await manager.save(three())
      await backend.setSessionState('s', 'running', 'turn-1')
      const { id } = await manager.fork('s')
      assert.deepEqual(await backend.getSessionState(id), { state: 'idle', turnId: null, turnStartedAt: null })
      assert.equal((await backend.getSessionState('s'))?.state, 'running')
      assert.equal((await backend.getSessionState('s'))?.turnId, 'turn-1')
      assert.deepEqual(
        (await backend.listRunningSessions()).map(({ key }) => key),
        ['s'],
      )
    },
  },
  {
    name: 'two forks may have one name, and are two sessions',
    async run({ manager }) {
      await manager.save(three())
      const forks = await Promise.all([manager.fork('s', 'f'), manager.fork('s', 'f'), manager.fork('s', 'n')])
      assert.equal(new Set(forks.map(({ id }) => id)).size, 3)
      assert.deepEqual(
        forks.map(({ name }) => name),
        ['f', 'f', 'n'],
      )
      assert.equal((await manager.list()).length, 4)
      for (const { id } of forks) assert.deepEqual(await messagesOf(manager, id), [u, a, u])
    },
  },
  {
    name: 'a fork of a fork names the one it was made from',
    async run({ manager, reopen }) {
      await manager.save(three())
      const first = await manager.fork('s')
      const second = await manager.fork(first.id)
      assert.equal(second.forkedFrom, first.id)
      await manager.save(await manager.resume(second.id))
      await manager.delete(first.id)
      await reopen()
      assert.equal((await metadataOf(manager, second.id)).forkedFrom, first.id)
      assert.equal((await metadataOf(manager, 's')).forkedFrom, null)
    },
  },
  {
    name: 'forkedFrom is kept by every change, and names the id, never a file',
    async run({ manager, backend }) {
      await manager.save(three({}, 'A/b'))
      const { id } = await manager.fork('A/b')
      await manager.tag(id, ['y'])
      await manager.rename(id, 'm')
      await manager.rewind(id, 1)
      await backend.append(id, u2)
      const resumed = await manager.resume(id)
      await manager.save({ ...resumed, metadata: { ...resumed.metadata, forkedFrom: 'other' } })
      await backend.compact(id)
      assert.equal((await metadataOf(manager, id)).forkedFrom, 'A/b')
    },
  },
  {
    name: 'a fork counts as active from now on, with messages of any age',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      clock.move(100 * HOUR)
      const { id } = await manager.fork('s')
      const row = await backend.getSessionMetadata(id)
      assert.deepEqual([row?.createdAt, row?.lastActivity, row?.messageCount], [clock.date, clock.date, 3])
      clock.move(HOUR)
      assert.equal(await backend.cleanupStale(48), 1)
      assert.deepEqual(await idsInList(manager), [id])
    },
  },
  {
    name: 'the times of a fork stay, also when its lines are rewritten',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      clock.move(HOUR)
      const fork = await manager.fork('s')
      clock.move(HOUR)
      await backend.removeLast(fork.id)
      const updatedAt = seconds(clock)
      clock.move(HOUR)
      await backend.compact(fork.id)
      assert.deepEqual(await metadataOf(manager, fork.id), { ...fork, updatedAt })
    },
  },
  {
    name: 'a fork of a session that was never saved',
    async run({ manager, backend, log, clock }) {
      const spent = (n: number) => ({ usage: { promptTokens: n, completionTokens: 1 } })
      log('s').write(
        raw.header('s', clock.date),
        raw.meta('l1', clock.date, { agent: 'coder' }),
        raw.message('r1', clock.date, 'one'),
        { ...raw.message('r2', clock.date, 'two', 'assistant'), ...spent(10) },
        { ...raw.message('r3', clock.date, 'three', 'assistant'), ...spent(200) },
      )
      await backend.removeLast('s')
      clock.move(HOUR)
      const source = await manager.resume('s')
      const fork = await manager.fork('s', 'f')
      const now = seconds(clock)
      const { id } = fork
      assert.deepEqual(fork, { ...source.metadata, id, name: 'f', createdAt: now, updatedAt: now, forkedFrom: 's' })
      assert.deepEqual(await manager.resume(id), { ...source, metadata: fork })
    },
  },
  {
    name: 'a fork of an empty session, and of one without a header',
    async run({ manager, backend, log }) {
      await manager.save(session('s'))
      const empty = await manager.fork('s')
      assert.deepEqual(await messagesOf(manager, empty.id), [])
      log('bare').write('{"role":"user","content":"hi"}', '{"role":"user","content":"hi"}')
      const bare = await manager.fork('bare')
      assert.deepEqual(await messagesOf(manager, bare.id), await messagesOf(manager, 'bare'))
      assert.equal(bare.forkedFrom, 'bare')
      assert.deepEqual(await backend.load(bare.id), await backend.load('bare'))
    },
  },
  {
    name: 'a fork of a saved session keeps counters that differ from its messages',
    async run({ manager, backend }) {
      await manager.save(three({ turnCount: 77, totalTokens: 5 }))
      await backend.append('s', { ...a, usage: { promptTokens: 1000, completionTokens: 1 } })
      const fork = await manager.fork('s')
      assert.deepEqual([fork.turnCount, fork.totalTokens], [77, 5])
      const again = await metadataOf(manager, fork.id)
      assert.deepEqual([again.turnCount, again.totalTokens], [77, 5])
    },
  },
]
