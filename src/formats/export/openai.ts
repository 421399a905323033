/** Export as a line of OpenAI's chat format. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { listOf, objectsOf } from '../shared/blocks.js'
import type { LiveMessage, SessionReading } from './read-session.js'

/** Parts that the format has. */
const PARTS = new Set(['text', 'image_url', 'input_audio', 'file', 'refusal'])

/** Called for what the format has no place for. */
export type OnLeftOut = (what: string) => void

export async function* toOpenAi(
  reading: SessionReading,
  context: boolean,
  onLeftOut: OnLeftOut,
): AsyncGenerator<string> {
  const about = context ? undefined : reading.heading.about
  const messages: JsonObject[] = []
  // a pair of answers stands in another place of the line: then all messages are needed at once
  const isPair = about !== undefined && typeof about.preferred === 'number'
  if (!isPair) yield '{"messages":['
  let isFirst = true
  for await (const live of reading.messages({ context })) {
    const message = openAiMessage(live, onLeftOut)
    if (message === undefined) continue
    if (isPair) messages.push(message)
    else yield `${isFirst ? '' : ','}${JSON.stringify(message)}`
    isFirst = false
  }
  if (isPair) yield `${JSON.stringify(pairOf(about, messages))}\n`
  else yield `]${moreOf(reading, about)}}\n`
}

/** The preferred answer, and the one that it was preferred to. */
function pairOf(about: JsonObject, messages: JsonObject[]): JsonObject {
  const { preferred, input, ...rest } = about
  const asked = messages.length - (preferred as number)
  return {
    input: { messages: messages.slice(0, asked), ...(isObject(input) ? input : {}) },
    preferred_output: messages.slice(asked),
    ...rest,
  }
}

/** Fields of the line behind its messages. */
function moreOf({ heading }: SessionReading, about: JsonObject | undefined): string {
  const metadata = isObject(heading.labels.metadata) ? heading.labels.metadata : {}
  const more: JsonObject = about ?? toolsIn(metadata)
  return Object.entries(more)
    .map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join('')
}

function toolsIn({ tools }: JsonObject): JsonObject {
  try {
    const list: Json = JSON.parse(`${tools ?? ''}`)
    return Array.isArray(list) && list.length > 0 ? { tools: list } : {}
  } catch {
    return {}
  }
}

function openAiMessage({ value }: LiveMessage, onLeftOut: OnLeftOut): JsonObject | undefined {
  const { role, source } = value
  if (isObject(source) && source.format === 'openai-chat' && isObject(source.message)) return source.message
  if (typeof role !== 'string') return undefined
  const message: JsonObject = { role, content: contentFor(value.content, onLeftOut) }
  if (typeof value.name === 'string') message.name = value.name
  const calls = callsIn(value)
  if (calls.length > 0) {
    message.tool_calls = calls.map(({ id, name, arguments: given }) => ({
      id: id ?? null,
      type: 'function',
      function: { name: name ?? null, arguments: typeof given === 'string' ? given : JSON.stringify(given ?? null) },
    }))
  }
  if (typeof value.toolCallId === 'string') message.tool_call_id = value.toolCallId
  if (Array.isArray(value.thinking)) onLeftOut('thinking')
  return message
}

/** Calls of a message; what is no list of objects makes none. */
export function callsIn({ toolCalls }: JsonObject): JsonObject[] {
  if (typeof toolCalls !== 'string') return objectsOf(toolCalls)
  try {
    return objectsOf(JSON.parse(toolCalls))
  } catch {
    return []
  }
}

function contentFor(content: Json | undefined, onLeftOut: OnLeftOut): Json {
  if (!Array.isArray(content))
    return typeof content === 'string' || content == null ? (content ?? null) : JSON.stringify(content)
  const known = content.filter((part) => isObject(part) && PARTS.has(`${part.type}`))
  for (const part of content)
    if (!known.includes(part)) onLeftOut(`content of type ${isObject(part) ? part.type : typeof part}`)
  return listOf(known)
}
