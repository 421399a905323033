/** Items of a Codex rollout as parts of messages of ours. */
import { isObject, type Json, type JsonObject } from '../../../base/json.js'
import {
  type Call,
  type CallUsage,
  contentOf,
  countOf,
  objectsOf,
  parsedArguments,
  textOr,
} from '../../shared/blocks.js'
import { others } from '../../shared/fields.js'

const TEXTS = ['input_text', 'output_text', 'text', 'summary_text']
const MESSAGE_FIELDS = new Set(['type', 'role', 'content', 'id'])
const CALL_FIELDS = new Set(['type', 'id', 'call_id', 'name', 'arguments', 'input', 'action'])
const RESULT_FIELDS = new Set(['type', 'id', 'call_id', 'output'])
const ROLES = new Map([
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['system', 'system'],
  ['developer', 'system'],
])

/** Cached input is a part of the input, reasoning a part of the output. */
export function usageIn(usage: JsonObject): CallUsage {
  return {
    promptTokens: countOf(usage.input_tokens),
    completionTokens: countOf(usage.output_tokens),
    cacheReadTokens: countOf(usage.cached_input_tokens),
    cacheCreationTokens: countOf(usage.cache_write_input_tokens),
    thinkingTokens: countOf(usage.reasoning_output_tokens),
  }
}

/** A message; undefined for one of a role that is none of ours. */
export function saidIn(payload: JsonObject): { role: string; content: Json; source: JsonObject } | undefined {
  const role = ROLES.get(`${payload.role}`)
  if (role === undefined) return undefined
  const { content, id } = payload
  const source = others(payload, MESSAGE_FIELDS)
  if (role !== payload.role) source.role = payload.role ?? null
  if (id !== undefined) source.messageId = id
  return { role, content: Array.isArray(content) ? contentOf(content, TEXTS) : (content ?? null), source }
}

export function callIn(payload: JsonObject): { call: Call; source: JsonObject } {
  const id = textOr(payload.call_id) ?? textOr(payload.id)
  const name = payload.name ?? (payload.type === 'local_shell_call' ? 'local_shell' : (payload.type as Json))
  const call = { id, name, arguments: parsedArguments(payload.arguments ?? payload.input ?? payload.action) }
  return { call, source: { kind: payload.type as Json, ...others(payload, CALL_FIELDS) } }
}

export function resultIn(payload: JsonObject): { call: string | undefined; content: Json; source: JsonObject } {
  const { output, tools } = payload
  const content = Array.isArray(output) ? contentOf(output, TEXTS) : (output ?? tools ?? null)
  const call = textOr(payload.call_id) ?? textOr(payload.id)
  return { call, content, source: { kind: payload.type as Json, ...others(payload, RESULT_FIELDS) } }
}

/** What a compaction put in the place of the conversation: its message, else the last text that it kept. */
export function summaryIn(payload: JsonObject): string | undefined {
  const texts = objectsOf(payload.replacement_history).flatMap(({ content }) => {
    const text = Array.isArray(content) ? contentOf(content.filter(hasText), TEXTS) : content
    return typeof text === 'string' && text !== '' ? [text] : []
  })
  return textOr(payload.message) ?? texts.at(-1)
}

function hasText(block: Json): boolean {
  return isObject(block) && typeof block.text === 'string'
}
