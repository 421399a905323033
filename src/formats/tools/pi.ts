/**
 * pi, and OpenClaw before mid 2026: a header `{type:"session", id, cwd}`, then entries that form a tree by `parentId`.
 */
import type { Json, JsonObject } from '../../base/json.js'
import { type Call, type CallUsage, contentOf, countOf, listOf, objectOf, textOr } from '../shared/blocks.js'
import { BRANCH_AGENT, type Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import {
  NeedsPlan,
  type Planner,
  type ResumePoint,
  type Sample,
  type UnitFormat,
  type UnitReader,
} from '../shared/format.js'
import type { Job, Verdict } from '../shared/job.js'
import { leavesOf, pathFrom, type TreeEntry } from '../shared/tree.js'
import type { Place, Unit } from '../shared/unit.js'

const MESSAGE_FIELDS = new Set(['role', 'content', 'toolCallId', 'timestamp'])
const ENTRY_FIELDS = new Set(['type', 'id', 'timestamp', 'message', 'summary', 'content'])
/** Roles and entry types that a model gets as messages of the user. */
const SHOWN = new Set(['bashExecution', 'custom_message', 'branch_summary', 'custom', 'branchSummary'])

/** So many branches of one session become forks. */
const MAX_BRANCHES = 1_000

interface PiPlan {
  path: ReadonlySet<number>
}

class PiPlanner implements Planner {
  readonly #entries: TreeEntry[] = []

  push({ line, value }: Unit): void {
    if (value.type === 'session') return
    const { id, parentId } = value
    this.#entries.push({ line, id: textOr(id), parent: parentId === null ? null : textOr(parentId) })
  }

  plan(): PiPlan {
    return { path: pathFrom(this.#entries, this.#entries.length - 1) }
  }

  branches(): Array<{ leaf: string; plan: PiPlan }> {
    const ends = leavesOf(this.#entries).filter((place) => place < this.#entries.length - 1)
    return ends.slice(0, MAX_BRANCHES).map((place) => {
      return { leaf: this.#entries[place]?.id as string, plan: { path: pathFrom(this.#entries, place) } }
    })
  }
}

function usageOf(usage: Json | undefined): CallUsage {
  const { input, output, cacheRead, cacheWrite } = objectOf(usage)
  const [cacheReadTokens, cacheCreationTokens] = [countOf(cacheRead), countOf(cacheWrite)]
  return {
    promptTokens: countOf(input) + cacheReadTokens + cacheCreationTokens,
    completionTokens: countOf(output),
    cacheReadTokens,
    cacheCreationTokens,
  }
}

/** What a user, or a tool of the user, put into the model's context. */
function shownText(value: JsonObject): Json {
  if (typeof value.summary === 'string') return value.summary
  if (typeof value.command === 'string')
    return `$ ${value.command}\n${typeof value.output === 'string' ? value.output : ''}`
  return Array.isArray(value.content) ? contentOf(value.content) : (value.content ?? null)
}

class PiReader implements UnitReader {
  readonly #job: Job
  readonly #plan: PiPlan | undefined
  #draft: Draft | undefined
  /** The last entry; null before the first. */
  #last: string | null = null
  /** For each entry of the path, the message before it: where a compaction that keeps it begins. */
  readonly #before = new Map<string, string | null>()
  /** The same for entries without ids, by their place. */
  readonly #beforePlace: Array<string | null> = []
  readonly #seen = new Set<string>()
  readonly #isWhole: boolean
  #end: Place = { line: 0, offset: 0, end: 0 }

  constructor(job: Job, { plan, state }: { plan?: PiPlan | undefined; state?: JsonObject | undefined }) {
    this.#job = job
    this.#plan = plan
    this.#isWhole = state === undefined
    if (state === undefined) return
    this.#last = textOr(state.last) ?? null
    this.#draft = this.#begin(`${state.id}`)
  }

  #begin(id: string): Draft {
    const draft = this.#job.session(id)
    draft.labels.agent = this.#job.format
    return draft
  }

  get #session(): Draft {
    this.#draft ??= this.#begin(this.#job.file.stem)
    return this.#draft
  }

  push(unit: Unit): Verdict {
    this.#end = unit
    const { value } = unit
    if (value.type === 'session') return this.#header(unit)
    const id = textOr(value.id)
    this.#follow(value, id)
    const isOnPath = this.#plan === undefined || this.#plan.path.has(unit.line)
    if (isOnPath) {
      if (id !== undefined) this.#before.set(id, this.#session.lastMessage)
      this.#beforePlace.push(this.#session.lastMessage)
    }
    return this.#entry(unit, isOnPath)
  }

  /** Without a plan, each entry must stand below the last one. */
  #follow({ parentId }: JsonObject, id: string | undefined): void {
    if (this.#plan !== undefined) return
    const parent = textOr(parentId)
    const isRoot = parentId === null && this.#last === null && this.#isWhole
    const isLinear = id === undefined && parentId === undefined && this.#last === null && this.#isWhole
    const isUnknown = this.#isWhole && parent !== undefined && !this.#seen.has(parent)
    if (!isRoot && !isLinear && !isUnknown && (parent === undefined || parent !== this.#last)) throw new NeedsPlan()
    if (id === undefined) return
    if (this.#seen.has(id)) throw new NeedsPlan()
    this.#seen.add(id)
    this.#last = id
  }

  #header(unit: Unit): Verdict {
    if (this.#draft === undefined) {
      const { id, cwd, timestamp, parentSession } = unit.value
      this.#draft = this.#begin(textOr(id) ?? this.#job.file.stem)
      this.#draft.createdAt = textOr(timestamp)
      this.#draft.setRoot(cwd)
      this.#draft.setMetadata('parent', parentSession)
    }
    this.#session.record(unit, unit.value.timestamp)
    return 'record'
  }

  #entry(unit: Unit, isOnPath: boolean): Verdict {
    const { value } = unit
    const { type, timestamp } = value
    const message = objectOf(value.message)
    const role = type === 'message' ? message.role : type
    const isSaid =
      role === 'user' ||
      role === 'assistant' ||
      role === 'toolResult' ||
      (SHOWN.has(`${role}`) && (type === 'message' || type !== 'custom'))
    if (!isOnPath && (isSaid || type === 'compaction')) {
      if (role === 'assistant') this.#session.carry(usageOf(message.usage), BRANCH_AGENT)
      if (typeof value.id === 'string') this.#session.left.add(value.id)
      this.#session.record(unit, timestamp)
      return 'offPath'
    }
    if (type === 'compaction') return this.#compaction(unit)
    if (isSaid) return this.#said(unit, `${role}`, type === 'message' ? message : value)
    if (type === 'session_info') this.#session.setName(value.name)
    if (type === 'model_change') this.#session.setMetadata('model', value.modelId)
    this.#session.record(unit, timestamp)
    return 'record'
  }

  #said(unit: Unit, role: string, message: JsonObject): Verdict {
    const { value } = unit
    const { content } = message
    const source: JsonObject = {
      ...others(value, ENTRY_FIELDS),
      ...others(message, message === value ? ENTRY_FIELDS : MESSAGE_FIELDS),
    }
    const given = { id: textOr(value.id), at: value.timestamp ?? message.timestamp }
    if (role === 'assistant') this.#assistant(unit, message, given, source)
    else if (role === 'toolResult') {
      const text = Array.isArray(content) ? contentOf(content) : (content ?? null)
      const toolCallId = textOr(message.toolCallId)
      this.#session.message(unit, { ...given, role: 'tool', content: text ?? '', toolCallId, source })
    } else {
      const kind = role === 'user' ? {} : { kind: role }
      this.#session.message(unit, {
        ...given,
        role: 'user',
        content: shownText(message),
        source: { ...kind, ...source },
      })
    }
    return 'used'
  }

  #assistant(
    unit: Unit,
    message: JsonObject,
    given: { id: string | undefined; at: Json | undefined },
    source: JsonObject,
  ) {
    const rest: Json[] = []
    const thinking: Json[] = []
    const calls: Call[] = []
    for (const block of listOf(message.content)) {
      const { type, id, name, arguments: input, ...more } = objectOf(block)
      if (type === 'thinking') thinking.push(block)
      else if (type === 'toolCall') calls.push({ id: textOr(id), name: name ?? null, arguments: input ?? null })
      else rest.push(block)
      if (type === 'toolCall' && Object.keys(more).length > 0)
        source.callFields = { ...objectOf(source.callFields), ...more }
    }
    this.#session.setMetadata('model', message.model)
    const content = Array.isArray(message.content) ? contentOf(rest) : (message.content ?? null)
    this.#session.message(unit, {
      ...given,
      role: 'assistant',
      content,
      thinking,
      calls,
      usage: usageOf(message.usage),
      source,
    })
  }

  /** What is before the first entry that is kept, is archived. */
  #compaction(unit: Unit): Verdict {
    const { summary, firstKeptEntryId, firstKeptEntryIndex, timestamp } = unit.value
    if (typeof summary !== 'string') {
      this.#session.record(unit, timestamp)
      return 'record'
    }
    const kept = textOr(firstKeptEntryId)
    // an entry that was written before these ones were read
    if (kept !== undefined && !this.#before.has(kept) && !this.#isWhole) throw new NeedsPlan()
    const through =
      kept !== undefined
        ? (this.#before.get(kept) ?? null)
        : typeof firstKeptEntryIndex === 'number'
          ? (this.#beforePlace[firstKeptEntryIndex] ?? null)
          : this.#session.lastMessage
    this.#session.compaction(unit, timestamp, summary, through)
    return 'used'
  }

  end(): void {
    if (this.#end.line > 0) void this.#session
  }

  resume(): ResumePoint | undefined {
    if (this.#draft === undefined || this.#last === null) return undefined
    const state = { id: this.#draft.context.sourceId, last: this.#last }
    return { offset: this.#end.end, line: this.#end.line, state }
  }
}

function sniffPi({ shape, objects }: Sample) {
  const [first] = objects
  if (shape !== 'lines' || first === undefined) return undefined
  const { type, id, key, cwd, version } = first
  if (type !== 'session' || typeof id !== 'string' || key !== undefined) return undefined
  return typeof cwd === 'string' || typeof version === 'number' ? first : undefined
}

function readerOf(job: Job, { plan, state }: { plan?: unknown; state?: JsonObject | undefined }): UnitReader {
  return new PiReader(job, { plan: plan as PiPlan | undefined, state })
}

export const pi: UnitFormat = {
  kind: 'units',
  name: 'pi',
  title: 'pi sessions (*.jsonl)',
  hints: ['.pi', 'pi'],
  sniff: (sample) => (sniffPi(sample) ? { weight: 3, why: 'a header of pi' } : undefined),
  reader: (job, _file, begin) => readerOf(job, begin),
  planner: () => new PiPlanner(),
}

export const openclawFile: UnitFormat = {
  kind: 'units',
  name: 'openclaw',
  title: 'OpenClaw sessions until mid 2026: one file, or the folder with sessions.json',
  hints: ['.openclaw', 'openclaw', 'clawd'],
  sniff(sample) {
    const header = sniffPi(sample)
    if (header === undefined) return undefined
    // pi writes the same header: only names distinguish the two
    const isNamed = /(^|[/.\\-])(openclaw|clawd)/.test(`${sample.names} ${header.cwd}`)
    return isNamed ? { weight: 3, why: 'a header of pi in a folder of OpenClaw' } : undefined
  },
  reader: (job, _file, begin) => readerOf(job, begin),
  planner: () => new PiPlanner(),
}
