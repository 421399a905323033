/** Messages and tokens by session, agent, day, model and role, from the lines of logs. */
import { isObject } from '../../base/json.js'
import { LogReader } from '../../disk/log/log-reader.js'
import type { SessionStore } from '../../index.js'
import { addUsage, countersOf, totalUsage } from '../../log/fold.js'
import type { Line, Usage } from '../../log/line.js'
import { isInherited, ownUsage } from '../../log/own-usage.js'
import { isChat } from '../../log/parse.js'
import { modelOf } from '../../log/views.js'
import { isLive, timeIn, type Visibility } from '../../log/visibility.js'
import { visibilityIn } from '../../session/log/catch-up.js'
import { internalsOf } from '../../store/store.js'
import { stamp } from '../terminal/format.js'
import { add, type Counters } from './rows.js'

export type Group = 'session' | 'agent' | 'day' | 'model' | 'role'

/** What stands for the day and the model of messages that a rewrite took out: their tokens stay counted. */
export const REWRITTEN = '(rewritten)'
export const UNKNOWN = '(unknown)'

export class LogSums {
  readonly usage = sumsOf<Counters>()
  /** Messages that are there, archived ones included. */
  readonly messages = sumsOf<number>()
  readonly #since: number
  readonly #isOfStore: boolean

  /**
   * Lines before `since`, ms since 1970, are left out; in sums over sessions also the usage that a fork has of its
   * source.
   */
  constructor({ since = Number.NEGATIVE_INFINITY, isOfStore }: { since?: number | undefined; isOfStore: boolean }) {
    this.#since = since
    this.#isOfStore = isOfStore
  }

  /** Reads a log twice, in constant memory. Rejects as any reading of the session does. */
  async add(store: SessionStore, key: string): Promise<void> {
    const known = await internalsOf(store).log(key).current()
    if (known === undefined) return
    const { summary } = known
    const left = this.#isOfStore ? ownUsage(summary) : totalUsage(summary)
    await LogReader.using(store.session(key).path, async (reader) => {
      const visibility = await visibilityIn(reader)
      for await (const pieces of reader.blocks())
        for (const piece of pieces) {
          if (piece.kind !== 'message' || !isChat(piece) || visibility.copies.get(piece.offset) === 'duplicate')
            continue
          const usage = this.#isOfStore && isInherited(piece, summary) ? undefined : usageIn(piece)
          if (usage !== undefined) addUsage(left, agentOf(piece), usage, -1)
          this.#addLine(key, piece, usage, visibility, reader.fileTime)
        }
    })
    if (this.#since !== Number.NEGATIVE_INFINITY) return
    for (const [agent, usage] of left)
      if (usage.apiCalls > 0) this.#count({ session: key, agent, day: REWRITTEN, model: REWRITTEN }, usage)
  }

  #addLine(session: string, line: Line, usage: Usage | undefined, visibility: Visibility, fileTime: string): void {
    const time = new Date(timeIn(line, visibility, fileTime))
    if (time.getTime() < this.#since) return
    const { role } = line.value
    const names = {
      session,
      agent: agentOf(line),
      day: stamp(time).slice(0, 10),
      model: modelOf(line.value) ?? UNKNOWN,
    }
    if (usage !== undefined) this.#count(names, usage)
    if (!isLive(line, visibility)) return
    for (const [group, name] of Object.entries({ ...names, role: String(role) }) as [Group, string][])
      this.messages[group].set(name, (this.messages[group].get(name) ?? 0) + 1)
  }

  /** Removed messages count too: their tokens were used. */
  #count(names: Partial<Record<Group, string>>, usage: Usage): void {
    for (const [group, name] of Object.entries(names) as [Group, string][]) add(this.usage[group], name, [usage])
  }
}

function agentOf({ value: { agent } }: Line): string {
  return typeof agent === 'string' ? agent : 'main'
}

/** Undefined for a message that is no call of a model. */
function usageIn({ value: { usage } }: Line): Usage | undefined {
  return isObject(usage) ? { ...countersOf(usage), apiCalls: 1 } : undefined
}

function sumsOf<T>(): Record<Group, Map<string, T>> {
  return { session: new Map(), agent: new Map(), day: new Map(), model: new Map(), role: new Map() }
}
