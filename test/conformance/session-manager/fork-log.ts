/** fork: what stands in the log of the copy, and what does not. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import type { Json } from '../../../src/contracts/session-manager/index.js'
import { HOUR } from '../clock.js'
import type { RawLog } from '../raw-log.js'
import { assistant, raw } from '../session-backend/scene.js'
import {
  a,
  kindOf,
  type ManagerCase,
  messagesOf,
  metadataOf,
  type ParsedLine,
  parsed,
  session,
  three,
  u,
} from './scene.js'

/** What the `meta` lines of a log set, all in all. */
function labelsOf(log: RawLog): ParsedLine {
  const sets = parsed(log.text())
    .filter((line) => kindOf(line) === 'meta')
    .map(({ set }) => set)
  const metadata = Object.assign({}, ...sets.map((set) => set.metadata))
  return { ...Object.assign({}, ...sets), metadata }
}

export const forkLogCases: ManagerCase[] = [
  {
    name: 'the header of a fork names its source',
    only: 'fresh',
    async run({ manager, log, clock }) {
      await manager.save(three())
      clock.move(HOUR)
      const { id } = await manager.fork('s')
      const [header, ...lines] = parsed(log(id).text())
      assert.deepEqual(header, { type: 'session', version: 1, key: id, id: header?.id, at: clock.iso, forkedFrom: 's' })
      assert.equal(typeof header?.id, 'string')
      assert.deepEqual(
        lines.filter((line) => kindOf(line) === 'message').map(({ role, content }) => ({ role, content })),
        [u, a, u],
      )
    },
  },
  {
    name: 'messages of a fork keep their ids and times',
    async run({ manager, backend, clock, reopen }) {
      const own = { role: 'user', content: 'x', id: 'own', at: 7, type: 'note', own: [1] }
      await manager.save(three({ messages: [u, own, 5, null] }))
      clock.move(HOUR)
      await backend.append('s', own)
      const { id } = await manager.fork('s')
      assert.deepEqual(await backend.load(id), await backend.load('s'))
      assert.deepEqual(await messagesOf(manager, id), await messagesOf(manager, 's'))
      await reopen()
      await manager.rewind('s', 1)
      assert.deepEqual(await messagesOf(manager, id), [u, own, 5, null, own])
    },
  },
  {
    name: 'removed, duplicate, damaged and torn lines are not copied',
    async run({ manager, backend, log, clock, filesHolding }) {
      const at = clock.date
      const twice = raw.message('twice', at, 'said once')
      log('s').write(
        raw.header('s', at),
        raw.message('r1', at, 'removed secret'),
        twice,
        raw.remove('x1', at, ['r1', 'later', 'c1']),
        'damaged secret',
        twice,
        raw.compaction('c1', at, 'ended secret', 'twice'),
        raw.message('later', at, 'removed secret too'),
        '',
        raw.message('r2', at, 'kept'),
      )
      log('s').addBytes('{"role":"user","content":"torn secret')
      const { id } = await manager.fork('s')
      const contents = ['said once', 'kept']
      assert.deepEqual(
        (await backend.load(id)).map(({ content }) => content),
        contents,
      )
      const lines = parsed(log(id).text())
      assert.deepEqual(lines.map(({ content }) => content).filter(Boolean), contents)
      assert(!lines.some((line) => kindOf(line) === 'remove'))
      assert(!filesHolding('secret').some((file) => file.includes(id)))
    },
  },
  {
    name: 'messages with one id, and without any, stay those that they were',
    async run({ manager, backend, log, clock }) {
      const at = clock.date
      log('s').write(
        { role: 'user', content: 'bare', at: clock.iso },
        raw.message('same', at, 'one'),
        { role: 'user', content: 'bare', at: clock.iso },
        raw.message('same', at, 'other'),
      )
      const before = await backend.load('s')
      const { id } = await manager.fork('s')
      assert.deepEqual(await backend.load(id), before)
      await backend.removeLast(id)
      assert.deepEqual(await backend.load(id), before.slice(0, 3))
      await backend.removeLast(id)
      await backend.removeLast(id)
      assert.deepEqual(await backend.load(id), before.slice(0, 1))
      assert.deepEqual(await backend.load('s'), before)
    },
  },
  {
    name: 'a byte order mark, carriage returns and a last line without line feed make no difference',
    async run({ manager, backend, log, clock }) {
      const bare = JSON.stringify({ role: 'user', content: 'bare', at: clock.iso })
      log('s').write(`\uFEFF${bare}\r`, '', `${JSON.stringify(raw.message('r1', clock.date, 'one'))}\r`)
      log('s').addBytes(JSON.stringify(raw.message('r2', clock.date, 'two')))
      const before = await backend.load('s')
      assert.equal(before.length, 3)
      const { id } = await manager.fork('s')
      assert.deepEqual(await backend.load(id), before)
      await backend.append(id, a)
      assert.equal((await messagesOf(manager, id)).length, 4)
      assert.deepEqual(await backend.load('s'), before)
    },
  },
  {
    name: 'key/value metadata, todo, project root and state are copied',
    async run({ manager, log, clock }) {
      await manager.save(three({ state: { former: 1 } }))
      log('s').add(
        raw.meta('l1', clock.date, { projectRoot: '/old', metadata: { todo: 'old', a: '1' } }),
        raw.meta('l2', clock.date, { projectRoot: '/p', metadata: { todo: 'buy milk' } }),
        raw.meta('l3', clock.date, { metadata: JSON.parse('{"__proto__":"2"}') }),
      )
      await manager.save(three({ state: { big: 'x'.repeat(50_000) } }))
      const { id } = await manager.fork('s')
      const { projectRoot, metadata } = labelsOf(log(id))
      assert.equal(projectRoot, '/p')
      const copied = parsed(log(id).text()).map(({ set }) => set?.metadata ?? {})
      assert.deepEqual({ todo: metadata.todo, a: metadata.a }, { todo: 'buy milk', a: '1' })
      assert(copied.some((part) => Object.hasOwn(part, '__proto__')))
      assert.deepEqual((await manager.resume(id)).state, { big: 'x'.repeat(50_000) })
      assert(!log(id).text().includes('former'))
    },
  },
  {
    name: 'the graph and its blobs stay with the source',
    async run({ manager, dir, log, clock, pathsHolding }) {
      await manager.save(three())
      const at = clock.iso
      const node = { nodeId: 'n1', timestamp: at, kind: 'event', event: { text: 'graph needle' } }
      log('s').add(
        { type: 'commit', id: 'g1', at, session: 's', revision: 1, nodes: [node], leaf: 'n1', config: {}, usage: [] },
        { type: 'tombstone', id: 'g2', at, ids: ['n1'] },
      )
      fs.mkdirSync(path.join(dir, 's.blobs'))
      fs.writeFileSync(path.join(dir, 's.blobs', 'b1'), 'blob')
      const { id } = await manager.fork('s')
      const kinds = parsed(log(id).text()).map(kindOf)
      assert(!kinds.includes('commit') && !kinds.includes('tombstone'), kinds.join())
      assert(!log(id).text().includes('needle'))
      assert.deepEqual(
        pathsHolding('.blobs').filter((name) => name.includes(id)),
        [],
      )
      assert(log('s').text().includes('graph needle'))
      assert(fs.existsSync(path.join(dir, 's.blobs', 'b1')))
    },
  },
  {
    name: 'the compaction in force is copied, and archived messages too',
    async run({ manager, log, clock }) {
      const messages: Json[] = ['m1', 'm2', 'm3', 'm4'].map((content) => ({ role: 'user', content }))
      const at = clock.date
      log('s').write(
        raw.header('s', at),
        raw.message('r1', at, 'm1'),
        raw.message('r2', at, 'm2'),
        raw.compaction('c1', at, 'first summary', 'r1'),
        raw.message('r3', at, 'm3'),
        raw.message('r4', at, 'm4'),
        raw.compaction('c2', at, 'second summary', 'r3'),
      )
      const { id } = await manager.fork('s')
      assert.deepEqual(await messagesOf(manager, id), messages)
      const compactions = parsed(log(id).text()).filter((line) => kindOf(line) === 'compaction')
      const last = compactions.at(-1)
      assert.deepEqual([last?.summary, last?.through], ['second summary', 'r3'])
      // a rewind into the archived part of the copy is one like in the source
      await manager.rewind(id, 2)
      assert.deepEqual(await messagesOf(manager, id), messages.slice(0, 2))
    },
  },
  {
    name: 'a fork of a compaction that covers removed messages only keeps its summary in force',
    async run({ manager, backend, log, clock }) {
      const at = clock.date
      log('s').write(
        raw.header('s', at),
        raw.message('r1', at, 'm1'),
        raw.compaction('c1', at, 'the summary', 'r1'),
        raw.remove('x1', at, ['r1']),
        raw.message('r2', at, 'm2'),
      )
      const { id } = await manager.fork('s')
      assert(log(id).text().includes('the summary'))
      assert.deepEqual(
        (await backend.load(id)).map(({ content }) => content),
        ['m2'],
      )
      assert(!log(id).text().includes('"m1"'))
    },
  },
  {
    name: 'later lines of the fork are no lines of the source, and the other way round',
    async run({ manager, backend, log, clock }) {
      await manager.save(three())
      const { id } = await manager.fork('s')
      clock.move(HOUR)
      await backend.append('s', assistant('only in the source'))
      await backend.append(id, assistant('only in the fork'))
      assert(!log(id).text().includes('only in the source'))
      assert(!log('s').text().includes('only in the fork'))
      assert.deepEqual(await messagesOf(manager, id), [u, a, u, assistant('only in the fork')])
    },
  },
  {
    name: 'labels that were never set, or were cleared, are not in the copy',
    async run({ manager }) {
      await manager.save(three())
      await manager.save(session('s', { messages: [u] }))
      const { id } = await manager.fork('s')
      const { createdAt, updatedAt, ...metadata } = await metadataOf(manager, id)
      assert.deepEqual(metadata, {
        id,
        name: null,
        tags: [],
        agentName: '',
        turnCount: 0,
        totalTokens: 0,
        forkedFrom: 's',
      })
      assert.equal(createdAt, updatedAt)
      assert.equal((await manager.resume(id)).state, null)
    },
  },
]
