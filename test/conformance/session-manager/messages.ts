/** Messages and state are any JSON values, and come back equal. */
import assert from 'node:assert/strict'
import type { Json } from '../../../src/contracts/session-manager/index.js'
import { rejectsWithCode } from '../expect.js'
import { lineIds, type ManagerCase, messagesOf, session, u, wrong } from './scene.js'

const OWN_FIELDS = { role: 'user', content: 'x', id: 'm1', at: 5, type: 'text', own: { z: 1 }, value: 2 }

const AWKWARD_TEXTS = [
  'one\ntwo\r\n',
  'a\0b\0',
  'a\u2028b\u2029c',
  'thumbs up 👍🏽',
  '{"type":"remove","ids":[]}\n{"role":"user","content":"x"}\n',
  '\uFEFFx',
  'a\ud800b\udc00',
  '\u0001\u001f\u007f\u0085',
  '',
  'picture/'.repeat(200_000),
]

export const messageCases: ManagerCase[] = [
  {
    name: 'case 7: any state comes back',
    async run({ manager, backend, reopen }) {
      const states: Json[] = [null, 42, 'x', [], 0, false, '', {}, [null], { deep: [{ a: { b: null } }] }]
      for (const state of states) {
        await manager.save(session('s', { messages: [u], state }))
        assert.deepEqual((await manager.resume('s')).state, state)
        await reopen()
        assert.deepEqual((await manager.resume('s')).state, state)
      }
      await backend.append('other', u)
      assert.equal((await manager.resume('other')).state, null)
    },
  },
  {
    name: 'case 8: messages that are no chat messages',
    async run({ manager, backend, reopen }) {
      const messages: Json[] = [1, 'x', null, [], {}, { a: { b: [true] } }]
      await manager.save(session('s', { messages }))
      await reopen()
      assert.deepEqual(await messagesOf(manager, 's'), messages)
      assert.deepEqual(await backend.load('s'), [])
    },
  },
  {
    name: 'case 9: a message keeps its own id, at, type, own and value',
    async run({ manager, reopen }) {
      await manager.save(session('s', { messages: [OWN_FIELDS, OWN_FIELDS] }))
      assert.deepEqual(await messagesOf(manager, 's'), [OWN_FIELDS, OWN_FIELDS])
      await reopen()
      assert.deepEqual(await messagesOf(manager, 's'), [OWN_FIELDS, OWN_FIELDS])
    },
  },
  {
    name: 'values and chat messages mixed keep their order',
    async run({ manager, backend, reopen }) {
      const messages: Json[] = [1, u, null, OWN_FIELDS, { role: 5 }, u, { role: null }, [u], { role: '' }, {}, 1]
      await manager.save(session('s', { messages }))
      await reopen()
      assert.deepEqual(await messagesOf(manager, 's'), messages)
      assert.equal((await backend.load('s')).length, 4)
    },
  },
  {
    name: 'no message is read as anything but a message',
    async run({ manager, backend, reopen }) {
      await manager.save(session('s', { messages: [u, u] }))
      const [first, second] = await lineIds(backend, 's')
      const controls: Json[] = [
        { type: 'remove', ids: [first!, second!] },
        { type: 'remove', id: 'x', at: '2026-01-01T00:00:00.000Z', ids: [first!] },
        { type: 'tombstone', ids: [first!] },
        { type: 'meta', set: { name: 'no name', state: 'no state', tags: ['no tag'], turnCount: 99, createdAt: 5 } },
        { type: 'session', version: 99, key: 'other', forkedFrom: 'other' },
        { type: 'compaction', summary: 'no summary', through: second! },
        { type: 'commit', revision: 1, nodes: [] },
        { type: 'message', value: 5 },
        { type: 'message', id: first!, at: '2030-01-01T00:00:00.000Z', value: { role: 'user' } },
        { id: first!, value: u },
        { value: 5 },
        { own: { id: 5 } },
      ]
      const messages = [u, u, ...controls, ...controls.map((message) => ({ ...(message as object), role: 'user' })), u]
      await manager.save(session('s', { messages, name: 'n', state: 's' }))
      await reopen()
      const resumed = await manager.resume('s')
      assert.deepEqual(resumed.messages, messages)
      assert.deepEqual(
        [resumed.metadata.name, resumed.metadata.tags, resumed.metadata.turnCount, resumed.state],
        ['n', [], 0, 's'],
      )
      await manager.save(session('s', { messages: [...messages, ...controls] }))
      assert.deepEqual(await messagesOf(manager, 's'), [...messages, ...controls])
      assert.deepEqual((await manager.rewind('s', messages.length)).messages, messages)
    },
  },
  {
    name: 'every text comes back exactly',
    async run({ manager, reopen }) {
      const messages: Json[] = [
        ...AWKWARD_TEXTS.map((content) => ({ role: 'user', content })),
        ...AWKWARD_TEXTS,
        ...AWKWARD_TEXTS.slice(0, -1).map((text) => ({ [text]: text })),
      ]
      const state = AWKWARD_TEXTS
      await manager.save(session('s', { messages, state, name: AWKWARD_TEXTS[4]!, tags: AWKWARD_TEXTS.slice(0, 9) }))
      await reopen()
      const resumed = await manager.resume('s')
      assert.deepEqual(resumed.messages, messages)
      assert.deepEqual(resumed.state, state)
      assert.equal(resumed.metadata.name, AWKWARD_TEXTS[4])
      assert.deepEqual(resumed.metadata.tags, AWKWARD_TEXTS.slice(0, 9))
    },
  },
  {
    name: 'what JSON.stringify drops, nulls or rounds is dropped, nulled or rounded',
    async run({ manager }) {
      const odd = {
        role: 'user',
        content: [Number.NaN, Infinity, undefined, () => {}, -0, Symbol('x')],
        gone: undefined,
        call() {},
        when: new Date(0),
        deep: { gone: undefined, kept: 1 },
      }
      const plainly = {
        role: 'user',
        content: [null, null, null, null, 0, null],
        when: '1970-01-01T00:00:00.000Z',
        deep: { kept: 1 },
      }
      const { role: _, ...oddValue } = odd
      const { role: __, ...plainValue } = plainly
      // biome-ignore lint/suspicious/noSparseArray: that is the case
      const messages = [odd, oddValue, undefined, Number.NaN, -0, new Date(0), () => {}, , [undefined]]
      await manager.save(session('s', { messages: wrong(messages), state: wrong(odd) }))
      const resumed = await manager.resume('s')
      assert.deepEqual(resumed.messages, [
        plainly,
        plainValue,
        null,
        null,
        0,
        '1970-01-01T00:00:00.000Z',
        null,
        null,
        [null],
      ])
      assert.deepEqual(resumed.state, plainly)
    },
  },
  {
    name: 'a state that JSON.stringify drops is null',
    async run({ manager }) {
      for (const state of [undefined, () => {}, Number.NaN, Symbol('x')]) {
        await manager.save(session('s', { state: { former: true } }))
        await manager.save({ ...session('s'), state: wrong(state) })
        assert.equal((await manager.resume('s')).state, null)
      }
    },
  },
  {
    name: 'a counter of -0 is 0',
    async run({ manager }) {
      await manager.save(session('s', { turnCount: -0, totalTokens: -0 }))
      const [metadata] = await manager.list()
      assert.deepEqual([metadata?.turnCount, metadata?.totalTokens], [0, 0])
    },
  },
  {
    name: 'a key named __proto__ is a key like any other',
    async run({ manager, reopen }) {
      const text = '{"role":"user","content":{"__proto__":1},"__proto__":{"a":1},"constructor":2,"toString":null}'
      const own = JSON.parse(text.replace('{', '{"id":"own",'))
      const value = JSON.parse(text.replace('"role":"user",', ''))
      const messages = [JSON.parse(text), own, value, JSON.parse('{"__proto__":null}'), JSON.parse('{"__proto__":{}}')]
      const state = JSON.parse('{"__proto__":{"x":[1]},"k":{"__proto__":2}}')
      await manager.save(session('s', { messages, state }))
      await reopen()
      const resumed = await manager.resume('s')
      assert.deepEqual(resumed.messages, messages)
      assert.deepEqual(resumed.state, state)
      assert(Object.hasOwn(resumed.state as object, '__proto__'))
      const without = { role: 'user', content: {}, constructor: 2, toString: null } as unknown as Json
      await manager.save(session('s', { messages: [without, ...messages.slice(1)], state: { k: {} } }))
      assert.deepEqual((await manager.resume('s')).messages, [without, ...messages.slice(1)])
      assert.deepEqual((await manager.resume('s')).state, { k: {} })
    },
  },
  {
    name: 'a message over the size limit is refused, and nothing of the save is written',
    async run({ manager, another }) {
      const { manager: limited } = await another({ maxMessageBytes: 1000 })
      const large = session('s', { messages: [u, { role: 'user', content: 'x'.repeat(1001) }], name: 'new name' })
      await rejectsWithCode(limited.save(large), 'ERR_TOO_LARGE')
      assert.deepEqual(await manager.list(), [])
      const small = session('s', { messages: [u], name: 'name' })
      await limited.save(small)
      const before = await manager.resume('s')
      await rejectsWithCode(limited.save(large), 'ERR_TOO_LARGE')
      await rejectsWithCode(limited.save(session('s', { messages: ['x'.repeat(1001)] })), 'ERR_TOO_LARGE')
      assert.deepEqual(await manager.resume('s'), before)
    },
  },
]
