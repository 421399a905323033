/**
 * The graph that `commit` and `tombstone` lines make: ids and parents, head and ledger, without what is in the nodes.
 * It is followed from line to line; a log that was merged or edited by hand is folded as a whole.
 */
import { isV7 } from '../../base/ids.js'
import { canonical, type JsonObject, jsonEqual } from '../../base/json.js'
import { type Line, namedIds, type Piece, type Range } from '../line.js'
import { type Commit, commitOf, LEDGER_COUNTERS, type LedgerRow, type NodeRecord, parentOf } from './commit-line.js'
import { faultIn, type GraphFlaw, type NewNode } from './rules.js'

export interface GraphNode {
  /** The node that it was committed under; null for a root. */
  parent: string | null
  /** The line that it stands in; the same object for all nodes of that line. */
  line: Range
}

export interface GraphHead {
  revision: number
  at: string
  id: string
  leaf: string | null
  config: JsonObject
  checkpoint: string
  line: Range
}

/** The place of a commit among all, independent of the order of their lines. */
export type Place = Pick<GraphHead, 'revision' | 'at' | 'id'>

/** Why the graph cannot be read; a commit that replaces it ends that. */
export type GraphDamage = GraphFlaw | 'missingRevision' | 'malformedCommit'

export interface Graph {
  /** Where the folded part ends: all whole lines before it are in. */
  bytes: number
  head: GraphHead | null
  /** All nodes of the graph in order of insertion, tombstoned ones too. */
  nodes: Map<string, GraphNode>
  tombstoned: Set<string>
  /** In order of first appearance. */
  ledger: Map<string, LedgerRow>
  damage: GraphDamage | null
  /** The last commit that replaced the graph: what is less is history. */
  start: Place | null
  /** Revisions that two histories both committed. */
  divergences: Set<number>
  /** Something that cannot be read stands behind the last commit line. */
  unsure: boolean
  /** The greatest id of a commit or tombstone line. */
  lastId: string
}

export function emptyGraph(): Graph {
  return {
    ...{ bytes: 0, head: null, nodes: new Map(), tombstoned: new Set(), ledger: new Map() },
    ...{ damage: null, start: null, divergences: new Set(), unsure: false, lastId: '' },
  }
}

/** The records of nodes, by id. */
export type Records = Map<string, NodeRecord>

export function isGraphLine(piece: Piece): piece is Line {
  return piece.kind === 'commit' || piece.kind === 'tombstone'
}

/**
 * Adds pieces that stand behind the folded part, in place, and the records of their nodes to `records`. False when only
 * the whole log can decide what they mean; then nothing is added.
 */
export function followGraph(graph: Graph, pieces: readonly Piece[], records?: Records): boolean {
  const reads: Read[] = []
  for (const piece of pieces) if (isGraphLine(piece)) reads.push(readOf(piece))
  if (!canFollow(graph, reads)) return false
  let next = 0
  for (const piece of pieces) {
    if (piece.kind === 'torn') continue
    graph.bytes = piece.end
    if (piece.kind === 'damage') graph.unsure = true
    if (!isGraphLine(piece)) continue
    graph.lastId = piece.id
    const commit = reads[next++]?.commit
    if (piece.kind === 'tombstone') markNodes(graph, piece)
    else if (commit === undefined) noteMalformed(graph)
    else addCommit(graph, piece, commit, records)
  }
  return true
}

function readOf(line: Line): Read {
  return { line, commit: line.kind === 'commit' ? commitOf(line) : undefined }
}

/** True when all lines are new, come after the head, and bring no node that may be there already. */
function canFollow({ lastId, head, nodes }: Graph, reads: readonly Read[]): boolean {
  let id = lastId
  let place: Place | null = head
  let isReplaced = false
  const added = new Set<string>()
  for (const { line, commit } of reads) {
    if (line.bare || !isV7(line.id) || line.id <= id) return false
    id = line.id
    if (commit === undefined) continue
    const next = placeOf(line, commit)
    if (place !== null && compare(next, place) <= 0) return false
    place = next
    if (commit.replace) {
      isReplaced = true
      added.clear()
    }
    for (const { nodeId } of commit.nodes) {
      if (added.has(nodeId) || (!isReplaced && nodes.has(nodeId))) return false
      added.add(nodeId)
    }
  }
  return true
}

/** A line with its value, if it is a sound commit. */
interface Read {
  line: Line
  commit: Commit | undefined
}

/** What the graph needs of a whole log, line by line. */
export class GraphCollector {
  readonly #reads: Read[] = []
  #unsure = false
  #bytes = 0
  #lastId = ''
  /** Ids rise, so that no line stands there twice. */
  #isRising = true

