/** Calls on one key land in call order, awaited or not: a later write counts, and a read sees the writes before it. */
import { AIMessage, HumanMessage } from '@langchain/core/messages'
import { emptyCheckpoint } from '@langchain/langgraph-checkpoint'
import type { Activity } from 'botbuilder'
import { describe, expect, test } from 'vitest'
import { JsonlChatStore } from '../../src/adapters/ai-sdk.js'
import { JsonlConversationStore } from '../../src/adapters/bolt.js'
import { JsonlBotStorage, JsonlTranscriptStore } from '../../src/adapters/botbuilder.js'
import { createJsonlState } from '../../src/adapters/chat-sdk.js'
import { JsonlClaudeSessionStore } from '../../src/adapters/claude-agent-sdk.js'
import { JsonlExpressStore } from '../../src/adapters/express-session.js'
import { JsonlStorageAdapter } from '../../src/adapters/grammy.js'
import { JsonlKeyvStore } from '../../src/adapters/keyv.js'
import { JsonlChatMessageHistory } from '../../src/adapters/langchain.js'
import { JsonlCheckpointSaver } from '../../src/adapters/langgraph.js'
import { JsonlAgentsSession } from '../../src/adapters/openai-agents.js'
import { JsonlTelegrafStore } from '../../src/adapters/telegraf.js'
import jsonlDriver from '../../src/adapters/unstorage.js'
import { type AnyStore, openStore } from '../../src/index.js'
import { tempFolder } from '../helpers/store.js'

/** Makes calls without waiting for them, and returns what the reads among them saw. */
type Calls = (store: Promise<AnyStore>) => Promise<unknown[]> | unknown[]

const messageOf = (id: string, text: string) => ({
  id,
  role: 'user' as const,
  parts: [{ type: 'text' as const, text }],
})

