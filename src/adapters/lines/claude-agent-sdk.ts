/** Entries of the Claude Agent SDK's transcripts as message lines. */
import { createHash } from 'node:crypto'
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { ChatMessage } from '../../log/line.js'
import type { Entry } from '../../session/entry.js'
import { plainOf } from '../shared/items.js'
import { callsIn } from './calls.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Role and content of an entry's message move out of `claude`; an entry without a message is an event. */
export function claudeLine(entry: JsonObject): ChatMessage {
  const { message } = entry
  if (!isObject(message) || typeof message.role !== 'string' || message.content === undefined)
    return { role: 'event', claude: entry }
  const { role, content, ...rest } = message
  const blocks = Array.isArray(content) ? content.filter((block) => isObject(block) && block.type === 'tool_use') : []
  return { role, content, ...callsIn(blocks), claude: { ...entry, message: rest } }
}

/** What stands at the head of an entry that is made of a plain message. */
interface Head {
  uuid: string
  parentUuid: string | null
  sessionId: string
  timestamp: string
  isSidechain: boolean
}

/**
 * Reads a transcript in order: the entry of each line, and what a plain message is in a transcript. That is a chain: a
 * plain message follows the entry before it.
 */
export function transcriptReader(sessionId: string): (entry: Entry) => JsonObject | undefined {
  let parentUuid: string | null = null
  return ({ id, at, message }) => {
    const head = { uuid: uuidOf(id), parentUuid, sessionId, timestamp: at.toISOString(), isSidechain: false }
    const entry = entryOf(message, head)
    if (typeof entry?.uuid === 'string') parentUuid = entry.uuid
    return entry
  }
}

function entryOf(message: ChatMessage, head: Head): JsonObject | undefined {
  const { role, content, claude } = message
  if (!isObject(claude)) return plainEntry(message, { ...head })
  if (content === undefined || !isObject(claude.message)) return claude
  return { ...claude, message: { ...claude.message, role, content } }
}

function plainEntry(message: ChatMessage, head: JsonObject): JsonObject | undefined {
  const plain = plainOf(message)
  if (plain === undefined) return undefined
  const { role, text } = plain
  if (role === 'system') return { type: 'system', ...head, content: text }
  if (role === 'tool') {
    const content = [{ type: 'tool_result', tool_use_id: plain.toolCallId, content: text }]
    return { type: 'user', ...head, message: { role: 'user', content } }
  }
  const content: Json = role === 'user' ? text : [{ type: 'text', text }]
  return { type: role, ...head, message: { role, content } }
}

/** A line's id as a uuid: lines that were typed by hand have other ids. */
function uuidOf(id: string): string {
  if (UUID.test(id)) return id
  const hex = createHash('sha256').update(id).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
