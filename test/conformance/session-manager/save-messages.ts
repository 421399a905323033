/** save: what is there already stays, only the rest is removed and added. */
import assert from 'node:assert/strict'
import type { Json } from '../../../src/contracts/session-manager/index.js'
import { SECOND } from '../clock.js'
import {
  a,
  a2,
  addedLines,
  kindOf,
  lineIds,
  type ManagerCase,
  messagesOf,
  metadataOf,
  session,
  three,
  u,
  u2,
  wrong,
} from './scene.js'

const m = (content: string) => ({ role: 'user', content })
/** Each list is saved over the one before. */
const HISTORIES: ReadonlyArray<[what: string, lists: Json[][]]> = [
  ['grows and shrinks', [[m('1')], [m('1'), m('2')], [m('1')], [], [m('1')]]],
  ['changes at the start', [[m('1'), m('2'), m('3')], [m('0'), m('2'), m('3')], [m('2'), m('3')], [m('3')]]],
  [
    'changes in the middle',
    [
      [m('1'), m('2'), m('3')],
      [m('1'), m('x'), m('2'), m('3')],
      [m('1'), m('3')],
    ],
  ],
  [
    'is turned around',
    [
      [m('1'), m('2'), m('3')],
      [m('3'), m('2'), m('1')],
      [m('1'), m('2'), m('3')],
    ],
  ],
  ['repeats itself', [[m('1'), m('1')], [m('1'), m('1'), m('1')], [m('1')], [m('1'), m('2'), m('1'), m('1')]]],
  [
    'is of values',
    [
      [1, 'x', null],
      [1, 'x', null, []],
      [1, null],
      [[], {}],
      [{}, []],
      [u, 1, a],
      [u, 1],
    ],
  ],
  ['changes its form', [[{ role: 'user' }], [{ role: 5 }], [{ role: 'user', id: 'x' }], ['user'], [{ role: 'user' }]]],
]

