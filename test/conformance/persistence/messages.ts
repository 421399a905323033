/** Inserting and loading: given is what comes back. */
import assert from 'node:assert/strict'
import type { NewAgentMessage, NewMessage } from '../../../src/contracts/persistence/index.js'
import { all, calls, context, insert, message, numbered } from './notation.js'
import { create, idsOf, type PersistenceCase, row, tokens, wrong } from './scene.js'

const AWKWARD_TEXTS: ReadonlyArray<[what: string, text: string]> = [
  ['quotes and line feeds', 'say "hi"\nand \'bye\'\n'],
  ['CR and LF', 'one\r\ntwo\r'],
  ['U+2028 and U+2029', 'a\u2028b\u2029c'],
  ['emoji', '👍🏽 👨‍👩‍👧'],
  ['NUL and other controls', 'a\0b\u0001\u001f\u007f\u0085'],
  ['a byte order mark', '\uFEFFx'],
  ['lone surrogates', 'a\ud800b\udc00'],
  ['a whole line', '{"type":"remove","ids":[]}\n{"role":"user","content":"x"}\n'],
  ['white space', '  \u3000 '],
  ['several hundred KB', 'output\n'.repeat(100_000)],
]

export const messageCases: PersistenceCase[] = [
  {
    name: 'case 12: two messages come back in order',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      const [first, second] = await insert(persistence, id, 'u hello', 'a hi there!')
      const expected = [
        row({ id: first!, sessionId: id, role: 'user', content: 'hello', at: clock.iso }),
        row({ id: second!, sessionId: id, role: 'assistant', content: 'hi there!', at: clock.iso }),
      ]
      assert.deepEqual(await persistence.loadAllMessages(id), expected)
      assert.deepEqual(await persistence.loadContext(id), expected)
    },
  },
  {
    name: 'case 13: every field comes back',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      const fields = {
        role: 'assistant' as const,
        content: 'text',
        toolCalls: calls('x'),
        toolCallId: 'y',
      }
      const counters = {
        promptTokens: 1,
        completionTokens: 2,
        cacheReadTokens: 3,
        cacheCreationTokens: 4,
        thinkingTokens: 5,
      }
      const usage = { ...counters, stopReason: 'tool_use' }
      const full = await persistence.insertMessageWithAgent(id, { ...fields, usage, agentName: 'helper' })
      const plain = await persistence.insertMessage(id, fields)
      const at = clock.iso
      assert.deepEqual(await persistence.loadAllMessages(id), [
        row({ id: full, sessionId: id, at, ...fields, ...counters, agentName: 'helper' }),
        row({ id: plain, sessionId: id, at, ...fields }),
      ])
    },
  },
  {
    name: 'case 14: what is no message is refused',
    async run({ persistence, log, weather }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one')
      const before = log(id).bytes()
      const refused = async (given: unknown, error: typeof TypeError | typeof RangeError) => {
        await assert.rejects(persistence.insertMessage(id, wrong<NewMessage>(given)), error)
        await assert.rejects(persistence.insertMessageWithAgent(id, wrong<NewMessage>(given)), error)
      }
      await refused({ role: 'developer', content: 'x' }, TypeError)
      await refused({ role: 'user', content: 42 }, TypeError)
      await refused({ role: 'assistant', content: 'x', usage: { ...tokens(1, 2), promptTokens: 1.5 } }, RangeError)
      if (weather === 'fresh') assert.deepEqual(log(id).bytes(), before)
      assert.deepEqual(await all(persistence, id), ['u one'])
    },
  },
  {
    name: 'case 15: texts are opaque',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      const given: NewMessage[] = [
        { role: 'user', content: '' },
        { role: 'assistant', content: null, toolCalls: null },
        { role: 'tool', content: 'result' },
        { role: 'assistant', content: 'text', toolCalls: 'not json' },
        { role: 'assistant', toolCalls: '' },
        { role: 'assistant', content: '', toolCalls: '[]' },
        { role: 'tool', content: '', toolCallId: '' },
        { role: 'system' },
      ]
      const ids = await insert(persistence, id, ...given)
      assert.deepEqual(
        await persistence.loadAllMessages(id),
        given.map((fields, i) => row({ id: ids[i]!, sessionId: id, at: clock.iso, ...fields })),
      )
    },
  },
  {
    name: 'case 16: twenty messages in order',
    async run({ persistence }) {
      const id = await create(persistence)
      const texts = Array.from({ length: 20 }, (_, i) => `u Message number ${i}`)
      await insert(persistence, id, ...texts)
      assert.deepEqual(await all(persistence, id), texts)
      assert.deepEqual(await context(persistence, id), texts)
    },
  },
  {
    name: 'case 17: any character comes back',
    async run({ persistence, log, weather, reopen }) {
      const id = await create(persistence)
      const lines = () => log(id).lines().length
      for (const [what, text] of AWKWARD_TEXTS) {
        const before = lines()
        await persistence.insertMessageWithAgent(id, {
          role: 'assistant',
          content: text,
          toolCalls: text,
          toolCallId: text,
          agentName: text,
        })
        if (weather === 'fresh') assert.equal(lines(), before + 1, what)
      }
      await reopen()
      const messages = await persistence.loadAllMessages(id)
      for (const [i, [what, text]] of AWKWARD_TEXTS.entries()) {
        const { content, toolCalls, toolCallId, agentName } = messages[i]!
        assert.deepEqual([content, toolCalls, toolCallId, agentName], [text, text, text, text], what)
      }
    },
  },
  {
    name: 'case 18: a hundred inserts at once land in call order',
    async run({ persistence }) {
      const id = await create(persistence)
      const given = numbered(100)
      const ids = await Promise.all(given.map((label) => persistence.insertMessage(id, message(label))))
      assert.deepEqual(await all(persistence, id), given)
      assert.deepEqual(idsOf(await persistence.loadAllMessages(id)), ids)
      assert.deepEqual(ids, [...new Set(ids)].sort())
    },
  },
  {
    name: 'case 19: sessions do not leak into each other',
    async run({ persistence }) {
      const first = await create(persistence)
      const second = await create(persistence)
      await insert(persistence, first, 'u one')
      await insert(persistence, second, 'u two')
      assert.deepEqual(await context(persistence, first), ['u one'])
      assert.deepEqual(await context(persistence, second), ['u two'])
      assert.equal((await persistence.loadAllMessages(second))[0]?.sessionId, second)
    },
  },
  {
    name: 'the plain form stores no agent, with any object',
    async run({ persistence }) {
      const id = await create(persistence)
      await persistence.insertMessage(id, wrong<NewMessage>({ role: 'user', content: 'x', agentName: 'helper' }))
      await persistence.insertMessageWithAgent(id, { role: 'user', content: 'y', agentName: null })
      await persistence.insertMessageWithAgent(id, { role: 'user', content: 'z', agentName: '' })
      const messages = await persistence.loadAllMessages(id)
      assert.deepEqual(
        messages.map(({ agentName }) => agentName),
        [null, null, ''],
      )
    },
  },
  {
    name: 'what is undefined is null',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      const nothing = { content: undefined, toolCalls: undefined, toolCallId: undefined, usage: undefined }
      const given = wrong<NewAgentMessage>({ role: 'user', ...nothing, agentName: undefined })
      const ids = [await persistence.insertMessage(id, given), await persistence.insertMessageWithAgent(id, given)]
      assert.deepEqual(
        await persistence.loadAllMessages(id),
        ids.map((messageId) => row({ id: messageId, sessionId: id, role: 'user', at: clock.iso })),
      )
    },
  },
  {
    name: 'a message is read at the call',
    only: 'fresh',
    async run({ persistence }) {
      const id = await create(persistence)
      const given: NewAgentMessage = { role: 'assistant', content: 'then', agentName: 'helper', usage: tokens(1, 2) }
      const writes = [persistence.insertMessage(id, given), persistence.insertMessageWithAgent(id, given)]
      given.content = 'later'
      given.role = 'user'
      given.agentName = 'other'
      given.usage!.promptTokens = 1000
      await Promise.all(writes)
      const messages = await persistence.loadAllMessages(id)
      assert.deepEqual(
        messages.map(({ role, content, agentName, promptTokens }) => [role, content, agentName, promptTokens]),
        [
          ['assistant', 'then', null, 1],
          ['assistant', 'then', 'helper', 1],
        ],
      )
    },
  },
  {
    name: 'what is read may be changed',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'u two')
      for (const messages of [await persistence.loadAllMessages(id), await persistence.loadContext(id)]) {
        messages[0]!.content = 'changed'
        messages.pop()
      }
      assert.deepEqual(await all(persistence, id), ['u one', 'u two'])
      assert.deepEqual(await context(persistence, id), ['u one', 'u two'])
    },
  },
]
