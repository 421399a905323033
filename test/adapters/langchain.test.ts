import {
  AIMessage,
  type AIMessageFields,
  ChatMessage,
  HumanMessage,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonlChatMessageHistory } from '../../src/adapters/langchain.js'
import { open } from '../helpers/store.js'
import { describeMessageAdapter } from './message-adapter.js'

describeMessageAdapter('langchain', {
  chat(store, sessionId) {
    const history = new JsonlChatMessageHistory({ store, sessionId })
    return {
      add: (text) => history.addUserMessage(text),
      texts: async () => (await history.getMessages()).map(({ content }) => content as string),
    }
  },
  keyOf: (id) => id,
})

const messages = fc.array(
  fc.oneof(
    fc.string().map((content) => new HumanMessage({ content, id: 'h1', name: 'ann' })),
    fc.tuple(fc.string(), fc.jsonValue()).map(
      ([content, value]) =>
        new AIMessage({
          content: [{ type: 'text', text: content }],
          tool_calls: [{ id: 'c1', name: 'ls', args: { value }, type: 'tool_call' }],
          response_metadata: { value },
          usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
        } as unknown as AIMessageFields),
    ),
    fc.string().map((content) => new SystemMessage(content)),
    fc
      .string()
      .map((content) => new ToolMessage({ content, tool_call_id: 'c1', status: 'error', artifact: { content } })),
    fc.string().map((content) => new ChatMessage({ content, role: 'critic' })),
  ),
  { minLength: 1, maxLength: 5 },
)

test('gives messages back as instances of their classes', async () => {
  const store = await open()
  let n = 0
  await fc.assert(
    fc.asyncProperty(messages, async (given) => {
      const history = new JsonlChatMessageHistory({ store, sessionId: `${n++}`, prefix: 'chat_' })
      await history.addMessages(given)
      const found = await history.getMessages()
      expect(found.map((message) => message.toDict())).toEqual(given.map((m) => JSON.parse(JSON.stringify(m.toDict()))))
      expect(found.map((message) => message.constructor)).toEqual(given.map((message) => message.constructor))
      expect(await history.getMessages({ last: 2 })).toEqual(found.slice(-2))
    }),
    { numRuns: 50 },
  )
  expect(await store.keys({ prefix: 'chat_' })).toHaveLength(n)
})

test('adds several messages in one write, and none makes no session', async () => {
  const store = await open()
  const history = new JsonlChatMessageHistory({ store, sessionId: 'a' })
  await history.addMessages([])
  expect(await store.keys()).toEqual([])
  const question = new HumanMessage('hi')
  const done = history.addMessages([question, new AIMessage('hello')])
  question.content = 'changed'
  await done
  expect((await history.getMessages()).map(({ content }) => content)).toEqual(['hi', 'hello'])
})

test('rejects what LangChain could not read, before anything is written', async () => {
  const store = await open()
  const history = new JsonlChatMessageHistory({ store, sessionId: 'a' })
  const wrong = [new HumanMessage('hi'), new RemoveMessage({ id: 'x' })]
  await expect(history.addMessages(wrong)).rejects.toThrow(TypeError)
  await expect(history.addMessage(new HumanMessage({ content: 'x', additional_kwargs: { n: 1n } }))).rejects.toThrow(
    TypeError,
  )
  expect(await store.keys()).toEqual([])
  expect(() => new JsonlChatMessageHistory({ store, sessionId: 'a', path: 'x' } as never)).toThrow(TypeError)
  expect(() => new JsonlChatMessageHistory({ store } as never)).toThrow(TypeError)
})

test('clears a chat, and mixes no two of them', async () => {
  const store = await open()
  const [ann, bob] = ['ann', 'bob'].map((sessionId) => new JsonlChatMessageHistory({ store, sessionId }))
  await Promise.all([ann!.addUserMessage('of ann'), bob!.addUserMessage('of bob'), ann!.addAIMessage('for ann')])
  await store.session('ann').setName('Ann')
  await ann!.clear()
  expect(await ann!.getMessages()).toEqual([])
  expect(await store.session('ann').name()).toBe('Ann')
  expect((await bob!.getMessages()).map(({ content }) => content)).toEqual(['of bob'])
  await new JsonlChatMessageHistory({ store, sessionId: 'none' }).clear()
  expect(await store.keys()).toEqual(['ann', 'bob'])
})

test('says in JSON what it is, and nothing of the store', async () => {
  const history = new JsonlChatMessageHistory({ store: await open(), sessionId: 'a' })
  expect(JSON.parse(JSON.stringify(history)).id).toEqual([
    ...['langchain', 'stores', 'message', 'jsonl'],
    'JsonlChatMessageHistory',
  ])
  expect(Object.keys(history)).not.toContain('store')
})
