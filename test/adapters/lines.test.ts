/** What an adapter writes is a message in words that all readers know, and comes back as it was. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { uiLine, uiMessageOf } from '../../src/adapters/lines/ai-sdk.js'
import { activityLine, activityOf } from '../../src/adapters/lines/botbuilder.js'
import { claudeLine, transcriptReader } from '../../src/adapters/lines/claude-agent-sdk.js'
import { langchainLine, storedOf } from '../../src/adapters/lines/langchain.js'
import { itemOf, openaiLine } from '../../src/adapters/lines/openai-agents.js'
import { canonical, type JsonObject } from '../../src/base/json.js'
import { type ChatMessage, openStore } from '../../src/index.js'
import { open, tempFolder } from '../helpers/store.js'
import { copyOf, objectsLike } from './json.js'

interface Codec {
  write: (item: JsonObject) => ChatMessage
  read: (message: ChatMessage) => JsonObject | undefined
  items: fc.Arbitrary<JsonObject>
}

const text = fc.string()
const role = fc.constantFrom('user', 'assistant', 'system', 'tool', 'event', 'developer', '')
const calls = fc.array(objectsLike({ id: text, name: text, args: objectsLike({}) }), { maxLength: 2 })
const entry = (message: ChatMessage) => ({ id: '019aa1b2-c000-7000-8000-000000000002', at: new Date(0), message })

const codecs: Record<string, Codec> = {
  botbuilder: {
    write: activityLine,
    read: (message) => activityOf(entry(message), 'channel', 'conversation'),
    items: objectsLike({
      type: fc.constantFrom('message', 'typing', 'event', 'conversationUpdate'),
      from: objectsLike({ id: text, role: fc.constantFrom('bot', 'user') }),
      text,
      timestamp: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    }),
  },
  langchain: {
    write: langchainLine,
    read: storedOf,
    items: objectsLike({
      type: fc.constantFrom('human', 'ai', 'system', 'tool', 'generic', 'function', 'remove'),
      data: objectsLike({ content: text, role, tool_calls: calls, tool_call_id: text, name: text }),
    }),
  },
  'openai-agents': {
    write: openaiLine,
    read: itemOf,
    items: objectsLike({
      type: fc.constantFrom('message', 'function_call', 'function_call_result', 'reasoning', 'compaction'),
      role,
      content: text,
      callId: text,
      name: text,
      output: fc.jsonValue(),
      arguments: text,
    }),
  },
  'claude-agent-sdk': {
    write: claudeLine,
    read: (message) => transcriptReader('s')(entry(message)),
    items: objectsLike({
      type: fc.constantFrom('user', 'assistant', 'summary', 'system'),
      uuid: fc.uuid(),
      message: objectsLike({
        role,
        content: fc.oneof(
          text,
          fc.array(objectsLike({ type: fc.constantFrom('text', 'tool_use'), id: text, name: text })),
        ),
      }),
    }),
  },
  'ai-sdk': {
    write: uiLine,
    read: (message) => uiMessageOf(entry(message)),
    items: objectsLike({
      id: text,
      role,
      metadata: fc.jsonValue(),
      parts: fc.array(
        objectsLike({
          type: fc.constantFrom('text', 'tool-ls', 'dynamic-tool'),
          text,
          toolCallId: text,
          toolName: text,
        }),
        { maxLength: 3 },
      ),
    }),
  },
}

describe.each(Object.entries(codecs))('the lines of %s', (_, { write, read, items }) => {
  test('read back as they were given, of known shape or not', () => {
    fc.assert(
      fc.property(fc.oneof(items, objectsLike({})), (item) => {
        const line = write(item)
        expect(typeof line.role).toBe('string')
        // not toEqual: it takes fields called `constructor` and `__proto__` for others
        expect(canonical(read(copyOf(line) as ChatMessage) ?? null)).toBe(canonical(item))
      }),
      { numRuns: 1_000 },
    )
  })

  test('are messages of a log, before and after a rewrite', async () => {
    const folder = tempFolder()
    const given = fc.sample(items, { numRuns: 60, seed: 7 })
    const store = await open(folder)
    await store.session('a').append(given.map(write))
    await store.session('a').removeLast()
    await store.session('a').rewrite()
    const found = (await store.session('a').messages()).map((message) => canonical(read(message) ?? null))
    expect(found).toEqual(given.slice(0, -1).map(canonical))
    await store.close()
    const again = await openStore(folder)
    expect(await again.session('a').check()).toMatchObject({ damage: [] })
    await again.close()
  })

  test('do not say a text twice', () => {
    for (const item of fc.sample(items, { numRuns: 200, seed: 3 })) {
      const { content, ...rest } = write(item)
      if (typeof content === 'string' && content.length > 8)
        expect(JSON.stringify(rest)).not.toContain(JSON.stringify(content))
    }
  })

  test('of another writer are read where all know what they say, and passed over elsewhere', () => {
    for (const message of [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'hello' },
      { role: 'system', content: 'be brief' },
    ])
      expect(JSON.stringify(read(message))).toContain(message.content)
    for (const message of [
      { role: 'user', content: [{ type: 'text', text: 'hi' }] },
      { role: 'assistant', content: null, toolCalls: [{ id: 'c1', name: 'ls' }] },
      { role: 'tool', content: 'a result without a call' },
      { role: 'event', content: 'joined' },
      { role: 'user' },
    ])
      expect(read(message)).toBeUndefined()
  })
})

test('what the lines say in our words', () => {
  const call = { type: 'function_call', callId: 'c1', name: 'ls', arguments: '{}', status: 'completed' }
  expect(openaiLine(call)).toEqual({ role: 'assistant', toolCalls: [{ id: 'c1', name: 'ls' }], openai: call })
  expect(
    openaiLine({ type: 'function_call_result', callId: 'c1', name: 'ls', status: 'completed', output: 'a.ts' }),
  ).toEqual({
    role: 'tool',
    content: 'a.ts',
    toolCallId: 'c1',
    openai: { type: 'function_call_result', name: 'ls', status: 'completed' },
  })
  expect(openaiLine({ type: 'reasoning', content: [] })).toEqual({
    role: 'assistant',
    openai: { type: 'reasoning', content: [] },
  })
  expect(langchainLine({ type: 'human', data: { content: 'hi', additional_kwargs: {} } })).toEqual({
    role: 'user',
    content: 'hi',
    langchain: { type: 'human', data: { additional_kwargs: {} } },
  })
  expect(langchainLine({ type: 'tool', data: { content: 'a.ts', tool_call_id: 'c1' } })).toEqual({
    role: 'tool',
    content: 'a.ts',
    toolCallId: 'c1',
    langchain: { type: 'tool', data: {} },
  })
  expect(langchainLine({ type: 'generic', data: { content: 'x', role: 'critic' } })).toMatchObject({ role: 'critic' })
  const uses = [{ type: 'tool_use', id: 'u1', name: 'Bash', input: {} }]
  expect(claudeLine({ type: 'assistant', uuid: 'a', message: { role: 'assistant', id: 'm', content: uses } })).toEqual({
    role: 'assistant',
    content: uses,
    toolCalls: [{ id: 'u1', name: 'Bash' }],
    claude: { type: 'assistant', uuid: 'a', message: { id: 'm' } },
  })
  expect(claudeLine({ type: 'summary', summary: 'Rename' })).toEqual({
    role: 'event',
    claude: { type: 'summary', summary: 'Rename' },
  })
  expect(uiLine({ id: 'm1', role: 'user', parts: [{ type: 'text', text: 'hi' }] })).toEqual({
    role: 'user',
    content: 'hi',
    ui: { id: 'm1' },
  })
  const parts = [
    { type: 'text', text: 'hi', state: 'done' },
    { type: 'tool-ls', toolCallId: 'c1', state: 'input-available' },
  ]
  expect(uiLine({ id: 'm2', role: 'assistant', parts })).toEqual({
    role: 'assistant',
    content: parts,
    toolCalls: [{ id: 'c1', name: 'ls' }],
    ui: { id: 'm2' },
  })
})
