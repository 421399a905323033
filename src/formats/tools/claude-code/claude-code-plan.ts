/**
 * Which lines of a Claude Code file are the conversation: the path through the tree, duplicates, whose they
 * are.
 */
import { isObject, type JsonObject, jsonEqual } from '../../../base/json.js'
import { objectOf, splitBlocks, textOr, without } from '../../shared/blocks.js'
import type { Planner } from '../../shared/format.js'
import type { SourceFile } from '../../shared/job.js'
import type { Unit } from '../../shared/unit.js'

export interface ClaudePlan {
  isOnPath(line: number): boolean
  isDuplicate(line: number): boolean
  /** Another line has the same uuid and says something else. */
  isVariant(line: number): boolean
  agentOf(line: number): string | undefined
  /** The last line of the answer that this line is a part of. */
  lastLineOf(line: number): number | undefined
  /** Lines that the next one may stand below without leaving the path. */
  tips: ReadonlySet<string>
}

interface Node {
  line: number
  offset: number
  end: number
  isMessage: boolean
  isSide: boolean
  uuid: string | undefined
  parent: string | undefined
  agent: string | undefined
  /** Of an assistant's line: the answer and its calls. */
  answer: string | undefined
  calls: readonly string[]
  /** Of a user's line: the calls to which it has results. */
  results: readonly string[]
}

const NONE: readonly string[] = []
/** So many branches of one session become forks. */
const MAX_BRANCHES = 1_000

export class ClaudePlanner implements Planner {
  readonly #file: SourceFile
  readonly #roleOf: (value: JsonObject) => 'user' | 'assistant' | undefined
  readonly #nodes: Node[] = []
  readonly #byUuid = new Map<string, Node>()
  readonly #duplicates = new Set<number>()
  readonly #variants = new Set<number>()

  constructor(file: SourceFile, roleOf: (value: JsonObject) => 'user' | 'assistant' | undefined) {
    this.#file = file
    this.#roleOf = roleOf
  }

  push(unit: Unit): void {
    const { value } = unit
    const uuid = textOr(value.uuid)
    const role = this.#roleOf(value)
    const former = uuid === undefined ? undefined : this.#byUuid.get(uuid)
    if (former !== undefined) {
      if (this.#says(former, value)) {
        this.#duplicates.add(unit.line)
        return
      }
      this.#variants.add(unit.line)
    }
    const message = objectOf(value.message)
    const { calls, results } = role === undefined ? { calls: [], results: [] } : splitBlocks(message.content)
    const node: Node = {
      line: unit.line,
      offset: unit.offset,
      end: unit.end,
      isMessage: role !== undefined,
      isSide: value.isSidechain === true,
      uuid,
      parent: textOr(value.parentUuid) ?? textOr(value.logicalParentUuid),
      agent: textOr(value.agentId),
      answer: role === 'assistant' ? (textOr(message.id) ?? uuid) : undefined,
      calls: calls.length === 0 ? NONE : calls.flatMap(({ id }) => (id === undefined ? [] : [id])),
      results: results.length === 0 ? NONE : results.flatMap(({ tool_use_id: id }) => textOr(id) ?? []),
    }
    this.#nodes.push(node)
    if (uuid !== undefined) this.#byUuid.set(uuid, node)
  }

