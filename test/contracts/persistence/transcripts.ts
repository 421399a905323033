/** What coding agents have written, as calls of the contract. */
import fs from 'node:fs'
import type { NewAgentMessage, Role, TokenUsage } from '../../../src/contracts/persistence/index.js'

/** A part of a message's content, as providers have them. */
interface Part {
  type?: string
  text?: string
  id?: string
  name?: string
  arguments?: unknown
  input?: unknown
  tool_use_id?: string
  content?: string | Part[]
}

interface PiMessage {
  role: string
  content: string | Part[]
  toolCallId?: string
  usage?: { input?: number; output?: number; cacheRead?: number; cacheWrite?: number }
  stopReason?: string
}

interface ClaudeMessage {
  id?: string
  role: string
  content: string | Part[]
  stop_reason?: string | null
  usage?: {
    input_tokens?: number
    output_tokens?: number
    cache_read_input_tokens?: number
    cache_creation_input_tokens?: number
  }
}

/** The lines of a file that are JSON objects. Others stand there, too. */
function objectsIn(file: string): Array<Record<string, unknown>> {
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const value: unknown = JSON.parse(line)
        return typeof value === 'object' && value !== null && !Array.isArray(value) ? [value as never] : []
      } catch {
        return []
      }
    })
}

function textOf(content: string | Part[] | undefined): string | null {
  if (typeof content === 'string') return content
  const texts = (content ?? []).flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : []))
  return texts.length === 0 ? null : texts.join('\n')
}

function partsOf(content: string | Part[], type: string): Part[] {
  return Array.isArray(content) ? content.filter((part) => part.type === type) : []
}

function callsOf(parts: Part[]): string | null {
  if (parts.length === 0) return null
  return JSON.stringify(parts.map(({ id, name, ...more }) => ({ id, name, arguments: more.arguments ?? more.input })))
}

const PI_ROLES: Record<string, Role> = { user: 'user', assistant: 'assistant', toolResult: 'tool' }

/** A session of pi. */
export function readPi(file: string): NewAgentMessage[] {
  const messages = objectsIn(file).flatMap(({ type, message }) => (type === 'message' ? [message as PiMessage] : []))
  return messages.flatMap(({ role, content, toolCallId, usage, stopReason }): NewAgentMessage[] => {
    const known = PI_ROLES[role]
    if (known === undefined) return []
    return [
      {
        role: known,
        content: textOf(content),
        toolCalls: callsOf(partsOf(content, 'toolCall')),
        toolCallId: toolCallId ?? null,
        usage: usage === undefined ? null : { ...piUsage(usage), ...(stopReason === undefined ? {} : { stopReason }) },
      },
    ]
  })
}

function piUsage(usage: NonNullable<PiMessage['usage']>): TokenUsage {
  return {
    promptTokens: usage.input ?? 0,
    completionTokens: usage.output ?? 0,
    cacheReadTokens: usage.cacheRead ?? 0,
    cacheCreationTokens: usage.cacheWrite ?? 0,
    thinkingTokens: 0,
  }
}

/** A session of Claude Code. A sub-agent's lines bear an agent's name. */
export function readClaudeCode(file: string): NewAgentMessage[] {
  const lines = objectsIn(file).filter(({ type, message }) => isConversation(type) && isObject(message))
  const messages = lines.map(({ message }) => message as unknown as ClaudeMessage)
  return lines.flatMap(({ isSidechain }, i): NewAgentMessage[] => {
    const { role, content, id, usage, stop_reason } = messages[i]!
    const agentName = isSidechain === true ? 'sidechain' : null
    if (role === 'user') return userMessages(content).map((message) => ({ ...message, agentName }))
    // one answer stands on several lines, and each repeats its usage: the last one counts
    const isLast = id === undefined || messages.findLastIndex((other) => other.id === id) === i
    return [
      {
        role: 'assistant',
        content: textOf(content),
        toolCalls: callsOf(partsOf(content, 'tool_use')),
        usage: usage !== undefined && isLast ? claudeUsage(usage, stop_reason) : null,
        agentName,
      },
    ]
  })
}

function isConversation(type: unknown): boolean {
  return type === 'user' || type === 'assistant'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Results stand in user messages there. */
function userMessages(content: string | Part[]): NewAgentMessage[] {
  const results = partsOf(content, 'tool_result').map((part): NewAgentMessage => {
    return { role: 'tool', content: textOf(part.content), toolCallId: part.tool_use_id ?? null }
  })
  const text = textOf(content)
  return text === null && results.length > 0 ? results : [...results, { role: 'user', content: text }]
}

function claudeUsage(usage: NonNullable<ClaudeMessage['usage']>, stopReason?: string | null): TokenUsage {
  return {
    promptTokens: usage.input_tokens ?? 0,
    completionTokens: usage.output_tokens ?? 0,
    cacheReadTokens: usage.cache_read_input_tokens ?? 0,
    cacheCreationTokens: usage.cache_creation_input_tokens ?? 0,
    thinkingTokens: 0,
    ...(typeof stopReason === 'string' ? { stopReason } : {}),
  }
}
