/** An agent's conversation as the model should see it: which calls are answered, what is shown, where it can be cut. */
import type { Json, JsonObject } from '../base/json.js'
import { isLine, type Line, type Piece } from './line.js'
import { isChat } from './parse.js'
import { isLive, type Visibility } from './visibility.js'

/** An assistant message with calls and the tool messages that belong to it, as places in a list of lines. */
interface Group {
  assistant: number
  calls: readonly string[]
  /** Places of the results, by call, in line order. */
  results: Map<string, number[]>
}

/** Ids of the calls that a message makes. What is no array of objects with string ids makes none. */
export function callsOf({ value }: Line): string[] {
  const calls = toolCallsOf(value)
  let list: Json | undefined = calls
  if (typeof calls === 'string') {
    try {
      list = JSON.parse(calls)
    } catch {
      return []
    }
  }
  if (!Array.isArray(list)) return []
  const ids: string[] = []
  for (const call of list) {
    const id = (call as JsonObject | null)?.id
    if (typeof id === 'string') ids.push(id)
  }
  return ids
}

/** The calls of a message as they stand, in our spelling or in the other usual one. */
export function toolCallsOf(value: JsonObject): Json | undefined {
  return value.toolCalls ?? value.tool_calls
}

/** The id of the call to which a tool message is the result. */
export function answeredCall({ value }: Line): string | undefined {
  const id = value.toolCallId ?? value.tool_call_id
  return typeof id === 'string' ? id : undefined
}

export function hasText({ value }: Line): boolean {
  return (textOf(value.content) ?? '').trim() !== ''
}

