/** Claude Code: `~/.claude/projects/<folder>/<session>.jsonl`, one line a content block, a tree by `parentUuid`. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { type CallUsage, contentOf, countOf, objectOf, splitBlocks, textOr } from '../shared/blocks.js'
import { CompactCounter, keyOf } from '../shared/compact-counter.js'
import { BRANCH_AGENT, type Draft } from '../shared/draft/draft.js'
import { NeedsPlan, type ResumePoint, type UnitFormat, type UnitReader } from '../shared/format.js'
import type { Job, SourceFile, Verdict } from '../shared/job.js'
import type { Place, Unit } from '../shared/unit.js'
import { Chain, roleOf, usageOf, writeUser } from './claude-code/claude-code-lines.js'
import { type ClaudePlan, ClaudePlanner } from './claude-code/claude-code-plan.js'

/** Types of lines that no other tool writes. */
const OWN_TYPES = new Set([
  'summary',
  'file-history-snapshot',
  'queue-operation',
  'custom-title',
  'ai-title',
  'last-prompt',
  'permission-mode',
])
class ClaudeReader implements UnitReader {
  readonly #job: Job
  readonly #plan: ClaudePlan | undefined
  readonly #chain: Chain
  readonly #agents = new Map<string, Chain>()
  readonly #key: string
  /** Uuids of lines so far, where all were read. */
  readonly #seen: CompactCounter | undefined
  /** Ids of answers that are complete. */
  readonly #complete = new CompactCounter()
  /** Lines that the next one may stand below without leaving the path. */
  #tips = new Set<string>()
  /** The same before the answer that is open. */
  #calmTips = new Set<string>()
  /** Calls of the answer that is open. */
  #calls = new Set<string>()
  /** Agents of lines of sub-agents, by uuid. */
  readonly #agentOf = new Map<string, string>()
  readonly #branchUsage = new Map<string, CallUsage>()
  #title = 0
  #end: Place = { line: 0, offset: 0, end: 0 }

  constructor(job: Job, { plan, state }: { plan?: ClaudePlan | undefined; state?: JsonObject | undefined }) {
    this.#job = job
    this.#plan = plan
    const { stem, folders } = job.file
    const isSub = folders[0] === 'subagents' && folders[1] !== undefined
    const draft = job.session(stem, { path: isSub ? `${folders[1]}/${stem}` : stem })
    if (isSub) draft.setMetadata('parent', `${job.format}/${folders[1]}`)
    this.#key = draft.key
    this.#chain = new Chain(draft, job.options.raw === true)
    draft.labels.agent = 'claude-code'
    if (state === undefined) this.#seen = new CompactCounter()
    else {
      this.#tips = new Set(state.tips as string[])
      this.#title = countOf(state.title)
      if (typeof state.name === 'string') draft.labels.name = state.name
    }
  }

