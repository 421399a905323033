/** Sessions that are not there. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import type { Persistence } from '../../../src/contracts/persistence/index.js'
import { rejectsWithCode } from '../expect.js'
import { insert, message } from './notation.js'
import { answers, create, NO_USAGE, type PersistenceCase, UNKNOWN } from './scene.js'

const WRITES: { [method: string]: (persistence: Persistence) => Promise<unknown> } = {
  insertMessage: (p) => p.insertMessage(UNKNOWN, message('u hello')),
  insertMessageWithAgent: (p) => p.insertMessageWithAgent(UNKNOWN, { ...message('u hello'), agentName: 'helper' }),
  setMetadata: (p) => p.setMetadata(UNKNOWN, 'k', 'v'),
  setTodo: (p) => p.setTodo(UNKNOWN, 'v'),
}

/** Reads and no-ops on a missing session, with their answers. */
const READS: ReadonlyArray<[method: string, call: (p: Persistence) => Promise<unknown>, answer: unknown]> = [
  ['loadContext', (p) => p.loadContext(UNKNOWN), []],
  ['loadAllMessages', (p) => p.loadAllMessages(UNKNOWN), []],
  ['lastAssistantMessage', (p) => p.lastAssistantMessage(UNKNOWN), ''],
  ['lastUserMessage', (p) => p.lastUserMessage(UNKNOWN), ''],
  ['hasPendingToolCalls', (p) => p.hasPendingToolCalls(UNKNOWN), false],
  ['sessionTokenUsage', (p) => p.sessionTokenUsage(UNKNOWN), NO_USAGE],
  ['sessionUsageByAgent', (p) => p.sessionUsageByAgent(UNKNOWN), []],
  ['getMetadata', (p) => p.getMetadata(UNKNOWN, 'k'), null],
  ['getTodo', (p) => p.getTodo(UNKNOWN), null],
  ['compactSession', (p) => p.compactSession(UNKNOWN, 'sum', 0), 0],
  ['deleteSession', (p) => p.deleteSession(UNKNOWN), false],
]

const IN_EMPTY_FOLDER: ReadonlyArray<[method: string, call: (p: Persistence) => Promise<unknown>, answer: unknown]> = [
  ['listSessions', (p) => p.listSessions(10, '/p'), []],
  ['recentUserMessages', (p) => p.recentUserMessages(10), []],
  ['compactedStats', (p) => p.compactedStats(), { messageCount: 0, sessionCount: 0, sizeBytes: 0, oldest: null }],
  ['purgeCompacted', (p) => p.purgeCompacted(0), 0],
]

export const missingCases: PersistenceCase[] = [
  {
    name: 'case 10: writes to an unknown id',
    async run({ persistence, snapshot }) {
      const before = snapshot()
      for (const write of Object.values(WRITES)) await rejectsWithCode(write(persistence), 'ERR_SESSION_NOT_FOUND')
      assert.deepEqual(snapshot(), before)
      assert.deepEqual(await persistence.listSessions(10, '/p'), [])
    },
  },
  {
    name: 'case 11: reads of an unknown id',
    async run({ persistence, snapshot }) {
      const before = snapshot()
      for (const [method, call, expected] of READS) assert.deepEqual(await call(persistence), expected, method)
      assert.deepEqual(snapshot(), before)
    },
  },
  {
    name: 'an unknown id beside a session that exists',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u hello', 'a hi')
      const before = await answers(persistence, [id])
      for (const [method, call, expected] of READS) assert.deepEqual(await call(persistence), expected, method)
      for (const write of Object.values(WRITES)) await rejectsWithCode(write(persistence), 'ERR_SESSION_NOT_FOUND')
      assert.deepEqual(await answers(persistence, [id]), before)
    },
  },
  {
    name: 'an empty folder',
    async run({ persistence, snapshot }) {
      const before = snapshot()
      for (const [method, call, expected] of IN_EMPTY_FOLDER) {
        assert.deepEqual(await call(persistence), expected, method)
      }
      assert.deepEqual(snapshot(), before)
    },
  },
  {
    name: 'a log that another program removed is no session, and does not come back',
    async run({ persistence, log, reopen }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u hello')
      fs.rmSync(log(id).file)
      await rejectsWithCode(persistence.insertMessage(id, message('u again')), 'ERR_SESSION_NOT_FOUND')
      await rejectsWithCode(persistence.setMetadata(id, 'k', 'v'), 'ERR_SESSION_NOT_FOUND')
      assert.equal(await persistence.compactSession(id, 'sum', 0), 0)
      assert.deepEqual(await persistence.loadContext(id), [])
      assert.deepEqual(await persistence.listSessions(10, '/p'), [])
      await reopen()
      assert.equal(log(id).exists(), false)
      assert.equal(await persistence.getMetadata(id, 'k'), null)
      assert.equal(await persistence.deleteSession(id), false)
    },
  },
  {
    name: 'every read and write of a deleted session',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u hello', 'A[x]')
      await persistence.setTodo(id, 'text')
      await persistence.deleteSession(id)
      assert.deepEqual(await persistence.loadContext(id), [])
      assert.deepEqual(await persistence.loadAllMessages(id), [])
      assert.equal(await persistence.lastUserMessage(id), '')
      assert.equal(await persistence.hasPendingToolCalls(id), false)
      assert.equal(await persistence.getTodo(id), null)
      assert.equal(await persistence.compactSession(id, 'sum', 0), 0)
      await rejectsWithCode(persistence.insertMessage(id, message('u again')), 'ERR_SESSION_NOT_FOUND')
      await rejectsWithCode(persistence.setTodo(id, 'again'), 'ERR_SESSION_NOT_FOUND')
      assert.deepEqual(await persistence.listSessions(10, '/p'), [])
      assert.deepEqual(await persistence.recentUserMessages(10), [])
    },
  },
]
