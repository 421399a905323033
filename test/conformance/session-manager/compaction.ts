/** Archived messages are messages, and a summary never covers removed messages. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import type { RawLog } from '../raw-log.js'
import { raw } from '../session-backend/scene.js'
import {
  addedLines,
  kindOf,
  type ManagerCase,
  type ManagerScene,
  messagesOf,
  metadataOf,
  parsed,
  seconds,
  session,
  u,
} from './scene.js'

const m = (n: number) => ({ role: 'user', content: `m${n}` })
const TO = (n: number) => Array.from({ length: n }, (_, i) => m(i + 1))

/** Six messages: `c1` covers the first two, `c2` the first four. */
function writeLog({ log, clock }: ManagerScene): void {
  const at = clock.date
  const line = (n: number) => raw.message(`r${n}`, at, `m${n}`)
  log('s').write(
    raw.header('s', at),
    ...[1, 2, 3].map(line),
    raw.compaction('c1', at, 'summary one', 'r2'),
    ...[4, 5].map(line),
    raw.compaction('c2', at, 'summary two', 'r4'),
    line(6),
  )
}

/** The summaries of compaction lines that no removal names. */
function summariesIn(log: RawLog): string[] {
  const lines = parsed(log.text())
  const removed = new Set(lines.filter((line) => kindOf(line) === 'remove').flatMap(({ ids }) => ids))
  return lines.filter((line) => kindOf(line) === 'compaction' && !removed.has(line.id)).map(({ summary }) => summary)
}

const BOTH = ['summary one', 'summary two']

/** What a rewind to so many messages leaves, and what its line must name. */
const REWINDS: ReadonlyArray<[kept: number, left: string[], named: string[]]> = [
  [5, BOTH, ['r6']],
  [4, BOTH, ['r5', 'r6']],
  [3, ['summary one'], ['r4', 'r5', 'r6', 'c2']],
  [2, ['summary one'], ['r3', 'r4', 'r5', 'r6', 'c2']],
  [1, [], ['r2', 'r3', 'r4', 'r5', 'r6', 'c1', 'c2']],
  [0, [], ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'c1', 'c2']],
]

