/**
 * Lines of Claude Code as messages of ours: what several lines of one answer say together, what a user's line holds.
 */
import { isObject, type Json, type JsonObject } from '../../../base/json.js'
import {
  type CallUsage,
  contentOf,
  countOf,
  objectOf,
  resultContent,
  splitBlocks,
  textOr,
} from '../../shared/blocks.js'
import type { Draft } from '../../shared/draft/draft.js'
import { others } from '../../shared/fields.js'
import { type Held, InOrder } from '../../shared/in-order.js'
import type { Unit } from '../../shared/unit.js'

/** Fields of a line and of its message that become fields of ours. */
const LINE_FIELDS = new Set(['uuid', 'timestamp', 'message', 'cwd', 'sessionId'])
const MESSAGE_FIELDS = new Set(['id', 'role', 'content', 'type'])

/** `user` or `assistant` for a line of the conversation. */
export function roleOf({ type, message }: JsonObject): 'user' | 'assistant' | undefined {
  if (!isObject(message)) return undefined
  const role = message.role ?? type
  return role === 'user' || role === 'assistant' ? role : undefined
}

/** One answer of the model, which several lines hold. */
interface Answer {
  id: string
  units: Unit[]
  held: Held
  /** Line number of its last line, where that is known beforehand. */
  lastLine: number
}

/** The lines of the session, or of one sub-agent in it. */
export class Chain {
  readonly order = new InOrder()
  readonly answers = new Map<string, Answer>()

  constructor(
    readonly draft: Draft,
    readonly keepsRaw: boolean,
  ) {}

  assistant(unit: Unit, lastLine: number): void {
    const message = objectOf(unit.value.message)
    const id = textOr(message.id) ?? textOr(unit.value.uuid)
    const open = id === undefined ? undefined : this.answers.get(id)
    if (open !== undefined) open.units.push(unit)
    else if (id === undefined) this.order.add(unit, () => writeAnswer(this.draft, undefined, [unit], this.keepsRaw))
    else {
      const units = [unit]
      const held = this.order.hold(unit, () => writeAnswer(this.draft, id, units, this.keepsRaw))
      this.answers.set(id, { id, units, held, lastLine })
    }
  }

  /** Ends the answers of which no line comes any more: all, or the ones that end above a line. */
  close(line?: number): void {
    for (const answer of this.answers.values()) {
      if (line !== undefined && answer.lastLine >= line) continue
      this.answers.delete(answer.id)
      answer.held.close()
    }
  }
}

/** What one answer says: blocks of all its lines, usage of the last one. */
function writeAnswer(draft: Draft, id: string | undefined, units: readonly Unit[], keepsRaw: boolean): void {
  const [first] = units as [Unit]
  const last = units.at(-1) as Unit
  const blocks = units.flatMap(({ value }): Json[] => {
    const { content } = objectOf(value.message)
    if (typeof content === 'string') return [{ type: 'text', text: content }]
    return Array.isArray(content) ? content : content === undefined || content === null ? [] : [content]
  })
  const message = objectOf(last.value.message)
  const { rest, thinking, calls, results } = splitBlocks(blocks)
  const isText = typeof message.content === 'string' && units.length === 1
  draft.message(first, {
    id: textOr(first.value.uuid),
    at: first.value.timestamp,
    role: 'assistant',
    content: isText ? (message.content as string) : contentOf([...rest, ...results]),
    thinking,
    calls: calls.map((call, index) => ({ ...call, id: call.id ?? `${id ?? draft.key}:${index}` })),
    usage: usageOf(message),
    source: {
      ...sourceOf(last.value),
      ...(id === undefined ? {} : { messageId: id }),
      ...(units.length === 1 ? {} : { lines: units.map(({ line }) => line) }),
      ...(keepsRaw ? { raw: units.map(({ value }) => value) } : {}),
    },
  })
}

function sourceOf(value: JsonObject): JsonObject {
  return others(objectOf(value.message), MESSAGE_FIELDS, others(value, LINE_FIELDS))
}

/** All input as prompt; what the tool wrote itself was no call. */
export function usageOf({ usage, model }: JsonObject): CallUsage | undefined {
  if (!isObject(usage) || model === '<synthetic>') return undefined
  const cacheReadTokens = countOf(usage.cache_read_input_tokens)
  const cacheCreationTokens = countOf(usage.cache_creation_input_tokens)
  return {
    promptTokens: countOf(usage.input_tokens) + cacheReadTokens + cacheCreationTokens,
    completionTokens: countOf(usage.output_tokens),
    cacheReadTokens,
    cacheCreationTokens,
  }
}

/** A user's line: results first, then one message of all else. */
export function writeUser(draft: Draft, unit: Unit, isVariant: boolean): void {
  const { value } = unit
  const message = objectOf(value.message)
  // another line of the same uuid is known by its bytes
  const id = isVariant ? undefined : textOr(value.uuid)
  const at = value.timestamp
  const source = sourceOf(value)
  const { content } = message
  const { rest, results, thinking, calls } = splitBlocks(content)
  results.forEach((result, index) => {
    const more = others(result, new Set(['type', 'tool_use_id', 'content']))
    draft.message(unit, {
      id,
      part: `result ${index}`,
      at,
      role: 'tool',
      content: resultContent(result.content),
      toolCallId: textOr(result.tool_use_id),
      source: { ...more, ...(index === 0 ? source : {}) },
    })
  })
  const isEmpty = results.length > 0 && rest.length === 0 && calls.length === 0
  if (isEmpty) return
  const text = Array.isArray(content) ? contentOf(rest) : (content ?? null)
  draft.message(unit, {
    id,
    at,
    role: 'user',
    content: text,
    thinking,
    calls,
    source: results.length > 0 ? {} : source,
  })
}
