/** Gemini CLI: one JSON object (`session-*.json`), or lines in which a later message of the same id replaces an earlier one. */
import { isObject, type JsonObject } from '../../base/json.js'
import { objectOf, objectsOf, textOr, without } from '../shared/blocks.js'
import { BRANCH_AGENT, type Draft } from '../shared/draft/draft.js'
import {
  type DocumentFormat,
  NeedsPlan,
  type Planner,
  type ResumePoint,
  type UnitFormat,
  type UnitReader,
} from '../shared/format.js'
import { type Held, InOrder } from '../shared/in-order.js'
import { countVerdict, type Job, noCounts, type Verdict } from '../shared/job.js'
import { type Place, type Unit, unitOf } from '../shared/unit.js'
import { ANSWERS, noteHeader, usageOf, writeMessage } from './gemini-cli/gemini-message.js'

interface GeminiPlan {
  /** Number of the line that says what the message of each line is. */
  lastOf: ReadonlyMap<number, Unit>
  duplicates: ReadonlySet<number>
  dropped: ReadonlySet<number>
}

class GeminiPlanner implements Planner {
  #live: Array<{ id: string; line: number; unit: Unit }> = []
  readonly #places = new Map<string, number>()
  readonly #duplicates = new Set<number>()
  readonly #dropped = new Set<number>()

  push(unit: Unit): void {
    const { value, line } = unit
    if (typeof value.$rewindTo === 'string') {
      this.#rewind(value.$rewindTo)
      return
    }
    const id = textOr(value.id)
    if (id === undefined || typeof value.type !== 'string') return
    const place = this.#places.get(id)
    if (place !== undefined) {
      this.#duplicates.add(line)
      ;(this.#live[place] as { unit: Unit }).unit = unit
      return
    }
    this.#places.set(id, this.#live.length)
    this.#live.push({ id, line, unit })
  }

  #rewind(to: string): void {
    const place = this.#places.get(to)
    if (place === undefined) return
    for (const { id, line } of this.#live.splice(place)) {
      this.#dropped.add(line)
      this.#places.delete(id)
    }
  }

  plan(): GeminiPlan {
    return {
      lastOf: new Map(this.#live.map(({ line, unit }) => [line, unit])),
      duplicates: this.#duplicates,
      dropped: this.#dropped,
    }
  }
}

class GeminiReader implements UnitReader {
  readonly #job: Job
  readonly #plan: GeminiPlan | undefined
  readonly #order = new InOrder()
  #draft: Draft | undefined
  /** The message that a later line may replace. */
  #waiting: { id: string; unit: Unit; held: Held } | undefined
  readonly #seen: Set<string> | undefined
  #end: Place = { line: 0, offset: 0, end: 0 }

  constructor(job: Job, { plan, state }: { plan?: GeminiPlan | undefined; state?: JsonObject | undefined }) {
    this.#job = job
    this.#plan = plan
    if (state === undefined) this.#seen = new Set()
    else this.#draft = job.session(`${state.id}`)
  }

  get #session(): Draft {
    this.#draft ??= this.#job.session(this.#job.file.stem)
    return this.#draft
  }

