/** A disk that fails: an outage is an error and never an empty result, and what is on the disk stays. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { HOUR } from '../clock.js'
import { whileDiskFills, whileFailing } from '../faults.js'
import { type BackendCase, texts, user } from './scene.js'

const OPENING = ['open']
const LISTING = ['readdir', 'opendir']
const READING = ['read', 'readv']
const MOVING = ['rename', 'link', 'copyFile']
const REMOVING = ['unlink', 'rm', 'rename']

/** True for the calls that deal with the log of session `a`. */
const withLog = (...args: unknown[]) => args.some((arg) => typeof arg === 'string' && /[\\/]a\.jsonl$/.test(arg))

const READS_OR_WRITES: { [method: string]: (backend: SessionBackend) => Promise<unknown> } = {
  load: (b) => b.load('a'),
  append: (b) => b.append('a', user('new')),
  removeLast: (b) => b.removeLast('a'),
  compact: (b) => b.compact('a'),
  setSessionName: (b) => b.setSessionName('a', 'new name'),
}

const LISTS: { [method: string]: (backend: SessionBackend) => Promise<unknown> } = {
  listSessions: (b) => b.listSessions(),
  listSessionsWithMetadata: (b) => b.listSessionsWithMetadata(),
  search: (b) => b.search({ keyword: 'one' }),
  'search without keyword': (b) => b.search(),
  listRunningSessions: (b) => b.listRunningSessions(),
  listStuckSessions: (b) => b.listStuckSessions(0),
  cleanupStale: (b) => b.cleanupStale(1),
}

/** The steps of a rewrite, each with what may make it fail. */
const REWRITE_STEPS: ReadonlyArray<[step: string, names: string[], code: string]> = [
  ['write', ['write', 'writev', 'writeFile', 'copyFile'], 'ENOSPC'],
  ['sync', ['fsync', 'fdatasync'], 'EIO'],
  ['rename', ['rename'], 'EACCES'],
]

