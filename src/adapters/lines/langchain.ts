/** LangChain's stored messages `{type, data}` as message lines. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { ChatMessage } from '../../log/line.js'
import { plainOf } from '../shared/items.js'
import { callsIn } from './calls.js'

const ROLES = new Map([
  ['human', 'user'],
  ['ai', 'assistant'],
  ['system', 'system'],
  ['tool', 'tool'],
])
const TYPES = new Map([...ROLES].map(([type, role]) => [role, type]))

/** The content, and what says that it is one of a role or of a call, move out of `langchain`. */
export function langchainLine(stored: JsonObject): ChatMessage {
  const { type, data } = stored
  const whole = { role: 'event', langchain: stored }
  const { content, ...rest } = isObject(data) ? data : {}
  if (typeof type !== 'string' || content === undefined) return whole
  if (type === 'generic') {
    const { role, ...others } = rest
    return typeof role === 'string' ? { role, content, langchain: { ...stored, data: others } } : whole
  }
  const role = ROLES.get(type) ?? 'event'
  const { tool_call_id: toolCallId, ...others } = rest
  if (type === 'tool' && typeof toolCallId === 'string')
    return { role, content, toolCallId, langchain: { ...stored, data: others } }
  const calls = type === 'ai' ? callsIn(rest.tool_calls) : {}
  return { role, content, ...calls, langchain: { ...stored, data: rest } }
}

/** The stored message of a line, or what a plain message is in LangChain; undefined for all others. */
export function storedOf(message: ChatMessage): JsonObject | undefined {
  const { role, content, toolCallId, langchain } = message
  if (!isObject(langchain)) return plainStored(message)
  if (content === undefined || !isObject(langchain.data)) return langchain
  const data: JsonObject = { ...langchain.data, content }
  if (langchain.type === 'generic') data.role = role
  if (toolCallId !== undefined) data.tool_call_id = toolCallId
  return { ...langchain, data }
}

function plainStored(message: ChatMessage): JsonObject | undefined {
  const plain = plainOf(message)
  if (plain === undefined) return undefined
  const type = TYPES.get(plain.role) as Json
  const call = plain.role === 'tool' ? { tool_call_id: plain.toolCallId } : {}
  return { type, data: { content: plain.text, ...call } }
}
