/** Appending and loading: given is what comes back. */
import assert from 'node:assert/strict'
import type { ChatMessage } from '../../../src/contracts/session-backend/index.js'
import { assistant, type BackendCase, contents, given, texts, user } from './scene.js'

const cycle: Record<string, unknown> = { role: 'user' }
cycle.self = cycle

const NO_MESSAGES: ReadonlyArray<[what: string, message: unknown]> = [
  ['null', null],
  ['a string', 'text'],
  ['no role', { content: 'x' }],
  ['a number as role', { role: 5 }],
  ['a bigint', { role: 'user', content: 10n }],
  ['nothing', undefined],
  ['an array', [{ role: 'user' }]],
  ['null as role', { role: null, content: 'x' }],
  ['a cycle', cycle],
  ['a bigint deep inside', { role: 'user', content: 'x', meta: { a: [{ b: 1n }] } }],
]

const AWKWARD_TEXTS: ReadonlyArray<[what: string, content: string]> = [
  ['a line feed', 'one\ntwo\n'],
  ['CR and LF', 'one\r\ntwo\r'],
  ['a tab', 'a\tb'],
  ['NUL', 'a\0b\0'],
  ['U+2028', 'a\u2028b\u2029c'],
  ['emoji', 'thumbs up 👍🏽 👨‍👩‍👧'],
  ['JSON', '{"'],
  ['a whole line', '{"type":"remove","ids":[]}\n{"role":"user","content":"x"}\n'],
  ['nothing', ''],
  ['white space', '  \u3000 '],
  ['a byte order mark', '\uFEFFx'],
  ['lone surrogates', 'a\ud800b\udc00'],
  ['controls', '\u0001\u001f\u007f\u0085'],
  ['several MB', 'picture/'.repeat(400_000)],
]

