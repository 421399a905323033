/** The AI SDK's `UIMessage` as a message line. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { ChatMessage } from '../../log/line.js'
import type { Entry } from '../../session/entry.js'
import { plainOf } from '../shared/items.js'
import { callOf } from './calls.js'

/** Role and parts move out of `ui`; what is exactly one text is written as that text. */
export function uiLine(message: JsonObject): ChatMessage {
  const { role, parts, ...rest } = message
  if (typeof role !== 'string' || !Array.isArray(parts)) return { role: 'event', ui: message }
  const calls = parts.flatMap(callsOf)
  return {
    role,
    content: textOf(parts) ?? parts,
    ...(calls.length > 0 && { toolCalls: calls }),
    ui: rest,
  }
}

/** The text of a message of one plain text part; undefined for all others. */
function textOf(parts: readonly Json[]): string | undefined {
  const [part] = parts
  const isPlain = parts.length === 1 && isObject(part) && part.type === 'text' && Object.keys(part).length === 2
  return isPlain && typeof part.text === 'string' ? part.text : undefined
}

function callsOf(part: Json): JsonObject[] {
  if (!isObject(part) || typeof part.type !== 'string' || typeof part.toolCallId !== 'string') return []
  if (part.type === 'dynamic-tool') return [callOf(part.toolCallId, part.toolName)]
  return part.type.startsWith('tool-') ? [callOf(part.toolCallId, part.type.slice('tool-'.length))] : []
}

/** The message of a line, or what a plain message is in the SDK; undefined for all others. */
export function uiMessageOf({ id, message }: Entry): JsonObject | undefined {
  const { role, content, ui } = message
  if (!isObject(ui)) {
    const plain = plainOf(message)
    // results of tools are no messages there
    if (plain === undefined || plain.role === 'tool') return undefined
    return { id: typeof message.id === 'string' ? message.id : id, role, parts: textParts(plain.text) }
  }
  if (content === undefined) return ui
  return { ...ui, role, parts: typeof content === 'string' ? textParts(content) : content }
}

function textParts(text: string): Json {
  return [{ type: 'text', text }]
}
