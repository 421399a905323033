/** A disk that fails: an outage is an error and never an empty result, and what is on the disk stays. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import type { Persistence } from '../../../src/contracts/persistence/index.js'
import { whileDiskFills, whileFailing } from '../faults.js'
import { rejectsWithDeleted } from './errors.js'
import { all, context, insert, message, numbered } from './notation.js'
import { answer, answers, create, loseSidecars, type PersistenceCase } from './scene.js'

const OPENING = ['open']
const READING = ['read', 'readv']
const LISTING = ['readdir', 'opendir']
const MOVING = ['rename', 'link', 'copyFile']
const REMOVING = ['unlink', 'rm', 'rename']

/** True for calls that deal with the log of this session. */
const withLogOf =
  (id: string) =>
  (...args: unknown[]) =>
    args.some((arg) => typeof arg === 'string' && arg.endsWith(`${id}.jsonl`))
/** True for calls that deal with any log. */
const withALog = (...args: unknown[]) => args.some((arg) => typeof arg === 'string' && arg.endsWith('.jsonl'))

type Call = (persistence: Persistence, id: string) => Promise<unknown>

/** Calls that cannot be answered without the log. */
const NEED_THE_LOG: { [method: string]: Call } = {
  loadContext: (p, id) => p.loadContext(id),
  loadAllMessages: (p, id) => p.loadAllMessages(id),
  lastAssistantMessage: (p, id) => p.lastAssistantMessage(id),
  lastUserMessage: (p, id) => p.lastUserMessage(id),
  hasPendingToolCalls: (p, id) => p.hasPendingToolCalls(id),
  insertMessage: (p, id) => p.insertMessage(id, message('u new')),
  compactSession: (p, id) => p.compactSession(id, 'new', 0),
  setMetadata: (p, id) => p.setMetadata(id, 'k', 'new'),
  purgeCompacted: (p) => p.purgeCompacted(0),
}

/** Calls that need the log when there is no sidecar. */
const NEED_LOG_OR_SIDECAR: { [method: string]: Call } = {
  sessionTokenUsage: (p, id) => p.sessionTokenUsage(id),
  sessionUsageByAgent: (p, id) => p.sessionUsageByAgent(id),
  getMetadata: (p, id) => p.getMetadata(id, 'k'),
  getTodo: (p, id) => p.getTodo(id),
}

const OVER_ALL: { [method: string]: (p: Persistence) => Promise<unknown> } = {
  listSessions: (p) => p.listSessions(10, '/p'),
  recentUserMessages: (p) => p.recentUserMessages(10),
  compactedStats: (p) => p.compactedStats(),
  purgeCompacted: (p) => p.purgeCompacted(0),
}

/** The steps of a purge, each with what may make it fail. */
const PURGE_STEPS: ReadonlyArray<[step: string, names: string[], code: string]> = [
  ['write', ['write', 'writev', 'writeFile', 'copyFile'], 'ENOSPC'],
  ['sync', ['fsync', 'fdatasync'], 'EIO'],
  ['rename', ['rename'], 'EACCES'],
]

async function compacted(persistence: Persistence): Promise<string> {
  const id = await create(persistence)
  await insert(persistence, id, 'u one', answer('two', 3, 4), 'u three')
  await persistence.setTodo(id, 'task')
  assert.equal(await persistence.compactSession(id, 'sum', 1), 2)
  return id
}