  push(unit: Unit): Verdict {
    this.#end = unit
    const { value } = unit
    this.#noteLabels(value)
    const role = roleOf(value)
    const verdict = role === undefined ? this.#other(unit) : this.#said(unit, role)
    if (this.#plan !== undefined) {
      this.#chain.close(unit.line + 1)
      for (const chain of this.#agents.values()) chain.close(unit.line + 1)
    }
    return verdict
  }

  #other(unit: Unit): Verdict {
    const { uuid, parentUuid, timestamp } = unit.value
    if (this.#plan === undefined && typeof uuid === 'string') {
      if ((this.#seen?.add(keyOf(uuid)) ?? 0) > 0) throw new NeedsPlan()
      // a line with a parent off the path leads nowhere: a message below it shows so
      if (this.#tips.has(textOr(parentUuid) ?? '') || isBoundary(unit.value)) this.#tips.add(uuid)
    }
    if (this.#plan?.isDuplicate(unit.line)) return this.#again(unit)
    this.#chain.order.add(unit, () => this.#chain.draft.record(unit, timestamp))
    return 'record'
  }

  #again(unit: Unit): Verdict {
    if (this.#job.options.raw) this.#chain.order.add(unit, () => this.#chain.draft.record(unit, unit.value.timestamp))
    return 'duplicate'
  }

  #said(unit: Unit, role: 'user' | 'assistant'): Verdict {
    const { value } = unit
    if (this.#plan?.isDuplicate(unit.line)) return this.#again(unit)
    const agent = this.#agentFor(unit)
    const chain = agent === undefined ? this.#chain : this.#chainOf(agent)
    // before a file had a line of its own, it was the session of its sub-agent
    if (agent !== undefined && typeof value.uuid === 'string') this.#chain.draft.left.add(value.uuid)
    if (this.#plan !== undefined && !this.#plan.isOnPath(unit.line)) return this.#offPath(unit, role)
    if (this.#plan === undefined) this.#follow(unit, role, agent, chain)
    if (role === 'assistant') {
      chain.assistant(unit, this.#plan?.lastLineOf(unit.line) ?? Number.POSITIVE_INFINITY)
    } else if (value.isCompactSummary === true) chain.order.add(unit, () => this.#compact(unit, chain.draft))
    else chain.order.add(unit, () => writeUser(chain.draft, unit, this.#plan?.isVariant(unit.line) ?? false))
    return 'used'
  }

  #offPath(unit: Unit, role: string): Verdict {
    const message = objectOf(unit.value.message)
    const usage = role === 'assistant' ? usageOf(message) : undefined
    if (usage !== undefined) this.#branchUsage.set(textOr(message.id) ?? `${unit.line}`, usage)
    if (typeof unit.value.uuid === 'string') this.#chain.draft.left.add(unit.value.uuid)
    this.#chain.order.add(unit, () => this.#chain.draft.record(unit, unit.value.timestamp))
    return 'offPath'
  }

  /** Throws where this line does not go on from the last ones. */
  #follow(unit: Unit, role: string, agent: string | undefined, chain: Chain): void {
    const { uuid, parentUuid, logicalParentUuid } = unit.value
    if (typeof uuid === 'string') {
      if ((this.#seen?.add(keyOf(uuid)) ?? 0) > 0) throw new NeedsPlan()
    }
    const message = objectOf(unit.value.message)
    const id = role === 'assistant' ? (textOr(message.id) ?? textOr(uuid)) : undefined
    if (id !== undefined && !chain.answers.has(id)) {
      // an answer that goes on behind another one
      if (this.#complete.add(keyOf(agent === undefined ? id : `${agent}\0${id}`)) > 0) throw new NeedsPlan()
    }
    const isPart = id === undefined ? this.#answersCalls(message.content) : chain.answers.has(id)
    if (agent === undefined) this.#checkParent(textOr(parentUuid) ?? textOr(logicalParentUuid))
    if (!isPart) chain.close()
    if (agent !== undefined) return
    if (!isPart) {
      this.#calmTips = this.#tips
      this.#tips = new Set()
      this.#calls = new Set()
    }
    if (typeof uuid === 'string') this.#tips.add(uuid)
    if (role === 'assistant') for (const call of idsOf(message.content, 'tool_use', 'id')) this.#calls.add(call)
  }

  /** True for results of the answer that is open, and of no other one. */
  #answersCalls(content: Json | undefined): boolean {
    const results = idsOf(content, 'tool_result', 'tool_use_id')
    return results.length > 0 && results.every((call) => this.#calls.has(call))
  }

  #checkParent(parent: string | undefined): void {
    if (parent === undefined) {
      // a root goes on from the message above; behind lines that were not read it may be an old line that comes again
      if (this.#seen === undefined) throw new NeedsPlan()
      return
    }
    if (this.#tips.has(parent)) return
    if (this.#seen === undefined || this.#seen.has(keyOf(parent))) throw new NeedsPlan()
  }

  /** The sub-agent that a line belongs to; undefined for the session itself. */
  #agentFor(unit: Unit): string | undefined {
    if (this.#plan !== undefined) return this.#plan.agentOf(unit.line)
    const { isSidechain, agentId, uuid, parentUuid } = unit.value
    if (isSidechain !== true) return undefined
    // whether the whole file is a sub-agent's own shows only at its end; nor is it known whose lines the earlier ones
    // are
    if (this.#chain.draft.totals.messages === 0 && this.#chain.answers.size === 0) throw new NeedsPlan()
    const agent = textOr(agentId) ?? this.#agentOf.get(textOr(parentUuid) ?? '') ?? textOr(uuid)
    if (agent === undefined || this.#seen === undefined) throw new NeedsPlan()
    if (typeof uuid === 'string') this.#agentOf.set(uuid, agent)
    return agent
  }

  #chainOf(agent: string): Chain {
    let chain = this.#agents.get(agent)
    if (chain === undefined) {
      const { stem } = this.#job.file
      const draft = this.#job.session(`${stem}/agent-${agent}`)
      draft.setMetadata('parent', this.#key)
      draft.labels.agent = 'claude-code'
      chain = new Chain(draft, this.#job.options.raw === true)
      this.#agents.set(agent, chain)
    }
    return chain
  }

  #compact(unit: Unit, draft: Draft): void {
    const { content } = objectOf(unit.value.message)
    const text = typeof content === 'string' ? content : contentOf(splitBlocks(content).rest)
    draft.compaction(
      unit,
      unit.value.timestamp,
      typeof text === 'string' ? text : JSON.stringify(text),
      draft.lastMessage,
    )
  }

  #noteLabels(value: JsonObject): void {
    const { draft } = this.#chain
    if (draft.labels.projectRoot === undefined) draft.setRoot(value.cwd)
    const { model } = objectOf(value.message)
    if (model !== '<synthetic>') draft.setMetadata('model', model)
    draft.setMetadata('gitBranch', value.gitBranch)
    if (typeof value.message === 'object') draft.setMetadata('cliVersion', value.version)
    const titles: Array<[number, Json | undefined]> = [
      [1, value.type === 'summary' ? value.summary : undefined],
      [2, value.type === 'ai-title' ? value.aiTitle : undefined],
      [3, value.type === 'custom-title' ? value.customTitle : undefined],
    ]
    for (const [rank, title] of titles) {
      if (title === undefined || rank < this.#title) continue
      draft.setName(title)
      this.#title = rank
    }
  }

  end(final: boolean): void {
    if (final) {
      this.#chain.close()
      for (const chain of this.#agents.values()) chain.close()
    }
    for (const usage of this.#branchUsage.values()) this.#chain.draft.carry(usage, BRANCH_AGENT)
    this.#branchUsage.clear()
  }

  resume(): ResumePoint | undefined {
    // sub-agents in the file, and answers of a tree, are known to a whole reading only
    const { first } = this.#chain.order
    const tips = this.#plan?.tips ?? (first === undefined ? this.#tips : this.#calmTips)
    if (this.#agents.size > 0 || tips.size === 0 || (this.#plan !== undefined && first !== undefined)) return undefined
    const { name } = this.#chain.draft.labels
    const state = { tips: [...tips].slice(-64), title: this.#title, ...(name === undefined ? {} : { name }) }
    return { offset: first?.offset ?? this.#end.end, line: (first?.line ?? this.#end.line + 1) - 1, state }
  }
}

/** Ids in the blocks of one type. */
function idsOf(content: Json | undefined, type: string, field: string): string[] {
  if (!Array.isArray(content)) return []
  const ids: string[] = []
  for (const block of content) if (isObject(block) && block.type === type) ids.push(`${block[field]}`)
  return ids
}

function isBoundary({ subtype }: JsonObject): boolean {
  return subtype === 'compact_boundary'
}

export const claudeCode: UnitFormat = {
  kind: 'units',
  name: 'claude-code',
  title: 'Claude Code sessions (*.jsonl), with sub-agents',
  hints: ['.claude', 'claude-code'],
  sniff({ shape, objects }) {
    if (shape !== 'lines') return undefined
    for (const value of objects) {
      const { type, message } = value
      const isSaid =
        isObject(message) && (type === 'user' || type === 'assistant' || 'uuid' in value || 'sessionId' in value)
      if (isSaid && !('id' in value && 'parentId' in value)) return { weight: 3, why: 'messages of Claude Code' }
      if (OWN_TYPES.has(type as string) && ('sessionId' in value || 'leafUuid' in value || 'snapshot' in value)) {
        return { weight: 3, why: `a line of type ${type}` }
      }
    }
    return undefined
  },
  reader: (job: Job, _file: SourceFile, { plan, state }) =>
    new ClaudeReader(job, { plan: plan as ClaudePlan | undefined, state }),
  planner: (_job, file) => new ClaudePlanner(file, roleOf),
}
