/** removeLast: exactly one message, the last live one. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import { assistant, type BackendCase, given, raw, texts, user } from './scene.js'

export const removeCases: BackendCase[] = [
  {
    name: 'case 13: a log by another tool, without a header',
    async run({ backend, log }) {
      log('notes').write('{"role":"user","content":"hi"}', '{"role":"user","content":"hi"}')
      assert.deepEqual(await backend.listSessions(), ['notes'])
      assert.deepEqual((await backend.load('notes')).map(given), [user('hi'), user('hi')])
      assert.equal((await backend.getSessionMetadata('notes'))?.messageCount, 2)
      assert.equal(await backend.removeLast('notes'), true)
      assert.deepEqual(await texts(backend, 'notes'), ['hi'])
      await backend.append('notes', user('more'))
      assert.deepEqual(await texts(backend, 'notes'), ['hi', 'more'])
      assert.deepEqual(await backend.listSessions(), ['notes'])
    },
  },
  {
    name: 'case 18: until none is left',
    async run({ backend }) {
      await backend.append('a', user('first'))
      await backend.append('a', user('second'))
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), ['first'])
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), [])
      assert.deepEqual(await backend.listSessions(), ['a'])
      assert.deepEqual(
        (await backend.listSessionsWithMetadata()).map(({ key, messageCount }) => [key, messageCount]),
        [['a', 0]],
      )
      assert.equal(await backend.removeLast('a'), false)
    },
  },
  {
    name: 'case 18: nothing to remove, nothing written',
    only: 'fresh',
    async run({ backend, log }) {
      log('a').write('garbage', '{"no":"role"}', '[1]')
      const before = log('a').bytes()
      assert.equal(await backend.removeLast('a'), false)
      assert.deepEqual(log('a').bytes(), before)
      await backend.append('b', user('x'))
      await backend.removeLast('b')
      const emptied = log('b').bytes()
      assert.equal(await backend.removeLast('b'), false)
      assert.deepEqual(log('b').bytes(), emptied)
    },
  },
  {
    name: 'case 18: garbage only',
    async run({ backend, log }) {
      log('a').write('garbage', '{"no":"role"}', '[1]')
      assert.equal(await backend.removeLast('a'), false)
      assert.deepEqual(await backend.listSessions(), ['a'])
    },
  },
  {
    name: 'case 19: older lines keep their bytes and their fields',
    async run({ backend, log, clock, weather }) {
      const line = `{"id":"r1","at":"${clock.iso}","role":"user","content":"one","n":12345678901234567890,"mood":{"a":[1.0]}}`
      log('a').write(raw.header('a', clock.date), line, { ...raw.message('r2', clock.move(HOUR), 'two'), mood: 'x' })
      const before = log('a').bytes()
      const lastActivity = clock.date
      clock.move(HOUR)
      assert.equal(await backend.removeLast('a'), true)
      if (weather !== 'rewritten') {
        const after = log('a').bytes()
        assert.deepEqual(after.subarray(0, before.length), before)
        assert.equal(log('a').lines().length, 4)
      }
      assert.equal(log('a').lines()[1], line)
      assert.deepEqual(await backend.load('a'), [JSON.parse(line)])
      assert.deepEqual((await backend.getSessionMetadata('a'))?.lastActivity, lastActivity)
    },
  },
  {
    name: 'one removal is one line that names the message',
    only: 'fresh',
    async run({ backend, log, clock }) {
      await backend.append('a', user('one'))
      await backend.append('a', { ...user('two'), id: 'not this one' })
      const line = JSON.parse(log('a').lines()[2]!)
      clock.move(1500)
      await backend.removeLast('a')
      const last = JSON.parse(log('a').lines()[3]!)
      assert.equal(typeof last.id, 'string')
      assert.deepEqual(last, { type: 'remove', id: last.id, at: clock.iso, ids: [line.id] })
      assert.equal(log('a').lines().length, 4)
    },
  },
  {
    name: 'the last message is removed, with any role',
    async run({ backend }) {
      for (const role of ['system', 'user', 'tool', '', 'assistant']) await backend.append('a', { role, content: role })
      for (const left of [4, 3, 2, 1, 0]) {
        assert.equal(await backend.removeLast('a'), true)
        assert.equal((await backend.load('a')).length, left)
      }
    },
  },
  {
    name: 'two removals at once remove two messages',
    async run({ backend }) {
      for (const text of ['one', 'two', 'three']) await backend.append('a', user(text))
      assert.deepEqual(await Promise.all([backend.removeLast('a'), backend.removeLast('a')]), [true, true])
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      assert.deepEqual((await Promise.all([backend.removeLast('a'), backend.removeLast('a')])).sort(), [false, true])
      assert.deepEqual(await texts(backend, 'a'), [])
    },
  },
  {
    name: 'removing and appending in turns',
    async run({ backend }) {
      await backend.append('a', user('one'))
      for (const text of ['two', 'three', 'four']) {
        await backend.append('a', assistant(text))
        assert.equal(await backend.removeLast('a'), true)
      }
      await backend.append('a', assistant('five'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'five'])
      assert.equal(await backend.removeLast('a'), true)
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), [])
    },
  },
  {
    name: 'removeLast takes what another program appended last',
    async run({ backend, log, clock }) {
      await backend.append('a', user('one'))
      log('a').add(raw.message('r2', clock.date, 'two'))
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      log('a').add(raw.message('r3', clock.date, 'three'), raw.remove('x3', clock.date, ['r3']))
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), [])
    },
  },
]