  push(unit: Unit): Verdict {
    this.#end = unit
    const { value } = unit
    if (typeof value.sessionId === 'string' && 'projectHash' in value && !('type' in value)) return this.#header(unit)
    if (isObject(value.$set)) {
      noteHeader(this.#session, { summary: value.$set.summary ?? null })
      this.#order.add(unit, () => this.#session.keep(unit))
      return 'used'
    }
    if ('$rewindTo' in value) {
      if (this.#plan === undefined) throw new NeedsPlan()
      this.#order.add(unit, () => this.#session.record(unit, undefined))
      return 'record'
    }
    return this.#message(unit)
  }

  /** The header and its changes become labels. */
  #header(unit: Unit): Verdict {
    this.#draft ??= this.#job.session(`${unit.value.sessionId}`)
    noteHeader(this.#draft, unit.value)
    this.#order.add(unit, () => this.#session.keep(unit, unit.value.startTime))
    return 'used'
  }

  #message(unit: Unit): Verdict {
    const { value, line } = unit
    const id = textOr(value.id)
    if (this.#plan?.duplicates.has(line)) return this.#again(unit)
    if (this.#plan?.dropped.has(line)) {
      if (ANSWERS.has(`${value.type}`)) this.#session.carry(usageOf(value.tokens), BRANCH_AGENT)
      if (id !== undefined) this.#session.left.add(id)
      this.#session.record(unit, value.timestamp)
      return 'offPath'
    }
    const isSaid = ANSWERS.has(`${value.type}`) || value.type === 'user'
    if (this.#plan === undefined && id !== undefined) {
      if (this.#waiting?.id === id) {
        const former = this.#waiting.unit
        this.#waiting.unit = unit
        if (this.#job.options.raw) this.#order.add(former, () => this.#session.record(former, former.value.timestamp))
        return 'duplicate'
      }
      if (this.#seen === undefined || this.#seen.has(id)) throw new NeedsPlan()
      this.#seen.add(id)
    }
    this.#closeWaiting()
    if (!isSaid) {
      this.#order.add(unit, () => this.#session.record(unit, value.timestamp))
      return 'record'
    }
    const last = this.#plan?.lastOf.get(line)
    if (id === undefined || this.#plan !== undefined) {
      if (last !== undefined) this.#again(unit)
      this.#order.add(unit, () => writeMessage(this.#session, last ?? unit))
      return 'used'
    }
    const waiting = {
      id,
      unit,
      held: this.#order.hold(unit, () => writeMessage(this.#session, waiting.unit)),
    }
    this.#waiting = waiting
    return 'used'
  }

  #again(unit: Unit): Verdict {
    if (this.#job.options.raw) this.#order.add(unit, () => this.#session.record(unit, unit.value.timestamp))
    return 'duplicate'
  }

  #closeWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.held.close()
  }

  end(final: boolean): void {
    if (final) this.#closeWaiting()
    if (this.#end.line > 0) void this.#session
  }

  resume(): ResumePoint | undefined {
    // an id that was used before comes again at any time: only a reading of the whole knows it
    return undefined
  }
}

export const geminiLines: UnitFormat = {
  kind: 'units',
  name: 'gemini-cli',
  title: 'Gemini CLI chats (session-*.jsonl, session-*.json)',
  hints: ['.gemini', 'gemini'],
  sniff({ shape, objects }) {
    const [first] = objects
    if (shape !== 'lines' || first === undefined) return undefined
    const isHeader =
      typeof first.sessionId === 'string' && typeof first.projectHash === 'string' && !('messages' in first)
    return isHeader ? { weight: 3, why: 'a header with sessionId and projectHash' } : undefined
  },
  reader: (job, _file, { plan, state }) => new GeminiReader(job, { plan: plan as GeminiPlan | undefined, state }),
  planner: () => new GeminiPlanner(),
}

export const geminiDocument: DocumentFormat = {
  kind: 'document',
  name: 'gemini-cli',
  title: geminiLines.title,
  hints: geminiLines.hints,
  sniff({ shape, objects }) {
    const [value] = objects
    if (shape !== 'object' || value === undefined) return undefined
    const isChat = 'sessionId' in value && 'startTime' in value
    return isChat ? { weight: 3, why: 'an object with sessionId and startTime' } : undefined
  },
  convert(value, job) {
    const counts = noCounts()
    const document = objectOf(value)
    const draft = job.session(textOr(document.sessionId) ?? job.file.stem)
    noteHeader(draft, document)
    draft.keep(unitOf(without(document, 'messages'), 0), document.startTime)
    const last = new Map<string, JsonObject>()
    const messages = objectsOf(document.messages)
    for (const message of messages) if (typeof message.id === 'string') last.set(message.id, message)
    const written = new Set<string>()
    for (const [index, message] of messages.entries()) {
      const id = textOr(message.id)
      const isAgain = id !== undefined && written.has(id)
      if (id !== undefined) written.add(id)
      const unit = unitOf((id === undefined ? undefined : last.get(id)) ?? message, index + 1)
      const isSaid = !isAgain && writeMessage(draft, unit)
      if (!isSaid && !isAgain) draft.record(unit, message.timestamp)
      countVerdict(counts, isAgain ? 'duplicate' : isSaid ? 'used' : 'record')
    }
    return counts
  },
}
