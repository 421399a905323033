/** Making, listing and deleting sessions. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { HOUR, SECOND } from '../clock.js'
import { rejectsWithCode } from '../expect.js'
import { insert, message } from './notation.js'
import { answer, create, idsOf, line, NO_USAGE, type PersistenceCase, raw, rowOf, UNKNOWN, V7 } from './scene.js'

export const sessionCases: PersistenceCase[] = [
  {
    name: 'case 1: ids are UUIDv7 and rise',
    async run({ persistence, weather, clock }) {
      const first = await create(persistence)
      // they rise strictly within one instance
      if (weather === 'reopened') clock.move(1)
      const second = await create(persistence)
      assert.match(first, V7)
      assert.match(second, V7)
      assert.notEqual(first, second)
      assert(second > first)
    },
  },
  {
    name: 'case 2: a root is what path.resolve makes of it',
    async run({ persistence }) {
      const first = await persistence.createSession('main', '/p/')
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p')), [first])
      const second = await persistence.createSession('main', '/p')
      const both = [first, second].sort()
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p/x/..')).sort(), both)
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p')).sort(), both)
    },
  },
  {
    name: 'case 3: limits of a list',
    async run({ persistence }) {
      await create(persistence)
      assert.deepEqual(await persistence.listSessions(0, '/p'), [])
      for (const limit of [-1, 1.5, Number.NaN]) await assert.rejects(persistence.listSessions(limit, '/p'), RangeError)
    },
  },
  {
    name: 'case 4: of sessions of one moment the last one made is first',
    async run({ persistence, weather, clock }) {
      for (const agent of ['a', 'b', 'c']) {
        await persistence.createSession(agent, '/p')
        if (weather === 'reopened') clock.move(1)
      }
      const rows = await persistence.listSessions(10, '/p')
      assert.deepEqual(
        rows.map(({ agentName }) => agentName),
        ['c', 'b', 'a'],
      )
    },
  },
  {
    name: 'case 5: a message brings its session to the front',
    async run({ persistence, clock }) {
      const oldest = await create(persistence)
      clock.move(HOUR)
      await create(persistence)
      clock.move(HOUR)
      const newest = await create(persistence)
      clock.move(HOUR)
      await insert(persistence, oldest, 'u hello')
      assert.deepEqual(idsOf(await persistence.listSessions(2, '/p')), [oldest, newest])
    },
  },
  {
    name: 'case 6: the row of a session without messages',
    async run({ persistence, clock }) {
      clock.move(7)
      const id = await persistence.createSession('coder', '/p')
      clock.move(HOUR)
      const at = '2026-01-01T12:00:00.007Z'
      const expected = { id, agentName: 'coder', createdAt: at, lastActivity: at, messageCount: 0, totalTokens: 0 }
      assert.deepEqual(await persistence.listSessions(10, '/p'), [expected])
    },
  },
  {
    name: 'case 7: a list holds the sessions of its root alone',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      log('rootless').write(raw.header('rootless', clock.date), raw.message('r1', clock.date, 'x'))
      log('bare').write('{"role":"user","content":"no header"}')
      assert.deepEqual(await persistence.listSessions(10, '/q'), [])
      assert.deepEqual(await persistence.listSessions(10, '/p/sub'), [])
      assert.deepEqual(await persistence.listSessions(10, '/'), [])
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p')), [id])
      assert.deepEqual(await persistence.listSessions(10, ''), [])
    },
  },
  {
    name: 'case 8: metadata and compaction are no activity',
    async run({ persistence, clock }) {
      const older = await create(persistence)
      await insert(persistence, older, 'u one', 'a two')
      clock.move(HOUR)
      const newer = await create(persistence)
      clock.move(HOUR)
      const before = await persistence.listSessions(10, '/p')
      assert.deepEqual(idsOf(before), [newer, older])
      await persistence.setMetadata(older, 'note', 'x')
      await persistence.setTodo(older, 'y')
      assert.equal(await persistence.compactSession(older, 'sum', 1), 1)
      assert.deepEqual(await persistence.listSessions(10, '/p'), before)
      assert.equal(await persistence.purgeCompacted(0), 1)
      const after = await persistence.listSessions(10, '/p')
      assert.deepEqual(
        after.map(({ id, lastActivity }) => [id, lastActivity]),
        before.map(({ id, lastActivity }) => [id, lastActivity]),
      )
    },
  },
  {
    name: 'case 9: a deleted session leaves nothing behind',
    async run({ persistence, dir, filesHolding, pathsHolding, reopen }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u secret one', 'u secret two')
      await persistence.setTodo(id, 'secret three')
      await persistence.compactSession(id, 'secret four', 1)
      fs.mkdirSync(path.join(dir, `${id}.blobs`))
      fs.writeFileSync(path.join(dir, `${id}.blobs`, 'blob'), 'secret five')
      const other = await create(persistence)
      assert.equal(await persistence.deleteSession(id), true)
      assert.equal(await persistence.deleteSession(id), false)
      assert.equal(await persistence.deleteSession(UNKNOWN), false)
      const left = () => [...filesHolding('secret'), ...filesHolding(id), ...pathsHolding(id)]
      // the lease under which it was deleted may last a little longer than the session
      assert.deepEqual(
        left().filter((name) => !name.startsWith('.locks/')),
        [],
      )
      await reopen(() => assert.deepEqual(left(), []))
      assert.deepEqual(left(), [])
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p')), [other])
      assert.deepEqual(await persistence.loadAllMessages(id), [])
    },
  },
  {
    name: 'ids rise when the clock steps back, too',
    async run({ persistence, clock, weather }) {
      const first = await create(persistence)
      const [one] = await insert(persistence, first, 'u one')
      clock.move(-HOUR)
      const second = await create(persistence)
      const [two] = await insert(persistence, first, 'u two')
      assert(two! > one!)
      // strictly within one instance
      if (weather !== 'reopened') assert(second > first)
      const messages = await persistence.loadAllMessages(first)
      assert(messages[1]!.at >= messages[0]!.at)
    },
  },
  {
    name: 'symbolic links in a root are not followed',
    async run({ persistence, dir }) {
      const real = path.join(dir, '..', 'real')
      const link = path.join(dir, '..', 'link')
      fs.mkdirSync(real)
      fs.symlinkSync(real, link)
      const id = await persistence.createSession('main', link)
      assert.deepEqual(await persistence.listSessions(10, real), [])
      assert.deepEqual(idsOf(await persistence.listSessions(10, link)), [id])
    },
  },
  {
    name: 'a relative root is seen from the working directory',
    async run({ persistence }) {
      const here = await persistence.createSession('main', '')
      const there = await persistence.createSession('main', 'some/where')
      assert.deepEqual(idsOf(await persistence.listSessions(10, process.cwd())), [here])
      assert.deepEqual(idsOf(await persistence.listSessions(10, path.resolve('some/where/'))), [there])
    },
  },
  {
    name: 'of equally active sessions the newer one is first',
    async run({ persistence, clock }) {
      const older = await create(persistence)
      clock.move(SECOND)
      const newer = await create(persistence)
      clock.move(SECOND)
      await insert(persistence, newer, 'u x')
      await insert(persistence, older, 'u x')
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p')), [newer, older])
      clock.move(SECOND)
      await insert(persistence, older, 'u y')
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p')), [older, newer])
    },
  },
  {
    name: 'of equally active sessions the newer one is first, with any ids; then the greater id',
    async run({ persistence, log, clock }) {
      const older = clock.date
      const newer = clock.move(SECOND)
      const active = clock.move(SECOND)
      const root = (at: Date) => raw.meta('l1', at, { projectRoot: '/p' })
      log('z').write(raw.header('z', older), root(older), line('r1', active, 'u x'))
      log('b').write(raw.header('b', newer), root(newer), line('r1', active, 'u x'))
      log('a').write(raw.header('a', newer), root(newer), line('r1', active, 'u x'))
      assert.deepEqual(idsOf(await persistence.listSessions(10, '/p')), ['b', 'a', 'z'])
    },
  },
  {
    name: 'a row counts messages and tokens, and bears the name of the session’s own agent',
    async run({ persistence, clock }) {
      const createdAt = clock.iso
      const id = await persistence.createSession('', '/p')
      clock.move(SECOND)
      await insert(persistence, id, 'u q', answer('one', 10, 5), 'A[x]', 'T x')
      await persistence.insertMessageWithAgent(id, { ...answer('two', 1, 2), agentName: 'helper' })
      const lastActivity = clock.iso
      const expected = { id, agentName: '', createdAt, lastActivity, messageCount: 5, totalTokens: 18 }
      assert.deepEqual(await rowOf(persistence, id), expected)
    },
  },
  {
    name: 'a removal is no activity, and takes its message from the count',
    async run({ persistence, clock, log }) {
      const id = await create(persistence)
      clock.move(SECOND)
      const [, two] = await insert(persistence, id, 'u one', answer('two', 3, 4))
      const before = await rowOf(persistence, id)
      log(id).add(raw.remove('x1', clock.move(HOUR), [two!]))
      assert.deepEqual(await rowOf(persistence, id), { ...before, messageCount: 1 })
    },
  },
  {
    name: 'a limit beyond the number of sessions gives all',
    async run({ persistence }) {
      const id = await create(persistence)
      assert.deepEqual(idsOf(await persistence.listSessions(Number.MAX_SAFE_INTEGER, '/p')), [id])
    },
  },
  {
    name: 'a writer that waits behind a deletion does not bring the session back',
    async run({ persistence, another }) {
      const other = await another()
      for (let round = 0; round < 3; round++) {
        const id = await create(persistence)
        await insert(persistence, id, 'u one')
        const [deleted, ...late] = await Promise.allSettled([
          persistence.deleteSession(id),
          persistence.insertMessage(id, message('u late')),
          other.insertMessage(id, message('u late')),
          other.setMetadata(id, 'k', 'late'),
        ])
        assert.deepEqual(deleted, { status: 'fulfilled', value: true })
        for (const outcome of late) {
          if (outcome.status === 'rejected') {
            await rejectsWithCode(Promise.reject(outcome.reason), 'ERR_SESSION_NOT_FOUND')
          }
        }
        await rejectsWithCode(other.insertMessage(id, message('u later')), 'ERR_SESSION_NOT_FOUND')
        assert.deepEqual(await persistence.loadAllMessages(id), [])
        assert.deepEqual(await persistence.listSessions(10, '/p'), [])
        assert.deepEqual(await persistence.sessionTokenUsage(id), NO_USAGE)
      }
    },
  },
]
