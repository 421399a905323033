/** Reads the lines of a Codex rollout one after another. */
import { isObject, type Json, type JsonObject } from '../../../base/json.js'
import { type Call, type CallUsage, objectOf, textOr } from '../../shared/blocks.js'
import type { Draft } from '../../shared/draft/draft.js'
import { others } from '../../shared/fields.js'
import { NeedsPlan, type ResumePoint, type UnitReader } from '../../shared/format.js'
import { type Held, InOrder } from '../../shared/in-order.js'
import type { Job, Verdict } from '../../shared/job.js'
import type { Message } from '../../shared/message.js'
import { readTime } from '../../shared/times.js'
import type { Place, Unit } from '../../shared/unit.js'
import { callIn, resultIn, saidIn, summaryIn, usageIn } from './codex-items.js'
import { CALLS, type CodexPlan, isMessage, isOutput } from './codex-plan.js'

/** An assistant's message that may still get its usage. */
interface Answer {
  held: Held
  usage?: CallUsage
  rawUsage?: Json
}

export class CodexReader implements UnitReader {
  readonly #job: Job
  readonly #plan: CodexPlan | undefined
  readonly #order = new InOrder()
  #draft: Draft | undefined
  #id: string | undefined
  /** Reasoning that goes to the next answer, and where it stands. */
  #thinking: JsonObject[] = []
  #thinkingUnits: Unit[] = []
  #answer: Answer | undefined
  #total: string | undefined
  /** The latest time so far: a later line is none that came before. */
  #latest: string | undefined
  readonly #floor: string | undefined
  #said: boolean
  /** Calls that have no result yet. */
  readonly #open = new Set<string>()
  readonly #resumes: boolean
  readonly #undecided = new Set<string>()
  /** Events repeat what messages contain, where there are messages. */
  #isReported = false
  /** The latest time before the line that is read. */
  #before: string | undefined
  /** The last place before which nothing waited. */
  #calm: ResumePoint | undefined
  #end: Place = { line: 0, offset: 0, end: 0 }

  constructor(job: Job, { plan, state }: { plan?: CodexPlan | undefined; state?: JsonObject | undefined }) {
    this.#job = job
    this.#plan = plan
    this.#resumes = state !== undefined
    this.#said = state !== undefined || plan !== undefined
    if (state === undefined) return
    this.#id = textOr(state.id)
    this.#total = textOr(state.total)
    this.#floor = textOr(state.latest)
    this.#latest = this.#floor
    for (const call of state.open as string[]) this.#open.add(call)
    if (this.#id !== undefined) this.#draft = this.#begin(this.#id)
  }

  #begin(id: string): Draft {
    const draft = this.#job.session(id)
    draft.labels.agent = 'codex'
    return draft
  }

