/** A session of another tool as lines of ours: ids are made of the source's, times rise, what has no field is kept. */
import { hash } from 'node:crypto'
import { digestId } from '../../../base/ids.js'
import { isObject, type Json, type JsonObject } from '../../../base/json.js'
import type { Usage } from '../../../log/line.js'
import { compactionLine, headerLine, messageLine, messageText, recordLine, type Stamp } from '../../../log/serialize.js'
import { addUsage, countersOf } from '../../../log/usage.js'
import type { CallUsage } from '../blocks.js'
import { setField } from '../fields.js'
import type { Message } from '../message.js'
import { readTime } from '../times.js'
import type { Unit } from '../unit.js'
import { DraftLabels } from './draft-labels.js'
import { addTo, callIds, noTotals, type Totals, writtenUsage } from './totals.js'

/** The agent that usage off the path is counted for. */
export const BRANCH_AGENT = '(branch)'

/** How a draft makes ids and times. */
export interface DraftContext {
  format: string
  /** The source's id of the session. */
  sourceId: string
  key: string
  /** The file's own time, ISO 8601. */
  fileTime: string
  /** How often a unit with these bytes came before in the file. */
  occurrence: (digest: Buffer) => number
  keepsRecords: boolean
  /** Each message keeps its source lines. */
  keepsRaw: boolean
}

export class Draft extends DraftLabels {
  readonly totals: Totals = noTotals()
  /** Usage that no message carries, by agent. */
  readonly carried = new Map<string, Usage>()
  /** The source's ids of messages off the path. */
  readonly left = new Set<string>()
  /** Id of the last message; null before the first. */
  lastMessage: string | null = null
  /** Characters of the lines that wait. */
  waiting = 0
  /** When the session was created, if the source contains it. */
  createdAt: string | undefined
  /** The header's id, where the source is an export of ours. */
  headerId: string | undefined
  /** Usage goes where it is not counted: these calls are counted in another session. */
  isFork = false
  #lines: string[] = []
  /** Lines without a time before the first one that has one. */
  #untimed: Array<(at: string) => string> = []
  #at: string | undefined
  /** The time is the source's, not the file's. */
  #isOwnTime = true
  #begun = false
  #prefix: string

  constructor(readonly context: DraftContext) {
    super()
    this.#prefix = `${context.format}\0${context.sourceId}`
  }

  get key(): string {
    return this.context.key
  }

  /** The time of the last line; undefined as long as no line has one. */
  get lastAt(): string | undefined {
    return this.#at
  }

  /** Goes on behind lines that were written before: their last time and their totals. */
  goOn(at: string | undefined, totals: Totals, lastMessage: string | null): void {
    this.#begun = true
    this.#at = at
    this.lastMessage = lastMessage
    Object.assign(this.totals, totals)
  }