/** A string unchanged; any other value as its JSON. */
export function textOf(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The live messages with a role, archived ones included. */
export function realMessages(pieces: readonly Piece[], visibility: Visibility): Line[] {
  return pieces.filter((piece): piece is Line => isLine(piece) && isChat(piece) && isLive(piece, visibility))
}

/** What an agent's history looks like once its calls and results are paired. */
export class Exchange {
  readonly #lines: readonly Line[]
  readonly #waits: (line: Line) => boolean
  /** By the place of the assistant message, in line order. */
  readonly #groups = new Map<number, Group>()
  /** The group that each tool message belongs to, by place. */
  readonly #groupOf = new Map<number, Group>()
  #pending: Group | undefined

  /** `active` are active messages in order. One that `waits` for a later turn closes no call. */
  constructor(active: readonly Line[], waits: (line: Line) => boolean = () => false) {
    this.#lines = active
    this.#waits = waits
    const latest = new Map<string, Group>()
    active.forEach((line, place) => {
      if (line.value.role === 'assistant') this.#addAssistant(line, place, latest)
      else if (line.value.role === 'tool') this.#addResult(line, place, latest)
      else if (line.value.role === 'user' && !waits(line)) this.#pending = undefined
    })
    if (this.#pending && isAnswered(this.#pending)) this.#pending = undefined
  }

  #addAssistant(line: Line, place: number, latest: Map<string, Group>): void {
    const calls = callsOf(line)
    if (calls.length === 0) return
    const group = { assistant: place, calls, results: new Map() }
    this.#groups.set(place, group)
    this.#pending = group
    for (const call of calls) latest.set(call, group)
  }

  #addResult(line: Line, place: number, latest: Map<string, Group>): void {
    const call = answeredCall(line)
    const group = call === undefined ? undefined : latest.get(call)
    if (call === undefined || group === undefined) return
    const results = group.results.get(call)
    if (results === undefined) group.results.set(call, [place])
    else results.push(place)
    this.#groupOf.set(place, group)
  }

  /** True when the last calls wait for results, and no user message has closed them. */
  get hasPending(): boolean {
    return this.#pending !== undefined
  }

  /**
   * What the model should see: the results of a call directly behind it, no result without its call, no call without
   * its result but for the pending ones, one result a call, no empty answers.
   */
  shown(): Line[] {
    const places = this.#arranged().filter((place) => this.#isShown(place))
    return places.map((place) => this.#lines[place] as Line)
  }

  /** The places of all messages, those of a group one behind the other: a call, then its results. */
  #arranged(): number[] {
    const places: number[] = []
    this.#lines.forEach((_, place) => {
      if (this.#groupOf.has(place)) return
      places.push(place)
      const group = this.#groups.get(place)
      if (group) places.push(...resultsOf(group))
    })
    return places
  }

  #isShown(place: number): boolean {
    const line = this.#lines[place] as Line
    if (line.value.role === 'tool') return this.#isShownResult(line, place)
    if (line.value.role !== 'assistant') return true
    const group = this.#groups.get(place)
    return group === undefined ? hasText(line) : this.#isWhole(group)
  }

  /** The last of several results. */
  #isShownResult(line: Line, place: number): boolean {
    const group = this.#groupOf.get(place)
    if (group === undefined || !this.#isWhole(group)) return false
    return group.results.get(answeredCall(line) as string)?.at(-1) === place
  }

  #isWhole(group: Group): boolean {
    return group === this.#pending || isAnswered(group)
  }

  /**
   * What goes into an archive when the last `keep` of the messages that are shown are to stay; undefined when nothing
   * would go. A group goes whole or stays; the pending one stays, and so does what waits.
   */
  archiveKeeping(keep: number): Archive | undefined {
    const order = this.#arranged()
    const shown = order.flatMap((place, at) => (this.#isShown(place) ? [at] : []))
    if (keep >= shown.length) return undefined
    const cut = keep === 0 ? order.length : (shown.at(-keep) as number)
    const pending = this.#pending === undefined ? order.length : order.indexOf(this.#pending.assistant)
    const from = this.#startAt(order, Math.min(cut, pending))
    return this.#archive(order.slice(0, from))
  }

  /** The same for all messages up to the one that `isLast`, its group whole; undefined when it is not shown. */
  archiveThrough(isLast: (line: Line) => boolean): Archive | 'nothing' | undefined {
    const order = this.#arranged()
    const last = order.findIndex((place) => this.#isShown(place) && isLast(this.#lines[place] as Line))
    if (last === -1) return undefined
    let end = last + 1
    while (end < order.length && this.#groupOf.has(order[end] as number)) end++
    return this.#archive(order.slice(0, end)) ?? 'nothing'
  }

  /** Where a part must begin so that no call is cut from its results. */
  #startAt(order: readonly number[], at: number): number {
    const group = this.#groupOf.get(order[at] ?? -1)
    return group === undefined ? at : order.indexOf(group.assistant)
  }

  #archive(places: readonly number[]): Archive | undefined {
    const stays = (place: number) => {
      const group = this.#groups.get(place) ?? this.#groupOf.get(place)
      return this.#waits(this.#lines[place] as Line) || (group !== undefined && group === this.#pending)
    }
    const gone = new Set(places.filter((place) => !stays(place)))
    if (gone.size === 0) return undefined
    const lines = this.#lines.filter((_, place) => gone.has(place))
    const through = lines.reduce((last, line) => (line.offset > last.offset ? line : last))
    const kept = this.#lines.filter((line, place) => !gone.has(place) && line.offset < through.offset)
    return { count: gone.size, through, kept: kept.sort((a, b) => a.offset - b.offset) }
  }

  /** Where a part that begins at `cut` must begin so that no call is cut from its results; both in the given order. */
  wholeFrom(cut: number): number {
    let from = cut
    // from the last group to the first: moving the cut back to one can only split earlier ones
    for (const group of [...this.#groups.values()].reverse()) {
      if (group.assistant < from && this.#endOf(group) >= from) from = group.assistant
    }
    return from
  }

  /** The place of a group's last member. The pending one is still growing. */
  #endOf(group: Group): number {
    if (group === this.#pending) return Number.POSITIVE_INFINITY
    return resultsOf(group).reduce((last, place) => Math.max(last, place), group.assistant)
  }
}

/** Messages that are to be archived. */
export interface Archive {
  count: number
  /** The one of them that stands last in the log. */
  through: Line
  /** Messages before it that stay, in line order. */
  kept: readonly Line[]
}

function isAnswered({ calls, results }: Group): boolean {
  return calls.every((call) => results.has(call))
}

/** The places of a group's results in the order of its calls. */
function resultsOf({ calls, results }: Group): number[] {
  return [...new Set(calls)].flatMap((call) => results.get(call) ?? [])
}

/** Whether calls wait for results: reads the active messages from the last one backwards. */
export class PendingQuestion {
  readonly #answered = new Set<string>()

  /**
   * The result, as soon as this message decides it, else undefined. A message that waits for its turn closes no call.
   */
  ask(line: Line, waits: boolean): boolean | undefined {
    const { role } = line.value
    if (role === 'user') return waits ? undefined : false
    if (role === 'tool') {
      const call = answeredCall(line)
      if (call !== undefined) this.#answered.add(call)
    }
    if (role !== 'assistant') return undefined
    const calls = callsOf(line)
    return calls.length === 0 ? undefined : calls.some((call) => !this.#answered.has(call))
  }
}

/** What a crash in the middle of a turn leaves open, found in the active messages from the last one backwards. */
export class Ending {
  /** The last word is the user's. */
  unanswered = false
  /** Ids of the last calls that have no result yet. */
  openToolCalls: string[] = []
  readonly #answered = new Set<string>()
  #isLast = true

  /** True as soon as the messages before this one do not matter. */
  ask(line: Line): boolean {
    const { role } = line.value
    if (role === 'user') this.unanswered = this.#isLast
    if (role === 'user') return true
    if (role === 'assistant' || role === 'tool') this.#isLast = false
    if (role === 'tool') {
      const call = answeredCall(line)
      if (call !== undefined) this.#answered.add(call)
    }
    if (role !== 'assistant') return false
    const calls = callsOf(line)
    this.openToolCalls = calls.filter((call) => !this.#answered.has(call))
    return calls.length > 0
  }
}
