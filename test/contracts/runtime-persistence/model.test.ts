/** Random commits, tombstones, vacuums, collections, reopenings and crashes, against a model in memory. */
import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type GraphCommitDelta,
  JsonlRuntimePersistence,
  type RuntimeCommit,
  type SessionNodeRecord,
} from '../../../src/contracts/runtime-persistence/index.js'
import { openStore, type SessionStore } from '../../../src/index.js'
import { codeOf, SOAK, tempFolder } from '../../helpers/store.js'

const CONFIG = {
  ...{ providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' },
  ...{ standardContextApproach: null, modelVariant: null },
}

interface Node {
  id: string
  parent: string | null
  dead: boolean
}

/** The plainest model of the contract. */
class Model {
  revision = 0
  nodes: Node[] = []
  leaf: string | null = null
  tokens = 0
  state: number | null = null

  find(id: string | null): Node | undefined {
    return this.nodes.find((node) => node.id === id)
  }

  live(id: string | null): string | null {
    const node = this.find(id)
    return node?.dead ? this.live(node.parent) : id
  }

  fits(nodes: Node[], leaf: string | null, isNew: boolean): boolean {
    const ids = new Set(nodes.map(({ id }) => id))
    if (ids.size < nodes.length || (!isNew && nodes.some(({ id }) => this.find(id)))) return false
    const isThere = (id: string | null) => id === null || ids.has(id) || (!isNew && this.find(id)?.dead === false)
    if (!nodes.every(({ parent }) => isThere(parent)) || !isThere(leaf)) return false
    return nodes.every(({ id, parent }) => {
      for (let up = parent, n = 0; up !== null && ids.has(up); n++) {
        if (up === id || n > nodes.length) return false
        up = nodes.find((node) => node.id === up)?.parent ?? null
      }
      return true
    })
  }

  vacuum(): number {
    const before = this.nodes.length
    this.leaf = this.live(this.leaf)
    for (const node of this.nodes) node.parent = this.live(node.parent)
    this.nodes = this.nodes.filter(({ dead }) => !dead)
    return before - this.nodes.length
  }

  seen(): { nodes: SessionNodeRecord[]; leaf: string | null; path: string[] } {
    const nodes = this.nodes.filter(({ dead }) => !dead).map(({ id, parent }) => record(id, this.live(parent)))
    const leaf = this.live(this.leaf)
    const path: string[] = []
    for (let id = leaf; id !== null; id = this.live(this.find(id)?.parent ?? null)) path.unshift(id)
    return { nodes, leaf, path }
  }
}

function record(nodeId: string, parent: string | null): SessionNodeRecord {
  const own = parent === null ? {} : { parentNodeId: parent }
  return { nodeId, ...own, timestamp: 't', kind: 'event', event: { id: nodeId } }
}

const step = fc.record({
  what: fc.nat(99),
  store: fc.nat(1),
  /** New ids and parents, some of which break a rule. */
  places: fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { maxLength: 4 }),
  leaf: fc.nat(40),
  off: fc.nat(12),
  state: fc.nat(3),
  cut: fc.nat(400),
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class Run {
  readonly #folder: string
  readonly #stores: SessionStore[] = []
  #model = new Model()
  #count = 0
  done = { commits: 0, refused: 0, cuts: 0, vacuumed: 0 }

  constructor(folder: string) {
    this.#folder = folder
  }

  async open(): Promise<void> {
    await this.close()
    this.#stores.push(await openStore(this.#folder), await openStore(this.#folder))
    this.#faces = this.#stores.map((store) => new JsonlRuntimePersistence(store, 'alpha'))
  }
  #faces: JsonlRuntimePersistence[] = []

  async close(): Promise<void> {
    for (const store of this.#stores.splice(0)) await store.close()
  }

  async take(step: Step): Promise<void> {
    const runtime = this.#faces[step.store] as JsonlRuntimePersistence
    const model = this.#model
    if (step.what < 50) await this.#commit(runtime, step)
    else if (step.what < 65) {
      const ids = step.places.map(([place]) => model.nodes[place % (model.nodes.length + 1)]?.id ?? 'ghost')
      await runtime.tombstoneNodes(ids)
      for (const id of ids) {
        const node = model.find(id)
        if (node !== undefined) node.dead = true
      }
    } else if (step.what < 72) {
      const { removedNodeCount } = await runtime.vacuum()
      expect(removedNodeCount).toBe(model.vacuum())
      this.done.vacuumed += removedNodeCount
    } else if (step.what < 79) await runtime.gcUnreachable()
    else if (step.what < 84) await this.#stores[step.store]?.session('alpha').rewrite()
    else if (step.what < 88) await this.#stores[step.store]?.session('alpha').append({ role: 'user', content: 'x' })
    else if (step.what < 92) await this.open()
    else await this.#commit(runtime, step, step.cut)
    await this.#compare()
  }

  /** With `cut`, the commit's line is cut off after so many of its bytes, as a crash would. */
  async #commit(runtime: JsonlRuntimePersistence, step: Step, cut?: number): Promise<void> {
    const model = this.#model
    const isNew = step.what % 8 === 0
    const pick = (place: number) =>
      place % 10 === 9 ? 'ghost' : (model.nodes[place % (model.nodes.length + 1)]?.id ?? null)
    const added: Node[] = []
    for (const [at, place] of step.places) {
      const id = at === 0 ? (model.nodes[0]?.id ?? 'n') : `n${this.#count++}`
      const parent = isNew ? (added[place]?.id ?? null) : (added[place % 5]?.id ?? pick(place))
      added.push({ id, parent, dead: false })
    }
    const leaf = isNew ? (added[step.leaf]?.id ?? null) : (added[step.leaf % 6]?.id ?? pick(step.leaf))
    const nodes = added.map(({ id, parent }) => record(id, parent))
    const graph: GraphCommitDelta = isNew
      ? { kind: 'replaceFull', graph: { nodes, leafNodeId: leaf } }
      : { kind: 'append', nodes, leafNodeId: leaf }
    const expected = model.revision - (step.off === 0 ? 1 : 0)
    const commit: RuntimeCommit = {
      ...{ sessionId: 'alpha', expectedHeadRevision: expected < 0 ? 99 : expected, config: CONFIG, graph },
      checkpoint: { executionState: Buffer.from(`state ${step.state}`) },
      usageDeltas: [{ source: 's', model: 'm', usage: { ...NO_TOKENS, inputTokens: 1 } }],
    }
    const due = expected !== model.revision ? 'CONFLICT' : model.fits(added, leaf, isNew) ? undefined : 'GRAPH_INVALID'
    const log = path.join(this.#folder, 'alpha.jsonl')
    const before = fs.existsSync(log) ? fs.statSync(log).size : -1
    const code = await codeOf(runtime.commitRuntimeState(commit))
    if (due !== undefined) {
      this.done.refused++
      expect(code).toContain(due)
      return
    }
    expect(code).toBe(undefined)
    const size = fs.statSync(log).size
    if (cut !== undefined && before >= 0 && before + cut < size - 1) {
      this.done.cuts++
      await this.close()
      fs.truncateSync(log, before + cut)
      await this.open()
      return
    }
    this.done.commits++
    model.revision++
    model.tokens++
    model.state = step.state
    model.leaf = leaf
    model.nodes = isNew ? added : [...model.nodes, ...added]
  }

  async #compare(): Promise<void> {
    const model = this.#model
    for (const runtime of this.#faces) {
      const read = await runtime.loadSession({ kind: 'fullGraph' })
      if (model.revision === 0) {
        expect(read).toBe(null)
        continue
      }
      const { nodes, leaf, path } = model.seen()
      expect(read).toMatchObject({ headRevision: model.revision, graph: { nodes, leafNodeId: leaf } })
      expect(read?.graph.nodes.length).toBe(nodes.length)
      expect(read?.tokenLedger[0]?.usage.inputTokens).toBe(model.tokens)
      expect(Buffer.from(read?.checkpoint?.executionState ?? []).toString()).toBe(`state ${model.state}`)
      const active = await runtime.loadSession({ kind: 'activePath' })
      expect(active?.graph.nodes.map(({ nodeId }) => nodeId)).toEqual(path)
      const some = nodes[model.revision % Math.max(1, nodes.length)]
      if (some !== undefined) expect(await runtime.loadNode(some.nodeId)).toEqual(some)
    }
  }
}

const NO_TOKENS = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 }

test('any history reads as the model does, from two stores', async () => {
  const total = { commits: 0, refused: 0, cuts: 0, vacuumed: 0 }
  const histories = fc.array(step, { minLength: 10, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      const folder = fs.mkdtempSync(path.join(tempFolder(), 'run-'))
      const run = new Run(folder)
      await run.open()
      try {
        for (const each of steps) await run.take(each)
      } finally {
        await run.close()
      }
      for (const name of Object.keys(total) as Array<keyof typeof total>) total[name] += run.done[name]
    }),
    { seed: 11, numRuns: SOAK ? 500 : 25, endOnFailure: true },
  )
  for (const [name, count] of Object.entries(total)) expect(count, name).toBeGreaterThan(5)
}, 600_000)
