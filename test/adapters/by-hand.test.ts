/** Adapters as a newcomer writes them: each in under 20 lines, without a cast, against the types of the real framework. */
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BaseListChatMessageHistory } from '@langchain/core/chat_history'
import {
  AIMessage,
  type BaseMessage,
  HumanMessage,
  mapChatMessagesToStoredMessages,
  mapStoredMessagesToChatMessages,
  type StoredMessage,
} from '@langchain/core/messages'
import type { AgentInputItem, Session as AgentsSession } from '@openai/agents'
import type { ConversationStore } from '@slack/bolt'
import type { UIMessage } from 'ai'
import { type Context, session as telegrafSession } from 'telegraf'
import type { AsyncSessionStore } from 'telegraf/session'
import { describe, expect, test } from 'vitest'
import type { Session, SessionStore } from '../../src/index.js'
import { open } from '../helpers/store.js'

// adapter: @openai/agents
class AgentsHistory implements AgentsSession {
  constructor(readonly session: Session<{ role: string; item: AgentInputItem }>) {}
  async getSessionId(): Promise<string> {
    return this.session.key
  }
  async getItems(limit?: number): Promise<AgentInputItem[]> {
    const lines = limit === undefined ? await this.session.messages() : await this.session.tail(limit)
    return lines.map(({ item }) => item)
  }
  async addItems(items: AgentInputItem[]): Promise<void> {
    await this.session.append(items.map((item) => ({ role: 'role' in item ? item.role : 'tool', item })))
  }
  async popItem(): Promise<AgentInputItem | undefined> {
    return (await this.session.pop())?.item
  }
  async clearSession(): Promise<void> {
    await this.session.clear()
  }
}
// end

// adapter: @langchain/core
class ChainHistory extends BaseListChatMessageHistory {
  lc_namespace = ['by', 'hand']
  constructor(readonly session: Session<{ role: string; message: StoredMessage }>) {
    super()
  }
  async getMessages(): Promise<BaseMessage[]> {
    return mapStoredMessagesToChatMessages((await this.session.messages()).map(({ message }) => message))
  }
  override async addMessages(given: BaseMessage[]): Promise<void> {
    const messages = mapChatMessagesToStoredMessages(given)
    await this.session.append(messages.map((message) => ({ role: message.type, message })))
  }
  async addMessage(message: BaseMessage): Promise<void> {
    await this.addMessages([message])
  }
  override async clear(): Promise<void> {
    await this.session.clear()
  }
}
// end

// adapter: ai
class Chats {
  constructor(readonly store: SessionStore<UIMessage>) {}
  async load(id: string): Promise<UIMessage[]> {
    const messages: UIMessage[] = []
    for await (const { message } of this.store.session(id).entries()) messages.push(message)
    return messages
  }
  async save(id: string, messages: UIMessage[]): Promise<void> {
    const known = new Map((await this.load(id)).map((message) => [message.id, JSON.stringify(message)]))
    for (const message of messages) {
      const text = known.get(message.id)
      if (text === undefined) await this.store.session(id).append(message, { once: true })
      else if (text !== JSON.stringify(message)) await this.store.session(id).replace(message.id, message)
    }
  }
}
// end

// adapter: telegraf
function telegrafStore<T>(store: SessionStore): AsyncSessionStore<T> {
  return {
    get: (name) => store.session(name).getValue<T>('session'),
    set: (name, value) => store.session(name).setValue('session', value),
    delete: (name) => store.session(name).deleteValue('session'),
  }
}
// end

// adapter: @slack/bolt
class Conversations<S> implements ConversationStore<S> {
  constructor(readonly store: SessionStore) {}
  set(id: string, value: S, expiresAt?: number): Promise<boolean> {
    return this.store.session(id).setValue('state', value, { expires: expiresAt })
  }
  async get(id: string): Promise<S> {
    const state = await this.store.session(id).getValue<S>('state')
    if (state === undefined) throw new Error('Conversation not found')
    return state
  }
}
// end

