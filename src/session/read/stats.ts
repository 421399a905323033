/** Messages and tokens of a session by agent, day, model and role, from the lines of its log. */
import { checkBoolean, checkNames, checkTime, stillOpen } from '../../base/arguments.js'
import { isObject } from '../../base/json.js'
import type { Line, Usage } from '../../log/line.js'
import { isInherited, ownUsage } from '../../log/own-usage.js'
import { isChat } from '../../log/parse.js'
import { addUsage, countersOf, totalUsage } from '../../log/usage.js'
import { modelOf } from '../../log/views.js'
import { isLive, timeIn, type Visibility } from '../../log/visibility.js'
import { visibilityIn } from '../log/catch-up.js'
import type { SessionLog } from '../log/session-log.js'

export interface StatsOptions {
  /** Messages before this time are left out: Unix milliseconds or a `Date`. */
  since?: number | Date
  /** Leaves out the usage that a fork has of its source, as `Session.ownUsage` does: for sums over sessions. */
  own?: boolean
  signal?: AbortSignal
}

/** Sums by name. Days are `2026-11-28`, in local time. Agents without a name are `main`, models `(unknown)`. */
export interface SessionStats {
  /** Messages that are there, archived ones included. */
  messages: Record<'agent' | 'day' | 'model' | 'role', Map<string, number>>
  /**
   * Tokens and calls, of removed messages too. Of what a rewrite took out only the agent is known: day and model are
   * `(rewritten)` there.
   */
  usage: Record<'agent' | 'day' | 'model', Map<string, Usage>>
}

const REWRITTEN = '(rewritten)'
const UNKNOWN = '(unknown)'

/** Reads the log twice, in memory that does not grow with it. Null where there is no session. */
export async function statsOf(log: SessionLog, options: StatsOptions | undefined): Promise<SessionStats | null> {
  const { since, own = false, signal } = checkNames('stats', options, ['since', 'own', 'signal'])
  const from = since === undefined ? undefined : checkTime('since', since)
  checkBoolean('own', own)
  stillOpen(signal)
  const summary = (await log.current())?.summary
  if (summary === undefined) return null
  const sums = new StatsSums(from)
  const left = own ? ownUsage(summary) : totalUsage(summary)
  await log.using(async (reader) => {
    const visibility = await visibilityIn(reader)
    for await (const pieces of reader.blocks()) {
      signal?.throwIfAborted()
      for (const piece of pieces) {
        if (piece.kind !== 'message' || !isChat(piece) || visibility.copies.get(piece.offset) === 'duplicate') continue
        const usage = own && isInherited(piece, summary) ? undefined : usageIn(piece)
        if (usage !== undefined) addUsage(left, agentOf(piece), usage, -1)
        sums.addLine(piece, usage, visibility, reader.fileTime)
      }
    }
  })
  if (from === undefined) sums.addRewritten(left)
  return sums.stats
}

class StatsSums {
  readonly stats: SessionStats = {
    messages: { agent: new Map(), day: new Map(), model: new Map(), role: new Map() },
    usage: { agent: new Map(), day: new Map(), model: new Map() },
  }
  readonly #from: number

  constructor(from = Number.NEGATIVE_INFINITY) {
    this.#from = from
  }

  addRewritten(left: ReadonlyMap<string, Usage>): void {
    for (const [agent, usage] of left)
      if (usage.apiCalls > 0) this.#addUsage({ agent, day: REWRITTEN, model: REWRITTEN }, usage)
  }

  addLine(line: Line, usage: Usage | undefined, visibility: Visibility, fileTime: string): void {
    const time = new Date(timeIn(line, visibility, fileTime))
    if (time.getTime() < this.#from) return
    const names = { agent: agentOf(line), day: dayOf(time), model: modelOf(line.value) ?? UNKNOWN }
    if (usage !== undefined) this.#addUsage(names, usage)
    if (!isLive(line, visibility)) return
    const { messages } = this.stats
    const named = { ...names, role: String(line.value.role) }
    for (const [group, name] of Object.entries(named) as [keyof typeof messages, string][])
      messages[group].set(name, (messages[group].get(name) ?? 0) + 1)
  }

  #addUsage(names: Record<'agent' | 'day' | 'model', string>, usage: Usage): void {
    const sums = this.stats.usage
    for (const [group, name] of Object.entries(names) as [keyof typeof sums, string][])
      addUsage(sums[group], name, usage, 1)
  }
}

function agentOf({ value: { agent } }: Line): string {
  return typeof agent === 'string' ? agent : 'main'
}

/** Undefined for a message that is no call of a model. */
function usageIn({ value: { usage } }: Line): Usage | undefined {
  return isObject(usage) ? { ...countersOf(usage), apiCalls: 1 } : undefined
}

function dayOf(time: Date): string {
  const two = (number: number) => String(number).padStart(2, '0')
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
}
