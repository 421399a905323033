/** What the lines look like on disk. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import type { RawLog } from '../raw-log.js'
import { calls, insert } from './notation.js'
import { answer, create, laterId, type PersistenceCase, raw, V7 } from './scene.js'

interface Fields {
  type?: string
  id: string
  at: string
  role?: string
  content?: unknown
  set?: { carriedUsage?: unknown }
  summary?: string
  through?: unknown
  usage?: unknown
}

function linesOf(log: RawLog): Fields[] {
  return log.lines().map((text) => JSON.parse(text))
}

export const formatCases: PersistenceCase[] = [
  {
    name: 'on disk: a new session is a header and a meta line',
    only: 'fresh',
    async run({ persistence, log, clock }) {
      const id = await persistence.createSession('coder', '/p/')
      const [header, meta, ...others] = linesOf(log(id))
      assert.deepEqual(others, [])
      assert.deepEqual(header, { type: 'session', version: 1, key: id, id, at: clock.iso })
      assert.deepEqual(meta, { type: 'meta', id: meta!.id, at: clock.iso, set: { agent: 'coder', projectRoot: '/p' } })
      assert.match(meta!.id, V7)
      assert(meta!.id > id)
    },
  },
  {
    name: 'on disk: a message is a flat line with what is not null',
    only: 'fresh',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      clock.move(HOUR)
      const at = clock.iso
      const ids = await insert(
        persistence,
        id,
        { role: 'user', content: 'hello', toolCalls: null, toolCallId: null, usage: null },
        { role: 'assistant', toolCalls: calls('x') },
        { role: 'tool', content: '', toolCallId: 'x' },
      )
      ids.push(await persistence.insertMessageWithAgent(id, { role: 'system', content: 'y', agentName: 'helper' }))
      ids.push(await persistence.insertMessageWithAgent(id, { role: 'system', content: 'z', agentName: null }))
      assert.deepEqual(linesOf(log(id)).slice(2), [
        { id: ids[0], at, role: 'user', content: 'hello' },
        { id: ids[1], at, role: 'assistant', content: null, toolCalls: calls('x') },
        { id: ids[2], at, role: 'tool', content: '', toolCallId: 'x' },
        { id: ids[3], at, role: 'system', content: 'y', agent: 'helper' },
        { id: ids[4], at, role: 'system', content: 'z' },
      ])
      for (const messageId of ids) assert.match(messageId, V7)
    },
  },
  {
    name: 'on disk: usage is an object of counters, with the stop reason',
    only: 'fresh',
    async run({ persistence, log }) {
      const id = await create(persistence)
      const usage = {
        promptTokens: 1,
        completionTokens: 2,
        cacheReadTokens: 3,
        cacheCreationTokens: 4,
        thinkingTokens: 5,
        stopReason: 'end_turn',
      }
      await insert(persistence, id, { role: 'assistant', content: 'x', usage })
      assert.deepEqual(linesOf(log(id)).at(-1)?.usage, usage)
    },
  },
  {
    name: 'on disk: compaction and metadata are one line each',
    only: 'fresh',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [one] = await insert(persistence, id, 'u one', 'u two')
      clock.move(HOUR)
      await persistence.compactSession(id, 'sum', 1)
      await persistence.setMetadata(id, 'k', 'v')
      await persistence.setTodo(id, 'task')
      const at = clock.iso
      const [compaction, note, todo, ...others] = linesOf(log(id)).slice(4)
      assert.deepEqual(others, [])
      assert.deepEqual(compaction, { type: 'compaction', id: compaction!.id, at, summary: 'sum', through: one })
      assert.deepEqual(note, { type: 'meta', id: note!.id, at, set: { metadata: { k: 'v' } } })
      assert.deepEqual(todo, { type: 'meta', id: todo!.id, at, set: { metadata: { todo: 'task' } } })
      assert(compaction!.id > one! && note!.id > compaction!.id && todo!.id > note!.id)
    },
  },
  {
    name: 'on disk: a purge carries the counters over, and moves through to what is left',
    only: 'fresh',
    async run({ persistence, log }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', answer('two', 10, 5))
      await persistence.insertMessageWithAgent(id, { ...answer('three', 1, 1), agentName: 'helper' })
      await insert(persistence, id, answer('four', 7, 7))
      await persistence.compactSession(id, 'sum', 1)
      await persistence.purgeCompacted(0)
      const lines = linesOf(log(id))
      const carried = lines.filter(({ type, set }) => type === 'meta' && set?.carriedUsage !== undefined)
      const zeros = { cacheReadTokens: 0, cacheCreationTokens: 0, thinkingTokens: 0 }
      assert.deepEqual(
        carried.map(({ set }) => set?.carriedUsage),
        [
          {
            main: { promptTokens: 10, completionTokens: 5, ...zeros, apiCalls: 1 },
            helper: { promptTokens: 1, completionTokens: 1, ...zeros, apiCalls: 1 },
          },
        ],
      )
      assert.deepEqual(
        lines.filter(({ type }) => type === 'compaction').map(({ summary, through }) => [summary, through]),
        [['sum', null]],
      )
      assert.deepEqual(
        lines.filter(({ role }) => role !== undefined).map(({ content }) => content),
        ['four'],
      )
    },
  },
  {
    name: 'on disk: through moves to the nearest earlier message that is left',
    only: 'fresh',
    async run({ persistence, log, clock, backend }) {
      const id = await create(persistence)
      const ids = await insert(persistence, id, 'u one', 'u two', 'u three', 'u four')
      await persistence.compactSession(id, 'sum', 1)
      log(id).add(raw.remove(laterId(1), clock.date, [ids[2]!]))
      const other = await backend()
      await other.compact(id)
      const through = () => linesOf(log(id)).find(({ type }) => type === 'compaction')?.through
      assert.equal(through(), ids[1])
      log(id).add(raw.remove(laterId(2), clock.date, [ids[0]!, ids[1]!]))
      await other.compact(id)
      assert.equal(through(), null)
    },
  },
  {
    name: 'on disk: times never fall, ids rise, with any clock',
    only: 'fresh',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      for (const step of [HOUR, -2 * HOUR, 0, -HOUR, HOUR]) {
        clock.move(step)
        await insert(persistence, id, 'u one', 'u two')
        await persistence.setTodo(id, 'x')
        await persistence.compactSession(id, 'sum', 1)
      }
      const lines = linesOf(log(id))
      for (const [i, line] of lines.entries()) {
        if (i === 0) continue
        assert(line.at >= lines[i - 1]!.at, `line ${i + 1}`)
        assert(line.id > lines[i - 1]!.id, `line ${i + 1}`)
      }
    },
  },
]
