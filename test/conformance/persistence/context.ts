/** What the model sees: active messages without broken tool calls. */
import assert from 'node:assert/strict'
import type { NewMessage } from '../../../src/contracts/persistence/index.js'
import { all, calls, context, insert } from './notation.js'
import { create, idsOf, type PersistenceCase } from './scene.js'

/** A conversation, and what of it is shown; nothing when all of it is. */
const PRUNED: ReadonlyArray<[what: string, given: string[], shown?: string[]]> = [
  [
    'two calls answered in the other order',
    ['u q', 'A[x,y]', 'T y', 'T x', 'a done'],
    ['u q', 'A[x,y]', 'T x', 'T y', 'a done'],
  ],
  [
    'a call answered after a user message',
    ['A[x,y]', 'T x', 'u meanwhile', 'T y'],
    ['A[x,y]', 'T x', 'T y', 'u meanwhile'],
  ],
  [
    'a call answered after another text',
    ['A[x] text', 'a thinking', 'system note', 'T x', 'u next'],
    ['A[x] text', 'T x', 'a thinking', 'system note', 'u next'],
  ],
  ['a half-answered call that a user message closes', ['u q', 'A[x,y] text', 'T x', 'u next'], ['u q', 'u next']],
  ['an open call before the last calls', ['u q', 'A[x]', 'A[y]', 'T y'], ['u q', 'A[y]', 'T y']],
  ['an open call before pending ones', ['u q', 'A[x] text', 'A[y]'], ['u q', 'A[y]']],
  [
    'calls of two answers that overlap',
    ['A[x]', 'A[y]', 'T x', 'T y', 'u next'],
    ['A[x]', 'T x', 'A[y]', 'T y', 'u next'],
  ],
  ['a result before its call', ['u q', 'T x', 'A[x]', 'u next'], ['u q', 'u next']],
  ['a result before its call, and one behind it', ['T x early', 'A[x]', 'T x'], ['A[x]', 'T x']],
  ['a result without a call among good ones', ['A[x]', 'T z', 'T x', 'T y', 'u q'], ['A[x]', 'T x', 'u q']],
  ['the latest of several results', ['A[x]', 'T x one', 'T x two', 'T x three', 'u q'], ['A[x]', 'T x three', 'u q']],
  [
    'the latest result, behind its call',
    ['A[x,y]', 'T x one', 'T y', 'u meanwhile', 'T x two', 'a done'],
    ['A[x,y]', 'T x two', 'T y', 'u meanwhile', 'a done'],
  ],
  ['an id that is used again', ['A[x]', 'T x one', 'u q', 'A[x]', 'T x two', 'a done']],
  [
    'an id that is used again before it was answered: the result goes to the nearest',
    ['A[x] first', 'A[x] second', 'T x', 'u q'],
    ['A[x] second', 'T x', 'u q'],
  ],
  [
    'a second result behind a second call of the id',
    ['A[x] first', 'T x one', 'A[x] second', 'T x two', 'T x three', 'u q'],
    ['A[x] first', 'T x one', 'A[x] second', 'T x three', 'u q'],
  ],
  ['the same id twice in one message', ['A[x,x]', 'T x', 'u q']],
  ['nothing but results', ['T x', 'T y'], []],
]

/** Values of `toolCalls` in which there is no call. */
const NO_CALLS = ['', '[]', '{}', '{"id":"x"}', '"x"', 'null', '42', 'not json', '[{"id":5},{"name":"x"},null,"x",[]]']