export const messageCases: BackendCase[] = [
  {
    name: 'case 1: two messages come back in order',
    async run({ backend }) {
      await backend.append('a', user('hello'))
      await backend.append('a', assistant('hi there'))
      const messages = await backend.load('a')
      assert.deepEqual(messages.map(given), [user('hello'), assistant('hi there')])
    },
  },
  {
    name: 'case 3: further fields come back, with an id and a time beside them',
    async run({ backend, clock, reopen }) {
      const message = { role: 'user', content: 'x', name: 'ann', meta: { a: [1, null] } }
      await backend.append('a', message)
      await reopen()
      const [stored, ...others] = await backend.load('a')
      assert(stored)
      assert.deepEqual(others, [])
      assert.deepEqual(given(stored), message)
      assert.equal(typeof stored.id, 'string')
      assert.equal(stored.at, clock.iso)
    },
  },
  {
    name: 'case 4: a message keeps its own id, at and type',
    async run({ backend, reopen }) {
      const message = { id: 'm1', at: 7, type: 'note', role: 'user', content: 'x' }
      await backend.append('a', message)
      await backend.append('a', message)
      assert.deepEqual(await backend.load('a'), [message, message])
      await reopen()
      assert.deepEqual(await backend.load('a'), [message, message])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
    },
  },
  {
    name: 'case 5: what is no message is refused and makes no session',
    async run({ backend, snapshot }) {
      const before = snapshot()
      for (const [what, message] of NO_MESSAGES) {
        await assert.rejects(backend.append('a', message as ChatMessage), TypeError, what)
      }
      assert.deepEqual(await backend.listSessions(), [])
      assert.deepEqual(await backend.load('a'), [])
      assert.deepEqual(snapshot(), before)
    },
  },
  {
    name: 'what is no message changes nothing in a session either',
    async run({ backend, log }) {
      await backend.append('a', user('x'))
      const before = log('a').bytes()
      for (const [what, message] of NO_MESSAGES) {
        await assert.rejects(backend.append('a', message as ChatMessage), TypeError, what)
      }
      assert.deepEqual(log('a').bytes(), before)
      assert.deepEqual(await texts(backend, 'a'), ['x'])
    },
  },
  {
    name: 'case 6: every text comes back exactly',
    async run({ backend, reopen }) {
      for (const [, content] of AWKWARD_TEXTS) await backend.append('a', user(content))
      await reopen()
      const loaded = await texts(backend, 'a')
      assert.equal(loaded.length, AWKWARD_TEXTS.length)
      AWKWARD_TEXTS.forEach(([what, content], i) => {
        assert(loaded[i] === content, what)
      })
    },
  },
  {
    name: 'case 6: a message with any text is one line',
    only: 'fresh',
    async run({ backend, log }) {
      await backend.append('a', user('first'))
      for (const [what, content] of AWKWARD_TEXTS) {
        const before = log('a').lines().length
        await backend.append('a', user(content))
        assert.equal(log('a').lines().length, before + 1, what)
        assert(log('a').text().endsWith('\n'), what)
      }
    },
  },
  {
    name: 'case 7: 100 appends at once land in call order',
    async run({ backend }) {
      const numbers = Array.from({ length: 100 }, (_, i) => i)
      await Promise.all(numbers.map((n) => backend.append('a', user(n))))
      assert.deepEqual(await texts(backend, 'a'), numbers)
    },
  },
  {
    name: 'appends to many sessions at once do not mix',
    async run({ backend }) {
      const numbers = Array.from({ length: 60 }, (_, i) => i)
      const keys = ['a', 'b', 'C']
      await Promise.all(numbers.map((n) => backend.append(keys[n % 3]!, user(n))))
      for (const [i, key] of keys.entries()) {
        assert.deepEqual(
          await texts(backend, key),
          numbers.filter((n) => n % 3 === i),
        )
      }
    },
  },
  {
    name: 'case 8: an append changes no byte that is there',
    only: 'fresh',
    async run({ backend, log }) {
      await backend.append('a', user('one'))
      const before = log('a').bytes()
      await backend.append('a', user('two'))
      const after = log('a').bytes()
      assert(after.length > before.length)
      assert.deepEqual(after.subarray(0, before.length), before)
    },
  },
  {
    name: 'content may be anything that JSON can hold, and role any string',
    async run({ backend, reopen }) {
      const messages: ChatMessage[] = [
        { role: 'user', content: [{ type: 'text', text: 'x' }, null, 5] },
        { role: 'tool', content: null },
        { role: 'user', content: { a: { b: [true, false] } } },
        { role: 'user', content: 0.1 },
        { role: 'assistant' },
        { role: '', content: '' },
        { role: 'something else', content: false },
      ]
      for (const message of messages) await backend.append('a', message)
      await reopen()
      assert.deepEqual((await backend.load('a')).map(given), messages)
    },
  },
  {
    name: 'what JSON.stringify drops or turns into null is dropped or null',
    async run({ backend }) {
      const message = {
        role: 'user',
        content: [Number.NaN, Infinity, undefined, () => {}, -0],
        gone: undefined,
        call() {},
        when: new Date(0),
        deep: { gone: undefined, kept: 1 },
      }
      await backend.append('a', message as unknown as ChatMessage)
      const [stored] = await backend.load('a')
      assert.deepEqual(given(stored!), {
        role: 'user',
        content: [null, null, null, null, 0],
        when: '1970-01-01T00:00:00.000Z',
        deep: { kept: 1 },
      })
    },
  },
  {
    name: 'a field named __proto__ is a field like any other',
    async run({ backend, reopen }) {
      const text = '{"role":"user","content":"x","__proto__":{"a":1},"constructor":2,"meta":{"__proto__":3}}'
      await backend.append('a', JSON.parse(text))
      await backend.append('a', JSON.parse(text.replace('{', '{"id":"own",')))
      await reopen()
      const loaded = await backend.load('a')
      assert.deepEqual(loaded.map(given), [JSON.parse(text), JSON.parse(text)])
      assert.equal(loaded[1]?.id, 'own')
    },
  },
  {
    name: 'a message is read at the call',
    only: 'fresh',
    async run({ backend }) {
      const message = { role: 'user', content: ['x'], meta: { a: 1 } }
      const appended = backend.append('a', message)
      message.content.push('later')
      message.meta.a = 2
      message.role = 'later'
      await appended
      message.content.push('much later')
      assert.deepEqual((await backend.load('a')).map(given), [{ role: 'user', content: ['x'], meta: { a: 1 } }])
    },
  },
  {
    name: 'loaded messages are copies',
    async run({ backend }) {
      await backend.append('a', { role: 'user', content: ['x'], meta: { a: 1 } })
      const first = await backend.load('a')
      const copy = structuredClone(first)
      ;(first[0]!.content as string[]).push('changed')
      first[0]!.role = 'changed'
      first.push(first[0]!)
      assert.deepEqual(await backend.load('a'), copy)
    },
  },
  {
    name: 'a load sees what another program appended, before and after one of ours',
    async run({ backend, log, clock }) {
      await backend.append('a', user('one'))
      log('a').add({ role: 'user', content: 'two', id: 'by-hand', at: clock.iso })
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      await backend.append('a', user('three'))
      log('a').add({ role: 'user', content: 'four', id: 'by-hand-too', at: clock.iso })
      await backend.append('a', user('five'))
      assert.deepEqual(contents(await backend.load('a')), ['one', 'two', 'three', 'four', 'five'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 5)
    },
  },
  {
    name: 'a load changes nothing on disk',
    only: 'fresh',
    async run({ backend, log, snapshot, reopen }) {
      log('a').write('{"role":"user","content":"x"}', 'damage', '{"role":"user","content":"x"}')
      log('a').addBytes('{"role":"us')
      await reopen()
      const before = snapshot()
      assert.deepEqual(await texts(backend, 'a'), ['x', 'x'])
      assert.deepEqual(snapshot(), before)
    },
  },
  {
    name: 'a message over the size limit is refused whole',
    async run({ another, backend }) {
      const limited = await another({ maxMessageBytes: 1000 })
      const tooLarge = { code: 'ERR_TOO_LARGE' }
      await assert.rejects(limited.append('a', user('x'.repeat(1001))), tooLarge)
      assert.deepEqual(await backend.listSessions(), [])
      await limited.append('a', user('small'))
      await assert.rejects(limited.append('a', user('x'.repeat(1001))), tooLarge)
      assert.deepEqual(await texts(backend, 'a'), ['small'])
    },
  },
]