export const compactionCases: ManagerCase[] = [
  {
    name: 'archived messages are among the messages, summaries are not',
    async run(scene) {
      writeLog(scene)
      const { manager } = scene
      assert.deepEqual(await messagesOf(manager, 's'), TO(6))
      assert.equal((await metadataOf(manager, 's')).turnCount, 6)
      await manager.save(session('s', { messages: [...TO(6), u] }))
      assert.deepEqual(await messagesOf(manager, 's'), [...TO(6), u])
      assert.deepEqual(summariesIn(scene.log('s')), BOTH)
    },
  },
  ...REWINDS.map(([kept, left]): ManagerCase => {
    return {
      name: `a rewind to ${kept} messages ends the summaries of what is gone`,
      async run(scene) {
        writeLog(scene)
        const { manager, log, clock, reopen } = scene
        clock.move(HOUR)
        const { messages, metadata } = await manager.rewind('s', kept)
        assert.deepEqual(messages, TO(kept))
        assert.deepEqual([metadata.turnCount, metadata.updatedAt], [kept, seconds(clock)])
        assert.deepEqual(summariesIn(log('s')), left)
        await reopen()
        assert.deepEqual(await messagesOf(manager, 's'), TO(kept))
      },
    }
  }),
  ...REWINDS.map(([kept, , named]): ManagerCase => {
    return {
      name: `a rewind to ${kept} messages names summaries and messages in one line`,
      only: 'fresh',
      async run(scene) {
        writeLog(scene)
        const added = await addedLines(scene.log('s'), () => scene.manager.rewind('s', kept))
        assert.deepEqual(added.map(kindOf), ['remove', 'meta'])
        assert.deepEqual([...(added[0]?.ids ?? [])].sort(), [...named].sort())
      },
    }
  }),
  {
    name: 'a save ends the summaries of what it removes, in the same line',
    only: 'fresh',
    async run(scene) {
      writeLog(scene)
      const { manager, log } = scene
      const first = await addedLines(log('s'), () => manager.save(session('s', { messages: [...TO(3), u] })))
      const removal = first.filter((line) => kindOf(line) === 'remove')
      assert.equal(removal.length, 1)
      assert.deepEqual([...(removal[0]?.ids ?? [])].sort(), ['c2', 'r4', 'r5', 'r6'])
      const next = await addedLines(log('s'), () => manager.save(session('s', { messages: [u] })))
      const ids = next.find((line) => kindOf(line) === 'remove')?.ids
      for (const id of ['r1', 'r2', 'r3', 'c1']) assert(ids.includes(id), id)
      assert.deepEqual(await messagesOf(manager, 's'), [u])
    },
  },
  {
    name: 'a save that keeps what is archived keeps its summary',
    async run(scene) {
      writeLog(scene)
      const { manager, log } = scene
      await manager.save(session('s', { messages: TO(6) }))
      await manager.save(session('s', { messages: [...TO(4), u] }))
      assert.deepEqual(summariesIn(log('s')), BOTH)
      await manager.save(session('s', { messages: [m(1), m(2), u] }))
      assert.deepEqual(summariesIn(log('s')), ['summary one'])
      await manager.save(session('s', { messages: [m(1)] }))
      assert.deepEqual(summariesIn(log('s')), [])
      assert.deepEqual(await messagesOf(manager, 's'), [m(1)])
    },
  },
  {
    name: 'a summary whose last message was removed by another contract covers those before it',
    async run({ manager, backend, log, clock }) {
      const at = clock.date
      log('s').write(
        raw.header('s', at),
        ...[1, 2, 3].map((n) => raw.message(`r${n}`, at, `m${n}`)),
        raw.compaction('c1', at, 'summary', 'r3'),
      )
      await backend.removeLast('s')
      await manager.rewind('s', 2)
      assert.deepEqual(summariesIn(log('s')), ['summary'])
      await manager.rewind('s', 1)
      assert.deepEqual(summariesIn(log('s')), [])
    },
  },
  {
    name: 'a summary that covers no message stays',
    async run({ manager, log, clock }) {
      const at = clock.date
      log('s').write(
        raw.header('s', at),
        raw.message('r1', at, 'm1'),
        raw.compaction('c1', at, 'summary of null', null),
        raw.compaction('c2', at, 'summary of nobody', 'nobody'),
        raw.message('r2', at, 'm2'),
      )
      await manager.rewind('s', 0)
      assert.deepEqual(summariesIn(log('s')), ['summary of null', 'summary of nobody'])
    },
  },
  {
    name: 'a summary may cover values without a role',
    async run({ manager, backend, log, clock }) {
      await manager.save(session('s', { messages: [1, u, 2] }))
      const value = parsed(log('s').text()).find((line) => line.value === 1)
      log('s').add(raw.compaction('c1', clock.date, 'summary', value?.id))
      await manager.rewind('s', 1)
      assert.deepEqual(summariesIn(log('s')), ['summary'])
      assert.deepEqual(await backend.load('s'), [])
      await manager.rewind('s', 0)
      assert.deepEqual(summariesIn(log('s')), [])
    },
  },
  {
    name: 'with Persistence: a rewind into the archived part brings the rest back as active',
    async run({ manager, persistence }) {
      const id = await persistence.createSession('coder', '/p')
      for (const n of [1, 2, 3, 4]) await persistence.insertMessage(id, { role: 'user', content: `m${n}` })
      assert.equal(await persistence.compactSession(id, 'summary one', 2), 2)
      for (const n of [5, 6]) await persistence.insertMessage(id, { role: 'user', content: `m${n}` })
      assert((await persistence.compactSession(id, 'summary two', 1)) > 0)
      const context = async () => (await persistence.loadContext(id)).map(({ content }) => content)
      const summaries = async () => (await context()).filter((content) => content?.includes('summary'))
      assert.equal((await summaries()).length, 1)
      assert.equal((await manager.resume(id)).messages.length, 6)
      await manager.rewind(id, 3)
      assert.deepEqual((await summaries()).length, 1)
      assert((await context())[0]?.includes('summary one'))
      assert.deepEqual((await context()).slice(1), ['m3'])
      await manager.rewind(id, 1)
      assert.deepEqual(await context(), ['m1'])
    },
  },
  {
    name: 'with Persistence: a fork has the context, the metadata and the totals of its source',
    async run({ manager, persistence }) {
      const id = await persistence.createSession('coder', '/p')
      const usage = {
        promptTokens: 10,
        completionTokens: 5,
        cacheReadTokens: 0,
        cacheCreationTokens: 0,
        thinkingTokens: 0,
      }
      await persistence.insertMessage(id, { role: 'user', content: 'm1' })
      await persistence.insertMessage(id, { role: 'assistant', content: 'm2', usage })
      await persistence.insertMessage(id, { role: 'user', content: 'm3' })
      await persistence.compactSession(id, 'the summary', 1)
      await persistence.setTodo(id, 'buy milk')
      await persistence.setMetadata(id, 'key', 'value')
      const source = await manager.resume(id)
      assert.deepEqual([source.metadata.agentName, source.metadata.totalTokens], ['coder', 15])
      const fork = await manager.fork(id)
      const context = async (key: string) =>
        (await persistence.loadContext(key)).map((message) => ({ ...message, sessionId: '' }))
      assert.deepEqual(await context(fork.id), await context(id))
      assert.equal(await persistence.getTodo(fork.id), 'buy milk')
      assert.equal(await persistence.getMetadata(fork.id, 'key'), 'value')
      assert.equal(fork.totalTokens, 15)
      assert.deepEqual((await persistence.listSessions(10, '/p')).map((row) => row.id).sort(), [id, fork.id].sort())
      await manager.rewind(id, 0)
      assert.equal((await persistence.loadContext(fork.id)).length, 2)
      assert.deepEqual(await persistence.loadContext(id), [])
    },
  },
]
