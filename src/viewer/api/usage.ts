/**
 * Usage of all sessions by session, agent, day and model, and which session names which as its parent. Sums by agent
 * come from what the store knows of a log; days and models from the lines, each of which is read once.
 */
import { yieldIfDue } from '../../base/event-loop.js'
import { isObject } from '../../base/json.js'
import { nameIn } from '../../disk/given-names.js'
import { LogReader } from '../../disk/log/log-reader.js'
import type { Listed } from '../../list/row.js'
import type { StoreInternals } from '../../list/store-internals.js'
import type { Summary } from '../../log/fold.js'
import { isLine, type Piece, type Usage } from '../../log/line.js'
import { isInherited, ownUsage } from '../../log/own-usage.js'
import { isChat } from '../../log/parse.js'
import { addUsage, countersOf, sumOf, totalUsage } from '../../log/usage.js'
import { modelOf } from '../../log/views.js'
import { logId } from '../log/log-view.js'
import type { UsageAnswer, UsageRow } from './shapes.js'

const UNKNOWN = 'unknown'
const MAX_ROWS = 1_000

type Sums = Map<string, Usage>

/** What is known of one session. */
interface Facts {
  /** Size and time of the log that the sums by agent are of. */
  mark: string
  agents: Sums
  /** Those of them that the session has not of the one that it was forked from: what sums over sessions add. */
  own: Sums
  header: Pick<Summary, 'header'>
  parent: string | null
  /** What the lines before `upTo` of this log say. */
  read: { log: string; upTo: number; days: Sums; models: Sums } | undefined
  isRead: boolean
}

export class UsageFacts {
  readonly #store: StoreInternals
  readonly #facts = new Map<string, Facts>()
  #summing: Promise<void> | undefined
  #reading: Promise<void> | undefined
  #isClosed = false

  constructor(store: StoreInternals) {
    this.#store = store
  }

  /** Sums by session and agent, and as much of the other ones as was read; reads on in the background. */
  async answer(): Promise<UsageAnswer> {
    await this.update()
    this.#reading ??= this.#readLogs().finally(() => {
      this.#reading = undefined
    })
    const sums = {
      sessions: new Map() as Sums,
      agents: new Map() as Sums,
      days: new Map() as Sums,
      models: new Map() as Sums,
    }
    let read = 0
    for (const [key, facts] of this.#facts) {
      if (facts.isRead) read++
      for (const [agent, usage] of facts.own) {
        addUsage(sums.sessions, key, usage, 1)
        addUsage(sums.agents, agent, usage, 1)
      }
      for (const [day, usage] of facts.read?.days ?? []) addUsage(sums.days, day, usage, 1)
      for (const [model, usage] of facts.read?.models ?? []) addUsage(sums.models, model, usage, 1)
    }
    return {
      ready: { sessions: read, of: this.#facts.size },
      total: sumOf(sums.sessions),
      sessions: rowsOf(sums.sessions),
      agents: rowsOf(sums.agents),
      days: rowsOf(sums.days).sort((a, b) => (a.name < b.name ? -1 : 1)),
      models: rowsOf(sums.models),
    }
  }

  /** The sums of one session by agent, its parent and the sessions below it, as far as they are known. */
  of(key: string) {
    const facts = this.#facts.get(key)
    const children = [...this.#facts].flatMap(([child, { parent }]) => (parent === key && child !== key ? [child] : []))
    return { agents: rowsOf(facts?.agents ?? new Map()), parent: facts?.parent ?? null, children }
  }

  /** Tokens of a session and of all below it. */
  tokensBelow(key: string): number {
    const seen = new Set<string>()
    const open = [key]
    let tokens = 0
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      if (seen.has(one)) continue
      seen.add(one)
      tokens += this.tokensOf(one)
      open.push(...this.of(one).children)
    }
    return tokens
  }

  tokensOf(key: string): number {
    const { promptTokens, completionTokens } = sumOf(this.#facts.get(key)?.agents ?? new Map())
    return promptTokens + completionTokens
  }

  /** Brings the sums by agent up to date: only sessions that changed are read. */
  update(): Promise<void> {
    this.#summing ??= this.#sum().finally(() => {
      this.#summing = undefined
    })
    return this.#summing
  }

  close(): void {
    this.#isClosed = true
  }

  async #sum(): Promise<void> {
    const sessions = await this.#store.index.sessions()
    const keys = new Set(sessions.map(({ info }) => info.key))
    for (const key of this.#facts.keys()) if (!keys.has(key)) this.#facts.delete(key)
    for (const session of sessions) {
      if (this.#isClosed) return
      await this.#sumOne(session)
      await yieldIfDue()
    }
  }

  async #sumOne({ info, details }: Listed): Promise<void> {
    const mark = `${info.bytes} ${details.updated}`
    const former = this.#facts.get(info.key)
    if (former?.mark === mark) return
    // one that was removed or cannot be read is left out until it changes
    const state = await this.#store
      .log(info.key)
      .current()
      .catch(() => undefined)
    const agents: Sums = state === undefined ? new Map() : totalUsage(state.summary)
    const own: Sums = state === undefined ? new Map() : ownUsage(state.summary)
    const header = { header: state?.summary.header ?? null }
    const labels = state?.summary.labels.metadata
    const parent = isObject(labels) && typeof labels.parent === 'string' ? labels.parent : null
    this.#facts.set(info.key, { mark, agents, own, header, parent, read: former?.read, isRead: agents.size === 0 })
  }

  async #readLogs(): Promise<void> {
    for (const [key, facts] of this.#facts) {
      if (this.#isClosed) return
      if (facts.isRead) continue
      const { layout } = this.#store.context
      await LogReader.using(layout.log(nameIn(layout, key)), (reader) => this.#readLog(reader, facts)).catch(
        () => undefined,
      )
      facts.isRead = true
    }
  }

  async #readLog(reader: LogReader, facts: Facts): Promise<void> {
    const log = logId(reader)
    const former = facts.read
    const read =
      former !== undefined && former.log === log && former.upTo <= reader.size
        ? former
        : { log, upTo: 0, days: new Map(), models: new Map() }
    facts.read = read
    for await (const pieces of reader.blocks(read.upTo)) {
      if (this.#isClosed) return
      for (const piece of pieces) {
        if (piece.kind === 'torn' || ('open' in piece && piece.open)) return
        if (!isLine(piece) || !isInherited(piece, facts.header)) addLine(piece, read)
        read.upTo = piece.end
      }
    }
  }
}

function addLine(piece: Piece, { days, models }: { days: Sums; models: Sums }): void {
  if (piece.kind !== 'message' || !isChat(piece)) return
  const { usage } = piece.value
  if (!isObject(usage)) return
  const counters = { ...countersOf(usage), apiCalls: 1 }
  addUsage(days, piece.at?.slice(0, 10) ?? UNKNOWN, counters, 1)
  addUsage(models, modelOf(piece.value) ?? UNKNOWN, counters, 1)
}

function rowsOf(sums: Sums): UsageRow[] {
  const rows = [...sums].map(([name, usage]) => ({ name, ...usage }))
  const tokens = (row: UsageRow) => row.promptTokens + row.completionTokens
  return rows.sort((a, b) => tokens(b) - tokens(a) || (a.name < b.name ? -1 : 1)).slice(0, MAX_ROWS)
}