export const faultCases: BackendCase[] = [
  ...Object.entries(READS_OR_WRITES).map(([method, call]): BackendCase => {
    return {
      name: `${method}: a log that cannot be opened is an error`,
      only: 'fresh',
      async run({ backend, log, reopen }) {
        await backend.append('a', user('one'))
        await reopen()
        const before = log('a').bytes()
        await whileFailing({ names: OPENING, code: 'EACCES', where: withLog }, async () => {
          await assert.rejects(call(backend), { code: 'EACCES' })
        })
        assert.deepEqual(log('a').bytes(), before)
        assert.deepEqual(await texts(backend, 'a'), ['one'])
        await call(backend)
      },
    }
  }),
  {
    name: 'a log that cannot be opened is no session without messages',
    only: 'fresh',
    async run({ backend, dir, reopen }) {
      await backend.append('a', user('one'))
      await reopen(() => {
        for (const name of fs.readdirSync(dir)) if (name.endsWith('.meta.json')) fs.rmSync(`${dir}/${name}`)
      })
      await whileFailing({ names: OPENING, code: 'EIO', where: withLog }, async () => {
        await assert.rejects(backend.getSessionMetadata('a'), { code: 'EIO' })
        // the others are listed
        assert.deepEqual(await backend.listSessionsWithMetadata(), [])
        await assert.rejects(backend.getSessionName('a'), { code: 'EIO' })
      })
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 1)
    },
  },
  {
    name: 'a log that cannot be read is an error',
    only: 'fresh',
    async run({ backend, reopen }) {
      await backend.append('a', user('one'))
      await reopen()
      await whileFailing({ names: READING, code: 'EIO' }, async () => {
        await assert.rejects(backend.load('a'), { code: 'EIO' })
        assert.deepEqual(await backend.search({ keyword: 'one' }), [])
      })
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
  ...Object.entries(LISTS).map(([method, call]): BackendCase => {
    return {
      name: `${method}: a folder that cannot be listed is an error`,
      only: 'fresh',
      async run({ backend, dir, reopen }) {
        await backend.append('a', user('one'))
        await reopen()
        await whileFailing({ names: LISTING, code: 'EIO', where: (folder) => folder === dir }, async () => {
          await assert.rejects(call(backend), { code: 'EIO' })
        })
        await call(backend)
        assert.deepEqual(await backend.listSessions(), ['a'])
      },
    }
  }),
  {
    name: 'a full disk refuses the message and keeps the others',
    only: 'fresh',
    async run({ backend, log }) {
      await backend.append('a', user('one'))
      const before = log('a').bytes()
      await whileFailing({ names: ['write', 'writev', 'appendFile', 'writeFile'], code: 'ENOSPC' }, async () => {
        await assert.rejects(backend.append('a', user('two')), { code: 'ENOSPC' })
        await assert.rejects(backend.removeLast('a'), { code: 'ENOSPC' })
        await assert.rejects(backend.setSessionName('a', 'named'), { code: 'ENOSPC' })
      })
      assert.deepEqual(log('a').bytes().subarray(0, before.length), before)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      await backend.append('a', user('three'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'three'])
      assert.equal(await backend.getSessionName('a'), null)
    },
  },
  {
    name: 'a disk that fills up in the middle of a message leaves nothing that counts',
    only: 'fresh',
    async run({ backend, log }) {
      await backend.append('a', user('one'))
      const before = log('a').bytes()
      await whileDiskFills(async () => {
        await assert.rejects(backend.append('a', user('two '.repeat(1000))), { code: 'ENOSPC' })
      })
      assert.deepEqual(log('a').bytes().subarray(0, before.length), before)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      await backend.append('a', user('three'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'three'])
    },
  },
  {
    name: 'a session that cannot be put in its place does not exist',
    only: 'fresh',
    async run({ backend, dir, log }) {
      await backend.append('other', user('x'))
      const temporary = () => fs.readdirSync(dir).filter((name) => name.includes('tmp'))
      await whileFailing({ names: MOVING, code: 'EIO', where: withLog }, async () => {
        await assert.rejects(backend.append('a', user('one')), { code: 'EIO' })
      })
      assert.deepEqual(await backend.listSessions(), ['other'])
      assert.equal(log('a').exists(), false)
      assert.deepEqual(temporary(), [])
      await backend.append('a', user('two'))
      assert.deepEqual(await texts(backend, 'a'), ['two'])
    },
  },
  ...REWRITE_STEPS.map(([step, names, code]): BackendCase => {
    return {
      name: `upstream jsonl: failed_rewrite_preserves_original_file (${step})`,
      only: 'fresh',
      async run({ backend, dir, log, reopen }) {
        await backend.append('a', user('one'))
        await backend.append('a', user('removed'))
        await backend.removeLast('a')
        await reopen()
        const before = log('a').bytes()
        const files = () => fs.readdirSync(dir).filter((name) => !name.startsWith('.locks'))
        const filesBefore = files()
        await whileFailing({ names, code }, async () => {
          await assert.rejects(backend.compact('a'), { code })
        })
        assert.deepEqual(log('a').bytes(), before)
        assert.deepEqual(files(), filesBefore)
        await backend.append('a', user('two'))
        await backend.compact('a')
        assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
        assert(!log('a').text().includes('removed'))
      },
    }
  }),
  {
    name: 'a session that cannot be cleaned up stays, is not counted, and does not stop the others',
    only: 'fresh',
    async run({ backend, clock }) {
      for (const key of ['before', 'a', 'behind']) await backend.append(key, user(key))
      clock.move(100 * HOUR)
      await whileFailing({ names: REMOVING, code: 'EACCES', where: withLog }, async () => {
        assert.equal(await backend.cleanupStale(48), 2)
      })
      assert.deepEqual(await backend.listSessions(), ['a'])
      assert.deepEqual(await texts(backend, 'a'), ['a'])
      assert.equal(await backend.cleanupStale(48), 1)
    },
  },
  {
    name: 'a session that cannot be deleted stays',
    only: 'fresh',
    async run({ backend }) {
      await backend.append('a', user('one'))
      await backend.setSessionName('a', 'named')
      await whileFailing({ names: REMOVING, code: 'EACCES', where: withLog }, async () => {
        await assert.rejects(backend.deleteSession('a'), { code: 'EACCES' })
      })
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      assert.equal(await backend.getSessionName('a'), 'named')
      assert.equal(await backend.deleteSession('a'), true)
    },
  },
]