  get #session(): Draft {
    this.#id ??= this.#job.file.stem
    this.#draft ??= this.#begin(this.#id)
    return this.#draft
  }

  push(unit: Unit): Verdict {
    const { type, timestamp } = unit.value
    const payload = objectOf(unit.value.payload)
    const at = readTime(timestamp)
    this.#before = this.#latest
    this.#end = unit
    this.#noteOrder(at)
    if (at !== undefined && (this.#latest === undefined || at > this.#latest)) this.#latest = at
    if (type === 'session_meta') return this.#meta(unit, payload)
    if (type === 'response_item') return this.#item(unit, payload)
    if (type === 'compacted') return this.#compacted(unit, payload)
    if (type === 'turn_context') {
      this.#session.setMetadata('model', payload.model)
      if (this.#session.labels.projectRoot === undefined) this.#session.setRoot(payload.cwd)
    }
    return type === 'event_msg' ? this.#event(unit, payload) : this.#record(unit)
  }

  /**
   * Lines without an id are known by their bytes, and by how often these came before: none with a later time did. As
   * long as times rise, so little must be remembered, and nothing of lines that were not read.
   */
  #noteOrder(at: string | undefined): void {
    if (this.#plan !== undefined) return
    if (this.#latest === undefined) {
      if (at === undefined) throw new NeedsPlan()
      return
    }
    if (at === undefined || at < this.#latest || at === this.#floor) throw new NeedsPlan()
    // what waits is written later, and counted then
    if (at > this.#latest && this.#order.first === undefined) this.#job.forgetUnits()
  }

  /** Where a later reading begins, if nothing waits before this line. */
  #noteCalm({ offset, line }: Unit): void {
    if (this.#order.first !== undefined || this.#thinkingUnits.length > 0) return
    this.#calm = this.#before === undefined ? undefined : this.#pointAt({ offset, line: line - 1 }, this.#before)
  }

  #record(unit: Unit): Verdict {
    this.#order.add(unit, () => this.#session.record(unit, unit.value.timestamp))
    return 'record'
  }

  #meta(unit: Unit, payload: JsonObject): Verdict {
    if (this.#draft !== undefined) return this.#record(unit)
    this.#id = textOr(payload.id) ?? textOr(payload.session_id) ?? this.#job.file.stem
    const draft = this.#session
    draft.createdAt = readTime(payload.timestamp) ?? readTime(unit.value.timestamp)
    draft.setRoot(payload.cwd)
    draft.setMetadata('cliVersion', payload.cli_version)
    draft.setMetadata('gitBranch', objectOf(payload.git).branch)
    const parent = textOr(payload.forked_from_id) ?? textOr(payload.parent_thread_id)
    if (parent !== undefined) draft.setMetadata('parent', `${this.#job.format}/${parent}`)
    return this.#record(unit)
  }

  #item(unit: Unit, payload: JsonObject): Verdict {
    if (isMessage(payload)) return this.#message(unit, payload)
    if (CALLS.has(payload.type as string)) return this.#call(unit, payload)
    if (isOutput(payload)) return this.#result(unit, payload)
    if (payload.type !== 'reasoning') return this.#record(unit)
    this.#noteCalm(unit)
    this.#thinking.push({ ...payload })
    this.#thinkingUnits.push(unit)
    return 'used'
  }

  #message(unit: Unit, payload: JsonObject): Verdict {
    if (this.#plan?.fromEvents !== true) this.#said = true
    const said = saidIn(payload)
    if (said === undefined) return this.#record(unit)
    const { role, content, source } = said
    if (role === 'assistant') this.#answered(unit, { content, source })
    else this.#add(unit, { role, content, source })
    return 'used'
  }

  #add(unit: Unit, message: Message): void {
    this.#order.add(unit, () => this.#session.message(unit, { at: unit.value.timestamp, ...message }))
  }

  #call(unit: Unit, payload: JsonObject): Verdict {
    const { call, source } = callIn(payload)
    if (call.id !== undefined) this.#open.add(call.id)
    this.#answered(unit, { content: null, calls: [call], source })
    return 'used'
  }

  /** An answer waits for its usage until the next answer. */
  #answered(unit: Unit, said: { content: Json; calls?: Call[]; source: JsonObject }): void {
    this.#closeAnswer()
    this.#noteCalm(unit)
    const thinking = this.#thinking
    const units = this.#thinkingUnits.at(-1) === unit ? this.#thinkingUnits : [...this.#thinkingUnits, unit]
    const place = units[0] as Unit
    this.#thinking = []
    this.#thinkingUnits = []
    const { timestamp: at } = unit.value
    const held = this.#order.hold(place, () =>
      this.#session.message(unit, {
        at,
        role: 'assistant',
        content: said.content,
        thinking,
        calls: said.calls,
        usage: answer.usage,
        source: {
          ...said.source,
          ...(answer.rawUsage === undefined ? {} : { usage: answer.rawUsage }),
          ...(units.length === 1 ? {} : { lines: units.map(({ line }) => line) }),
          ...(this.#job.options.raw ? { raw: units.map(({ value }) => value) } : {}),
        },
      }),
    )
    const answer: Answer = { held }
    this.#answer = answer
  }

  #closeAnswer(): void {
    const answer = this.#answer
    this.#answer = undefined
    answer?.held.close()
  }

  #result(unit: Unit, payload: JsonObject): Verdict {
    const { call, content, source } = resultIn(payload)
    if (call !== undefined) {
      this.#open.delete(call)
      this.#undecided.delete(call)
    }
    this.#add(unit, { role: 'tool', content, toolCallId: call, source })
    return 'used'
  }

  #compacted(unit: Unit, payload: JsonObject): Verdict {
    this.#closeAnswer()
    const summary = summaryIn(payload)
    if (summary === undefined) return this.#record(unit)
    this.#order.add(unit, () =>
      this.#session.compaction(unit, unit.value.timestamp, summary, this.#session.lastMessage),
    )
    return 'used'
  }

  #event(unit: Unit, payload: JsonObject): Verdict {
    const { type } = payload
    if (type === 'token_count') this.#usage(payload)
    else if (type === 'thread_name_updated') this.#session.setName(payload.thread_name)
    else if (type === 'exec_command_end') return this.#ended(unit, payload)
    else if (type === 'task_complete' || type === 'turn_aborted') this.#closeAnswer()
    else if (type === 'user_message' || type === 'agent_message') return this.#messageEvent(unit, payload)
    return this.#record(unit)
  }

  /** The result of a call that has no line of its own; whether it has one shows only at the end. */
  #ended(unit: Unit, payload: JsonObject): Verdict {
    const call = textOr(payload.call_id)
    if (call !== undefined && this.#plan?.lacking.has(call)) {
      this.#open.delete(call)
      const source = others(payload, new Set(['call_id', 'aggregated_output']))
      this.#add(unit, { role: 'tool', content: payload.aggregated_output ?? null, toolCallId: call, source })
      return 'used'
    }
    if (call !== undefined && this.#open.has(call) && this.#plan === undefined) this.#undecided.add(call)
    return this.#record(unit)
  }

  /** Events repeat what messages say, where there are messages. */
  #messageEvent(unit: Unit, payload: JsonObject): Verdict {
    if (this.#plan?.fromEvents !== true) {
      this.#isReported = true
      return this.#record(unit)
    }
    const content = payload.message ?? null
    const source = others(payload, new Set(['message']))
    if (payload.type === 'agent_message') this.#answered(unit, { content, source })
    else this.#add(unit, { role: 'user', content, source })
    return 'used'
  }

  #usage({ info }: JsonObject): void {
    if (!isObject(info) || !isObject(info.last_token_usage)) return
    const total = isObject(info.total_token_usage) ? JSON.stringify(info.total_token_usage) : undefined
    if (total !== undefined && total === this.#total) return
    this.#total = total
    const usage = usageIn(info.last_token_usage)
    if (this.#answer === undefined) this.#order.add(this.#end, () => this.#session.carry(usage))
    else {
      Object.assign(this.#answer, { usage, rawUsage: info.last_token_usage })
      this.#closeAnswer()
    }
  }

  end(final: boolean): void {
    if (this.#session.totals.messages === 0 && this.#end.line === 0) return
    if (final) {
      this.#closeAnswer()
      if (this.#thinking.length > 0) this.#closeThinking()
    }
    // what was taken for repetition is all there is
    if (this.#plan === undefined && !this.#resumes && this.#isReported && !this.#said) throw new NeedsPlan()
    if (final && [...this.#undecided].some((call) => this.#open.has(call))) throw new NeedsPlan()
  }

  /** Reasoning that no answer follows is an answer of its own. */
  #closeThinking(): void {
    const place = this.#thinkingUnits.at(-1) as Unit
    this.#answered(place, { content: null, source: { kind: 'reasoning' } })
    this.#closeAnswer()
  }

  resume(): ResumePoint | undefined {
    if (this.#undecided.size > 0) return undefined
    const waits = this.#order.first ?? this.#thinkingUnits[0]
    if (waits !== undefined) return this.#calm
    const { line, end } = this.#end
    return this.#latest === undefined ? undefined : this.#pointAt({ offset: end, line }, this.#latest)
  }

  #pointAt(place: { offset: number; line: number }, latest: string): ResumePoint {
    const id = this.#id ?? this.#job.file.stem
    const total = this.#total === undefined ? {} : { total: this.#total }
    return { ...place, state: { id, latest, open: [...this.#open].slice(-256), ...total } }
  }
}