  add(piece: Piece): void {
    if (piece.kind === 'torn') return
    this.#bytes = piece.end
    if (piece.kind === 'damage') this.#unsure = true
    if (!isGraphLine(piece)) return
    const read = readOf(piece)
    this.#reads.push(read)
    if (piece.kind === 'commit') this.#unsure = read.commit === undefined
    if (!isV7(piece.id) || piece.id <= this.#lastId) this.#isRising = false
    else this.#lastId = piece.id
  }

  /** The graph; the records of its nodes go into `records`. */
  graph(records: Records = new Map()): Graph {
    const reads = this.#isRising ? this.#reads : withoutCopies(this.#reads)
    const graph = emptyGraph()
    // of merged histories the lines stand in any order: the result must not depend on it
    const commits = reads.filter((read): read is Required<Read> & { commit: Commit } => read.commit !== undefined)
    commits.sort((a, b) => compare(placeOf(a.line, a.commit), placeOf(b.line, b.commit)))
    for (const { line, commit } of commits) addCommit(graph, line, commit, records)
    const start = commits.findLast(({ commit }) => commit.replace)?.line.offset ?? -1
    for (const { line, commit } of reads) {
      if (line.kind === 'tombstone') markNodes(graph, line)
      else if (commit === undefined && line.offset > start) noteMalformed(graph)
    }
    return Object.assign(graph, { bytes: this.#bytes, unsure: this.#unsure, lastId: this.#lastId })
  }
}

/** A line that stands there again, with equal content, counts once. */
function withoutCopies(reads: readonly Read[]): readonly Read[] {
  const contents = new Map<string, Set<string>>()
  const counts = new Map<string, number>()
  for (const { line } of reads) counts.set(line.id, (counts.get(line.id) ?? 0) + 1)
  return reads.filter(({ line }) => {
    if (line.bare || counts.get(line.id) === 1) return true
    const former = contents.get(line.id) ?? new Set()
    const content = canonical(line.value)
    if (former.has(content)) return false
    contents.set(line.id, former.add(content))
    return true
  })
}

function headOf({ id, at = '', offset, end }: Line, commit: Commit): GraphHead {
  const { revision, leaf, config, checkpoint } = commit
  return { revision, at, id, leaf, config, checkpoint, line: { offset, end } }
}

/** True for the commit of a line that the graph is made of. */
export function isPartOf({ start }: Graph, line: Line, commit: Commit): boolean {
  return start === null || compare(placeOf(line, commit), start) >= 0
}

function placeOf({ id, at = '' }: Line, { revision }: Commit): Place {
  return { revision, at, id }
}

/** The greater one is the head. */
function compare(a: Place, b: Place): number {
  return a.revision - b.revision || order(a.at, b.at) || order(a.id, b.id)
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Adds a commit that is greater than the head. `records` are needed where its nodes may be there already. */
function addCommit(graph: Graph, line: Line, commit: Commit, records?: Records): void {
  const former = graph.head?.revision ?? 0
  graph.head = headOf(line, commit)
  graph.unsure = false
  for (const row of commit.usage) addToLedger(graph.ledger, row)
  if (commit.replace) {
    graph.nodes.clear()
    graph.tombstoned.clear()
    graph.divergences.clear()
    records?.clear()
    graph.damage = null
    graph.start = graph.head
  } else if (commit.revision === former) graph.divergences.add(former)
  else if (commit.revision > former + 1) graph.damage ??= 'missingRevision'
  if (graph.damage === null) addNodes(graph, commit, graph.head.line, records)
}

function addNodes(graph: Graph, { nodes, leaf, replace }: Commit, line: Range, records?: Records): void {
  const { added, again } = replace ? { added: nodes, again: [] } : divided(graph, nodes)
  const differs = again.some((node) => !jsonEqual(records?.get(node.nodeId), node))
  const isThere = (id: string) => graph.nodes.has(id)
  const fresh: NewNode[] = added.map((node) => ({ id: node.nodeId, parent: parentOf(node) }))
  const fault = differs ? 'duplicateNode' : faultIn(fresh, leaf, isThere, isThere)?.reason
  if (fault !== undefined) graph.damage = fault
  for (const [i, { id, parent }] of fresh.entries()) {
    graph.nodes.set(id, { parent, line })
    records?.set(id, added[i] as NodeRecord)
  }
  for (const { nodeId } of again) {
    const node = graph.nodes.get(nodeId)
    if (node !== undefined && line.offset < node.line.offset) node.line = line
  }
}

/** The nodes that are new, and the nodes that another history has as well. */
function divided(graph: Graph, nodes: NodeRecord[]): { added: NodeRecord[]; again: NodeRecord[] } {
  const again = nodes.filter(({ nodeId }) => graph.nodes.has(nodeId))
  return again.length === 0
    ? { added: nodes, again }
    : { added: nodes.filter(({ nodeId }) => !graph.nodes.has(nodeId)), again }
}

/** A tombstone is for the nodes that stand before it. */
function markNodes(graph: Graph, line: Line): void {
  for (const id of namedIds(line)) {
    const node = graph.nodes.get(id)
    if (node !== undefined && node.line.offset < line.offset) graph.tombstoned.add(id)
  }
}

function noteMalformed(graph: Graph): void {
  graph.damage = 'malformedCommit'
  graph.unsure = true
}

/** One string for each pair: the length marks where the source ends. */
export function ledgerKey(source: string, model: string): string {
  return `${source.length}:${source}${model}`
}

/** Adds a row. A sum that no number can hold exactly stays at the greatest one that can be. */
export function addToLedger(ledger: Map<string, LedgerRow>, { source, model, usage }: LedgerRow): void {
  if (LEDGER_COUNTERS.every((name) => usage[name] === 0)) return
  const key = ledgerKey(source, model)
  const former = ledger.get(key)
  const sum = { ...usage }
  if (former !== undefined) {
    for (const name of LEDGER_COUNTERS) sum[name] = Math.min(former.usage[name] + usage[name], Number.MAX_SAFE_INTEGER)
  }
  ledger.set(key, { source, model, usage: sum })
}
