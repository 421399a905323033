/** Content blocks, calls and usage as most sources have them. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { Usage } from '../../log/line.js'

/** A call as a source has it; without an id it gets one. */
export interface Call {
  id?: string | undefined
  name: Json
  arguments: Json
}

/** Counters of a model call; `promptTokens` and `completionTokens` are all input and all output. */
export type CallUsage = Partial<Omit<Usage, 'apiCalls'>>

export function isText(value: Json | undefined): value is string {
  return typeof value === 'string'
}

/** The string, unless it is missing, empty or of another type. */
export function textOr(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The value if it is a list, else an empty list. */
export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}

/** The objects of a list. */
export function objectsOf(value: Json | undefined): JsonObject[] {
  return listOf(value).filter(isObject)
}

export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

/** A whole number of at least 0, else 0. */
export function countOf(value: Json | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

/**
 * The content of a message made of blocks: a string when they are texts only, null when there are none, else the blocks
 * as they stand. `types` are the source's names of text blocks.
 */
export function contentOf(blocks: readonly Json[], types: readonly string[] = ['text']): Json {
  if (blocks.length === 0) return null
  const texts: string[] = []
  for (const block of blocks) {
    const text = typeof block === 'string' ? block : isTextBlock(block, types) ? block.text : undefined
    if (text === undefined) return blocks as Json[]
    texts.push(text as string)
  }
  return texts.join('\n\n')
}

function isTextBlock(block: Json, types: readonly string[]): block is { type: string; text: string } {
  return isObject(block) && typeof block.text === 'string' && types.includes(block.type as string)
}

/** JSON text as the value that it spells; the text itself where it is no JSON. */
export function parsedArguments(text: Json | undefined): Json {
  if (typeof text !== 'string') return text ?? null
  try {
    const value: Json = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : text
  } catch {
    return text
  }
}

/** Content of a result: a string, or the value of the source. */
export function resultContent(content: Json | undefined): Json {
  if (content === undefined) return null
  return Array.isArray(content) ? (contentOf(content) ?? '') : content
}

/** Content and calls of a message in the shape of Anthropic's Messages. */
export function splitBlocks(content: Json | undefined): {
  rest: Json[]
  thinking: Json[]
  calls: Call[]
  results: JsonObject[]
} {
  const rest: Json[] = []
  const thinking: Json[] = []
  const calls: Call[] = []
  const results: JsonObject[] = []
  for (const block of listOf(content)) {
    const type = isObject(block) ? block.type : undefined
    if (type === 'thinking' || type === 'redacted_thinking') thinking.push(block)
    else if (type === 'tool_use') {
      const { id, name, input } = block as JsonObject
      calls.push({ id: textOr(id), name: name ?? null, arguments: input ?? null })
    } else if (type === 'tool_result') results.push(block as JsonObject)
    else rest.push(block)
  }
  return { rest, thinking, calls, results }
}

/** Calls in the shape of OpenAI's Chat Completions. */
export function openAiCalls(calls: Json | undefined): Call[] {
  return objectsOf(calls).map((call) => {
    const { name, arguments: given } = objectOf(call.function ?? call.custom)
    return { id: textOr(call.id), name: name ?? null, arguments: parsedArguments(given ?? objectOf(call.custom).input) }
  })
}

/** An object without some of its fields. */
export function without(value: JsonObject, ...fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)))
}
