// Adds messages by an adapter, and says after each how many there are: message-adapters.mjs ADAPTER FOLDER ID MARK COUNT
import { openStore } from '../../dist/lib/index.js'

const adders = {
  async 'ai-sdk'(store, chatId) {
    const { JsonlChatStore } = await import('../../dist/lib/adapters/ai-sdk.js')
    const chats = new JsonlChatStore(store)
    return (text) => chats.append(chatId, { id: text, role: 'user', parts: [{ type: 'text', text }] })
  },
  async 'openai-agents'(store, sessionId) {
    const { JsonlAgentsSession } = await import('../../dist/lib/adapters/openai-agents.js')
    const session = new JsonlAgentsSession(store, sessionId)
    return (content) => session.addItems([{ role: 'user', content }])
  },
  async 'claude-agent-sdk'(store, sessionId) {
    const { JsonlClaudeSessionStore } = await import('../../dist/lib/adapters/claude-agent-sdk.js')
    const sessions = new JsonlClaudeSessionStore(store)
    return (content) =>
      sessions.append({ projectKey: 'p', sessionId }, [
        { type: 'user', uuid: crypto.randomUUID(), message: { role: 'user', content } },
      ])
  },
  async 'chat-sdk'(store, key) {
    const { createJsonlState } = await import('../../dist/lib/adapters/chat-sdk.js')
    const state = createJsonlState(store)
    await state.connect()
    return (text) => state.appendToList(key, { _type: 'chat:Message', text, author: { isMe: false } })
  },
  async langchain(store, sessionId) {
    const { JsonlChatMessageHistory } = await import('../../dist/lib/adapters/langchain.js')
    const history = new JsonlChatMessageHistory({ store, sessionId })
    return (text) => history.addUserMessage(text)
  },
}

const [name, folder, id, mark, count] = process.argv.slice(2)
const store = await openStore(folder)
const add = await adders[name](store, id)
for (let n = 0; n < Number(count); n++) {
  await add(`${mark}${n}`)
  process.send(n + 1)
}
await store.close()
process.disconnect()
