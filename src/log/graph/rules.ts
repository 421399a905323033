/** What a graph of nodes must be: new ids, parents that are there, no node its own ancestor, a leaf that is there. */

export type GraphFlaw = 'duplicateNode' | 'missingParent' | 'cycle' | 'missingLeaf'

export interface GraphFault {
  reason: GraphFlaw
  /** The node at fault; of `missingLeaf`, the leaf. */
  nodeId: string
}

export interface NewNode {
  id: string
  parent: string | null
}

/**
 * The first rule that new nodes and a leaf break, in the order in which the contract names them; null when they keep
 * all. `isTaken` is true for ids that no new node may have, `isThere` for nodes that can be a parent or the leaf.
 */
export function faultIn(
  nodes: readonly NewNode[],
  leaf: string | null,
  isTaken: (id: string) => boolean,
  isThere: (id: string) => boolean,
): GraphFault | null {
  const parents = new Map<string, string | null>()
  for (const { id, parent } of nodes) {
    if (parents.has(id) || isTaken(id)) return { reason: 'duplicateNode', nodeId: id }
    parents.set(id, parent)
  }
  let isAmongThem = false
  for (const { id, parent } of nodes) {
    if (parent === null) continue
    if (parents.has(parent)) isAmongThem = true
    else if (!isThere(parent)) return { reason: 'missingParent', nodeId: id }
  }
  const own = isAmongThem ? nodeInCycle(parents) : undefined
  if (own !== undefined) return { reason: 'cycle', nodeId: own }
  return leafFault(leaf, (id) => parents.has(id) || isThere(id))
}

export function leafFault(leaf: string | null, isThere: (id: string) => boolean): GraphFault | null {
  return leaf === null || isThere(leaf) ? null : { reason: 'missingLeaf', nodeId: leaf }
}

/** A node that is its own ancestor, if there is one. Each node is walked over once. */
function nodeInCycle(parents: ReadonlyMap<string, string | null>): string | undefined {
  const walks = new Map<string, number>()
  let walk = 0
  for (const start of parents.keys()) {
    walk++
    for (let id: string | null | undefined = start; id !== null && id !== undefined && parents.has(id); ) {
      const former = walks.get(id)
      if (former === walk) return id
      if (former !== undefined) break
      walks.set(id, walk)
      id = parents.get(id)
    }
  }
  return undefined
}