describe('an adapter written by hand', () => {
  const source = fs.readFileSync(fileURLToPath(import.meta.url), 'utf8')
  const adapters = [...source.matchAll(/^\/\/ adapter: (.*)\n([\s\S]*?)^\/\/ end$/gm)].map(([, name, text]) => ({
    name,
    text,
  }))

  test('has fewer than 20 lines and no cast', () => {
    expect(adapters.map(({ name }) => name)).toEqual([
      '@openai/agents',
      '@langchain/core',
      'ai',
      'telegraf',
      '@slack/bolt',
    ])
    for (const { name, text } of adapters) {
      expect(text!.trim().split('\n').length, name).toBeLessThan(20)
      expect(text, name).not.toMatch(/ as | any\b|@ts-|!\.|<never>/)
    }
  })

  test('for @openai/agents keeps items of all kinds', async () => {
    const history: AgentsSession = new AgentsHistory((await open()).session('a'))
    const items: AgentInputItem[] = [
      { role: 'user', content: 'what is there?' },
      { type: 'function_call', callId: 'c1', name: 'ls', arguments: '{}' },
      { type: 'function_call_result', callId: 'c1', name: 'ls', status: 'completed', output: 'a.ts' },
      { role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'one file' }] },
    ]
    await history.addItems(items)
    expect(await history.getItems()).toEqual(items)
    expect(await history.getItems(2)).toEqual(items.slice(2))
    expect(await history.popItem()).toEqual(items[3])
    await history.clearSession()
    expect([await history.getItems(), await history.getSessionId()]).toEqual([[], 'a'])
  })

  test('for @langchain/core gives messages back as they were', async () => {
    const history = new ChainHistory((await open()).session('a'))
    await history.addMessages([new HumanMessage('hi'), new AIMessage({ content: 'hello', id: 'm2' })])
    await history.addUserMessage('more')
    const messages = await history.getMessages()
    expect(messages.map((one) => [one.getType(), one.content])).toEqual([
      ['human', 'hi'],
      ['ai', 'hello'],
      ['human', 'more'],
    ])
    expect(messages[1]?.id).toBe('m2')
    await history.clear()
    expect(await history.getMessages()).toEqual([])
  })

  test('for ai saves what is new and replaces what changed', async () => {
    const store = await open<UIMessage>()
    const chats = new Chats(store)
    const text = (id: string, role: UIMessage['role'], said: string): UIMessage => ({
      id,
      role,
      parts: [{ type: 'text', text: said }],
    })
    await chats.save('c', [text('1', 'user', 'helo')])
    const edited = [text('1', 'user', 'hello'), text('2', 'assistant', 'hi'), text('3', 'user', 'bye')]
    await chats.save('c', edited)
    await chats.save('c', edited)
    expect(await chats.load('c')).toEqual(edited)
    expect((await store.session('c').info())?.messages).toBe(3)
  })

  test('for telegraf is a store of its session middleware', async () => {
    const store = telegrafStore<{ count: number }>(await open())
    const middleware = telegrafSession<{ count: number }, Context>({ store })
    expect(middleware).toBeTypeOf('function')
    expect(await store.get('7:7')).toBeUndefined()
    await store.set('7:7', { count: 3 })
    expect(await store.get('7:7')).toEqual({ count: 3 })
    await store.delete('7:7')
    expect(await store.get('7:7')).toBeUndefined()
  })

  test('for @slack/bolt forgets what has expired', async () => {
    let now = Date.UTC(2026, 0, 1)
    const store: ConversationStore<{ step: number }> = new Conversations(await open(undefined, { now: () => now }))
    await store.set('C1', { step: 2 }, now + 1_000)
    expect(await store.get('C1')).toEqual({ step: 2 })
    now += 1_000
    await expect(store.get('C1')).rejects.toThrow('Conversation not found')
  })
})
