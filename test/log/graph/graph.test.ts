import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.js'
import { emptyGraph, followGraph, type Graph, GraphCollector, type Records } from '../../../src/log/graph/graph.js'
import { vacuumOf } from '../../../src/log/graph/vacuum.js'
import { effectiveLeaf, liveNodes, pathTo, recordsOf } from '../../../src/log/graph/views.js'
import { isLine } from '../../../src/log/line.js'
import { parseLines } from '../../../src/log/parse.js'
import { idAt } from '../histories.js'

const REF = 'a'.repeat(64)
const node = (nodeId: string, parentNodeId?: string, more: JsonObject = {}): JsonObject => ({
  nodeId,
  ...(parentNodeId === undefined ? {} : { parentNodeId }),
  timestamp: 't',
  ...more,
})
const G = [node('a'), node('b', 'a'), node('c', 'b'), node('r', 'a')]

/** Lines of one writer: ids and times rise, revisions count. */
class Writer {
  readonly lines: JsonObject[] = []
  revision = 0
  #n: number

  constructor(n = 1) {
    this.#n = n
  }

  stamp(): JsonObject {
    const n = this.#n++
    return { id: idAt(n), at: new Date(Date.parse('2026-11-21T07:00:00.000Z') + n * 1000).toISOString() }
  }

  commit(nodes: JsonObject[], leaf: string | null, more: JsonObject = {}): this {
    const body = { revision: ++this.revision, nodes, leaf, config: {}, checkpoint: REF, usage: [] }
    this.lines.push({ type: 'commit', ...this.stamp(), session: 's', ...body, ...more })
    this.revision = this.lines.at(-1)!.revision as number
    return this
  }

  tombstone(...ids: string[]): this {
    this.lines.push({ type: 'tombstone', ...this.stamp(), ids })
    return this
  }
}

function bytesOf(lines: ReadonlyArray<JsonObject | string>): Buffer {
  return Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
}

function fold(bytes: Buffer): { graph: Graph; records: Records } {
  const collector = new GraphCollector()
  for (const piece of parseLines(bytes)) collector.add(piece)
  const records: Records = new Map()
  return { graph: collector.graph(records), records }
}

/** All that readers can see of it. */
function seen(lines: ReadonlyArray<JsonObject | string>) {
  const { graph, records } = fold(bytesOf(lines))
  return {
    revision: graph.head?.revision ?? 0,
    damage: graph.damage,
    nodes: recordsOf(graph, liveNodes(graph), records),
    leaf: effectiveLeaf(graph),
    path: pathTo(graph, effectiveLeaf(graph)),
    ledger: [...graph.ledger.values()],
  }
}

const base = () => new Writer().commit(G, 'c', { replace: true })

