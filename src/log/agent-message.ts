/** A message as an agent's program gives it to the log and gets it back. */
import { isObject, type JsonObject } from '../json.js'
import { answeredCall, textOf, toolCallsOf } from './context.js'
import { countersOf } from './fold.js'
import type { Line } from './line.js'
import { knownId, type Survey, timeIn } from './survey.js'

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
  id: string
  role: string
  content: string | null
  toolCalls: string | null
  toolCallId: string | null
  agentName: string | null
  at: string
}

const NO_COUNTS = Object.fromEntries(TOKEN_COUNTERS.map((name) => [name, null])) as Record<keyof TokenCounts, null>

export function toAgentMessage(line: Line, survey: Survey, fileTime: string): AgentMessage {
  const { value } = line
  return {
    id: knownId(line, survey),
    role: value.role as string,
    content: textOf(value.content),
    toolCalls: textOf(toolCallsOf(value)),
    toolCallId: answeredCall(line) ?? null,
    agentName: typeof value.agent === 'string' ? value.agent : null,
    at: timeIn(line, survey, fileTime),
    ...countsOf(value),
  }
}

/** The summary in force, as the first message of a context. */
export function summaryMessage(id: string, at: string, text: string): AgentMessage {
  return { id, role: 'system', content: text, toolCalls: null, toolCallId: null, agentName: null, at, ...NO_COUNTS }
}

function countsOf({ usage }: JsonObject): Record<keyof TokenCounts, number | null> {
  if (!isObject(usage)) return NO_COUNTS
  const { apiCalls: _, ...counts } = countersOf(usage)
  return counts
}
