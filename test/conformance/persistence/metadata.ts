/** Text by key, and the todo list. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import { context, insert } from './notation.js'
import { answers, create, loseSidecars, type PersistenceCase, raw, rowOf } from './scene.js'

const KEYS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'then'],
  ...['name', 'tags', 'agent', 'projectRoot', 'metadata', 'state', 'carriedUsage', 'createdAt', 'lastActivity'],
  ...['', ' ', 'a.b', 'a/b', '0', '-1', '"', 'line\nfeed', '\u2028', '👍', '\ud800', 'é', 'e\u0301', 'A', 'a'],
]

export const metadataCases: PersistenceCase[] = [
  {
    name: 'case 46: values by key',
    async run({ persistence, another }) {
      const id = await create(persistence)
      await persistence.setMetadata(id, 'k', 'one')
      assert.equal(await persistence.getMetadata(id, 'k'), 'one')
      await persistence.setMetadata(id, 'k', 'two')
      await persistence.setMetadata(id, 'other', 'three')
      await persistence.setMetadata(id, '', 'no key')
      await persistence.setMetadata(id, 'no value', '')
      assert.equal(await persistence.getMetadata(id, 'k'), 'two')
      assert.equal(await persistence.getMetadata(id, 'other'), 'three')
      assert.equal(await persistence.getMetadata(id, ''), 'no key')
      assert.equal(await persistence.getMetadata(id, 'no value'), '')
      assert.equal(await persistence.getMetadata(id, 'missing'), null)
      const [first, second] = [await another(), await another()]
      await Promise.all([first.setMetadata(id, 'by first', '1'), second.setMetadata(id, 'by second', '2')])
      for (const instance of [persistence, first, second]) {
        assert.equal(await instance.getMetadata(id, 'by first'), '1')
        assert.equal(await instance.getMetadata(id, 'by second'), '2')
        assert.equal(await instance.getMetadata(id, 'k'), 'two')
      }
    },
  },
  {
    name: 'case 47: the todo list is the metadata key todo',
    async run({ persistence }) {
      const id = await create(persistence)
      assert.equal(await persistence.getTodo(id), null)
      const text = '- [ ] Task 1\n- [x] Task 2'
      await persistence.setTodo(id, text)
      assert.equal(await persistence.getTodo(id), text)
      assert.equal(await persistence.getMetadata(id, 'todo'), text)
      await persistence.setMetadata(id, 'todo', 'nothing')
      assert.equal(await persistence.getTodo(id), 'nothing')
    },
  },
  {
    name: 'case 48: metadata outlives compaction, purge and a restart, and goes with the session',
    async run({ persistence, reopen }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two')
      await persistence.setMetadata(id, 'k', 'value')
      await persistence.setTodo(id, 'task')
      const both = async () => [await persistence.getMetadata(id, 'k'), await persistence.getTodo(id)]
      await persistence.compactSession(id, 'sum', 1)
      assert.deepEqual(await both(), ['value', 'task'])
      assert.equal(await persistence.purgeCompacted(0), 1)
      assert.deepEqual(await both(), ['value', 'task'])
      await reopen()
      assert.deepEqual(await both(), ['value', 'task'])
      await persistence.deleteSession(id)
      assert.deepEqual(await both(), [null, null])
    },
  },
  {
    name: 'metadata: any string is a safe key',
    async run({ persistence, reopen, dir }) {
      const id = await persistence.createSession('coder', '/p')
      for (const key of KEYS) assert.equal(await persistence.getMetadata(id, key), null, key)
      for (const key of KEYS) await persistence.setMetadata(id, key, `value of ${key}`)
      const check = async () => {
        for (const key of KEYS) assert.equal(await persistence.getMetadata(id, key), `value of ${key}`, key)
        assert.equal(await persistence.getMetadata(id, 'valueOf'), null)
      }
      await check()
      await reopen()
      await check()
      await reopen(() => loseSidecars(dir))
      await check()
    },
  },
  {
    name: 'metadata: no key touches what a session is otherwise',
    async run({ persistence, backend, clock }) {
      const id = await persistence.createSession('coder', '/p')
      const other = await backend()
      await other.setSessionName(id, 'my name')
      const before = await rowOf(persistence, id)
      clock.move(HOUR)
      for (const key of KEYS) await persistence.setMetadata(id, key, '/q')
      assert.deepEqual(await rowOf(persistence, id), before)
      assert.deepEqual(await persistence.listSessions(10, '/q'), [])
      assert.equal(await other.getSessionName(id), 'my name')
      assert.equal((await other.getSessionState(id))?.state, 'idle')
      assert.deepEqual(await persistence.sessionUsageByAgent(id), [])
      assert.deepEqual(await context(persistence, id), [])
    },
  },
  {
    name: 'metadata: what another contract sets touches no key',
    async run({ persistence, backend }) {
      const id = await create(persistence)
      await persistence.setMetadata(id, 'name', 'mine')
      const other = await backend()
      await other.setSessionName(id, 'theirs')
      await other.setSessionState(id, 'running', 'turn-1')
      assert.equal(await persistence.getMetadata(id, 'name'), 'mine')
      assert.equal(await persistence.getMetadata(id, 'state'), null)
      assert.equal(await other.getSessionName(id), 'theirs')
      await other.setSessionState(id, 'idle', 'turn-1')
    },
  },
  {
    name: 'metadata: any value comes back, set any number of times',
    async run({ persistence }) {
      const id = await create(persistence)
      for (const value of ['', ' ', 'null', '{"a":1}', 'a\r\nb\u2028', '\0', '\ud800', '👍', 'x'.repeat(100_000)]) {
        await persistence.setMetadata(id, 'k', value)
        assert.equal(await persistence.getMetadata(id, 'k'), value)
      }
      await Promise.all(Array.from({ length: 20 }, (_, i) => persistence.setMetadata(id, 'k', `${i}`)))
      assert.equal(await persistence.getMetadata(id, 'k'), '19')
    },
  },
  {
    name: 'metadata: sessions have their own',
    async run({ persistence }) {
      const first = await create(persistence)
      const second = await create(persistence)
      await persistence.setMetadata(first, 'k', 'one')
      assert.equal(await persistence.getMetadata(second, 'k'), null)
      await persistence.setMetadata(second, 'k', 'two')
      assert.equal(await persistence.getMetadata(first, 'k'), 'one')
    },
  },
  {
    name: 'metadata: of lines by other programs, merged key by key',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        raw.meta('l1', at, { metadata: { k: 'one', todo: 'task' }, name: 'named' }),
        raw.meta('l2', at, { metadata: { other: 'two' } }),
        raw.meta('l3', at, { metadata: { k: 'three' }, todo: 'no key' }),
      )
      const values = await Promise.all(['k', 'other', 'name'].map((key) => persistence.getMetadata('a', key)))
      assert.deepEqual(values, ['three', 'two', null])
      assert.equal(await persistence.getTodo('a'), 'task')
      await persistence.setTodo('a', 'next')
      const before = await answers(persistence, ['a'])
      assert.equal(await persistence.getTodo('a'), 'next')
      assert.equal(await persistence.getMetadata('a', 'k'), 'three')
      assert.deepEqual(await answers(persistence, ['a']), before)
    },
  },
]
