/** Adapters that keep values, in several processes. */
import { describe, expect, test } from 'vitest'
import { JsonlConversationStore } from '../../src/adapters/bolt.js'
import { JsonlBotStorage } from '../../src/adapters/botbuilder.js'
import { createJsonlState } from '../../src/adapters/chat-sdk.js'
import { JsonlExpressStore } from '../../src/adapters/express-session.js'
import { JsonlStorageAdapter } from '../../src/adapters/grammy.js'
import { JsonlKeyvStore } from '../../src/adapters/keyv.js'
import { JsonlCheckpointSaver } from '../../src/adapters/langgraph.js'
import { JsonlTelegrafStore } from '../../src/adapters/telegraf.js'
import jsonlDriver from '../../src/adapters/unstorage.js'
import type { AnyStore } from '../../src/index.js'
import { ended, messageOf, start } from '../helpers/child.js'
import { open, tempFolder } from '../helpers/store.js'

interface Held {
  n: number
  text: string
}

const COUNT = 200
const TEXT = 'x'.repeat(300)

/** How each reads a value; undefined for one that is not there. */
const READERS: Record<string, (store: AnyStore) => (key: string) => Promise<Held | undefined>> = {
  grammy(store) {
    const chats = new JsonlStorageAdapter<Held>(store)
    return (key) => chats.read(key)
  },
  telegraf(store) {
    const chats = new JsonlTelegrafStore<Held>(store)
    return (key) => chats.get(key)
  },
  bolt(store) {
    const conversations = new JsonlConversationStore<Held>(store)
    return (key) =>
      conversations.get(key).catch((error) => {
        if (error.message !== 'Conversation not found') throw error
        return undefined
      })
  },
  botbuilder(store) {
    const storage = new JsonlBotStorage(store)
    return async (key) => (await storage.read([key]))[key]
  },
  'chat-sdk'(store) {
    const state = createJsonlState(store)
    const connected = state.connect()
    return async (key) => {
      await connected
      return (await state.get<Held>(key)) ?? undefined
    }
  },
  langgraph(store) {
    const saver = new JsonlCheckpointSaver(store)
    return async (key) => {
      const tuple = await saver.getTuple({ configurable: { thread_id: key } })
      return tuple?.checkpoint.channel_values.state as Held | undefined
    }
  },
  keyv(store) {
    const keyv = new JsonlKeyvStore(store)
    return async (key) => {
      const text = await keyv.get(key)
      return typeof text === 'string' ? JSON.parse(text).value : undefined
    }
  },
  unstorage(store) {
    const driver = jsonlDriver({ store })
    return async (key) => {
      const text = await driver.getItem(key)
      return typeof text === 'string' ? JSON.parse(text) : undefined
    }
  },
  'express-session'(store) {
    const sessions = new JsonlExpressStore(store)
    return (key) =>
      new Promise((resolve, reject) => {
        sessions.get(key, (error, session) => (error ? reject(error) : resolve(session as unknown as Held | undefined)))
      })
  },
}

describe.each(Object.keys(READERS))('values of %s', (name) => {
  const readerOf = READERS[name]!

  test('that two processes set 200 times each: none is lost, and every read is whole', async () => {
    const folder = tempFolder()
    const children = ['a', 'b'].map((mark) => start('value-setters.mjs', [name, folder, mark, `${COUNT}`]))
    const store = await open(folder)
    const read = readerOf(store)
    let isRunning = true
    const done = Promise.all(children.map((child) => ended(child))).finally(() => {
      isRunning = false
    })
    while (isRunning) {
      const common = await read('common')
      if (common !== undefined) expect(common).toMatchObject({ n: expect.any(Number), text: TEXT })
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    for (const { code } of await done) expect(code).toBe(0)
    for (const mark of ['a', 'b'])
      for (let n = 0; n < COUNT; n++) expect(await read(`${mark}${n}`)).toMatchObject({ n, text: TEXT })
    for (const key of await store.keys())
      expect(await store.session(key).check()).toMatchObject({ damage: [], torn: null })
  })

  test('that were acknowledged before the process was killed', async () => {
    const folder = tempFolder()
    const child = start('value-setters.mjs', [name, folder, 'a', '100000'])
    let told = 0
    child.on('message', (n) => {
      told = Number(n)
    })
    while (told < 30) await messageOf(child)
    child.kill('SIGKILL')
    await ended(child)
    const read = readerOf(await open(folder))
    for (let n = 0; n < told; n++) expect(await read(`a${n}`)).toMatchObject({ n, text: TEXT })
  })
})
