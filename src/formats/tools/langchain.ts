/** LangChain: stored messages `{type, data}` in an array, or the file of a FileSystemChatMessageHistory. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { type CallUsage, contentOf, countOf, objectOf, objectsOf, splitBlocks, textOr } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { DocumentFormat } from '../shared/format.js'
import { countVerdict, noCounts } from '../shared/job.js'
import { roleOf } from '../shared/roles.js'
import { unitOf } from '../shared/unit.js'

const DATA_FIELDS = new Set(['content', 'id', 'tool_calls', 'tool_call_id'])

function usageOf(metadata: Json | undefined): CallUsage {
  const { input_tokens, output_tokens, input_token_details, output_token_details } = objectOf(metadata)
  return {
    promptTokens: countOf(input_tokens),
    completionTokens: countOf(output_tokens),
    cacheReadTokens: countOf(objectOf(input_token_details).cache_read),
    cacheCreationTokens: countOf(objectOf(input_token_details).cache_creation),
    thinkingTokens: countOf(objectOf(output_token_details).reasoning),
  }
}

function writeMessage(draft: Draft, message: JsonObject, line: number): 'used' | 'record' {
  const unit = unitOf(message, line)
  const data = objectOf(message.data)
  const role = roleOf(message.type === 'generic' || message.type === 'chat' ? data.role : message.type)
  if (role === undefined) {
    draft.record(unit)
    return 'record'
  }
  const { rest, thinking } = splitBlocks(data.content)
  const made = objectsOf(data.tool_calls)
  const calls = made.map((call) => ({ id: textOr(call.id), name: call.name ?? null, arguments: call.args ?? null }))
  const text = Array.isArray(data.content) ? contentOf(rest) : (data.content ?? null)
  draft.message(unit, {
    id: textOr(data.id),
    role,
    content: text === '' && calls.length > 0 ? null : text,
    thinking,
    calls,
    toolCallId: textOr(data.tool_call_id),
    usage: role === 'assistant' ? usageOf(data.usage_metadata) : undefined,
    source: { ...others(data, DATA_FIELDS), ...(role === message.type ? {} : { role: message.type ?? null }) },
  })
  return 'used'
}

/** The messages of a history: an array, or an object with numbers for names. */
function messagesIn(messages: Json | undefined): JsonObject[] {
  if (!isObject(messages)) return objectsOf(messages)
  return Object.keys(messages)
    .sort((a, b) => Number(a) - Number(b))
    .flatMap((number) => (isObject(messages[number]) ? [messages[number]] : []))
}

function isStored(value: Json | undefined): boolean {
  return isObject(value) && typeof value.type === 'string' && isObject(value.data) && 'content' in value.data
}

/** `{user: {session: {context, messages}}}` */
function isHistory(value: JsonObject): boolean {
  const [user] = Object.values(value)
  const [session] = isObject(user) ? Object.values(user) : []
  return isObject(session) && 'messages' in session && messagesIn(session.messages).every(isStored)
}

export const langchain: DocumentFormat = {
  kind: 'document',
  name: 'langchain',
  title: 'LangChain stored messages, and files of FileSystemChatMessageHistory',
  hints: ['langchain'],
  sniff({ shape, objects }) {
    if (shape === 'array' && objects.length > 0 && objects.every(isStored))
      return { weight: 3, why: 'messages {type, data}' }
    const [value] = objects
    const isFile = shape === 'object' && value !== undefined && isHistory(value)
    return isFile ? { weight: 3, why: 'messages by user and session' } : undefined
  },
  convert(value, job) {
    const counts = noCounts()
    const write = (draft: Draft, messages: readonly JsonObject[]) => {
      draft.labels.agent = 'langchain'
      for (const message of messages) countVerdict(counts, writeMessage(draft, message, counts.lines + 1))
    }
    if (Array.isArray(value)) write(job.session(job.file.stem), objectsOf(value))
    else
      for (const [user, sessions] of Object.entries(objectOf(value))) {
        for (const [id, session] of Object.entries(objectOf(sessions))) {
          const draft = job.session(`${user}/${id}`)
          const { context, messages } = objectOf(session)
          draft.setName(objectOf(context).title)
          if (Object.keys(objectOf(context)).length > 0) draft.keep(unitOf({ context: context as Json }, 0))
          write(draft, messagesIn(messages))
        }
      }
    return counts
  },
}