  /** Adds a message; returns the id of its line. */
  message(unit: Unit, message: Message): string {
    const own = readTime(message.at)
    const id = this.#idOf(unit, own, message.id, message.part ?? '')
    const calls = message.calls?.map((call, index) => ({
      id: call.id ?? `${message.id ?? id}:${index}`,
      name: call.name,
      arguments: call.arguments,
    }))
    const value: JsonObject = { role: message.role, content: message.content }
    if (message.thinking !== undefined && message.thinking.length > 0) value.thinking = message.thinking
    if (calls !== undefined && calls.length > 0) value.toolCalls = JSON.stringify(calls)
    if (message.toolCallId !== undefined) value.toolCallId = message.toolCallId
    const usage = writtenUsage(message.usage)
    if (usage !== undefined) value[this.isFork ? 'own' : 'usage'] = this.isFork ? { usage } : usage
    if (message.fields !== undefined) Object.assign(value, message.fields)
    const source = this.#sourceOf(unit, message)
    this.#add(own, message.at, (at, trueAt) => {
      if (trueAt !== undefined) source.at = trueAt
      value.source = source
      return this.isFork && usage !== undefined
        ? forkLine({ id, at }, value)
        : messageLine({ id, at }, messageText(value))
    })
    this.lastMessage = id
    this.#count(message.role, calls ?? [], message.toolCallId, this.isFork ? undefined : usage)
    return id
  }

  #sourceOf(unit: Unit, { id, source }: Message): JsonObject {
    const { format, keepsRaw } = this.context
    const kept: JsonObject = { format }
    if (id !== undefined) kept.id = id
    kept.line = unit.line
    if (source !== undefined) {
      for (const field of Object.keys(source)) {
        const value = source[field]
        if (value !== undefined && value !== null) setField(kept, field, value)
      }
    }
    if (keepsRaw) kept.raw = kept.raw ?? [...(unit.raw ?? [unit.value])]
    return kept
  }

  /** Keeps a unit that is no message as a line of its own. */
  record(unit: Unit, at?: Json): void {
    this.totals.records++
    this.keep(unit, at)
  }

  /** The same for a unit that was used, but of which not all has a field of ours: a header, a replaced line. */
  keep(unit: Unit, at?: Json): void {
    if (!this.context.keepsRecords) return
    const own = readTime(at)
    const digest = this.#digestOf(unit, undefined, 'record')
    const { format } = this.context
    this.#add(own, undefined, (time) => {
      const id = digestId(this.#msOf(own), digest)
      return recordLine({ id, at: time }, format, unit.line, unit.text)
    })
  }

  /** Takes over a line that is one of ours already; what names no id or time gets them. */
  given(unit: Unit): void {
    const { value } = unit
    const own = readTime(value.at)
    const id = typeof value.id === 'string' && value.id !== '' ? value.id : this.#idOf(unit, own, undefined, '')
    const isWhole = id === value.id && own === value.at
    const rest = Object.fromEntries(Object.entries(value).filter(([field]) => field !== 'id' && field !== 'at'))
    if (own !== undefined && this.#at === undefined) this.#time(own)
    if (own === undefined) this.#add(own, undefined, (at) => `${JSON.stringify({ ...rest, at, id })}\n`)
    else {
      if (this.#at === undefined || own > this.#at) this.#at = own
      this.#push(isWhole ? `${unit.text}\n` : `${JSON.stringify({ ...rest, at: own, id })}\n`)
    }
    if (value.type === 'compaction') this.totals.compactions++
    if (typeof value.role !== 'string') return
    this.lastMessage = id
    const calls = typeof value.toolCalls === 'string' ? callIds(value.toolCalls) : []
    const answered = typeof value.toolCallId === 'string' ? value.toolCallId : undefined
    this.#count(value.role, calls, answered, isObject(value.usage) ? (value.usage as CallUsage) : undefined)
  }

  /** Archives all messages up to the one of the id `through`; `at` as for a message. */
  compaction(unit: Unit, at: Json | undefined, summary: string, through: string | null): void {
    const own = readTime(at)
    const id = this.#idOf(unit, own, undefined, 'compaction')
    this.totals.compactions++
    this.#add(own, undefined, (time) => compactionLine({ id, at: time }, summary, through))
    if (this.context.keepsRaw) this.keep(unit, at)
  }

  /** Counts usage that belongs to no message of the path. */
  carry(given: CallUsage | undefined, agent = 'main', apiCalls = 1): void {
    const usage = writtenUsage(given)
    if (usage === undefined || this.isFork) return
    const counted = { ...countersOf(usage as JsonObject), apiCalls }
    addUsage(this.carried, agent, counted, 1)
    if (agent !== BRANCH_AGENT) addTo(this.totals.usage, counted)
  }

  /** The lines so far, with the header before the first ones; removes them here. */
  take(): string {
    if (!this.#begun && this.#untimed.length > 0 && this.#at === undefined) return ''
    const text = this.#header() + this.#lines.join('')
    this.#lines = []
    this.waiting = 0
    return text
  }

  /** All lines that are left: no later line has a time. */
  takeLast(): string {
    if (this.#at === undefined)
      this.#time(readTime(this.createdAt) ?? this.context.fileTime, readTime(this.createdAt) !== undefined)
    return this.take()
  }

  #header(): string {
    if (this.#begun) return ''
    this.#begun = true
    const created = readTime(this.createdAt)
    const at =
      created !== undefined && created < (this.#at ?? created) ? created : (this.#firstAt ?? this.#at ?? created)
    const id =
      this.headerId ??
      digestId(this.#msOf(created ?? (this.#isOwnTime ? this.#firstAt : undefined)), sha256(`${this.#prefix}\0`))
    return headerLine({ id, at: at ?? this.context.fileTime }, this.key)
  }

  #firstAt: string | undefined

  /** Adds a line at the source's time, or at that of the line before; never earlier than that one. */
  #add(own: string | undefined, given: Json | undefined, make: (at: string, trueAt?: Json) => string): void {
    if (own !== undefined && this.#at === undefined) this.#time(own)
    if (this.#at === undefined) {
      this.#untimed.push(make)
      return
    }
    const isLater = own === undefined || own >= this.#at
    if (own !== undefined && isLater) this.#at = own
    this.#push(make(this.#at, isLater ? undefined : given))
  }

  /** The first time that is known is that of the lines before it as well. */
  #time(at: string, isOwn = true): void {
    this.#at = at
    this.#isOwnTime = isOwn
    this.#firstAt = at
    for (const make of this.#untimed) this.#push(make(at))
    this.#untimed = []
  }

  #push(line: string): void {
    this.#lines.push(line)
    this.waiting += line.length
  }

  /**
   * A UUIDv7 of the source's time, or of that of the line before where the unit names none, and a digest of the
   * source's ids. Nothing of the file's own time or place goes into it, so that a file that grew gets the same ids.
   */
  #idOf(unit: Unit, own: string | undefined, id: string | undefined, part: string): string {
    return digestId(this.#msOf(own), this.#digestOf(unit, id, part))
  }

  #digestOf(unit: Unit, id: string | undefined, part: string): Buffer {
    return sha256(`${this.#prefix}\0${id ?? this.#nameless(unit)}${part === '' ? '' : `\0${part}`}`)
  }

  /** Unix milliseconds of a time, or of the one before it. */
  #msOf(own: string | undefined): number {
    const at = own ?? (this.#isOwnTime ? this.#at : undefined)
    return at === undefined ? 0 : Date.parse(at)
  }

  #named: { unit: Unit; name: string } | undefined

  /** What a unit without an id is known by: its bytes, and how often they came before. */
  #nameless(unit: Unit): string {
    if (this.#named?.unit === unit) return this.#named.name
    const digest = sha256(unit.text)
    const name = `${digest.toString('hex')}\0${this.context.occurrence(digest)}`
    this.#named = { unit, name }
    return name
  }

  #count(role: string, calls: ReadonlyArray<{ id: string }>, answered: string | undefined, usage?: CallUsage): void {
    const { totals } = this
    totals.messages++
    totals.roles[role] = (totals.roles[role] ?? 0) + 1
    totals.toolCalls += calls.length
    for (const { id } of calls) totals.open.set(id, (totals.open.get(id) ?? 0) + 1)
    if (answered !== undefined) totals.open.delete(answered)
    if (usage !== undefined) addTo(totals.usage, { ...countersOf(usage as JsonObject), apiCalls: 1 })
  }
}

/** A message whose usage stands in `own`: it is read as before, and counted elsewhere. */
function forkLine({ id, at }: Stamp, value: JsonObject): string {
  return `${JSON.stringify({ type: 'message', ...value, at, id })}\n`
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
