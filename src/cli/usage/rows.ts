import type { SessionUsage } from '../../contracts/persistence/index.js'

export interface Counters extends SessionUsage {
  /** Prompt and completion tokens. */
  totalTokens: number
}

export type UsageRow = [name: string, usage: Counters]

/** All zero. */
export function counters(): Counters {
  return {
    apiCalls: 0,
    promptTokens: 0,
    completionTokens: 0,
    cacheReadTokens: 0,
    cacheCreationTokens: 0,
    thinkingTokens: 0,
    totalTokens: 0,
  }
}

/** Adds to the row of the name; returns the sum. */
export function add(sums: Map<string, Counters>, name: string, usages: Iterable<SessionUsage>): Counters {
  const sum = sums.get(name) ?? counters()
  for (const usage of usages) {
    sum.apiCalls += usage.apiCalls
    sum.promptTokens += usage.promptTokens
    sum.completionTokens += usage.completionTokens
    sum.cacheReadTokens += usage.cacheReadTokens
    sum.cacheCreationTokens += usage.cacheCreationTokens
    sum.thinkingTokens += usage.thinkingTokens
  }
  sum.totalTokens = sum.promptTokens + sum.completionTokens
  sums.set(name, sum)
  return sum
}

/** Most tokens first, ties by name. */
export function byTokens(sums: ReadonlyMap<string, Counters>): UsageRow[] {
  return [...sums].sort(([a, x], [b, y]) => y.totalTokens - x.totalTokens || (a < b ? -1 : 1))
}
