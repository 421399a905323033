/** setSessionName and getSessionName. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import { type BackendCase, keysOf, raw, texts, user } from './scene.js'

export const nameCases: BackendCase[] = [
  {
    name: 'case 39: a name is set, replaced, trimmed and cleared, and lasts',
    async run({ backend, reopen }) {
      await backend.append('a', user('x'))
      assert.equal(await backend.getSessionName('a'), null)
      const steps: ReadonlyArray<[given: string, name: string | null]> = [
        ['My Session', 'My Session'],
        ['Second', 'Second'],
        ['  x  ', 'x'],
        ['', null],
        ['again', 'again'],
        [' \t\n\u3000 ', null],
      ]
      for (const [given, name] of steps) {
        await backend.setSessionName('a', given)
        assert.equal(await backend.getSessionName('a'), name)
        await reopen()
        assert.equal(await backend.getSessionName('a'), name)
        assert.equal((await backend.getSessionMetadata('a'))?.name, name)
        assert.equal((await backend.listSessionsWithMetadata())[0]?.name, name)
      }
      assert.deepEqual(await texts(backend, 'a'), ['x'])
    },
  },
  {
    name: 'case 40: a name makes the session',
    async run({ backend, clock }) {
      await backend.setSessionName('a', 'named')
      const row = { key: 'a', name: 'named', createdAt: clock.date, lastActivity: clock.date, messageCount: 0 }
      assert.deepEqual(await backend.listSessionsWithMetadata(), [row])
      assert.deepEqual(await backend.listSessions(), ['a'])
      assert.deepEqual(await backend.load('a'), [])
      assert.equal(await backend.deleteSession('a'), true)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
  {
    name: 'clearing the name of a missing session makes none',
    async run({ backend, snapshot }) {
      const before = snapshot()
      await backend.setSessionName('a', '')
      await backend.setSessionName('a', ' \n ')
      assert.deepEqual(snapshot(), before)
      assert.deepEqual(await backend.listSessions(), [])
    },
  },
  {
    name: 'any other string is a name, unchanged',
    async run({ backend, reopen }) {
      await backend.append('a', user('x'))
      for (const name of [
        'two\nlines',
        '"quoted"',
        'a  b',
        '世界 👍🏽',
        '\0',
        'null',
        '__proto__',
        '{}',
        'n'.repeat(10_000),
      ]) {
        await backend.setSessionName('a', name)
        assert.equal(await backend.getSessionName('a'), name)
      }
      await reopen()
      assert.equal(await backend.getSessionName('a'), 'n'.repeat(10_000))
    },
  },
  {
    name: 'a name is one line in the log',
    only: 'fresh',
    async run({ backend, log, clock }) {
      await backend.append('a', user('x'))
      const before = log('a').text()
      clock.move(HOUR)
      await backend.setSessionName('a', ' named ')
      const added = log('a').text().slice(before.length)
      assert(log('a').text().startsWith(before))
      const { id, ...line } = JSON.parse(added)
      assert.equal(typeof id, 'string')
      assert.deepEqual(line, { type: 'meta', at: clock.iso, set: { name: 'named' } })
      assert.equal(added.split('\n').length, 2)
      await backend.setSessionName('a', '')
      assert.deepEqual(JSON.parse(log('a').lines().at(-1)!).set, { name: null })
    },
  },
  {
    name: 'names that others wrote into the log',
    async run({ backend, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        raw.meta('l1', at, { name: 'one', todo: 'x' }),
        raw.meta('l2', at, { todo: 'y' }),
      )
      assert.equal(await backend.getSessionName('a'), 'one')
      log('a').add(raw.meta('l3', at, { name: 'two' }))
      assert.equal(await backend.getSessionName('a'), 'two')
      log('a').add(raw.meta('l4', at, { name: '' }))
      assert.equal(await backend.getSessionName('a'), null)
      assert.equal((await backend.getSessionMetadata('a'))?.name, null)
      log('a').add(raw.meta('l5', at, { name: 'three' }), raw.meta('l6', at, { name: null }))
      assert.equal(await backend.getSessionName('a'), null)
    },
  },
  {
    name: 'a second copy of a line that named the session does not count',
    async run({ backend, log, clock }) {
      const one = raw.meta('l1', clock.date, { name: 'one' })
      log('a').write(raw.header('a', clock.date), one, raw.meta('l2', clock.date, { name: 'two' }), one, one)
      assert.equal(await backend.getSessionName('a'), 'two')
      assert.equal((await backend.listSessionsWithMetadata())[0]?.name, 'two')
    },
  },
  {
    name: 'what is no string is no name',
    async run({ backend, log }) {
      await backend.append('a', user('x'))
      const before = log('a').bytes()
      for (const name of [5, null, undefined, {}, ['x'], true]) {
        await assert.rejects(backend.setSessionName('a', name as string), TypeError)
        await assert.rejects(backend.setSessionName('missing', name as string), TypeError)
      }
      assert.deepEqual(log('a').bytes(), before)
      assert.equal(await backend.getSessionName('a'), null)
      assert.deepEqual(await backend.listSessions(), ['a'])
    },
  },
  {
    name: 'two sessions may have one name, and a name is no key',
    async run({ backend }) {
      for (const key of ['a', 'b']) await backend.setSessionName(key, 'same')
      assert.deepEqual(
        (await backend.listSessionsWithMetadata()).map(({ key, name }) => [key, name]),
        [
          ['a', 'same'],
          ['b', 'same'],
        ],
      )
      assert.deepEqual(keysOf(await backend.search({ keyword: 'same' })), [])
      assert.deepEqual(await backend.load('same'), [])
    },
  },
]
