/** Serialised messages of the Chat SDK, and other elements of its lists, as message lines. */
import { isObject, type Json } from '../../base/json.js'
import type { ChatMessage } from '../../log/line.js'
import type { Entry } from '../../session/entry.js'
import { plainOf } from '../shared/items.js'

/** The text of a message moves out of `chat`; what is no message is an event. */
export function chatLine(element: Json): ChatMessage {
  const author = isObject(element) ? element.author : undefined
  if (!isObject(element) || !isObject(author) || typeof element.text !== 'string')
    return { role: 'event', chat: element }
  const { text, ...rest } = element
  return { role: author.isMe === true ? 'assistant' : 'user', content: text, chat: rest }
}

/** The element of a line, or what a plain message of a person or a model is in the SDK; undefined for all others. */
export function elementOf({ id, at, message }: Entry): Json | undefined {
  const { content, chat } = message
  if (chat === undefined) return plainElement({ id, at, message })
  return typeof content === 'string' && isObject(chat) ? { ...chat, text: content } : chat
}

function plainElement({ id, at, message }: Entry): Json | undefined {
  const plain = plainOf(message)
  if (plain === undefined || plain.role === 'tool' || plain.role === 'system') return undefined
  const { role, text } = plain
  const isMe = role === 'assistant'
  const paragraph = { type: 'paragraph', children: [{ type: 'text', value: text }] }
  return {
    _type: 'chat:Message',
    id,
    threadId: '',
    text,
    formatted: { type: 'root', children: [paragraph] },
    raw: null,
    author: { userId: role, userName: role, fullName: role, isBot: isMe, isMe },
    metadata: { dateSent: at.toISOString(), edited: false },
    attachments: [],
  }
}
