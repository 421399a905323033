/** What the messages of a session come to. */
import { isObject, type JsonObject } from '../../../base/json.js'
import type { Usage } from '../../../log/line.js'
import { countersOf } from '../../../log/usage.js'
import type { CallUsage } from '../blocks.js'

/** The numbers of a session. */
export interface Totals {
  messages: number
  roles: Record<string, number>
  toolCalls: number
  /** Calls without a result, by id. */
  open: Map<string, number>
  compactions: number
  records: number
  /** Sums of the path; other branches are in `carried` alone. */
  usage: Usage
}

export function noTotals(): Totals {
  return {
    messages: 0,
    roles: {},
    toolCalls: 0,
    open: new Map(),
    compactions: 0,
    records: 0,
    usage: { ...countersOf({}), apiCalls: 0 },
  }
}

export function unansweredIn({ open }: Totals): number {
  let count = 0
  for (const calls of open.values()) count += calls
  return count
}

export function addTo(sum: Usage, usage: Usage): void {
  for (const name of Object.keys(sum) as Array<keyof Usage>) sum[name] += usage[name]
}

/** The counters that are not 0; undefined when all are. */
export function writtenUsage(given: CallUsage | undefined): JsonObject | undefined {
  if (given === undefined) return undefined
  const { promptTokens = 0, completionTokens = 0, ...more } = given
  const rest = Object.entries(more).filter(([, count]) => count !== undefined && count > 0)
  if (promptTokens === 0 && completionTokens === 0 && rest.length === 0) return undefined
  return { promptTokens, completionTokens, ...Object.fromEntries(rest as Array<[string, number]>) }
}

export function callIds(text: string): Array<{ id: string }> {
  try {
    const calls: unknown = JSON.parse(text)
    if (!Array.isArray(calls)) return []
    return calls.flatMap((call) => (isObject(call) && typeof call.id === 'string' ? [{ id: call.id }] : []))
  } catch {
    return []
  }
}
