/** What readers see of a graph: live nodes only, each below its nearest live ancestor. Nothing here is recursive. */

import { type NodeRecord, parentOf } from './commit-line.js'
import type { Graph, Records } from './graph.js'

export function isLiveNode({ nodes, tombstoned }: Graph, id: string): boolean {
  return nodes.has(id) && !tombstoned.has(id)
}

/** Finds the nearest live node at or above an id, and remembers what it walked over. */
export class LiveAncestors {
  readonly #graph: Graph
  readonly #known = new Map<string, string | null>()

  constructor(graph: Graph) {
    this.#graph = graph
  }

  of(id: string | null): string | null {
    const { nodes, tombstoned } = this.#graph
    const walked: string[] = []
    let found = id
    while (found !== null && tombstoned.has(found)) {
      const known = this.#known.get(found)
      if (known !== undefined) {
        found = known
        break
      }
      walked.push(found)
      found = nodes.get(found)?.parent ?? null
    }
    for (const step of walked) this.#known.set(step, found)
    return found
  }
}

/** The head's leaf, or its nearest live ancestor. */
export function effectiveLeaf(graph: Graph): string | null {
  return new LiveAncestors(graph).of(graph.head?.leaf ?? null)
}

/** The ids from the root to a live node, root first. */
export function pathTo(graph: Graph, leaf: string | null): string[] {
  const ancestors = new LiveAncestors(graph)
  const path: string[] = []
  for (let id = leaf; id !== null; id = ancestors.of(graph.nodes.get(id)?.parent ?? null)) path.push(id)
  return path.reverse()
}

/** The ids of all live nodes in order of insertion. */
export function liveNodes({ nodes, tombstoned }: Graph): string[] {
  const ids = [...nodes.keys()]
  return tombstoned.size === 0 ? ids : ids.filter((id) => !tombstoned.has(id))
}

/** The record of a node below another parent than the one that it was committed under, if need be. */
export function below(record: NodeRecord, parent: string | null): NodeRecord {
  if (parentOf(record) === parent) return record
  const { parentNodeId: _, ...rest } = record
  return (parent === null ? rest : { ...record, parentNodeId: parent }) as NodeRecord
}

/**
 * The parents that readers see above live nodes; undefined when they equal the parents that the nodes were committed
 * under.
 */
export function parentsOf(graph: Graph, ids: readonly string[]): Array<string | null> | undefined {
  if (graph.tombstoned.size === 0) return undefined
  const ancestors = new LiveAncestors(graph)
  return ids.map((id) => ancestors.of(graph.nodes.get(id)?.parent ?? null))
}

/** The records of these nodes as readers see them. */
export function recordsOf(graph: Graph, ids: readonly string[], records: Records): NodeRecord[] {
  const ancestors = new LiveAncestors(graph)
  return ids.map((id) => {
    const record = records.get(id) as NodeRecord
    return below(record, ancestors.of(parentOf(record)))
  })
}
