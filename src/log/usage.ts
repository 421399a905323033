/** Token counters, and their sums by agent. */
import { isObject, type Json, type JsonObject } from '../base/json.js'
import type { Usage } from './line.js'

/** What the messages of a log have used, by agent. */
export interface Used {
  /** Counters of all messages in the log, removed ones included. */
  usage: Map<string, Usage>
  /** Counters of messages that rewrites took out. */
  carriedUsage: Map<string, Usage>
}

export function countersOf(usage: JsonObject): Usage {
  return {
    promptTokens: counter(usage.promptTokens),
    completionTokens: counter(usage.completionTokens),
    cacheReadTokens: counter(usage.cacheReadTokens),
    cacheCreationTokens: counter(usage.cacheCreationTokens),
    thinkingTokens: counter(usage.thinkingTokens),
    apiCalls: counter(usage.apiCalls),
  }
}

function counter(value: Json | undefined): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}

const NOTHING_USED: Readonly<Usage> = countersOf({})

/** Adds or takes away. A sum that no number can hold exactly stays at the greatest one that can be. */
export function addUsage(sums: Map<string, Usage>, agent: string, usage: Usage, sign: 1 | -1): void {
  const sum = sums.get(agent) ?? NOTHING_USED
  const add = (a: number, b: number) => Math.min(a + sign * b, Number.MAX_SAFE_INTEGER)
  sums.set(agent, {
    promptTokens: add(sum.promptTokens, usage.promptTokens),
    completionTokens: add(sum.completionTokens, usage.completionTokens),
    cacheReadTokens: add(sum.cacheReadTokens, usage.cacheReadTokens),
    cacheCreationTokens: add(sum.cacheCreationTokens, usage.cacheCreationTokens),
    thinkingTokens: add(sum.thinkingTokens, usage.thinkingTokens),
    apiCalls: add(sum.apiCalls, usage.apiCalls),
  })
}

export function usageFromJson(value: Json | undefined): Map<string, Usage> {
  if (!isObject(value)) return new Map()
  const rows = Object.entries(value).filter((row): row is [string, JsonObject] => isObject(row[1]))
  return new Map(rows.map(([agent, usage]) => [agent, countersOf(usage)]))
}

/** Sums of all that was ever counted, by agent: messages in the log and messages that rewrites dropped. */
export function totalUsage({ usage, carriedUsage }: Used): Map<string, Usage> {
  const sums = new Map<string, Usage>()
  for (const part of [carriedUsage, usage]) {
    for (const [agent, usage] of part) addUsage(sums, agent, usage, 1)
  }
  return sums
}

/** The counters of all agents together. */
export function sumOf(usage: ReadonlyMap<string, Usage>): Usage {
  const sums = new Map<string, Usage>()
  for (const counters of usage.values()) addUsage(sums, '', counters, 1)
  return sums.get('') ?? countersOf({})
}
