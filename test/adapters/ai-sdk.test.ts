import fs from 'node:fs'
import { jsonSchema, type UIMessage } from 'ai'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonlChatStore } from '../../src/adapters/ai-sdk.js'
import { canonical, toJson } from '../../src/base/json.js'
import { open, tempFolder } from '../helpers/store.js'
import { objectsLike } from './json.js'
import { describeMessageAdapter } from './message-adapter.js'

const said = (id: string, text: string, role: UIMessage['role'] = 'user'): UIMessage => ({
  id,
  role,
  parts: [{ type: 'text', text }],
})

const calling = (state: 'approval-requested' | 'output-available'): UIMessage => ({
  id: 'call',
  role: 'assistant',
  parts: [
    { type: 'step-start' },
    {
      type: 'tool-deploy',
      toolCallId: 'c1',
      input: {},
      ...(state === 'output-available' && { output: 'done' }),
      state,
    } as never,
  ],
})

describeMessageAdapter('ai-sdk', {
  chat(store, chatId) {
    const chats = new JsonlChatStore(store)
    return {
      add: (text) => chats.append(chatId, said(text, text)),
      texts: async () => (await chats.load(chatId)).map(({ parts }) => (parts[0] as { text: string }).text),
    }
  },
  keyOf: (id) => id,
})

describe('chats of the AI SDK', () => {
  test('come back as they were saved', async () => {
    const chats = new JsonlChatStore(await open(), { prefix: 'chat_' })
    let n = 0
    const message = objectsLike({
      id: fc.string(),
      role: fc.constantFrom('user', 'assistant', 'system'),
      parts: fc.array(
        objectsLike({ type: fc.constantFrom('text', 'tool-x'), text: fc.string(), toolCallId: fc.string() }),
      ),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 4 }),
        fc.array(message, { maxLength: 4 }),
        async (first, then) => {
          const chatId = `${n++}`
          for (const messages of [first, [...first.slice(0, 2), ...then]]) {
            await chats.save({ chatId, messages: messages as never })
            expect((await chats.load(chatId)).map((one) => canonical(toJson(one)))).toEqual(messages.map(canonical))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('are saved by what is new: nothing, a turn, a replaced end, a shorter list', async () => {
    const store = await open()
    const chats = new JsonlChatStore(store)
    const log = store.session('a').path
    const save = async (...messages: UIMessage[]) => {
      await chats.save({ chatId: 'a', messages })
      expect(await chats.load('a')).toEqual(messages)
      return { text: fs.readFileSync(log, 'utf8'), file: fs.statSync(log).ino }
    }
    const first = await save(said('1', 'deploy'), calling('approval-requested'))
    expect(await save(said('1', 'deploy'), calling('approval-requested'))).toEqual(first)
    const longer = await save(said('1', 'deploy'), calling('approval-requested'), said('2', 'well?'))
    expect(longer.text.startsWith(first.text)).toBe(true)
    expect(longer.file).toBe(first.file)
    const approved = await save(said('1', 'deploy'), calling('output-available'), said('2', 'well?'))
    expect(approved.text).not.toContain('approval-requested')
    expect(approved.text.split('\n')[1]).toBe(first.text.split('\n')[1])
    await save(said('1', 'deploy'))
    await chats.save({ chatId: 'a', messages: [] })
    expect(await chats.load('a')).toEqual([])
    expect(await store.session('a').check()).toMatchObject({ damage: [] })
  })

  test('keep what others wrote there: plain messages are theirs, and all else stays', async () => {
    const store = await open()
    const chats = new JsonlChatStore(store)
    await chats.append('a', said('1', 'hi'))
    await store.session('a').append([
      { role: 'assistant', content: 'hello' },
      { role: 'event', content: 'joined' },
    ])
    const loaded = await chats.load('a')
    expect(loaded).toMatchObject([{ id: '1' }, { role: 'assistant', parts: [{ type: 'text', text: 'hello' }] }])
    await chats.save({ chatId: 'a', messages: [...loaded, said('2', 'bye')] })
    expect((await store.session('a').messages()).map(({ content }) => content)).toEqual([
      'hi',
      'hello',
      'joined',
      'bye',
    ])
  })

  test('are checked by the SDK where that is asked for', async () => {
    const chats = new JsonlChatStore(await open())
    const validate = {
      metadataSchema: jsonSchema<{ n: number }>(
        { type: 'object' },
        {
          validate: (value) =>
            typeof (value as { n?: unknown }).n === 'number'
              ? { success: true, value: value as { n: number } }
              : { success: false, error: new Error('n must be a number') },
        },
      ),
    }
    expect(await chats.load('a', { validate })).toEqual([])
    await chats.append('a', { ...said('1', 'hi'), metadata: { n: 1 } })
    expect(await chats.load('a', { validate })).toEqual([{ ...said('1', 'hi'), metadata: { n: 1 } }])
    await chats.append('a', { ...said('2', 'hi'), metadata: { n: 'x' } })
    await expect(chats.load('a', { validate })).rejects.toThrow()
    expect(await chats.load('a')).toHaveLength(2)
    await expect(chats.load('a', { check: true } as never)).rejects.toThrow(TypeError)
  })

  test('are listed and deleted', async () => {
    const store = await open()
    const chats = new JsonlChatStore(store, { prefix: 'chat_' })
    await store.session('other').append({ role: 'user', content: 'x' })
    for (const id of ['b', 'a']) await chats.append(id, said('1', 'hi'))
    expect(await chats.list()).toEqual(['a', 'b'])
    expect([await chats.delete('a'), await chats.delete('a')]).toEqual([true, false])
    expect(await chats.list()).toEqual(['b'])
    await expect(chats.save({ chatId: 'b', messages: [1] as never })).rejects.toThrow(TypeError)
    await expect(chats.append('b', undefined as never)).rejects.toThrow(TypeError)
    expect(() => new JsonlChatStore(store, { folder: 'x' } as never)).toThrow(TypeError)
  })

  test('of two stores: the last whole save wins', async () => {
    const folder = tempFolder()
    const [one, two] = [new JsonlChatStore(open(folder)), new JsonlChatStore(open(folder))]
    const lists = [[said('1', 'a')], [said('1', 'a'), said('2', 'b')], [said('3', 'c'), said('4', 'd')]]
    await Promise.all(lists.map((messages, i) => [one, two][i % 2]!.save({ chatId: 'a', messages })))
    const found = await one.load('a')
    expect(lists).toContainEqual(found)
    expect(await two.load('a')).toEqual(found)
  })
})
