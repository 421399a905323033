/** A message of Gemini CLI, its usage and the header of a chat, in the words of a draft. */
import { isObject, type Json, type JsonObject } from '../../../base/json.js'
import { type Call, type CallUsage, countOf, listOf, objectOf, objectsOf, textOr } from '../../shared/blocks.js'
import type { Draft } from '../../shared/draft/draft.js'
import { others } from '../../shared/fields.js'
import type { Unit } from '../../shared/unit.js'

export const ANSWERS = new Set(['gemini', 'model'])
const FINAL = new Set(['success', 'error', 'cancelled'])
const FIELDS = new Set(['id', 'timestamp', 'type', 'content', 'parts', 'toolCalls', 'thoughts'])

export function usageOf(tokens: Json | undefined): CallUsage {
  const { input, output, cached, thoughts, tool } = objectOf(tokens)
  return {
    promptTokens: countOf(input) + countOf(tool),
    completionTokens: countOf(output) + countOf(thoughts),
    cacheReadTokens: countOf(cached),
    thinkingTokens: countOf(thoughts),
  }
}

/** A string, a part, or a list of parts. Parts of one text follow one another without a gap. */
function contentIn(given: Json | undefined): Json {
  if (typeof given === 'string' || given === undefined || given === null) return given ?? null
  const parts = Array.isArray(given) ? given : [given]
  const texts = parts.map((part) => (typeof part === 'string' ? part : isPlainText(part) ? part.text : undefined))
  return texts.every((text) => text !== undefined) ? texts.join('\n\n') : parts
}

function isPlainText(part: Json): part is { text: string } {
  return isObject(part) && typeof part.text === 'string' && Object.keys(part).length === 1
}

/** Writes a message, and the results of its calls. False for what is no message. */
export function writeMessage(draft: Draft, unit: Unit): boolean {
  const { value } = unit
  const isAnswer = ANSWERS.has(`${value.type}`)
  if (!isAnswer && value.type !== 'user') return false
  const id = textOr(value.id)
  const at = value.timestamp
  const content = contentIn(value.content ?? value.parts)
  const role = isAnswer ? 'assistant' : 'user'
  const made = objectsOf(value.toolCalls)
  const calls = made.map(
    (call): Call => ({ id: textOr(call.id), name: call.name ?? null, arguments: call.args ?? null }),
  )
  const source = others(value, FIELDS)
  if (made.length > 0) source.toolCalls = made.map((call) => others(call, new Set(['id', 'name', 'args', 'result'])))
  const thinking = objectsOf(value.thoughts)
  draft.setMetadata('model', value.model)
  const usage = isAnswer ? usageOf(value.tokens) : undefined
  draft.message(unit, {
    id,
    at,
    role,
    content: isAnswer && content === '' && calls.length > 0 ? null : content,
    thinking,
    calls,
    usage,
    source,
  })
  made.forEach((call, index) => {
    if (!FINAL.has(`${call.status}`)) return
    draft.message(unit, {
      id,
      part: `result ${index}`,
      at: call.timestamp ?? at,
      role: 'tool',
      content: resultOf(call),
      toolCallId: textOr(call.id) ?? `${id ?? unit.line}:${index}`,
      source: { status: call.status ?? null, ...(call.result === undefined ? {} : { result: call.result }) },
    })
  })
  return true
}

function resultOf({ result, resultDisplay }: JsonObject): Json {
  const [first] = objectsOf(Array.isArray(result) ? result : result === undefined ? [] : [result])
  const response = objectOf(first?.functionResponse).response
  if (response !== undefined && response !== null) {
    const { output, error } = objectOf(response)
    return typeof output === 'string' ? output : typeof error === 'string' ? error : JSON.stringify(response)
  }
  if (resultDisplay === undefined || resultDisplay === null) return ''
  return typeof resultDisplay === 'string' ? resultDisplay : JSON.stringify(resultDisplay)
}

export function noteHeader(draft: Draft, value: JsonObject): void {
  draft.labels.agent = 'gemini-cli'
  draft.createdAt ??= textOr(value.startTime)
  draft.setName(value.summary)
  draft.setRoot(listOf(value.directories)[0])
}
