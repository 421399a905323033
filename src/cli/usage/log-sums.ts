/** Messages and tokens by session, agent, day, model and role, from the lines of logs. */
import { isObject } from '../../base/json.js'
import { LogReader } from '../../disk/log/log-reader.js'
import type { SessionStore } from '../../index.js'
import { countersOf } from '../../log/fold.js'
import type { Line, Usage } from '../../log/line.js'
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

  /** Lines before `since`, ms since 1970, are left out. */
  constructor(since = Number.NEGATIVE_INFINITY) {
    this.#since = since
  }

  /** Reads a log twice, in constant memory. Rejects as any reading of the session does. */
  async add(store: SessionStore, key: string): Promise<void> {
    const known = await internalsOf(store).log(key).current()
    if (known === undefined) return
    if (this.#since === Number.NEGATIVE_INFINITY) {
      for (const [agent, usage] of known.summary.carriedUsage)
        this.#count({ session: key, agent, day: REWRITTEN, model: REWRITTEN }, usage)
    }
    await LogReader.using(store.session(key).path, async (reader) => {
      const visibility = await visibilityIn(reader)
      for await (const pieces of reader.blocks())
        for (const piece of pieces)
          if (piece.kind === 'message' && isChat(piece)) this.#addLine(key, piece, visibility, reader.fileTime)
    })
  }

  #addLine(session: string, line: Line, visibility: Visibility, fileTime: string): void {
    if (visibility.copies.get(line.offset) === 'duplicate') return
    const time = new Date(timeIn(line, visibility, fileTime))
    if (time.getTime() < this.#since) return
    const { agent, role, usage } = line.value
    const names = {
      session,
      agent: typeof agent === 'string' ? agent : 'main',
      day: stamp(time).slice(0, 10),
      model: modelOf(line.value) ?? UNKNOWN,
    }
    if (isObject(usage)) this.#count(names, { ...countersOf(usage), apiCalls: 1 })
    if (!isLive(line, visibility)) return
    for (const [group, name] of Object.entries({ ...names, role: String(role) }) as [Group, string][])
      this.messages[group].set(name, (this.messages[group].get(name) ?? 0) + 1)
  }

  /** Removed messages count too: their tokens were used. */
  #count(names: Partial<Record<Group, string>>, usage: Usage): void {
    for (const [group, name] of Object.entries(names) as [Group, string][]) add(this.usage[group], name, [usage])
  }
}

function sumsOf<T>(): Record<Group, Map<string, T>> {
  return { session: new Map(), agent: new Map(), day: new Map(), model: new Map(), role: new Map() }
}
