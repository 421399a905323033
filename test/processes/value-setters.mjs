// Sets values by an adapter, and says after each how many: value-setters.mjs ADAPTER FOLDER MARK COUNT
import { openStore } from '../../dist/lib/index.js'

const TEXT = 'x'.repeat(300)

const setters = {
  async grammy(store) {
    const { JsonlStorageAdapter } = await import('../../dist/lib/adapters/grammy.js')
    const chats = new JsonlStorageAdapter(store)
    return (key, n) => chats.write(key, { n, text: TEXT })
  },
  async telegraf(store) {
    const { JsonlTelegrafStore } = await import('../../dist/lib/adapters/telegraf.js')
    const chats = new JsonlTelegrafStore(store)
    return (key, n) => chats.set(key, { n, text: TEXT })
  },
  async bolt(store) {
    const { JsonlConversationStore } = await import('../../dist/lib/adapters/bolt.js')
    const conversations = new JsonlConversationStore(store)
    return (key, n) => conversations.set(key, { n, text: TEXT })
  },
  async botbuilder(store) {
    const { JsonlBotStorage } = await import('../../dist/lib/adapters/botbuilder.js')
    const storage = new JsonlBotStorage(store)
    return (key, n) => storage.write({ [key]: { n, text: TEXT } })
  },
  async 'chat-sdk'(store) {
    const { createJsonlState } = await import('../../dist/lib/adapters/chat-sdk.js')
    const state = createJsonlState(store)
    await state.connect()
    return (key, n) => state.set(key, { n, text: TEXT }, 600_000)
  },
  async langgraph(store) {
    const { JsonlCheckpointSaver } = await import('../../dist/lib/adapters/langgraph.js')
    const { emptyCheckpoint } = await import('@langchain/langgraph-checkpoint')
    const saver = new JsonlCheckpointSaver(store)
    return (key, n) => {
      const checkpoint = { ...emptyCheckpoint(), channel_values: { state: { n, text: TEXT } } }
      const metadata = { source: 'loop', step: n, parents: {} }
      checkpoint.channel_versions = { state: n + 1 }
      return saver.put({ configurable: { thread_id: key } }, checkpoint, metadata, { state: n + 1 })
    }
  },
  async keyv(store) {
    const { JsonlKeyvStore } = await import('../../dist/lib/adapters/keyv.js')
    const keyv = new JsonlKeyvStore(store)
    return (key, n) => keyv.set(key, JSON.stringify({ value: { n, text: TEXT } }))
  },
  async unstorage(store) {
    const { default: jsonlDriver } = await import('../../dist/lib/adapters/unstorage.js')
    const driver = jsonlDriver({ store })
    return (key, n) => driver.setItem(key, JSON.stringify({ n, text: TEXT }), {})
  },
  async 'express-session'(store) {
    const { JsonlExpressStore } = await import('../../dist/lib/adapters/express-session.js')
    const sessions = new JsonlExpressStore(store)
    const set = (key, n, done) => sessions.set(key, { cookie: {}, n, text: TEXT }, done)
    return (key, n) => new Promise((resolve, reject) => set(key, n, (error) => (error ? reject(error) : resolve())))
  },
}

const [name, folder, mark, count] = process.argv.slice(2)
const store = await openStore(folder)
const set = await setters[name](store)
for (let n = 0; n < Number(count); n++) {
  await set(`${mark}${n}`, n)
  await set('common', n)
  process.send(n + 1)
}
await store.close()
process.disconnect()