export const contextCases: PersistenceCase[] = [
  {
    name: 'case 21: a call and its result',
    async run({ persistence }) {
      const id = await create(persistence)
      const ids = await insert(persistence, id, 'u q', 'A[t1]', 'T t1')
      assert.deepEqual(await context(persistence, id), ['u q', 'A[t1]', 'T t1'])
      const messages = await persistence.loadContext(id)
      assert.deepEqual(idsOf(messages), ids)
      assert.equal(messages[1]?.toolCalls, calls('t1'))
      assert.equal(messages[2]?.toolCallId, 't1')
    },
  },
  {
    name: 'case 22: a call that was never answered is hidden, on the disk it stays',
    async run({ persistence, log, weather }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u u1', 'A[t2] text', 'u u2')
      const before = log(id).bytes()
      assert.deepEqual(await context(persistence, id), ['u u1', 'u u2'])
      assert.deepEqual(await all(persistence, id), ['u u1', 'A[t2] text', 'u u2'])
      if (weather === 'fresh') assert.deepEqual(log(id).bytes(), before)
    },
  },
  {
    name: 'case 23: pending calls are shown',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u q', 'A[t1] text')
      assert.deepEqual(await context(persistence, id), ['u q', 'A[t1] text'])
      assert.equal(await persistence.hasPendingToolCalls(id), true)
    },
  },
  {
    name: 'case 24: a result without a call is hidden',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u q', 'T x')
      assert.deepEqual(await context(persistence, id), ['u q'])
      assert.deepEqual(await all(persistence, id), ['u q', 'T x'])
    },
  },
  {
    name: 'case 25: an assistant without text and calls is hidden, a blank user is not',
    async run({ persistence }) {
      const id = await create(persistence)
      const given: NewMessage[] = [
        { role: 'assistant', content: null },
        { role: 'assistant', content: ' \n ' },
        { role: 'user', content: ' ' },
        { role: 'assistant', content: ' ', toolCalls: calls('t1') },
        { role: 'tool', content: 'result', toolCallId: 't1' },
      ]
      const ids = await insert(persistence, id, ...given)
      assert.deepEqual(idsOf(await persistence.loadContext(id)), ids.slice(2))
      assert.deepEqual(idsOf(await persistence.loadAllMessages(id)), ids)
    },
  },
  {
    name: 'case 26: calls that cannot be read are none',
    async run({ persistence }) {
      const id = await create(persistence)
      const [empty, broken] = await insert(
        persistence,
        id,
        { role: 'assistant', content: 'text', toolCalls: '[]' },
        { role: 'assistant', content: 'text', toolCalls: 'not json' },
        'T q',
      )
      assert.deepEqual(idsOf(await persistence.loadContext(id)), [empty, broken])
      assert.equal(await persistence.hasPendingToolCalls(id), false)
    },
  },
  {
    name: 'case 27: a system message stays in its place',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u q', 'system note', 'a answer')
      assert.deepEqual(await context(persistence, id), ['u q', 'system note', 'a answer'])
      assert.equal((await persistence.loadContext(id))[1]?.kind, undefined)
    },
  },
  ...PRUNED.map(([what, given, shown = given]): PersistenceCase => {
    return {
      name: `pruning: ${what}`,
      async run({ persistence }) {
        const id = await create(persistence)
        await insert(persistence, id, ...given)
        assert.deepEqual(await context(persistence, id), shown)
        assert.deepEqual(await all(persistence, id), given)
      },
    }
  }),
  {
    name: 'pruning: of several results each keeps its id and time',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      const ids = await insert(persistence, id, 'A[x]', 'T x one', 'u q')
      clock.move(1)
      const [last] = await insert(persistence, id, 'T x two')
      const messages = await persistence.loadContext(id)
      assert.deepEqual(idsOf(messages), [ids[0], last, ids[2]])
      assert.equal(messages[1]?.at, clock.iso)
    },
  },
  {
    name: 'pruning: a message without calls is shown if it has text',
    async run({ persistence }) {
      for (const toolCalls of NO_CALLS) {
        const id = await create(persistence)
        const [texted] = await insert(
          persistence,
          id,
          { role: 'assistant', content: 'text', toolCalls },
          { role: 'assistant', content: '\t', toolCalls },
          { role: 'assistant', content: null, toolCalls },
          'T x',
        )
        assert.deepEqual(idsOf(await persistence.loadContext(id)), [texted], toolCalls)
        assert.equal(await persistence.hasPendingToolCalls(id), false, toolCalls)
      }
    },
  },
  {
    name: 'pruning: only the string ids of calls count',
    async run({ persistence }) {
      const id = await create(persistence)
      const toolCalls = ' [ {"id": 7}, {"name": "no id"}, {"id": "x", "more": [1.0, {"id": "y"}]} ] '
      await insert(persistence, id, { role: 'assistant', toolCalls }, 'T y', 'T 7', 'T x', 'u next')
      const messages = await persistence.loadContext(id)
      assert.deepEqual(
        messages.map(({ role, toolCallId }) => [role, toolCallId]),
        [
          ['assistant', null],
          ['tool', 'x'],
          ['user', null],
        ],
      )
      assert.equal(messages[0]?.toolCalls, toolCalls)
    },
  },
  {
    name: 'pruning: calls of a user, and a call id of an assistant, mean nothing',
    async run({ persistence }) {
      const id = await create(persistence)
      const ids = await insert(
        persistence,
        id,
        { role: 'user', content: 'q', toolCalls: calls('x') },
        'T x',
        { role: 'system', content: 'note', toolCalls: calls('y') },
        'A[z]',
        { role: 'assistant', content: 'text', toolCallId: 'z' },
        { role: 'user', content: 'next', toolCallId: 'z' },
      )
      const shown = [0, 2, 4, 5].map((i) => ids[i])
      assert.deepEqual(idsOf(await persistence.loadContext(id)), shown)
      assert.equal(await persistence.hasPendingToolCalls(id), false)
    },
  },
  {
    name: 'pruning: a call with the empty id, and results without one',
    async run({ persistence }) {
      const id = await create(persistence)
      const ids = await insert(
        persistence,
        id,
        { role: 'assistant', toolCalls: '[{"id":""}]' },
        { role: 'tool', content: 'none' },
        { role: 'tool', content: 'empty', toolCallId: '' },
        'u next',
      )
      assert.deepEqual(
        idsOf(await persistence.loadContext(id)),
        [0, 2, 3].map((i) => ids[i]),
      )
    },
  },
  {
    name: 'pruning: ids such as __proto__ are ids like others',
    async run({ persistence }) {
      const id = await create(persistence)
      const given = ['A[__proto__,constructor]', 'T constructor', 'T toString', 'T __proto__', 'u next']
      await insert(persistence, id, ...given)
      assert.deepEqual(await context(persistence, id), [
        'A[__proto__,constructor]',
        'T __proto__',
        'T constructor',
        'u next',
      ])
    },
  },
]