export const saveMessageCases: ManagerCase[] = [
  {
    name: 'case 30: two more messages are two more lines',
    only: 'fresh',
    async run({ manager, backend, log }) {
      await manager.save(three())
      const ids = await lineIds(backend, 's')
      const added = await addedLines(log('s'), () => manager.save(three({ messages: [u, a, u, a2, u2] })))
      assert.deepEqual(
        added.filter((line) => kindOf(line) !== 'meta').map(({ role, content }) => ({ role, content })),
        [a2, u2],
      )
      assert.deepEqual((await lineIds(backend, 's')).slice(0, 3), ids)
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, a2, u2])
    },
  },
  {
    name: 'case 30: messages that stay keep their ids and times',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      const before = await backend.load('s')
      clock.move(SECOND)
      await manager.save(three({ messages: [u, a, u, a2, u2] }))
      const after = await backend.load('s')
      assert.deepEqual(after.slice(0, 3), before)
      assert.deepEqual(
        after.slice(3).map(({ at }) => at),
        [clock.iso, clock.iso],
      )
    },
  },
  {
    name: 'case 31: a changed message, and one less',
    async run({ manager, backend }) {
      await manager.save(three())
      const [first] = await lineIds(backend, 's')
      await manager.save(three({ messages: [u, a2, u] }))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a2, u])
      assert.equal((await lineIds(backend, 's'))[0], first)
      await manager.save(three({ messages: [u, a2] }))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a2])
      assert.equal((await lineIds(backend, 's'))[0], first)
    },
  },
  {
    name: 'case 32: the same again adds no message and removes none',
    only: 'fresh',
    async run({ manager, log, clock }) {
      const given = three()
      await manager.save(given)
      const { updatedAt } = await metadataOf(manager, 's')
      clock.move(SECOND)
      const added = await addedLines(log('s'), () => manager.save(given))
      assert.deepEqual(added.map(kindOf), ['meta'])
      assert.equal((await metadataOf(manager, 's')).updatedAt, updatedAt + 1)
    },
  },
  {
    name: 'case 32: the same again moves updatedAt',
    async run({ manager, clock, reopen }) {
      const given = three()
      await manager.save(given)
      const before = await manager.resume('s')
      clock.move(SECOND)
      await manager.save(given)
      await reopen()
      const { updatedAt } = before.metadata
      assert.deepEqual(await manager.resume('s'), {
        ...before,
        metadata: { ...before.metadata, updatedAt: updatedAt + 1 },
      })
    },
  },
  ...HISTORIES.map(([what, lists]): ManagerCase => {
    return {
      name: `a conversation that ${what}`,
      async run({ manager, reopen }) {
        for (const messages of lists) {
          await manager.save(session('s', { messages }))
          assert.deepEqual(await messagesOf(manager, 's'), messages)
        }
        await reopen()
        assert.deepEqual(await messagesOf(manager, 's'), lists.at(-1))
        assert.equal((await manager.list()).length, 1)
      },
    }
  }),
  {
    name: 'messages are the same in any order of their fields',
    async run({ manager, backend }) {
      const parts = [{ type: 'text', text: 'x', more: { a: 1, b: 2 } }]
      const turned = [{ more: { b: 2, a: 1 }, text: 'x', type: 'text' }]
      await manager.save(
        session('s', {
          messages: [
            { role: 'user', content: parts },
            { role: 'user', id: 'own', at: 5, own: {} },
            { x: { c: 1, d: 2 } },
          ],
        }),
      )
      const ids = await lineIds(backend, 's')
      const same = [
        { content: turned, role: 'user' },
        { own: {}, at: 5, id: 'own', role: 'user' },
        { x: { d: 2, c: 1 } },
      ]
      await manager.save(session('s', { messages: [...same, u] }))
      assert.deepEqual((await lineIds(backend, 's')).slice(0, 2), ids.slice(0, 2))
      assert.deepEqual(await messagesOf(manager, 's'), [...same, u])
    },
  },
  {
    name: 'messages are the same when JSON makes them the same',
    only: 'fresh',
    async run({ manager, log }) {
      await manager.save(
        session('s', { messages: [{ role: 'user', content: [0, null, null], at: '1970-01-01' }, null] }),
      )
      const again = [
        { role: 'user', content: [-0, Number.NaN, undefined], at: '1970-01-01', gone: undefined, call() {} },
        Number.POSITIVE_INFINITY,
      ]
      const added = await addedLines(log('s'), () => manager.save(session('s', { messages: wrong(again) })))
      assert.deepEqual(added.map(kindOf), ['meta'])
    },
  },
  {
    name: 'messages that differ a little are not the same',
    async run({ manager }) {
      const variants: Json[] = [
        { role: 'user', content: 'x' },
        { role: 'user', content: 'X' },
        { role: 'user', content: 'x', more: null },
        { role: 'user', content: ['x'] },
        { role: 'user', content: { 0: 'x' } },
        { role: 'user', content: '' },
        { role: 'user', content: null },
        { role: 'user' },
        { role: 'user', content: 0 },
        { role: 'user', content: '0' },
        { role: 'user', content: false },
        { role: 'user', content: [] },
        { role: 'user', content: {} },
        { role: 'user', content: '\u00e9' },
        { role: 'user', content: 'e\u0301' },
      ]
      for (const message of variants) {
        await manager.save(session('s', { messages: [message, u] }))
        assert.deepEqual(await messagesOf(manager, 's'), [message, u])
      }
    },
  },
  {
    name: 'only the messages behind the first difference are new',
    only: 'fresh',
    async run({ manager, backend, log }) {
      await manager.save(session('s', { messages: [m('1'), m('2'), m('3')] }))
      const [, second, third] = await lineIds(backend, 's')
      const added = await addedLines(log('s'), () => manager.save(session('s', { messages: [m('1'), m('x'), m('3')] })))
      const kinds = added.map(kindOf).filter((kind) => kind !== 'meta')
      assert.deepEqual(kinds, ['message', 'message', 'remove'], 'what is added stands before what is removed')
      assert.deepEqual(added.find((line) => kindOf(line) === 'remove')?.ids, [second, third])
    },
  },
  {
    name: 'what others removed is added again',
    async run({ manager, backend }) {
      await manager.save(three())
      const ids = await lineIds(backend, 's')
      await backend.removeLast('s')
      await manager.save(three())
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u])
      const now = await lineIds(backend, 's')
      assert.deepEqual(now.slice(0, 2), ids.slice(0, 2))
      assert.notEqual(now[2], ids[2])
    },
  },
  {
    name: 'a large state that stays costs nothing',
    only: 'fresh',
    async run({ manager, log, clock }) {
      const state = { files: Array.from({ length: 2000 }, (_, i) => `a file with a rather long name, number ${i}`) }
      await manager.save(three({ state }))
      clock.move(SECOND)
      const before = log('s').bytes().length
      await manager.save(three({ state: structuredClone(state) }))
      assert(log('s').bytes().length - before < 1000)
      await manager.save(three({ state: { ...state, more: 1 }, messages: [u, a, u, a2] }))
      assert.deepEqual(await manager.resume('s').then(({ state }) => state), { ...state, more: 1 })
    },
  },
]