export const faultCases: PersistenceCase[] = [
  ...Object.entries(NEED_THE_LOG).map(([method, call]): PersistenceCase => {
    return {
      name: `${method}: a log that cannot be opened is an error`,
      only: 'fresh',
      async run({ persistence, log, reopen }) {
        const id = await compacted(persistence)
        const before = await answers(persistence, [id])
        await reopen()
        const bytes = log(id).bytes()
        await whileFailing({ names: OPENING, code: 'EACCES', where: withLogOf(id) }, async () => {
          await assert.rejects(call(persistence, id), { code: 'EACCES' })
        })
        assert.deepEqual(log(id).bytes(), bytes)
        assert.deepEqual(await answers(persistence, [id]), before)
        await call(persistence, id)
      },
    }
  }),
  ...Object.entries(NEED_LOG_OR_SIDECAR).map(([method, call]): PersistenceCase => {
    return {
      name: `${method}: with no sidecar, a log that cannot be opened is an error`,
      only: 'fresh',
      async run({ persistence, dir, reopen }) {
        const id = await compacted(persistence)
        const before = await call(persistence, id)
        await reopen(() => loseSidecars(dir))
        await whileFailing({ names: OPENING, code: 'EIO', where: withLogOf(id) }, async () => {
          await assert.rejects(call(persistence, id), { code: 'EIO' })
        })
        assert.deepEqual(await call(persistence, id), before)
      },
    }
  }),
  ...Object.entries(OVER_ALL).map(([method, call]): PersistenceCase => {
    return {
      name: `${method}: a folder that cannot be listed is an error`,
      only: 'fresh',
      async run({ persistence, dir, reopen }) {
        await compacted(persistence)
        await reopen()
        await whileFailing({ names: LISTING, code: 'EIO', where: (folder) => folder === dir }, async () => {
          await assert.rejects(call(persistence), { code: 'EIO' })
        })
        await call(persistence)
      },
    }
  }),
  {
    name: 'faults: lists and stats open no log whose sidecar is current',
    only: 'fresh',
    async run({ persistence, clock, reopen }) {
      for (let n = 0; n < 3; n++) await compacted(persistence)
      clock.move(1)
      const both = async () => [await persistence.listSessions(10, '/p'), await persistence.compactedStats()]
      const before = await both()
      await reopen()
      await whileFailing({ names: OPENING, code: 'EACCES', where: withALog }, async () => {
        assert.deepEqual(await both(), before)
      })
    },
  },
  {
    name: 'faults: a log that cannot be read is an error',
    only: 'fresh',
    async run({ persistence, reopen }) {
      const id = await compacted(persistence)
      await reopen()
      await whileFailing({ names: READING, code: 'EIO' }, async () => {
        await assert.rejects(persistence.loadContext(id), { code: 'EIO' })
        await assert.rejects(persistence.loadAllMessages(id), { code: 'EIO' })
        await assert.rejects(persistence.lastUserMessage(id), { code: 'EIO' })
      })
      assert.deepEqual(await context(persistence, id), ['S sum', 'u three'])
    },
  },
  {
    name: 'faults: a full disk refuses what is new and keeps the rest',
    only: 'fresh',
    async run({ persistence, log }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two')
      const before = log(id).bytes()
      await whileFailing({ names: ['write', 'writev', 'appendFile', 'writeFile'], code: 'ENOSPC' }, async () => {
        await assert.rejects(persistence.insertMessage(id, message('u new')), { code: 'ENOSPC' })
        await assert.rejects(persistence.setMetadata(id, 'k', 'new'), { code: 'ENOSPC' })
        await assert.rejects(persistence.compactSession(id, 'new', 1), { code: 'ENOSPC' })
        await assert.rejects(create(persistence), { code: 'ENOSPC' })
      })
      await whileDiskFills(async () => {
        await assert.rejects(persistence.insertMessage(id, message(`u ${'new '.repeat(500)}`)), { code: 'ENOSPC' })
      })
      assert.deepEqual(log(id).bytes().subarray(0, before.length), before)
      assert.equal((await persistence.listSessions(10, '/p')).length, 1)
      await insert(persistence, id, 'u three')
      assert.deepEqual(await context(persistence, id), ['u one', 'u two', 'u three'])
      assert.equal(await persistence.getMetadata(id, 'k'), null)
    },
  },
  {
    name: 'faults: a session that cannot be put in its place does not exist',
    only: 'fresh',
    async run({ persistence, dir }) {
      const there = await create(persistence)
      const files = () => fs.readdirSync(dir).filter((name) => name !== '.locks' && !name.endsWith('.meta.json'))
      const before = files()
      await whileFailing({ names: MOVING, code: 'EIO', where: withALog }, async () => {
        await assert.rejects(create(persistence), { code: 'EIO' })
      })
      assert.deepEqual(files(), before)
      const rows = await persistence.listSessions(10, '/p')
      assert.deepEqual(
        rows.map(({ id }) => id),
        [there],
      )
    },
  },
  ...PURGE_STEPS.map(([step, names, code]): PersistenceCase => {
    return {
      name: `faults: a purge that fails leaves the old log whole (${step})`,
      only: 'fresh',
      async run({ persistence, dir, log, reopen }) {
        const id = await compacted(persistence)
        const before = await answers(persistence, [id])
        await reopen()
        const bytes = log(id).bytes()
        const files = () => fs.readdirSync(dir).filter((name) => name !== '.locks')
        const filesBefore = files()
        await whileFailing({ names, code }, async () => {
          await rejectsWithDeleted(persistence.purgeCompacted(0), code, 0)
        })
        assert.deepEqual(log(id).bytes(), bytes)
        assert.deepEqual(files(), filesBefore)
        assert.deepEqual(await answers(persistence, [id]), before)
        const usage = await persistence.sessionTokenUsage(id)
        assert.equal(await persistence.purgeCompacted(0), 2)
        assert.deepEqual(await persistence.sessionTokenUsage(id), usage)
        assert.deepEqual(await context(persistence, id), ['S sum', 'u three'])
      },
    }
  }),
  {
    name: 'faults: a session that cannot be read does not stop a purge, which rejects afterwards',
    only: 'fresh',
    async run({ persistence, reopen }) {
      const sessions: string[] = []
      for (let n = 0; n < 3; n++) {
        const id = await create(persistence)
        await insert(persistence, id, ...numbered(4))
        await persistence.compactSession(id, 'sum', 1)
        sessions.push(id)
      }
      await reopen()
      const [first, bad, last] = sessions as [string, string, string]
      await whileFailing({ names: OPENING, code: 'EACCES', where: withLogOf(bad) }, async () => {
        await rejectsWithDeleted(persistence.purgeCompacted(0), 'EACCES', 6)
      })
      for (const id of [first, last]) assert.deepEqual(await all(persistence, id), ['u m4'])
      assert.deepEqual(await all(persistence, bad), numbered(4))
      assert.equal(await persistence.purgeCompacted(0), 3)
    },
  },
  {
    name: 'faults: a session that cannot be deleted stays',
    only: 'fresh',
    async run({ persistence }) {
      const id = await compacted(persistence)
      const before = await answers(persistence, [id])
      await whileFailing({ names: REMOVING, code: 'EACCES', where: withLogOf(id) }, async () => {
        await assert.rejects(persistence.deleteSession(id), { code: 'EACCES' })
      })
      assert.deepEqual(await answers(persistence, [id]), before)
      assert.equal(await persistence.deleteSession(id), true)
    },
  },
]