const CASES: Array<[string, Calls, unknown[]]> = [
  [
    'grammy',
    (store) => {
      const chats = new JsonlStorageAdapter<number | undefined>(store)
      void chats.write('a', 1)
      void chats.write('b', 1)
      void chats.delete('b')
      void chats.write('c', 1)
      void chats.write('c', undefined)
      return [chats.read('a'), chats.has('b'), chats.read('c')]
    },
    [1, false, undefined],
  ],
  [
    'telegraf',
    (store) => {
      const chats = new JsonlTelegrafStore<number>(store)
      void chats.set('a', 1)
      void chats.set('a', 2)
      void chats.set('b', 1)
      void chats.delete('b')
      return [chats.get('a'), chats.get('b')]
    },
    [2, undefined],
  ],
  [
    'bolt',
    (store) => {
      const conversations = new JsonlConversationStore(store)
      void conversations.set('a', 1, Date.now() + 1e6)
      void conversations.set('a', 2)
      return [conversations.get('a')]
    },
    [2],
  ],
  [
    'botbuilder',
    (store) => {
      const storage = new JsonlBotStorage(store)
      void storage.write({ a: { n: 1 }, b: { n: 1 } })
      void storage.write({ a: { n: 2, eTag: '*' } })
      void storage.delete(['b'])
      return [storage.read(['a', 'b']).then(({ a, b }) => [a.n, b])]
    },
    [[2, undefined]],
  ],
  [
    'transcripts',
    (store) => {
      const transcripts = new JsonlTranscriptStore<Activity>(store)
      const log = (id: string) =>
        transcripts.logActivity({ type: 'message', channelId: 'c', conversation: { id } } as Activity)
      const count = (id: string) => transcripts.getTranscriptActivities('c', id).then(({ items }) => items.length)
      for (const id of ['a', 'a', 'b']) void log(id)
      void transcripts.deleteTranscript('c', 'b')
      return [count('a'), count('b')]
    },
    [2, 0],
  ],
  [
    'keyv',
    (store) => {
      const keyv = new JsonlKeyvStore(store)
      void keyv.set('a', '1')
      void keyv.setMany([{ key: 'a', value: '2', ttl: 1e6 }])
      void keyv.set('b', '1')
      void keyv.delete('b')
      return [keyv.get('a'), keyv.getMany(['a']), keyv.has('b')]
    },
    ['2', ['2'], false],
  ],
  [
    'keyv, cleared',
    (store) => {
      const keyv = new JsonlKeyvStore(store)
      void keyv.set('a', '3')
      void keyv.clear()
      void keyv.set('b', '1')
      return [keyv.get('a'), keyv.get('b')]
    },
    [undefined, '1'],
  ],
  [
    'unstorage',
    (store) => {
      const driver = jsonlDriver({ store })
      void driver.setItem!('a', '1', { ttl: 1_000 })
      void driver.setItem!('a', '2', {})
      void driver.setItem!('b', '1', {})
      void driver.removeItem!('b', {})
      return [driver.getItem('a'), driver.hasItem('b', {})]
    },
    ['2', false],
  ],
  [
    'unstorage, cleared',
    (store) => {
      const driver = jsonlDriver({ store })
      void driver.setItems!([{ key: 'a', value: '3' }])
      return [Promise.resolve(driver.clear!('', {})).then(() => driver.getItem('a'))]
    },
    [null],
  ],
  [
    'express-session',
    (store) => {
      const sessions = new JsonlExpressStore(store)
      const session = (n: number) => ({ n, cookie: {} }) as never
      const get = (sid: string) =>
        new Promise((resolve, reject) => sessions.get(sid, (error, found) => (error ? reject(error) : resolve(found))))
      sessions.set('a', session(1))
      sessions.set('a', session(2))
      sessions.set('b', session(1))
      sessions.destroy('b')
      sessions.touch('b', session(1))
      return [get('a'), get('b')]
    },
    [{ n: 2, cookie: {} }, undefined],
  ],
  [
    'chat-sdk',
    async (store) => {
      const state = createJsonlState(store)
      await state.connect()
      void state.set('a', 1, 1e6)
      void state.set('a', 2)
      void state.set('b', 1)
      void state.delete('b')
      void state.subscribe('t')
      void state.subscribe('u')
      void state.unsubscribe('u')
      void state.enqueue('t', { message: {}, enqueuedAt: 1, expiresAt: 2 } as never, 3)
      void state.appendToList('l', 1)
      const reads = [state.get('a'), state.get('b'), state.isSubscribed('t'), state.isSubscribed('u')]
      return [...reads, state.queueDepth('t'), state.getList('l')]
    },
    [2, null, true, false, 1, [1]],
  ],
  [
    'ai-sdk',
    (store) => {
      const chats = new JsonlChatStore(store)
      const ids = (chat: string) => chats.load(chat).then((messages) => messages.map(({ id }) => id))
      void chats.append('a', messageOf('1', 'x'))
      void chats.save({ chatId: 'a', messages: [messageOf('2', 'y'), messageOf('3', 'z')] })
      void chats.append('b', messageOf('1', 'x'))
      void chats.delete('b')
      return [ids('a'), ids('b')]
    },
    [['2', '3'], []],
  ],
  [
    'openai-agents',
    (store) => {
      const session = new JsonlAgentsSession(store, 'a')
      void session.addItems([{ role: 'user', content: 'x' }])
      void session.clearSession()
      void session.addItems([{ role: 'user', content: 'y' }])
      return [session.getItems()]
    },
    [[{ role: 'user', content: 'y' }]],
  ],
  [
    'langchain',
    (store) => {
      const history = new JsonlChatMessageHistory({ store, sessionId: 'a' })
      void history.addMessages([new HumanMessage('x'), new AIMessage('y')])
      void history.clear()
      void history.addMessage(new HumanMessage('z'))
      return [history.getMessages().then((messages) => messages.map(({ content }) => content))]
    },
    [['z']],
  ],
  [
    'claude-agent-sdk',
    (store) => {
      const sessions = new JsonlClaudeSessionStore(store)
      const [one, other] = ['s', 'o'].map((sessionId) => ({ projectKey: 'p', sessionId }))
      void sessions.append(one!, [{ type: 'x', uuid: 'u1' } as never])
      void sessions.append({ ...one!, subpath: 'below' }, [{ type: 'y', uuid: 'u2' } as never])
      void sessions.append(other!, [{ type: 'x', uuid: 'u1' } as never])
      void sessions.delete(other!)
      return [sessions.load(one!), sessions.listSubkeys(one!), sessions.load(other!)]
    },
    [[{ type: 'x', uuid: 'u1' }], ['below'], null],
  ],
  [
    'langgraph',
    (store) => {
      const saver = new JsonlCheckpointSaver(store)
      const checkpoint = { ...emptyCheckpoint(), channel_values: { a: 1 }, channel_versions: { a: 1 } }
      for (const thread_id of ['t', 'u']) {
        const place = { thread_id, checkpoint_ns: '' }
        void saver.put({ configurable: place }, checkpoint, { source: 'loop', step: 1, parents: {} }, { a: 1 })
        void saver.putWrites({ configurable: { ...place, checkpoint_id: checkpoint.id } }, [['a', 2]], 'task')
      }
      void saver.deleteThread('u')
      const read = (thread_id: string) =>
        saver
          .getTuple({ configurable: { thread_id } })
          .then((tuple) => tuple && [tuple.checkpoint.channel_values, tuple.pendingWrites])
      return [read('t'), read('u')]
    },
    [[{ a: 1 }, [['task', 'a', 2]]], undefined],
  ],
]

describe.each(CASES)('%s', (_, calls, expected) => {
  test.each(['is open', 'will be open'])('on a store that %s', async (when) => {
    const opening = openStore(tempFolder())
    if (when === 'is open') await opening
    expect(await Promise.all(await calls(opening))).toEqual(expected)
    await (await opening).close()
  })
})
