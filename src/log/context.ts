/** An agent's conversation as the model should see it: which calls are answered, what is shown, where it can be cut. */
import type { Json, JsonObject } from '../base/json.js'
import { isLine, type Line, type Piece } from './line.js'
import { isChat } from './parse.js'
import { isLive, reachOver, type Survey } from './visibility.js'

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

/** The call that a tool message answers. */
export function answeredCall({ value }: Line): string | undefined {
  const id = value.toolCallId ?? value.tool_call_id
  return typeof id === 'string' ? id : undefined
}

export function hasText({ value }: Line): boolean {
  return (textOf(value.content) ?? '').trim() !== ''
}

/** A text as it is given: what is no text is given as its JSON. */
export function textOf(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The live messages with a role, archived ones included. */
export function realMessages(pieces: readonly Piece[], survey: Survey): Line[] {
  return pieces.filter((piece): piece is Line => isLine(piece) && isChat(piece) && isLive(piece, survey))
}

/** The messages that no compaction covers. */
export function activeMessages(pieces: readonly Piece[], survey: Survey): Line[] {
  const messages = realMessages(pieces, survey)
  return survey.reaches.length === 0
    ? messages
    : messages.filter(({ offset }) => reachOver(offset, survey) === undefined)
}

/** What an agent's history looks like once its calls and results are paired. */
export class Exchange {
  readonly #lines: readonly Line[]
  /** By the place of the assistant message, in line order. */
  readonly #groups = new Map<number, Group>()
  /** The group that each tool message belongs to, by place. */
  readonly #groupOf = new Map<number, Group>()
  #pending: Group | undefined

  /** `active` are the active messages in line order. */
  constructor(active: readonly Line[]) {
    this.#lines = active
    const latest = new Map<string, Group>()
    active.forEach((line, place) => {
      if (line.value.role === 'assistant') this.#addAssistant(line, place, latest)
      else if (line.value.role === 'tool') this.#addResult(line, place, latest)
      else if (line.value.role === 'user') this.#pending = undefined
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
   * What the model should see: no result without its call, no call without its result but for the pending ones,
   * one result a call, no empty answers.
   */
  shown(): Line[] {
    return this.#shownPlaces().map((place) => this.#lines[place] as Line)
  }

  #shownPlaces(): number[] {
    const places: number[] = []
    this.#lines.forEach((line, place) => {
      const shown = this.#shownAt(line, place)
      if (shown !== undefined) places.push(shown)
    })
    return places
  }

  /** The place of the message that is shown where this one stands, if one is. */
  #shownAt(line: Line, place: number): number | undefined {
    if (line.value.role === 'tool') return this.#shownResult(line, place)
    if (line.value.role !== 'assistant') return place
    const group = this.#groups.get(place)
    const isShown = group === undefined ? hasText(line) : this.#isWhole(group)
    return isShown ? place : undefined
  }

  /** The last of several results stands in the place of the first. */
  #shownResult(line: Line, place: number): number | undefined {
    const group = this.#groupOf.get(place)
    if (group === undefined || !this.#isWhole(group)) return undefined
    const results = group.results.get(answeredCall(line) as string) as number[]
    return results[0] === place ? results.at(-1) : undefined
  }

  #isWhole(group: Group): boolean {
    return group === this.#pending || isAnswered(group)
  }

  /**
   * How many of the active messages go when the last `keep` of those shown are to stay: a group stays or goes whole,
   * and the pending one stays. Undefined when nothing would go.
   */
  cutFor(keep: number): number | undefined {
    const shown = this.#shownPlaces()
    if (keep >= shown.length) return undefined
    const kept = keep === 0 ? [] : shown.slice(-keep)
    const cut = this.wholeFrom(kept.reduce((first, place) => Math.min(first, place), this.#lines.length))
    return cut === 0 ? undefined : cut
  }

  /** Where a part that begins at `cut` must begin so that no call is cut from its results. */
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
    return [...group.results.values()].flat().reduce((last, place) => Math.max(last, place), group.assistant)
  }
}

function isAnswered({ calls, results }: Group): boolean {
  return calls.every((call) => results.has(call))
}

/** Whether calls wait for results, asked of the active messages from the last one backwards. */
export class PendingQuestion {
  readonly #answered = new Set<string>()

  /** The answer, as soon as this message gives it. */
  ask(line: Line): boolean | undefined {
    const { role } = line.value
    if (role === 'user') return false
    if (role === 'tool') {
      const call = answeredCall(line)
      if (call !== undefined) this.#answered.add(call)
    }
    if (role !== 'assistant') return undefined
    const calls = callsOf(line)
    return calls.length === 0 ? undefined : calls.some((call) => !this.#answered.has(call))
  }
}
