/** How failures are reported. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import type { NewMessage, Persistence } from '../../../src/contracts/persistence/index.js'
import { rejectsWithCode } from '../expect.js'
import { all, context, insert, message } from './notation.js'
import { answers, create, line, type PersistenceCase, raw, tokens, wrong } from './scene.js'

type Call = (persistence: Persistence, id: string) => Promise<unknown>

/** Calls that need a session's id. */
const WITH_ID: { [method: string]: Call } = {
  deleteSession: (p, id) => p.deleteSession(id),
  insertMessage: (p, id) => p.insertMessage(id, message('u x')),
  insertMessageWithAgent: (p, id) => p.insertMessageWithAgent(id, message('u x')),
  loadContext: (p, id) => p.loadContext(id),
  loadAllMessages: (p, id) => p.loadAllMessages(id),
  lastAssistantMessage: (p, id) => p.lastAssistantMessage(id),
  lastUserMessage: (p, id) => p.lastUserMessage(id),
  hasPendingToolCalls: (p, id) => p.hasPendingToolCalls(id),
  sessionTokenUsage: (p, id) => p.sessionTokenUsage(id),
  sessionUsageByAgent: (p, id) => p.sessionUsageByAgent(id),
  compactSession: (p, id) => p.compactSession(id, 'sum', 0),
  getMetadata: (p, id) => p.getMetadata(id, 'k'),
  setMetadata: (p, id) => p.setMetadata(id, 'k', 'v'),
  getTodo: (p, id) => p.getTodo(id),
  setTodo: (p, id) => p.setTodo(id, 'v'),
}

const WRITES: { [method: string]: Call } = {
  insertMessage: WITH_ID.insertMessage!,
  insertMessageWithAgent: WITH_ID.insertMessageWithAgent!,
  compactSession: WITH_ID.compactSession!,
  setMetadata: WITH_ID.setMetadata!,
  setTodo: WITH_ID.setTodo!,
}

const NO_STRINGS: readonly unknown[] = [undefined, null, 5, true, {}, ['x']]
const NO_NUMBERS: readonly unknown[] = [undefined, null, '3', true, {}, 3n]
const NO_COUNTS = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

const NO_MESSAGES: ReadonlyArray<[what: string, given: unknown]> = [
  ['nothing', undefined],
  ['null', null],
  ['a string', 'text'],
  ['an array', [message('u x')]],
  ['no role', { content: 'x' }],
  ['a role in capitals', { role: 'User', content: 'x' }],
  ['an empty role', { role: '', content: 'x' }],
  ['a number as role', { role: 5 }],
  ['an object as content', { role: 'user', content: { text: 'x' } }],
  ['an array as calls', { role: 'assistant', toolCalls: [{ id: 'x' }] }],
  ['a number as call id', { role: 'tool', content: 'x', toolCallId: 5 }],
  ['a number as usage', { role: 'assistant', usage: 5 }],
  ['an array as usage', { role: 'assistant', usage: [1] }],
  ['a string as counter', { role: 'assistant', usage: { ...tokens(1, 1), thinkingTokens: '5' } }],
  ['a number as stop reason', { role: 'assistant', usage: { ...tokens(1, 1), stopReason: 5 } }],
]

const COUNTERS = ['promptTokens', 'completionTokens', 'cacheReadTokens', 'cacheCreationTokens', 'thinkingTokens']

