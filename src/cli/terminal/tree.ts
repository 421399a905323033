/** A forest drawn with lines. A chain goes straight down; only branches move to the right. */

export interface TreeNode {
  id: string
  parent: string | null
}

export interface Drawn<T> {
  node: T
  /** What stands before the node. */
  lead: string
}

interface Place<T> {
  node: T
  /** What the lines of this node's descendants begin with. */
  margin: string
  lead: string
}

/** The nodes in the order in which they are drawn; those of one parent in the order given. Iterative: depth has no limit. */
export function drawTree<T extends TreeNode>(nodes: readonly T[]): Drawn<T>[] {
  const children = new Map<string | null, T[]>()
  for (const node of nodes) {
    const siblings = children.get(node.parent)
    if (siblings === undefined) children.set(node.parent, [node])
    else siblings.push(node)
  }
  const drawn: Drawn<T>[] = []
  const open: Place<T>[] = (children.get(null) ?? []).map((node) => ({ node, margin: '', lead: '' })).reverse()
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { node, margin, lead } = place
    drawn.push({ node, lead })
    const below = children.get(node.id) ?? []
    const places = below.map((child, i): Place<T> => {
      if (below.length === 1) return { node: child, margin, lead: margin }
      const isLast = i === below.length - 1
      return { node: child, margin: `${margin}${isLast ? '  ' : '│ '}`, lead: `${margin}${isLast ? '└─' : '├─'}` }
    })
    open.push(...places.reverse())
  }
  return drawn
}
