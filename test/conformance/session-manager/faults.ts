/** A disk that fails: an outage is an error and never an empty result, and what is on the disk stays. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import type { SessionManager } from '../../../src/contracts/session-manager/index.js'
import { whileDiskFills, whileFailing } from '../faults.js'
import { a2, idsInList, type ManagerCase, messagesOf, session, three, u } from './scene.js'

const WRITING = ['write', 'writev', 'appendFile', 'writeFile']
const MOVING = ['rename', 'link', 'copyFile']

const isText = (arg: unknown): arg is string => typeof arg === 'string'
/** True for the calls that deal with the log of session `s`. */
const withLog = (...args: unknown[]) => args.some((arg) => isText(arg) && /[\\/]s\.jsonl$/.test(arg))
/** True for the calls that deal with any log. */
const withAnyLog = (...args: unknown[]) => args.some((arg) => isText(arg) && arg.endsWith('.jsonl'))

const READS_OR_WRITES: { [method: string]: (manager: SessionManager) => Promise<unknown> } = {
  resume: (manager) => manager.resume('s'),
  save: (manager) => manager.save(three({ messages: [u, a2] })),
  rewind: (manager) => manager.rewind('s', 1),
  fork: (manager) => manager.fork('s'),
  tag: (manager) => manager.tag('s', ['new']),
  rename: (manager) => manager.rename('s', 'new name'),
}

const CHANGES: { [method: string]: (manager: SessionManager) => Promise<unknown> } = {
  save: (manager) => manager.save(three({ messages: [u, a2, 'x'.repeat(5000)], name: 'm', state: 'x'.repeat(5000) })),
  'save of one more message': (manager) => manager.save(three({ messages: [...three().messages, 'x'.repeat(5000)] })),
  rewind: (manager) => manager.rewind('s', 1),
  tag: (manager) => manager.tag('s', ['x'.repeat(5000)]),
  rename: (manager) => manager.rename('s', 'x'.repeat(5000)),
}

export const faultCases: ManagerCase[] = [
  ...Object.entries(READS_OR_WRITES).map(([method, call]): ManagerCase => {
    return {
      name: `${method}: a log that cannot be opened is an error, and not "not found"`,
      only: 'fresh',
      async run({ manager, log, reopen }) {
        await manager.save(three())
        const before = log('s').bytes()
        const list = await manager.list()
        for (const code of ['EACCES', 'EIO']) {
          await reopen()
          await whileFailing({ names: ['open'], code, where: withLog }, async () => {
            await assert.rejects(call(manager), { code })
          })
          assert.deepEqual(log('s').bytes(), before)
          assert.deepEqual(await manager.list(), list)
        }
        await call(manager)
      },
    }
  }),
  {
    name: 'list: a folder that cannot be listed is an error; a log that cannot be read does not stop the others',
    only: 'fresh',
    async run({ manager, dir, reopen }) {
      await manager.save(three())
      await reopen(() => {
        for (const name of fs.readdirSync(dir)) if (name.endsWith('.meta.json')) fs.rmSync(`${dir}/${name}`)
      })
      await whileFailing({ names: ['open'], code: 'EIO', where: withLog }, async () => {
        assert.deepEqual(await manager.list(), [])
      })
      await whileFailing(
        { names: ['readdir', 'opendir'], code: 'EIO', where: (folder) => folder === dir },
        async () => {
          await assert.rejects(manager.list(), { code: 'EIO' })
        },
      )
      assert.deepEqual(await idsInList(manager), ['s'])
    },
  },
  {
    name: 'a log that cannot be deleted stays',
    only: 'fresh',
    async run({ manager }) {
      await manager.save(three())
      const before = await manager.resume('s')
      await whileFailing({ names: ['unlink', 'rm', 'rename'], code: 'EACCES', where: withLog }, async () => {
        await assert.rejects(manager.delete('s'), { code: 'EACCES' })
      })
      assert.deepEqual(await manager.resume('s'), before)
      await manager.delete('s')
      assert.deepEqual(await manager.list(), [])
    },
  },
  ...Object.entries(CHANGES).map(([method, change]): ManagerCase => {
    return {
      name: `${method}: a full disk changes nothing of the session`,
      only: 'fresh',
      async run({ manager, log }) {
        await manager.save(three())
        const bytes = log('s').bytes()
        const before = await manager.resume('s')
        await whileFailing({ names: WRITING, code: 'ENOSPC' }, async () => {
          await assert.rejects(change(manager), { code: 'ENOSPC' })
        })
        await whileDiskFills(async () => {
          await assert.rejects(change(manager), { code: 'ENOSPC' })
        })
        assert.deepEqual(log('s').bytes().subarray(0, bytes.length), bytes)
        assert.deepEqual(await manager.resume('s'), before)
        assert.deepEqual(await manager.list(), [before.metadata])
        await change(manager)
      },
    }
  }),
  {
    name: 'a new session is there whole or not at all',
    only: 'fresh',
    async run({ manager, dir, log }) {
      const temporary = () => fs.readdirSync(dir).filter((name) => name.includes('tmp'))
      await whileFailing({ names: MOVING, code: 'EIO', where: withLog }, async () => {
        await assert.rejects(manager.save(three()), { code: 'EIO' })
      })
      await whileDiskFills(async () => {
        await assert.rejects(manager.save(three()), { code: 'ENOSPC' })
      })
      assert.equal(log('s').exists(), false)
      assert.deepEqual(temporary(), [])
      assert.deepEqual(await manager.list(), [])
      await manager.save(session('s', { messages: [a2] }))
      assert.deepEqual(await messagesOf(manager, 's'), [a2])
    },
  },
  {
    name: 'a fork is there whole or not at all',
    only: 'fresh',
    async run({ manager, dir, log }) {
      await manager.save(three())
      const bytes = log('s').bytes()
      const logs = () => fs.readdirSync(dir).filter((name) => name.includes('jsonl') || name.includes('tmp'))
      await whileFailing({ names: MOVING, code: 'EIO', where: withAnyLog }, async () => {
        await assert.rejects(manager.fork('s'), { code: 'EIO' })
      })
      await whileFailing({ names: WRITING, code: 'ENOSPC' }, async () => {
        await assert.rejects(manager.fork('s'), { code: 'ENOSPC' })
      })
      await whileDiskFills(async () => {
        await assert.rejects(manager.fork('s'), { code: 'ENOSPC' })
      })
      assert.deepEqual(logs(), ['s.jsonl'])
      assert.deepEqual(log('s').bytes(), bytes)
      assert.deepEqual(await idsInList(manager), ['s'])
      await manager.fork('s')
    },
  },
]
