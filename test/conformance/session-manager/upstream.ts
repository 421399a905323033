/** What upstream's own tests ask for, by their names. */
import assert from 'node:assert/strict'
import type { Json, Session } from '../../../src/contracts/session-manager/index.js'
import { HOUR } from '../clock.js'
import { a, idsInList, type ManagerCase, messagesOf, metadataOf, session, stored, three, u, u2 } from './scene.js'

/** The sample session of upstream's conformance suite. */
function sample(id: string, messages: Json[] = []): Session {
  return session(id, { name: `Test Session ${id}`, agentName: 'conformance-agent', state: {}, messages })
}

export const upstreamCases: ManagerCase[] = [
  {
    name: 'upstream manager: test_save_and_resume',
    async run({ manager }) {
      await manager.save(sample('s1'))
      const resumed = await manager.resume('s1')
      assert.equal(resumed.metadata.id, 's1')
    },
  },
  {
    name: 'upstream manager: test_list_ordered_by_updated',
    async run({ manager, clock }) {
      await manager.save(sample('a'))
      clock.move(10)
      await manager.save(sample('b'))
      assert.equal((await manager.list())[0]?.id, 'b')
    },
  },
  {
    name: 'upstream manager: test_fork',
    async run({ manager }) {
      await manager.save(sample('orig'))
      const fork = await manager.fork('orig', 'fork-1')
      assert.equal(fork.name, 'fork-1')
      assert.notEqual(fork.id, 'orig')
    },
  },
  {
    name: 'upstream manager: test_rewind',
    async run({ manager }) {
      await manager.save(sample('r1', [{ role: 'user' }, { role: 'assistant' }, { role: 'user' }]))
      assert.equal((await manager.rewind('r1', 1)).messages.length, 1)
    },
  },
  {
    name: 'upstream manager: test_tag_and_rename',
    async run({ manager }) {
      await manager.save(sample('t1'))
      await manager.tag('t1', ['important'])
      await manager.rename('t1', 'My Session')
      const { metadata } = await manager.resume('t1')
      assert(metadata.tags.includes('important'))
      assert.equal(metadata.name, 'My Session')
    },
  },
  {
    name: 'upstream manager: test_delete',
    async run({ manager }) {
      await manager.save(sample('del'))
      await manager.delete('del')
      await assert.rejects(manager.resume('del'))
    },
  },
  {
    name: 'upstream conformance: all of it, in its order, on one manager',
    async run({ manager, clock }) {
      const given = sample('conf-sr')
      await manager.save(given)
      assert.deepEqual(await manager.resume('conf-sr'), stored(given, clock))

      await manager.save(sample('conf-list'))
      assert((await idsInList(manager)).includes('conf-list'))

      await manager.save(sample('conf-del'))
      await manager.delete('conf-del')
      await assert.rejects(manager.resume('conf-del'))

      await manager.save(sample('conf-fork-src'))
      const fork = await manager.fork('conf-fork-src', 'forked')
      assert.equal(fork.name, 'forked')
      assert.notEqual(fork.id, 'conf-fork-src')

      await manager.save(sample('conf-rewind', [u, a, u2]))
      assert.equal((await manager.rewind('conf-rewind', 1)).messages.length, 1)

      await manager.save(sample('conf-tag'))
      await manager.tag('conf-tag', ['important'])
      assert((await metadataOf(manager, 'conf-tag')).tags.includes('important'))

      await manager.save(sample('conf-rename'))
      await manager.rename('conf-rename', 'New Name')
      assert.equal((await metadataOf(manager, 'conf-rename')).name, 'New Name')

      await assert.rejects(manager.resume('nonexistent-session-id'))
    },
  },
  {
    name: 'upstream contract: create, list and resume keep all state',
    async run({ manager, clock, reopen }) {
      const given = three({ state: { plugins: { vcs: { branch: 'main' } }, cwd: '/p', env: { A: '1' } } })
      await manager.save(given)
      await reopen()
      assert.deepEqual(await idsInList(manager), ['s'])
      assert.deepEqual(await manager.resume('s'), stored(given, clock))
    },
  },
  {
    name: 'upstream contract: a fork is independent and shares the history',
    async run({ manager }) {
      await manager.save(three())
      const { id } = await manager.fork('s', 'branch')
      const history = await messagesOf(manager, 's')
      assert.deepEqual(await messagesOf(manager, id), history)
      const fork = await manager.resume(id)
      await manager.save({ ...fork, messages: [...fork.messages, u2] })
      assert.deepEqual(await messagesOf(manager, 's'), history)
    },
  },
  {
    name: 'upstream contract: delete is permanent',
    async run({ manager, reopen }) {
      await manager.save(three())
      await manager.delete('s')
      await reopen()
      await assert.rejects(manager.resume('s'))
      assert.deepEqual(await manager.list(), [])
    },
  },
  {
    name: 'upstream contract: tag and rename survive resume',
    async run({ manager, reopen }) {
      await manager.save(three())
      await manager.tag('s', ['kept'])
      await manager.rename('s', 'kept too')
      await reopen()
      const { tags, name } = await metadataOf(manager, 's')
      assert.deepEqual([tags, name], [['x', 'kept'], 'kept too'])
    },
  },
  {
    name: 'upstream contract: a simulated crash during a write leaves a session that can be resumed',
    async run({ manager, log, reopen }) {
      await manager.save(three())
      await reopen(() => log('s').addBytes('{"id":"019aa1b2","at":"2026-01-01T12:00:0'))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u])
      await manager.save(three({ messages: [u, a, u, u2] }))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, u2])
    },
  },
  {
    name: 'upstream vcs: a repository in the state comes back equal',
    async run({ manager, clock, reopen }) {
      const repository = { url: 'https://example.org/repo.git', localPath: '/work/repo', indexed: false }
      await manager.save(session('s', { state: { repository } }))
      clock.move(HOUR)
      await reopen()
      assert.deepEqual((await manager.resume('s')).state, { repository })
    },
  },
]
