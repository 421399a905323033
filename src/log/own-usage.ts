/** Usage of forks: what a log has of its source is counted there, so that sums over sessions count each call once. */
import { isV7 } from '../base/ids.js'
import type { Summary } from './fold.js'
import type { Line, Usage } from './line.js'
import { addUsage, countersOf, totalUsage, usageFromJson } from './usage.js'

/** The counters by agent without those that a fork has of its source. */
export function ownUsage(summary: Summary): Map<string, Usage> {
  const own = totalUsage(summary)
  for (const [agent, named] of usageFromJson(summary.header?.inherited?.usage)) {
    const had = own.get(agent)
    // a log that was edited by hand may have less than it began with
    if (had !== undefined) addUsage(own, agent, least(named, had), -1)
  }
  return own
}

/** True for a message that a fork has of its source: by its id where ids rise, else by its time. */
export function isInherited({ id, at }: Line, { header }: Pick<Summary, 'header'>): boolean {
  if (typeof header?.forkedFrom !== 'string') return false
  const through = header.inherited?.through
  if (isV7(id) && typeof through === 'string' && isV7(through)) return id <= through
  return at !== undefined && header.at !== null && at <= header.at
}

function least(a: Usage, b: Usage): Usage {
  const rows = Object.keys(a).map((name) => [name, Math.min(a[name as keyof Usage], b[name as keyof Usage])])
  return { ...countersOf({}), ...Object.fromEntries(rows) }
}