describe('the graph of a log', () => {
  test('is empty without commits', () => {
    expect(seen([{ role: 'user', content: 'x' }, new Writer().tombstone('a').lines[0]!])).toEqual({
      ...{ revision: 0, damage: null, nodes: [], leaf: null, path: [], ledger: [] },
    })
  })

  test('has nodes in order of insertion, the last leaf and the path to it', () => {
    const { lines } = base().commit([node('e', 'd'), node('d', 'c')], 'e')
    const { nodes, path, revision } = seen(lines)
    expect(nodes.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c', 'r', 'e', 'd'])
    expect(path).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(revision).toBe(2)
  })

  test('bridges tombstoned nodes', () => {
    const { nodes, path } = seen(base().tombstone('b').lines)
    expect(nodes).toEqual([node('a'), node('c', 'a'), node('r', 'a')])
    expect(path).toEqual(['a', 'c'])
    expect(seen(base().tombstone('a').lines).nodes).toEqual([node('b'), node('c', 'b'), node('r')])
  })

  test('lets the leaf fall back to its nearest live ancestor', () => {
    expect(seen(base().tombstone('c', 'b').lines).leaf).toBe('a')
    expect(seen(base().tombstone('a', 'b', 'c').lines)).toMatchObject({ leaf: null, path: [] })
  })

  test('is replaced as a whole, tombstones included', () => {
    const { lines } = base()
      .tombstone('b')
      .commit([node('b')], 'b', { replace: true })
    expect(seen(lines)).toMatchObject({ revision: 2, nodes: [node('b')], leaf: 'b', damage: null })
  })

  test('sums the ledger over all commits, the replaced ones too, in order of first appearance', () => {
    const row = (source: string, inputTokens: number): JsonObject => ({ source, model: 'm', usage: { inputTokens } })
    const { lines } = base()
      .commit([], 'c', { usage: [row('turn', 2), row('none', 0), row('sub', 1)] })
      .commit([node('z')], 'z', { replace: true, usage: [row('turn', Number.MAX_SAFE_INTEGER)] })
    expect(seen([...lines, lines[1]!]).ledger.map(({ source, usage }) => [source, usage.inputTokens])).toEqual([
      ['turn', Number.MAX_SAFE_INTEGER],
      ['sub', 1],
    ])
  })

  test('holds chains of any depth', () => {
    const chain = Array.from({ length: 30_000 }, (_, i) => node(`n${i}`, i === 0 ? undefined : `n${i - 1}`))
    const writer = new Writer().commit(chain, 'n29999', { replace: true })
    expect(seen(writer.lines).path.length).toBe(30_000)
    expect(seen(writer.tombstone(...chain.slice(1, -1).map(({ nodeId }) => String(nodeId))).lines).path).toEqual([
      'n0',
      'n29999',
    ])
  })
})

describe('a graph that cannot be read', () => {
  const bad: Array<[string, string, () => Array<JsonObject | string>]> = [
    ['a first revision that is not 1', 'missingRevision', () => new Writer().commit(G, 'c', { revision: 2 }).lines],
    ['a gap', 'missingRevision', () => base().commit([], 'c', { revision: 3 }).lines],
    [
      'an unreadable line between',
      'missingRevision',
      () =>
        base()
          .commit([], 'c')
          .commit([], 'c')
          .lines.with(1, '{' as never),
    ],
    ['a revision that is no number', 'malformedCommit', () => base().commit([], 'c', { revision: '2' }).lines],
    ['a revision that is not whole', 'malformedCommit', () => base().commit([], 'c', { revision: 1.5 }).lines],
    ['nodes that are none', 'malformedCommit', () => base().commit([{ timestamp: 't' }], 'c').lines],
    ['a commit without a checkpoint', 'malformedCommit', () => base().commit([], 'c', { checkpoint: null }).lines],
    ['an id with another content', 'duplicateNode', () => base().commit([node('b', 'a', { x: 1 })], 'c').lines],
    ['an id twice in one commit', 'duplicateNode', () => base().commit([node('d'), node('d')], 'c').lines],
    ['a parent that is not there', 'missingParent', () => base().commit([node('d', 'ghost')], 'c').lines],
    ['a node below itself', 'cycle', () => base().commit([node('d', 'd')], 'c').lines],
    ['a ring', 'cycle', () => base().commit([node('d', 'e'), node('e', 'f'), node('f', 'd')], 'c').lines],
    ['a leaf that is not there', 'missingLeaf', () => base().commit([], 'ghost').lines],
  ]

  test.each(bad)('%s: %s', (_, reason, lines) => {
    const { graph } = fold(bytesOf(lines()))
    expect(graph.damage).toBe(reason)
    const revisions = lines().flatMap((line) => (typeof line === 'string' ? [] : [Number(line.revision)]))
    expect(graph.head?.revision).toBe(reason === 'malformedCommit' ? 1 : Math.max(...revisions))
  })

  test.each(bad)('%s: a commit that replaces the graph ends it', (_, __, lines) => {
    const writer = new Writer(50)
    writer.revision = fold(bytesOf(lines())).graph.head?.revision ?? 0
    const after = [...lines(), ...writer.commit([node('z')], 'z', { replace: true }).lines]
    expect(seen(after)).toMatchObject({ damage: null, nodes: [node('z')], revision: writer.revision })
  })

  test('reports whether there are unreadable bytes behind the last commit', () => {
    const unsure = (lines: ReadonlyArray<JsonObject | string>) => fold(bytesOf(lines)).graph.unsure
    expect(unsure(['{"type":"com', ...base().lines])).toBe(false)
    expect(unsure([...base().lines, '{"type":"com'])).toBe(true)
    expect(unsure(['{"type":"com'])).toBe(true)
    expect(fold(Buffer.concat([bytesOf(base().lines), Buffer.from('{"type":"com')])).graph.unsure).toBe(false)
  })
})

describe('merged histories', () => {
  /** Two copies of one log that went on. */
  function sides() {
    const common = base().lines
    const ours = new Writer(100)
    ours.revision = 1
    ours.commit([node('d', 'c')], 'd', { usage: [{ source: 'turn', model: 'm', usage: { inputTokens: 1 } }] })
    const theirs = new Writer(200)
    theirs.revision = 1
    theirs.commit([node('e', 'c')], 'e', { usage: [{ source: 'turn', model: 'm', usage: { inputTokens: 2 } }] })
    theirs.commit([], 'c').commit([], 'e')
    return { common, ours: ours.lines, theirs: theirs.lines }
  }

  test('are branches of one graph, in any order of the lines', () => {
    const { common, ours, theirs } = sides()
    const left = seen([...common, ...ours, ...theirs])
    expect(left).toMatchObject({ damage: null, revision: 4, leaf: 'e' })
    expect(left.nodes.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c', 'r', 'd', 'e'])
    expect(left.ledger).toMatchObject([{ usage: { inputTokens: 3 } }])
    expect(seen([...common, ...theirs, ...ours])).toEqual(left)
    expect(seen([...common, ...ours, ...common, ...theirs, ...ours])).toEqual(left)
    expect(seen([...theirs, ...common, ...ours])).toEqual(left)
    expect(fold(bytesOf([...common, ...theirs, ...ours])).graph.divergences).toEqual(new Set([2]))
  })

  test('may have committed the same node', () => {
    const { common, ours, theirs } = sides()
    const same = { ...theirs[0]!, nodes: [node('d', 'c'), node('e', 'c')] }
    const lines = [...common, ...ours, same, ...theirs.slice(1)]
    expect(seen(lines)).toMatchObject({ damage: null })
    expect(seen(lines).nodes.length).toBe(6)
  })

  test('keep a tombstone for what stood before it on its side', () => {
    const { common, ours, theirs } = sides()
    const gone = new Writer(150).tombstone('d').lines
    const left = seen([...common, ...ours, ...gone, ...theirs])
    expect(left.nodes.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'c', 'r', 'e'])
    expect(seen([...common, ...theirs, ...ours, ...gone])).toEqual(left)
  })
})

/** Random histories of one writer; `wild` ones break the rules now and then. */
function histories(wild: boolean): fc.Arbitrary<JsonObject[]> {
  const step = fc.record({
    what: fc.nat(99),
    places: fc.array(fc.nat(), { maxLength: 4 }),
    leaf: fc.nat(),
  })
  return fc.array(step, { maxLength: 24 }).map((steps) => {
    const writer = new Writer()
    let ids: string[] = []
    let count = 0
    const pick = (place: number) => (place % 9 === 0 ? undefined : ids[place % ids.length])
    const added = (places: number[]) =>
      places.map((place) => {
        const id = wild && place % 23 === 0 ? `n${place % 5}` : `n${count++}`
        const parent = wild && place % 29 === 0 ? 'ghost' : pick(place)
        ids.push(id)
        return node(id, parent)
      })
    for (const { what, places, leaf } of steps) {
      if (what < 40) writer.commit(added(places), pick(leaf) ?? null)
      else if (what < 70) writer.tombstone(...places.map((place) => pick(place) ?? 'ghost'))
      else if (what < 80) {
        ids = []
        writer.commit(added(places), pick(leaf) ?? null, { replace: true })
      } else if (what < 90 || !wild) writer.lines.push({ role: 'user', content: 'x', ...writer.stamp() })
      else if (what < 95) writer.commit([], null, { usage: null })
      else writer.revision++
    }
    return writer.lines
  })
}

/** Parts of a graph that cannot be read do not count. */
function plain({ bytes: _, nodes, tombstoned, ...graph }: Graph) {
  return graph.damage === null ? { ...graph, tombstoned, nodes: [...nodes] } : graph
}

describe('laws', () => {
  test('following a log from any place on equals folding it whole, where it can be followed', () => {
    let followed = 0
    fc.assert(
      fc.property(histories(true), fc.nat(), (lines, at) => {
        const bytes = bytesOf(lines)
        const pieces = parseLines(bytes)
        const cut = at % (pieces.length + 1)
        const graph = fold(bytes.subarray(0, pieces[cut]?.offset ?? bytes.length)).graph
        if (!followGraph(graph, pieces.slice(cut))) return
        followed++
        expect(plain(graph)).toEqual(plain(fold(bytes).graph))
      }),
      { seed: 5, numRuns: 500 },
    )
    expect(followed).toBeGreaterThan(250)
  })

  test('what one writer made without faults can be followed from nothing', () => {
    const { lines } = base()
      .tombstone('b')
      .commit([node('d', 'c')], 'd')
      .commit([node('z')], null, { replace: true })
    const graph = emptyGraph()
    expect(followGraph(graph, parseLines(bytesOf(lines)))).toBe(true)
    expect(plain(graph)).toEqual(plain(fold(bytesOf(lines)).graph))
  })

  test('a vacuum changes nothing that can be seen, and leaves no tombstone', () => {
    let vacuumed = 0
    fc.assert(
      fc.property(histories(false), (lines) => {
        const bytes = bytesOf(lines)
        const { graph } = fold(bytes)
        if (graph.damage !== null) return
        if (graph.tombstoned.size > 0) vacuumed++
        const change = vacuumOf(graph)
        const after = parseLines(bytes).flatMap((piece) => {
          const raw = bytes.toString('utf8', piece.offset, piece.end - 1)
          const changed = isLine(piece) ? change(piece) : undefined
          return changed === null ? [] : [changed === undefined ? raw : changed(raw)]
        })
        expect(seen(after)).toEqual(seen(lines))
        const { graph: left } = fold(bytesOf(after))
        expect(left.tombstoned.size).toBe(0)
        expect([...left.nodes.keys()]).toEqual(liveNodes(graph))
      }),
      { seed: 5, numRuns: 1000 },
    )
    expect(vacuumed).toBeGreaterThan(20)
  })

  test('a vacuum leaves the texts of what stays', () => {
    const raw =
      '{"type":"commit","id":"x","revision":1,"nodes":[ {"nodeId":"a","n":1.0,"t":"]}\\""}, {"nodeId":"b","parentNodeId":"a"} ,{"nodeId":"c","parentNodeId":"b","big":12345678901234567890}],"leaf":"b","config":{},"checkpoint":"","usage":[]}'
    const bytes = bytesOf([raw, { type: 'tombstone', ids: ['b'] }])
    const change = vacuumOf(fold(bytes).graph)
    const [commit, tombstone] = parseLines(bytes).filter(isLine)
    expect(change(tombstone!)).toBe(null)
    expect(change(commit!)?.(raw)).toBe(
      '{"type":"commit","id":"x","revision":1,"nodes":[{"nodeId":"a","n":1.0,"t":"]}\\""},{"nodeId":"c","parentNodeId":"a","big":12345678901234567890}],"leaf":"a","config":{},"checkpoint":"","usage":[]}',
    )
  })
})
