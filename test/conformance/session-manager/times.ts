/** createdAt and updatedAt, when any contract wrote. */
import assert from 'node:assert/strict'
import { HOUR, SECOND } from '../clock.js'
import { raw } from '../session-backend/scene.js'
import { a, idsInList, type ManagerCase, metadataOf, seconds, session, three, u } from './scene.js'

export const timeCases: ManagerCase[] = [
  {
    name: 'times are cut to seconds',
    async run({ manager, backend, clock }) {
      const second = seconds(clock)
      clock.move(999)
      await manager.save(session('s'))
      await backend.append('b', u)
      const fork = await manager.fork('s')
      assert.deepEqual([fork.createdAt, fork.updatedAt], [second, second])
      for (const { createdAt, updatedAt } of await manager.list()) {
        assert.deepEqual([createdAt, updatedAt], [second, second])
      }
      clock.move(1)
      await manager.tag('s', ['x'])
      assert.equal((await metadataOf(manager, 's')).updatedAt, second + 1)
    },
  },
  {
    name: 'updatedAt is the time of the last transaction of any contract',
    async run({ manager, backend, log, clock, reopen }) {
      await manager.save(three())
      await manager.save(three({}, 'other'))
      const { createdAt } = await metadataOf(manager, 's')
      const moves: Array<[what: string, action: () => unknown]> = [
        ['append', () => backend.append('s', u)],
        ['removeLast', () => backend.removeLast('s')],
        ['setSessionName', () => backend.setSessionName('s', 'another name')],
        ['clearing the name', () => backend.setSessionName('s', '')],
        ['a compaction', () => log('s').add(raw.compaction('c1', clock.date, 'the summary', null))],
        ['a label', () => log('s').add(raw.meta('l1', clock.date, { metadata: { todo: 'x' } }))],
        ['a removal', () => log('s').add(raw.remove('x1', clock.date, ['nobody']))],
        ['a line by hand', () => log('s').add(raw.message('r1', clock.date, 'x'))],
        ['tag', () => manager.tag('s', ['new'])],
        ['rename', () => manager.rename('s', 'new')],
        ['rewind', () => manager.rewind('s', 1)],
        ['save', () => manager.save(three())],
      ]
      for (const [what, action] of moves) {
        clock.move(10 * SECOND)
        await action()
        const metadata = await metadataOf(manager, 's')
        assert.equal(metadata.updatedAt, seconds(clock), what)
        assert.equal(metadata.createdAt, createdAt, what)
        assert.deepEqual(await idsInList(manager), ['s', 'other'], what)
      }
      await reopen()
      assert.equal((await metadataOf(manager, 's')).updatedAt, seconds(clock))
    },
  },
  {
    name: 'neither run states nor rewrites move updatedAt',
    async run({ manager, backend, clock, reopen }) {
      await manager.save(three())
      clock.move(1)
      await manager.save(three({}, 'later'))
      const list = await manager.list()
      for (const change of [
        () => backend.setSessionState('s', 'running', 'turn-1'),
        () => backend.setSessionState('s', 'error', 'turn-1'),
        () => backend.setSessionState('s', 'idle'),
        () => backend.compact('s'),
      ]) {
        clock.move(HOUR)
        await change()
        assert.deepEqual(await manager.list(), list)
        assert.deepEqual(await metadataOf(manager, 's'), list[1])
      }
      await reopen()
      assert.deepEqual(await manager.list(), list)
    },
  },
  {
    name: 'a rewrite that drops the line which gave updatedAt carries it over',
    async run({ manager, backend, log, clock, reopen }) {
      await manager.save(three())
      await manager.save(three({}, 'other'))
      clock.move(10 * SECOND)
      await backend.append('s', a)
      clock.move(10 * SECOND)
      await backend.removeLast('s')
      const list = await manager.list()
      assert.equal(list[0]?.id, 's')
      assert.equal(list[0]?.updatedAt, seconds(clock))
      clock.move(HOUR)
      await backend.compact('s')
      assert.deepEqual(await manager.list(), list)
      assert.deepEqual(await metadataOf(manager, 's'), list[0])
      assert(!log('s').text().includes('remove'))
      await reopen()
      assert.deepEqual(await manager.list(), list)
      clock.move(HOUR)
      await manager.rewind('s', 2)
      const rewound = await manager.list()
      assert.equal(rewound[0]?.updatedAt, seconds(clock))
      await backend.compact('s')
      assert.deepEqual(await manager.list(), rewound)
    },
  },
  {
    name: 'updatedAt never goes back, also when the clock does',
    async run({ manager, clock }) {
      await manager.save(three())
      const { updatedAt, createdAt } = await metadataOf(manager, 's')
      clock.move(-HOUR)
      await manager.save(three({ messages: [u], name: 'm' }))
      assert.deepEqual(await metadataOf(manager, 's'), {
        ...three({ name: 'm' }).metadata,
        createdAt,
        updatedAt,
        forkedFrom: null,
      })
      await manager.tag('s', ['y'])
      await manager.rewind('s', 0)
      assert.equal((await metadataOf(manager, 's')).updatedAt, updatedAt)
    },
  },
  {
    name: 'createdAt is what the other contracts show',
    async run({ manager, backend, clock, reopen }) {
      await manager.save(three({ createdAt: 1_600_000_000 }))
      await backend.append('b', u)
      const created = seconds(clock)
      clock.move(HOUR)
      await manager.save(three({ createdAt: 1_600_000_000 }, 'b'))
      await backend.append('s', u)
      await backend.compact('s')
      await reopen()
      assert.deepEqual((await backend.getSessionMetadata('s'))?.createdAt, new Date(1_600_000_000_000))
      assert.equal((await metadataOf(manager, 's')).createdAt, 1_600_000_000)
      assert.deepEqual((await backend.getSessionMetadata('b'))?.createdAt, new Date(created * 1000))
      assert.equal((await metadataOf(manager, 'b')).createdAt, created)
    },
  },
  {
    name: 'a save is activity when it adds messages; labels and removals are none',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      const lastActivity = async () => (await backend.getSessionMetadata('s'))?.lastActivity
      const start = clock.date
      clock.move(HOUR)
      await manager.save(three())
      await manager.tag('s', ['y'])
      await manager.rename('s', 'm')
      await manager.rewind('s', 2)
      await manager.save(three({ messages: [u] }))
      assert.deepEqual(await lastActivity(), start)
      await manager.save(three({ messages: [u, a] }))
      assert.deepEqual(await lastActivity(), clock.date)
    },
  },
  {
    name: "the file's time stands in for times that no line names",
    async run({ manager, log, clock }) {
      log('bare').write('{"role":"user","content":"x"}')
      log('bare').touch(clock.date)
      const { createdAt, updatedAt } = await metadataOf(manager, 'bare')
      assert.deepEqual([createdAt, updatedAt], [seconds(clock), seconds(clock)])
      clock.move(HOUR)
      await manager.tag('bare', ['x'])
      assert.equal((await manager.list())[0]?.tags[0], 'x')
    },
  },
]
