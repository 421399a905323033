/** Any well-formed string but '' is an id. */
import assert from 'node:assert/strict'
import type { SessionManager } from '../../../src/contracts/session-manager/index.js'
import { rejectsWithCode } from '../expect.js'
import { idsInList, type ManagerCase, messagesOf, metadataOf, session, three, wrong } from './scene.js'

const AWKWARD_IDS = [
  '../x',
  '..',
  'a/b',
  'a:b',
  'A',
  'a',
  'k'.repeat(300),
  '\u00e9',
  'e\u0301',
  'con',
  '__proto__',
  'a\0b',
]

export const WITH_AN_ID: { [method: string]: (manager: SessionManager, id: string) => Promise<unknown> } = {
  resume: (manager, id) => manager.resume(id),
  delete: (manager, id) => manager.delete(id),
  fork: (manager, id) => manager.fork(id, 'f'),
  rewind: (manager, id) => manager.rewind(id, 0),
  tag: (manager, id) => manager.tag(id, ['x']),
  rename: (manager, id) => manager.rename(id, 'n'),
}

export const keyCases: ManagerCase[] = [
  {
    name: 'case 34: every id is a session of its own',
    async run({ manager, outside, reopen }) {
      for (const [i, id] of AWKWARD_IDS.entries()) {
        await manager.save(session(id, { messages: [i, id], state: id, name: `name ${i}` }))
      }
      await reopen()
      assert.deepEqual(await idsInList(manager), [...AWKWARD_IDS].sort())
      for (const [i, id] of AWKWARD_IDS.entries()) {
        const resumed = await manager.resume(id)
        assert.deepEqual(resumed.messages, [i, id])
        assert.deepEqual([resumed.metadata.id, resumed.metadata.name, resumed.state], [id, `name ${i}`, id])
      }
      assert.deepEqual(outside(), [])
    },
  },
  {
    name: 'every id can be rewound, tagged, renamed, forked and deleted',
    async run({ manager, outside }) {
      for (const id of AWKWARD_IDS) await manager.save(three({}, id))
      for (const id of AWKWARD_IDS) {
        assert.equal((await manager.rewind(id, 1)).messages.length, 1)
        await manager.tag(id, [id])
        await manager.rename(id, id)
        const fork = await manager.fork(id)
        const copy = await metadataOf(manager, fork.id)
        assert.deepEqual([copy.tags, copy.name, copy.forkedFrom], [['x', id], `${id} (fork)`, id])
        await manager.delete(id)
        await rejectsWithCode(manager.resume(id), 'ERR_SESSION_NOT_FOUND', { id })
        assert.equal((await messagesOf(manager, fork.id)).length, 1)
        await manager.delete(fork.id)
      }
      assert.deepEqual(await manager.list(), [])
      assert.deepEqual(outside(), [])
    },
  },
  {
    name: 'case 5: an unknown id',
    async run({ manager, snapshot, reopen }) {
      await manager.save(three())
      // what is written behind is written now
      await reopen()
      const before = snapshot()
      for (const id of ['unknown', 'S', 's ', '../s', 'un/known']) {
        for (const call of Object.values(WITH_AN_ID)) {
          await rejectsWithCode(call(manager, id), 'ERR_SESSION_NOT_FOUND', { id })
        }
      }
      assert.deepEqual(snapshot(), before)
      assert.deepEqual(await idsInList(manager), ['s'])
    },
  },
  {
    name: 'case 5: an unknown id in an empty folder',
    async run({ manager, snapshot }) {
      const before = snapshot()
      for (const call of Object.values(WITH_AN_ID)) {
        await rejectsWithCode(call(manager, 'unknown'), 'ERR_SESSION_NOT_FOUND', { id: 'unknown' })
      }
      assert.deepEqual(snapshot(), before)
    },
  },
  ...Object.entries(WITH_AN_ID).map(([method, call]): ManagerCase => {
    return {
      name: `${method} refuses what is no id`,
      async run({ manager, snapshot }) {
        const before = snapshot()
        for (const id of ['', '\ud800', 'a\udc00b']) await rejectsWithCode(call(manager, id), 'ERR_INVALID_KEY')
        for (const id of [5, null, undefined, {}, ['s'], Symbol('s')]) {
          await assert.rejects(call(manager, wrong(id)), TypeError)
        }
        assert.deepEqual(snapshot(), before)
      },
    }
  }),
  {
    name: 'save refuses what is no id',
    async run({ manager, snapshot }) {
      const before = snapshot()
      for (const id of ['', '\ud800', 'a\udc00b']) {
        await rejectsWithCode(manager.save(session(id)), 'ERR_INVALID_KEY')
      }
      for (const id of [5, null, undefined, {}, ['s'], Symbol('s')]) {
        await assert.rejects(manager.save(session(wrong(id))), TypeError)
      }
      assert.deepEqual(snapshot(), before)
    },
  },
]
