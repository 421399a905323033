/** A message as an agent's program gives it to the log and gets it back. */
import { isObject } from '../base/json.js'
import { answeredCall, textOf, toolCallsOf } from './context.js'
import { countersOf } from './fold.js'
import type { Line } from './line.js'
import type { ActiveSummary } from './views.js'
import { knownId, type Survey, timeIn } from './visibility.js'

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

export function toAgentMessage(line: Line, survey: Survey, fileTime: string, sessionId: string): AgentMessage {
  const { value } = line
  const counts = isObject(value.usage) ? countersOf(value.usage) : NO_COUNTS
  // field by field: this is done for each message of a context, and spreading would double its cost
  return {
    sessionId,
    id: knownId(line, survey),
    role: value.role as string,
    content: textOf(value.content),
    toolCalls: textOf(toolCallsOf(value)),
    toolCallId: answeredCall(line) ?? null,
    agentName: typeof value.agent === 'string' ? value.agent : null,
    at: timeIn(line, survey, fileTime),
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
