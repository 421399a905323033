/** list: every session of the folder, latest update first, without reading the logs. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { HOUR, SECOND } from '../clock.js'
import { whileFailing } from '../faults.js'
import { raw } from '../session-backend/scene.js'
import { a, idsInList, type ManagerCase, metadataOf, seconds, session, three, u } from './scene.js'

const usage = (promptTokens: number, completionTokens: number) => ({
  usage: { promptTokens, completionTokens, cacheReadTokens: 1000, thinkingTokens: 500 },
})

export const listCases: ManagerCase[] = [
  {
    name: 'case 10: an empty folder; the later one first; ties by id',
    async run({ manager, clock, reopen }) {
      assert.deepEqual(await manager.list(), [])
      await manager.save(session('a'))
      clock.move(10)
      await manager.save(session('b'))
      assert.deepEqual(await idsInList(manager), ['b', 'a'])
      assert.deepEqual(
        (await manager.list()).map(({ updatedAt }) => updatedAt),
        [seconds(clock), seconds(clock)],
      )
      clock.move(10)
      for (const id of ['z', 'x', 'y']) await manager.save(session(id))
      assert.deepEqual(await idsInList(manager), ['x', 'y', 'z', 'b', 'a'])
      await reopen()
      assert.deepEqual(await idsInList(manager), ['x', 'y', 'z', 'b', 'a'])
    },
  },
  {
    name: 'ties are ordered by UTF-16 code units',
    async run({ manager }) {
      const ids = ['b', 'a', 'B', 'A', 'é', 'a b', 'a/b', '\u{1F600}', '\uFF5E', '10', '9', '_']
      for (const id of ids) await manager.save(session(id))
      assert.deepEqual(await idsInList(manager), [...ids].sort())
    },
  },
  {
    name: 'every update moves a session to the front',
    async run({ manager, clock }) {
      for (const id of ['a', 'b', 'c']) {
        await manager.save(three({}, id))
        clock.move(1)
      }
      assert.deepEqual(await idsInList(manager), ['c', 'b', 'a'])
      const moved = async (action: () => Promise<unknown>, order: string[]) => {
        await action()
        clock.move(1)
        assert.deepEqual(await idsInList(manager), order)
      }
      await moved(() => manager.save(three({}, 'a')), ['a', 'c', 'b'])
      await moved(() => manager.tag('b', ['new']), ['b', 'a', 'c'])
      await moved(() => manager.rename('c', 'new'), ['c', 'b', 'a'])
      await moved(() => manager.rewind('a', 1), ['a', 'c', 'b'])
      await moved(() => manager.tag('b', ['new']), ['a', 'c', 'b'])
      await moved(() => manager.resume('b'), ['a', 'c', 'b'])
      const { id } = await manager.fork('b')
      clock.move(1)
      assert.deepEqual(await idsInList(manager), [id, 'a', 'c', 'b'])
    },
  },
  {
    name: 'a row is what resume returns',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      clock.move(1500)
      await manager.save(three({ name: '', tags: [], agentName: '' }, 'A/b'))
      await backend.append('plain', u)
      await manager.rewind('s', 1)
      await manager.fork('s')
      const rows = await manager.list()
      assert.equal(rows.length, 4)
      for (const row of rows) {
        assert.deepEqual(await metadataOf(manager, row.id), row)
        assert.deepEqual(Object.keys(row).sort(), Object.keys({ ...three().metadata, forkedFrom: null }).sort())
      }
    },
  },
  {
    name: 'a session that was never saved: its agent, the number of its messages, the tokens of its messages',
    async run({ manager, log, clock, reopen }) {
      log('s').write(
        raw.header('s', clock.date),
        raw.meta('l1', clock.date, { agent: 'coder', projectRoot: '/p' }),
        raw.message('r1', clock.date, 'one'),
        { ...raw.message('r2', clock.date, 'two', 'assistant'), ...usage(10, 5) },
        { ...raw.message('r3', clock.date, 'three', 'assistant'), agent: 'helper', ...usage(200, 70) },
        { ...raw.message('r4', clock.date, 'four', 'assistant'), usage: {} },
      )
      const now = seconds(clock)
      const expected = {
        id: 's',
        name: null,
        tags: [],
        agentName: 'coder',
        createdAt: now,
        updatedAt: now,
        turnCount: 4,
        totalTokens: 285,
        forkedFrom: null,
      }
      assert.deepEqual(await manager.list(), [expected])
      assert.deepEqual(await metadataOf(manager, 's'), expected)
      await reopen()
      assert.deepEqual(await manager.list(), [expected])
    },
  },
  {
    name: 'labels alone do not count as a save',
    async run({ manager, backend, log, clock }) {
      log('s').write(raw.header('s', clock.date), { ...raw.message('r1', clock.date, 'one'), ...usage(10, 5) })
      await manager.tag('s', ['x'])
      await manager.rename('s', 'n')
      await backend.append('s', u)
      const { turnCount, totalTokens } = await metadataOf(manager, 's')
      assert.deepEqual({ turnCount, totalTokens }, { turnCount: 2, totalTokens: 15 })
    },
  },
  {
    name: 'values without a role that stand in a log are messages and count as turns',
    async run({ manager, log, clock, reopen }) {
      const at = clock.iso
      log('s').write(
        raw.header('s', clock.date),
        { type: 'message', id: 'v1', at, value: [1] },
        raw.message('r1', clock.date, 'one'),
        { type: 'message', id: 'v2', at, value: null },
      )
      assert.equal((await manager.list())[0]?.turnCount, 3)
      assert.deepEqual((await manager.resume('s')).messages, [[1], { role: 'user', content: 'one' }, null])
      await reopen()
      assert.equal((await manager.list())[0]?.turnCount, 3)
      assert.equal((await metadataOf(manager, 's')).turnCount, 3)
    },
  },
  {
    name: 'saved counters do not change when messages are appended',
    async run({ manager, backend }) {
      await manager.save(three({ turnCount: 0, totalTokens: 0 }))
      await backend.append('s', { ...a, ...usage(10, 5) })
      await backend.removeLast('s')
      await backend.append('s', { ...a, ...usage(10, 5) })
      const [row] = await manager.list()
      assert.deepEqual([row?.turnCount, row?.totalTokens], [0, 0])
    },
  },
  {
    name: 'a list opens no log whose sidecar is up to date',
    only: 'fresh',
    async run({ manager, backend, clock, reopen }) {
      await manager.save(three({ createdAt: 1_600_000_000 }))
      await manager.save(three({ messages: [1, null], state: 'x'.repeat(100_000) }, 't'))
      clock.move(SECOND)
      await backend.append('plain', { ...u, ...usage(10, 5) })
      await manager.fork('s')
      await manager.rewind('s', 1)
      await manager.tag('t', ['new'])
      const rows = await manager.list()
      await reopen()
      const opensLog = (...args: unknown[]) => args.some((arg) => typeof arg === 'string' && arg.endsWith('.jsonl'))
      await whileFailing({ names: ['open', 'readFile'], code: 'EIO', where: opensLog }, async () => {
        assert.deepEqual(await manager.list(), rows)
      })
    },
  },
  {
    name: 'a list sees what was added to a log behind its sidecar',
    async run({ manager, log, clock, reopen }) {
      await manager.save(three())
      const { createdAt } = await metadataOf(manager, 's')
      const at = clock.move(HOUR)
      await reopen(() => log('s').add(raw.message('r9', at, 'by hand'), raw.meta('l9', at, { name: 'by hand' })))
      assert.deepEqual(await manager.list(), [
        { ...three().metadata, name: 'by hand', createdAt, updatedAt: seconds(clock), forkedFrom: null },
      ])
    },
  },
  {
    name: 'what is no session is not listed',
    async run({ manager, dir, reopen }) {
      await manager.save(session('s'))
      await reopen(() => {
        for (const name of ['notes.txt', 's.jsonl.bak', '.s.0123456789abcdef.tmp', 'Odd Name.jsonl.tmp']) {
          fs.writeFileSync(path.join(dir, name), '{"role":"user","content":"x"}\n')
        }
        fs.mkdirSync(path.join(dir, 'folder.jsonl'))
      })
      assert.deepEqual(await idsInList(manager), ['s'])
    },
  },
]
