/** How a session stands in its log. */
import assert from 'node:assert/strict'
import { SECOND } from '../clock.js'
import { raw } from '../session-backend/scene.js'
import {
  a,
  a2,
  addedLines,
  kindOf,
  type ManagerCase,
  messagesOf,
  metadataOf,
  parsed,
  session,
  three,
  u,
} from './scene.js'

export const logCases: ManagerCase[] = [
  {
    name: 'a new session is a header, its messages, and one line of labels',
    only: 'fresh',
    async run({ manager, log, clock }) {
      await manager.save(three({ messages: [u, { role: 'user', content: 'x', id: 'm1', type: 'note' }, 5] }))
      const [header, plain, clashing, value, labels, ...others] = parsed(log('s').text())
      assert.deepEqual(others, [])
      const at = clock.iso
      assert.deepEqual(header, { type: 'session', version: 1, key: 's', id: header?.id, at })
      assert.deepEqual(plain, { id: plain?.id, at, ...u })
      const own = { id: 'm1', type: 'note' }
      assert.deepEqual(clashing, { type: 'message', id: clashing?.id, at, role: 'user', content: 'x', own })
      assert.deepEqual(value, { type: 'message', id: value?.id, at, value: 5 })
      assert.deepEqual(labels, { type: 'meta', id: labels?.id, at, set: labels?.set })
      const { name, tags, agent, state, turnCount, totalTokens } = labels?.set ?? {}
      assert.deepEqual(
        { name, tags, agent, state, turnCount, totalTokens },
        { name: 'n', tags: ['x'], agent: 'coder', state: { k: 1 }, turnCount: 2, totalTokens: 100 },
      )
      const ids = [header, plain, clashing, value, labels].map((line) => line?.id)
      for (const id of ids) assert.equal(typeof id, 'string')
      assert.equal(new Set(ids).size, ids.length)
    },
  },
  {
    name: 'only labels that change are written',
    only: 'fresh',
    async run({ manager, log }) {
      await manager.save(three())
      const changes = [
        [{ name: 'm' }, { name: 'm' }],
        [{ name: null }, { name: null }],
        [{ tags: ['y'] }, { tags: ['y'] }],
        [{ agentName: 'other' }, { agent: 'other' }],
        [{ turnCount: 3 }, { turnCount: 3 }],
        [{ totalTokens: 101 }, { totalTokens: 101 }],
        [{ state: { k: 2 } }, { state: { k: 2 } }],
      ] as const
      let given = {}
      for (const [change, set] of changes) {
        given = { ...given, ...change }
        const added = await addedLines(log('s'), () => manager.save(three(given)))
        assert.deepEqual(added.map(kindOf), ['meta'])
        assert.deepEqual(added[0]?.set, set)
      }
    },
  },
  {
    name: 'labels of equal value are not written again, in any order of their fields',
    only: 'fresh',
    async run({ manager, log }) {
      await manager.save(three({ state: { a: 1, b: { c: [1], d: 2 } } }))
      const same = three({ state: { b: { d: 2, c: [1] }, a: 1 }, messages: [u, a, u, a2] })
      const added = await addedLines(log('s'), () => manager.save(same))
      assert(added.length <= 2 && kindOf(added[0]!) === 'message')
      const labels = Object.keys(added[1]?.set ?? {})
      for (const label of ['name', 'tags', 'agent', 'state', 'turnCount', 'totalTokens']) {
        assert(!labels.includes(label), label)
      }
    },
  },
  {
    name: 'a save adds messages, then removes, then labels',
    only: 'fresh',
    async run({ manager, log }) {
      await manager.save(three())
      const given = three({ messages: [u, 5, a2], name: 'm', tags: ['y'], state: null, turnCount: 9 })
      const added = await addedLines(log('s'), () => manager.save(given))
      assert.deepEqual(added.map(kindOf), ['message', 'message', 'remove', 'meta'])
    },
  },
  {
    name: 'without its sidecar nothing of a session is lost',
    only: 'fresh',
    async run({ manager, log, filesHolding }) {
      await manager.save(three({ name: 'name needle', tags: ['tag needle'], agentName: 'agent needle' }))
      for (const text of ['name needle', 'tag needle', 'agent needle']) {
        assert(filesHolding(text).includes('s.jsonl'), text)
      }
      assert(log('s').text().includes('"k":1'))
    },
  },
  {
    name: 'labels of other programs are read, and invalid ones count as not set',
    async run({ manager, log, clock }) {
      const at = clock.date
      log('s').write(
        raw.header('s', at),
        raw.message('r1', at, 'x'),
        raw.meta('l1', at, {
          name: 'by hand',
          tags: ['b', 'a'],
          agent: 'coder',
          state: [1],
          turnCount: 7,
          totalTokens: 9,
        }),
      )
      log('odd').write(
        raw.header('odd', at),
        raw.message('r1', at, 'x'),
        raw.meta('l1', at, { name: 5, tags: 'x', agent: [], turnCount: 'many', totalTokens: null }),
      )
      const good = await manager.resume('s')
      const { name, tags, agentName, turnCount, totalTokens } = good.metadata
      assert.deepEqual([name, tags, agentName, turnCount, totalTokens], ['by hand', ['b', 'a'], 'coder', 7, 9])
      assert.deepEqual(good.state, [1])
      const odd = await metadataOf(manager, 'odd')
      assert.deepEqual([odd.name, odd.tags, odd.agentName, odd.turnCount, odd.totalTokens], [null, [], '', 1, 0])
      assert.equal((await manager.list()).length, 2)
    },
  },
  {
    name: 'a second copy of a label line does not count',
    async run({ manager, log }) {
      await manager.save(three({ name: 'old', tags: ['old'], state: 'old', turnCount: 1 }))
      const labels = log('s').lines().at(-1)
      const next = three({ name: 'new', tags: ['new'], state: 'new', turnCount: 2 })
      await manager.save(next)
      const before = await manager.resume('s')
      assert.equal(before.state, 'new')
      log('s').add(labels!)
      assert.deepEqual(await manager.resume('s'), before)
      const fork = await manager.resume((await manager.fork('s')).id)
      assert.deepEqual([fork.state, fork.metadata.tags, fork.metadata.turnCount], ['new', ['new'], 2])
      await manager.save(next)
      assert.deepEqual((await manager.resume('s')).state, 'new')
    },
  },
  {
    name: 'lines of unknown types are no messages, and stay',
    async run({ manager, log, clock }) {
      await manager.save(three())
      log('s').add({ type: 'weather', id: 'w1', at: clock.iso, role: 'user', content: 'sun' })
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u])
      clock.move(SECOND)
      await manager.save(three({ messages: [a2] }))
      await manager.rewind('s', 0)
      assert.deepEqual(await messagesOf(manager, 's'), [])
      assert(log('s').text().includes('weather'))
    },
  },
  {
    name: 'a save keeps what it does not know of',
    async run({ manager, backend, log, clock }) {
      await manager.save(three())
      const at = clock.iso
      const commit = {
        type: 'commit',
        id: 'g1',
        at,
        session: 's',
        revision: 1,
        nodes: [],
        leaf: null,
        config: {},
        usage: [],
      }
      log('s').add(
        raw.meta('l1', clock.date, { projectRoot: '/p', metadata: { todo: 'buy milk', key: 'value' }, other: 1 }),
        commit,
      )
      await backend.setSessionState('s', 'running', 'turn-1')
      clock.move(SECOND)
      await manager.save(session('s', { messages: [a2] }))
      await manager.rewind('s', 0)
      const lines = parsed(log('s').text())
      assert.deepEqual(
        lines.find(({ id }) => id === 'g1'),
        commit,
      )
      const set = Object.assign({}, ...lines.map((line) => line.set))
      assert.deepEqual([set.projectRoot, set.metadata, set.other], ['/p', { todo: 'buy milk', key: 'value' }, 1])
      assert.equal((await backend.getSessionState('s'))?.turnId, 'turn-1')
    },
  },
]
