/** Torn tails and damaged lines: each costs only itself. */
import assert from 'node:assert/strict'
import { assistant, type BackendCase, raw, texts, user } from './scene.js'

const HALF = '{"id":"torn","role":"user","content":"half a li'

export const damageCases: BackendCase[] = [
  {
    name: 'case 9: the next message does not join a half line at the end',
    async run({ backend, log }) {
      await backend.append('a', user('one'))
      await backend.append('a', user('two'))
      log('a').addBytes(HALF)
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
      await backend.append('a', user('three'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two', 'three'])
    },
  },
  {
    name: 'case 9: a half line is there when the session is opened',
    async run({ backend, log, reopen }) {
      await backend.append('a', user('one'))
      await reopen(() => log('a').addBytes(HALF))
      await backend.append('a', user('three'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'three'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
    },
  },
  {
    name: 'case 9: a whole line that lacks its line feed counts',
    async run({ backend, log, clock }) {
      await backend.append('a', user('one'))
      log('a').addBytes(JSON.stringify(raw.message('r2', clock.date, 'two')))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
      await backend.append('a', user('three'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two', 'three'])
    },
  },
  {
    name: 'removeLast and setSessionName do not join what lacks its line feed either',
    async run({ backend, log, clock }) {
      await backend.append('a', user('one'))
      log('a').addBytes(JSON.stringify(raw.message('r2', clock.date, 'two')))
      await backend.setSessionName('a', 'named')
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      log('a').addBytes(JSON.stringify(raw.message('r3', clock.date, 'three')))
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      log('a').addBytes(HALF)
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      assert.equal(await backend.getSessionName('a'), 'named')
    },
  },
  {
    name: 'a run of NUL bytes at the end is a torn tail',
    async run({ backend, log }) {
      await backend.append('a', user('one'))
      log('a').addBytes(Buffer.alloc(5000))
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      await backend.append('a', user('two'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
    },
  },
  {
    name: 'a torn tail that ends inside a character costs only itself',
    async run({ backend, log }) {
      await backend.append('a', user('one'))
      log('a').addBytes(Buffer.from('{"role":"user","content":"世界').subarray(0, -1))
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      await backend.append('a', user('two'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
    },
  },
  {
    name: 'case 10: a line that is not JSON costs only itself',
    async run({ backend, log, clock, weather }) {
      log('a').write(
        raw.message('r1', clock.date, 'hello'),
        'this is not valid json',
        raw.message('r2', clock.date, 'world', 'assistant'),
      )
      const before = log('a').bytes()
      const loaded = await backend.load('a')
      assert.deepEqual(loaded, [
        { ...user('hello'), id: 'r1', at: clock.iso },
        { ...assistant('world'), id: 'r2', at: clock.iso },
      ])
      if (weather !== 'rewritten') assert.deepEqual(log('a').bytes(), before)
    },
  },
  {
    name: 'case 11: of bad bytes, CR LF and blank lines only the bad bytes cost a line',
    async run({ backend, log }) {
      log('a').write(
        '{"role":"user","content":"one"}\r',
        Buffer.from('{"role":"user","content":"caf\xe9"}', 'latin1'),
        '',
        '{"role":"user","content":"two"}\r',
        '  \t\r',
        '\r',
        '{"role":"user","content":"three"}',
        '',
      )
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two', 'three'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 3)
      await backend.append('a', user('four'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two', 'three', 'four'])
    },
  },
  {
    name: 'white space around a line and a byte order mark at the start are not damage',
    only: 'fresh',
    async run({ backend, log, pathsHolding }) {
      log('a').write('\uFEFF{"role":"user","content":"one"}', ' \t {"role":"user","content":"two"}  \r', '', '   ')
      const before = log('a').bytes()
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      await backend.compact('a')
      assert.deepEqual(log('a').bytes(), before)
      assert.deepEqual(pathsHolding('quarantine/'), [])
    },
  },
  {
    name: 'case 12: lines of another shape are no messages',
    async run({ backend, log }) {
      log('a').write('["user","hi"]', '42', '"x"', '{"role":5,"content":"x"}')
      assert.deepEqual(await backend.load('a'), [])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 0)
      assert.deepEqual(await backend.listSessions(), ['a'])
      // a file in which no line is one of a session is none, and is not written to
      const before = log('a').bytes()
      await assert.rejects(backend.append('a', user('hi')), { code: 'ERR_NOT_A_LOG' })
      assert.deepEqual(log('a').bytes(), before)
      log('a').add('{"role":"user","content":"one"}')
      await backend.append('a', user('hi'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'hi'])
    },
  },
  {
    name: 'damage stays in the log when something is appended or removed',
    only: 'fresh',
    async run({ backend, log }) {
      log('a').write('{"role":"user","content":"one"}', 'damage', '{"role":"user","content":"two"}')
      await backend.append('a', user('three'))
      await backend.removeLast('a')
      await backend.removeLast('a')
      assert.equal(log('a').lines()[1], 'damage')
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
  {
    name: 'an empty log is a session without messages',
    async run({ backend, log }) {
      log('a').write()
      assert.deepEqual(await backend.listSessions(), ['a'])
      assert.deepEqual(await backend.load('a'), [])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 0)
      assert.equal(await backend.removeLast('a'), false)
      await backend.append('a', user('one'))
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
]