  /** True when an earlier line says the same; resumed files repeat lines under another session. */
  #says({ offset, end }: Node, value: JsonObject): boolean {
    const former: unknown = JSON.parse(
      this.#file
        .read(offset, end)
        .toString()
        .replace(/^\uFEFF/, ''),
    )
    return isObject(former) && jsonEqual(without(former, 'sessionId'), without(value, 'sessionId'))
  }

  branches(): Array<{ leaf: string; plan: ClaudePlan }> {
    const main = this.#main()
    const path = this.#pathOf(main, this.#leafOf(main))
    const followed = this.#followed(main)
    const ends = main.filter((node) => !followed.has(node) && !path.has(node.line) && node.uuid !== undefined)
    return ends.slice(0, MAX_BRANCHES).map((end) => ({ leaf: end.uuid as string, plan: this.#planTo(main, end) }))
  }

  plan(): ClaudePlan {
    const main = this.#main()
    return this.#planTo(main, this.#leafOf(main))
  }

  /** The messages of the session itself, without those of its sub-agents. */
  #main(): readonly Node[] {
    const said = this.#nodes.filter(({ isMessage }) => isMessage)
    return said.every(({ isSide }) => isSide) ? said : said.filter(({ isSide }) => !isSide)
  }

  #planTo(main: readonly Node[], leaf: Node | undefined): ClaudePlan {
    const said = this.#nodes.filter(({ isMessage }) => isMessage)
    const isAllSide = main.length === said.length
    const path = this.#pathOf(main, leaf)
    const agents = isAllSide ? new Map<number, string>() : this.#agentsOf(said.filter(({ isSide }) => isSide))
    const lasts = new Map<string, number>()
    const answers = new Map<number, string>()
    for (const { line, answer } of said) {
      if (answer === undefined) continue
      const owner = `${agents.get(line) ?? ''}\0${answer}`
      if (!agents.has(line) && !path.has(line)) continue
      answers.set(line, owner)
      lasts.set(owner, line)
    }
    return {
      isOnPath: (line) => path.has(line) || agents.has(line),
      isDuplicate: (line) => this.#duplicates.has(line),
      isVariant: (line) => this.#variants.has(line),
      agentOf: (line) => agents.get(line),
      lastLineOf: (line) => lasts.get(answers.get(line) ?? ''),
      tips: this.#tipsOf(main, path),
    }
  }

  /** The last message, and what is no message and hangs below it. */
  #tipsOf(main: readonly Node[], path: ReadonlySet<number>): Set<string> {
    const leaf = main.findLast(({ line }) => path.has(line))
    const tips = new Set<string>(leaf?.uuid === undefined ? [] : [leaf.uuid])
    if (leaf === undefined) return tips
    for (const { line, uuid, parent, isMessage } of this.#nodes) {
      if (line > leaf.line && !isMessage && uuid !== undefined && parent !== undefined && tips.has(parent))
        tips.add(uuid)
    }
    return tips
  }

  /** Numbers of the lines of the conversation that the last message ends. */
  #pathOf(main: readonly Node[], leaf: Node | undefined): Set<number> {
    const path = new Set<number>()
    const hasUuids = main.some(({ uuid }) => uuid !== undefined)
    if (!hasUuids) return new Set(main.map(({ line }) => line))
    const above = new Map<number, Node | undefined>()
    for (const [place, node] of main.entries()) above.set(node.line, main[place - 1])
    const lineAbove = (node: Node): Node | undefined => {
      if (above.has(node.line)) return above.get(node.line)
      return main.findLast(({ line }) => line < node.line)
    }
    const visited = new Set<Node>()
    for (let node = leaf; node !== undefined && !visited.has(node); ) {
      visited.add(node)
      if (node.isMessage) path.add(node.line)
      const parent: Node | undefined = node.parent === undefined ? undefined : this.#byUuid.get(node.parent)
      node = parent !== undefined && !visited.has(parent) && !(parent.isSide && !node.isSide) ? parent : lineAbove(node)
      // a tree with a cycle: the node above goes on
      while (node !== undefined && visited.has(node)) node = lineAbove(node)
    }
    this.#addParallel(main, path)
    return path
  }

  /** Parts of the path's answers, and results of its calls, hang side by side: they belong to it. */
  #addParallel(main: readonly Node[], path: Set<number>): void {
    const answers = new Set<string>()
    for (const { line, answer } of main) if (answer !== undefined && path.has(line)) answers.add(answer)
    const calls = new Set<string>()
    for (const { line, answer, calls: made } of main) {
      if (answer === undefined || !answers.has(answer)) continue
      path.add(line)
      for (const call of made) calls.add(call)
    }
    for (const { line, results } of main) if (results.some((call) => calls.has(call))) path.add(line)
  }

  /** The newest message that no other one follows. */
  #leafOf(main: readonly Node[]): Node | undefined {
    const followed = this.#followed(main)
    return main.findLast((node) => !followed.has(node)) ?? main.at(-1)
  }

  /** Lines below which a message stands. */
  #followed(main: readonly Node[]): Set<Node> {
    const followed = new Set<Node>()
    for (const node of main) {
      for (
        let parent = this.#parentOf(node);
        parent !== undefined && !followed.has(parent);
        parent = this.#parentOf(parent)
      ) {
        if (parent !== node) followed.add(parent)
        else break
      }
    }
    return followed
  }

  #parentOf({ parent }: Node): Node | undefined {
    return parent === undefined ? undefined : this.#byUuid.get(parent)
  }

  /** The sub-agent of each line of one: named, or known by the line that it began with. */
  #agentsOf(side: readonly Node[]): Map<number, string> {
    const agents = new Map<number, string>()
    for (const node of side) {
      const parent = this.#parentOf(node)
      const inherited = parent === undefined ? undefined : agents.get(parent.line)
      agents.set(node.line, node.agent ?? inherited ?? node.uuid ?? 'unnamed')
    }
    return agents
  }
}
