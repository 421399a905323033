/** Items of the OpenAI Agents SDK as message lines. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { ChatMessage } from '../../log/line.js'
import { plainOf } from '../shared/items.js'
import { callOf } from './calls.js'

/** Role and content of a message, output and call of a result move out of `openai`; all else stays whole there. */
export function openaiLine(item: JsonObject): ChatMessage {
  const { role, content, ...rest } = item
  if (typeof role === 'string' && content !== undefined) return { role, content, openai: rest }
  const { type, callId, output, name } = item
  if (type === 'function_call' && typeof callId === 'string')
    return { role: 'assistant', toolCalls: [callOf(callId, name)], openai: item }
  if (type === 'function_call_result' && typeof callId === 'string' && output !== undefined) {
    const { callId: toolCallId, output: said, ...others } = item
    return { role: 'tool', content: said as Json, toolCallId: toolCallId as Json, openai: others }
  }
  return { role: type === 'reasoning' ? 'assistant' : 'event', openai: item }
}

/** The item of a line, or what a plain message is in the SDK; undefined for all others. */
export function itemOf(message: ChatMessage): JsonObject | undefined {
  const { role, content, toolCallId, openai } = message
  if (!isObject(openai)) return plainItem(message)
  if (content === undefined) return openai
  return toolCallId === undefined ? { ...openai, role, content } : { ...openai, callId: toolCallId, output: content }
}

function plainItem(message: ChatMessage): JsonObject | undefined {
  const plain = plainOf(message)
  if (plain === undefined) return undefined
  const { role, text } = plain
  if (role === 'assistant') return { role, status: 'completed', content: [{ type: 'output_text', text }] }
  if (role !== 'tool') return { role, content: text }
  const name = typeof message.name === 'string' ? message.name : ''
  return { type: 'function_call_result', callId: plain.toolCallId, name, status: 'completed', output: text }
}
