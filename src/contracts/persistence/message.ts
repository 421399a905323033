/** A message as an agent's program appends and reads it. */

import { checkCount, checkOptionalText } from '../../base/arguments.js'
import { isObject, type JsonObject } from '../../base/json.js'
import { answeredCall, textOf, toolCallsOf } from '../../log/context.js'
import type { Line } from '../../log/line.js'
import { countersOf } from '../../log/usage.js'
import type { ActiveSummary } from '../../log/views.js'
import { knownId, timeIn, type Visibility } from '../../log/visibility.js'

const ROLES: readonly unknown[] = ['system', 'user', 'assistant', 'tool']

/** @throws TypeError, RangeError for a counter that is no whole number from 0 */
export function toLine(message: unknown, agent: string | null): JsonObject {
  if (!isObject(message)) throw new TypeError('a message must be an object')
  const { role } = message
  if (!ROLES.includes(role)) throw new TypeError("a role must be 'system', 'user', 'assistant' or 'tool'")
  const line: JsonObject = { role: role as string, content: checkOptionalText('content', message.content) }
  const toolCalls = checkOptionalText('toolCalls', message.toolCalls)
  const toolCallId = checkOptionalText('toolCallId', message.toolCallId)
  if (toolCalls !== null) line.toolCalls = toolCalls
  if (toolCallId !== null) line.toolCallId = toolCallId
  if (agent !== null) line.agent = agent
  if (message.usage !== undefined && message.usage !== null) line.usage = usageOf(message.usage)
  return line
}

function usageOf(given: unknown): JsonObject {
  if (!isObject(given)) throw new TypeError('usage must be an object of counters')
  const usage: JsonObject = {}
  for (const name of TOKEN_COUNTERS) {
    const count = given[name]
    if (count === undefined) continue
    checkCount(name, count)
    usage[name] = count
  }
  const stopReason = checkOptionalText('stopReason', given.stopReason)
  return stopReason === null ? usage : { ...usage, stopReason }
}

/** The counters of a message's own usage. */
export const TOKEN_COUNTERS = [
  'promptTokens',
  'completionTokens',
  'cacheReadTokens',
  'cacheCreationTokens',
  'thinkingTokens',
] as const

export type TokenCounts = Record<(typeof TOKEN_COUNTERS)[number], number>

export interface AgentMessage extends Record<(typeof TOKEN_COUNTERS)[number], number | null> {
  sessionId: string
  id: string
  role: string
  content: string | null
  toolCalls: string | null
  toolCallId: string | null
  agentName: string | null
  at: string
}

const NO_COUNTS = Object.fromEntries(TOKEN_COUNTERS.map((name) => [name, null])) as Record<keyof TokenCounts, null>

export function toAgentMessage(line: Line, visibility: Visibility, fileTime: string, sessionId: string): AgentMessage {
  const { value } = line
  const counts = isObject(value.usage) ? countersOf(value.usage) : NO_COUNTS
  // field by field: this is done for each message of a context, and spreading would double its cost
  return {
    sessionId,
    id: knownId(line, visibility),
    role: value.role as string,
    content: textOf(value.content),
    toolCalls: textOf(toolCallsOf(value)),
    toolCallId: answeredCall(line) ?? null,
    agentName: typeof value.agent === 'string' ? value.agent : null,
    at: timeIn(line, visibility, fileTime),
    promptTokens: counts.promptTokens,
    completionTokens: counts.completionTokens,
    cacheReadTokens: counts.cacheReadTokens,
    cacheCreationTokens: counts.cacheCreationTokens,
    thinkingTokens: counts.thinkingTokens,
  }
}

/** The summary in force, as the first message of a context. */
export function summaryMessage({ id, at, text }: ActiveSummary, sessionId: string): AgentMessage & { kind: 'summary' } {
  const none = { toolCalls: null, toolCallId: null, agentName: null }
  return { sessionId, kind: 'summary', id, role: 'system', content: text, ...none, at, ...NO_COUNTS }
}