export const errorCases: PersistenceCase[] = [
  ...Object.entries(WITH_ID).map(([method, call]): PersistenceCase => {
    return {
      name: `${method}: an id that is no key is refused by a rejection, not by a throw`,
      async run({ persistence, another, log, dir }) {
        const there = await create(persistence)
        const logs = () => fs.readdirSync(dir).filter((name) => name.endsWith('.jsonl'))
        const before = log(there).bytes()
        const other = await another()
        for (const id of NO_STRINGS) {
          let given: Promise<unknown> | undefined
          assert.doesNotThrow(() => {
            given = call(other, wrong<string>(id))
          })
          assert(given instanceof Promise)
          await assert.rejects(given, TypeError)
        }
        for (const id of ['', '\ud800']) {
          const given = call(other, id)
          assert(given instanceof Promise)
          await rejectsWithCode(given, 'ERR_INVALID_KEY')
        }
        assert.deepEqual(logs(), [`${there}.jsonl`])
        assert.deepEqual(log(there).bytes(), before)
      },
    }
  }),
  {
    name: 'errors: arguments of wrong types',
    async run({ persistence, log, weather }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two')
      const before = log(id).bytes()
      for (const value of NO_STRINGS.map((other) => wrong<string>(other))) {
        await assert.rejects(persistence.createSession(value, '/p'), TypeError)
        await assert.rejects(persistence.createSession('main', value), TypeError)
        await assert.rejects(persistence.listSessions(1, value), TypeError)
        await assert.rejects(persistence.compactSession(id, value, 1), TypeError)
        await assert.rejects(persistence.getMetadata(id, value), TypeError)
        await assert.rejects(persistence.setMetadata(id, value, 'v'), TypeError)
        await assert.rejects(persistence.setMetadata(id, 'k', value), TypeError)
        await assert.rejects(persistence.setTodo(id, value), TypeError)
      }
      for (const value of NO_NUMBERS.map((other) => wrong<number>(other))) {
        await assert.rejects(persistence.listSessions(value, '/p'), TypeError)
        await assert.rejects(persistence.recentUserMessages(value), TypeError)
        await assert.rejects(persistence.compactSession(id, 'sum', value), TypeError)
        await assert.rejects(persistence.purgeCompacted(value), TypeError)
      }
      if (weather === 'fresh') assert.deepEqual(log(id).bytes(), before)
      assert.deepEqual(await context(persistence, id), ['u one', 'u two'])
      assert.equal((await persistence.listSessions(10, '/p')).length, 1)
    },
  },
  {
    name: 'errors: counts and limits out of range',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two')
      for (const count of NO_COUNTS) {
        await assert.rejects(persistence.listSessions(count, '/p'), RangeError)
        await assert.rejects(persistence.recentUserMessages(count), RangeError)
        await assert.rejects(persistence.compactSession(id, 'sum', count), RangeError)
        await assert.rejects(persistence.purgeCompacted(count), RangeError)
      }
      assert.deepEqual(await context(persistence, id), ['u one', 'u two'])
    },
  },
  {
    name: 'errors: what is no message',
    async run({ persistence }) {
      const id = await create(persistence)
      for (const [what, given] of NO_MESSAGES) {
        await assert.rejects(persistence.insertMessage(id, wrong<NewMessage>(given)), TypeError, what)
        await assert.rejects(persistence.insertMessageWithAgent(id, wrong<NewMessage>(given)), TypeError, what)
      }
      const agent = { role: 'user' as const, content: 'x', agentName: wrong<string>(5) }
      await assert.rejects(persistence.insertMessageWithAgent(id, agent), TypeError)
      assert.deepEqual(await all(persistence, id), [])
    },
  },
  {
    name: 'errors: counters that are no counts',
    async run({ persistence }) {
      const id = await create(persistence)
      for (const counter of COUNTERS) {
        for (const count of [...NO_COUNTS, 2 ** 53]) {
          const usage = { ...tokens(1, 1), [counter]: count }
          await assert.rejects(persistence.insertMessage(id, { role: 'assistant', usage }), RangeError, counter)
        }
      }
      assert.deepEqual(await all(persistence, id), [])
      const usage = { ...tokens(0, 0), thinkingTokens: Number.MAX_SAFE_INTEGER }
      await persistence.insertMessage(id, { role: 'assistant', usage })
      assert.equal((await persistence.sessionTokenUsage(id)).thinkingTokens, Number.MAX_SAFE_INTEGER)
    },
  },
  {
    name: 'errors: a log of a newer version can be read',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at, 99),
        raw.meta('l1', at, { agent: 'coder', projectRoot: '/p', metadata: { note: 'x', todo: 'y' } }),
        line('r1', at, 'u one'),
        { type: 'new', id: 'u1', at: clock.iso },
        { ...line('r2', at, 'A[x]'), usage: tokens(3, 4) },
        line('r3', at, 'T x'),
        raw.compaction('c1', at, 'sum', 'r1'),
        'damage',
      )
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'A[x]', 'T x'])
      assert.deepEqual(await all(persistence, 'a'), ['u one', 'A[x]', 'T x'])
      const [row] = await persistence.listSessions(10, '/p')
      assert.deepEqual([row?.id, row?.agentName, row?.messageCount, row?.totalTokens], ['a', 'coder', 3, 7])
      assert.deepEqual([await persistence.getMetadata('a', 'note'), await persistence.getTodo('a')], ['x', 'y'])
      assert.deepEqual(await persistence.recentUserMessages(1), ['one'])
      assert.equal((await persistence.compactedStats()).messageCount, 1)
    },
  },
  ...Object.entries(WRITES).map(([method, write]): PersistenceCase => {
    return {
      name: `${method} leaves a log of a newer version alone`,
      async run({ persistence, log, clock, reopen }) {
        const at = clock.date
        log('a').write(raw.header('a', at, 99), line('r1', at, 'u one'), 'damage', line('r2', at, 'u two'))
        log('a').addBytes('{"role":"user","content":"to')
        const before = log('a').bytes()
        const { mtimeMs } = log('a')
        await rejectsWithCode(write(persistence, 'a'), 'ERR_VERSION_UNSUPPORTED')
        await persistence.loadContext('a')
        await rejectsWithCode(write(persistence, 'a'), 'ERR_VERSION_UNSUPPORTED')
        await reopen()
        await rejectsWithCode(write(persistence, 'a'), 'ERR_VERSION_UNSUPPORTED')
        assert.deepEqual(log('a').bytes(), before)
        assert.equal(log('a').mtimeMs, mtimeMs)
        assert.deepEqual(await all(persistence, 'a'), ['u one', 'u two'])
      },
    }
  }),
  {
    name: 'errors: a purge skips a log of a newer version, and rejects',
    async run({ persistence, log, clock }) {
      const first = await create(persistence)
      const last = await create(persistence)
      for (const id of [first, last]) {
        await insert(persistence, id, 'u one', 'u two', 'u three')
        await persistence.compactSession(id, 'sum', 1)
      }
      const at = clock.date
      log('a').write(raw.header('a', at, 99), line('r1', at, 'u one'), raw.compaction('c1', at, 'sum', 'r1'))
      const before = log('a').bytes()
      await rejectsWithDeleted(persistence.purgeCompacted(0), 'ERR_VERSION_UNSUPPORTED', 4)
      assert.deepEqual(log('a').bytes(), before)
      for (const id of [first, last]) assert.deepEqual(await all(persistence, id), ['u three'])
      await rejectsWithDeleted(persistence.purgeCompacted(0), 'ERR_VERSION_UNSUPPORTED', 0)
      clock.move(1)
      assert.equal(await persistence.purgeCompacted(1), 0)
    },
  },
  {
    name: 'errors: a refused call changes nothing',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'A[x]')
      const before = await answers(persistence, [id])
      await assert.rejects(persistence.insertMessage(id, wrong<NewMessage>({ role: 'bot' })), TypeError)
      await assert.rejects(persistence.compactSession(id, 'sum', -1), RangeError)
      await assert.rejects(persistence.setMetadata(id, 'k', wrong<string>(null)), TypeError)
      assert.deepEqual(await answers(persistence, [id]), before)
    },
  },
]

/** A purge that failed with this code, and reports how many messages it had deleted. */
export async function rejectsWithDeleted(purge: Promise<number>, code: string, deleted: number): Promise<void> {
  await assert.rejects(purge, (error: { code?: unknown; details?: { deleted?: unknown } }) => {
    assert.equal(error.code, code)
    assert.equal(error.details?.deleted, deleted)
    return true
  })
}
