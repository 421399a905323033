/** Damaged lines and torn tails: each costs only itself. */
import assert from 'node:assert/strict'
import { all, context, insert } from './notation.js'
import { create, line, type PersistenceCase, raw, rowOf, tokens } from './scene.js'

const TAILS: ReadonlyArray<[what: string, tail: string | Buffer]> = [
  ['half a message', '{"id":"torn","role":"user","content":"half a li'],
  ['half a compaction', '{"type":"compaction","id":"torn","summary":"half a li'],
  ['a run of NUL bytes', Buffer.alloc(5000)],
  ['half a character', Buffer.from('{"role":"user","content":"世界').subarray(0, -1)],
]

export const damageCases: PersistenceCase[] = [
  {
    name: 'damage: damaged lines and a torn tail cost only themselves',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two')
      log(id).add('damage', '["user","hi"]', Buffer.from('{"role":"user","content":"caf\xe9"}', 'latin1'), '', '  ')
      await insert(persistence, id, 'u three')
      log(id).addBytes('{"id":"torn","role":"us')
      assert.deepEqual(await all(persistence, id), ['u one', 'u two', 'u three'])
      assert.deepEqual(await context(persistence, id), ['u one', 'u two', 'u three'])
      assert.equal((await rowOf(persistence, id))?.messageCount, 3)
      await insert(persistence, id, 'u four')
      log(id).addBytes(Buffer.alloc(100))
      assert.equal(await persistence.compactSession(id, 'sum', 1), 3)
      log(id).addBytes('{"type":"meta","set":{"metadata":{"todo":"')
      await persistence.setTodo(id, 'task')
      assert.deepEqual(await context(persistence, id), ['S sum', 'u four'])
      assert.equal(await persistence.getTodo(id), 'task')
      log(id).addBytes(JSON.stringify(line('whole', clock.date, 'u five')))
      assert.equal(await persistence.purgeCompacted(0), 3)
      assert.deepEqual(await all(persistence, id), ['u four', 'u five'])
    },
  },
  ...TAILS.map(([what, tail]): PersistenceCase => {
    return {
      name: `damage: a torn tail of ${what} joins no line that is written next`,
      async run({ persistence, log, reopen }) {
        const id = await create(persistence)
        await insert(persistence, id, 'u one', 'u two')
        await reopen(() => log(id).addBytes(tail))
        assert.deepEqual(await context(persistence, id), ['u one', 'u two'])
        assert.equal(await persistence.lastUserMessage(id), 'two')
        await insert(persistence, id, 'u three')
        log(id).addBytes(tail)
        assert.equal(await persistence.compactSession(id, 'sum', 2), 1)
        log(id).addBytes(tail)
        await persistence.setMetadata(id, 'k', 'v')
        log(id).addBytes(tail)
        assert.equal(await persistence.getMetadata(id, 'k'), 'v')
        assert.deepEqual(await context(persistence, id), ['S sum', 'u two', 'u three'])
        assert.equal(await persistence.purgeCompacted(0), 1)
        assert.deepEqual(await all(persistence, id), ['u two', 'u three'])
        assert.equal((await rowOf(persistence, id))?.messageCount, 2)
      },
    }
  }),
  {
    name: 'damage: an empty log, and one of garbage, are sessions without messages',
    async run({ persistence, log }) {
      log('empty').write()
      log('garbage').write('garbage', '\0\0', '{"role":5}')
      for (const id of ['empty', 'garbage']) {
        assert.deepEqual(await context(persistence, id), [])
        assert.equal(await persistence.lastUserMessage(id), '')
        assert.equal(await persistence.hasPendingToolCalls(id), false)
        assert.equal(await persistence.compactSession(id, 'sum', 0), 0)
      }
      // a file in which no line is one of a session is none, and is not written to
      await assert.rejects(insert(persistence, 'garbage', 'u one'), { code: 'ERR_NOT_A_LOG' })
      log('garbage').add('{"role":"user","content":"one"}')
      await insert(persistence, 'empty', 'u one')
      for (const id of ['empty', 'garbage']) {
        await persistence.setTodo(id, 'task')
        assert.deepEqual(await context(persistence, id), ['u one'])
        assert.equal(await persistence.getTodo(id), 'task')
        assert.equal(await persistence.deleteSession(id), true)
      }
      assert.deepEqual(await persistence.listSessions(10, '/p'), [])
    },
  },
  {
    name: 'damage: a damaged message takes its own usage alone',
    async run({ persistence, log, clock }) {
      const at = clock.date
      const used = (id: string) => ({ ...line(id, at, `a ${id}`), usage: tokens(5, 5) })
      log('a').write(raw.header('a', at), used('r1'), `${JSON.stringify(used('r2')).slice(0, -1)}`, used('r3'))
      assert.equal((await persistence.sessionTokenUsage('a')).apiCalls, 2)
      assert.deepEqual(await all(persistence, 'a'), ['a r1', 'a r3'])
      assert.equal(await persistence.compactSession('a', 'sum', 0), 2)
      assert.equal(await persistence.purgeCompacted(0), 2)
      assert.equal((await persistence.sessionTokenUsage('a')).promptTokens, 10)
    },
  },
]
