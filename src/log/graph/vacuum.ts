/** Taking tombstoned nodes out of a log: their children go to the nearest live ancestor, and so does a leaf. */

import type { Line } from '../line.js'
import { itemsOf, membersOf, objectText } from '../rewrite/json-text.js'
import { commitOf, type NodeRecord, parentOf } from './commit-line.js'
import { type Graph, isPartOf } from './graph.js'
import { LiveAncestors } from './views.js'

/** The fate of a line: null to drop it, a function from the old text to the new one, undefined to keep it unchanged. */
export type LineChange = (line: Line) => ((raw: string) => string) | null | undefined

/** Judges the lines of the log that `graph` was folded from. What stays keeps its text. */
export function vacuumOf(graph: Graph): LineChange {
  const ancestors = new LiveAncestors(graph)
  const isGone = (id: string | null) => id !== null && graph.tombstoned.has(id)
  return (line) => {
    if (line.kind === 'tombstone') return null
    const commit = line.kind === 'commit' ? commitOf(line) : undefined
    if (commit === undefined || !isPartOf(graph, line, commit)) return undefined
    const { nodes, leaf } = commit
    const isTouched = isGone(leaf) || nodes.some((node) => isGone(node.nodeId) || isGone(parentOf(node)))
    if (!isTouched) return undefined
    return (raw) => {
      const fields = fieldsOf(raw)
      const items = itemsOf(fields.get('nodes') ?? '[]')
      const kept = items.flatMap((text, i) => {
        const node = nodes[i] as NodeRecord
        return isGone(node.nodeId) ? [] : [moved(text, node, ancestors)]
      })
      fields.set('nodes', `[${kept.join(',')}]`)
      fields.set('leaf', JSON.stringify(ancestors.of(leaf)))
      return textOf(fields)
    }
  }
}

/** A node's text below its nearest live ancestor. */
function moved(text: string, node: NodeRecord, ancestors: LiveAncestors): string {
  const stored = parentOf(node)
  const parent = ancestors.of(stored)
  if (parent === stored) return text
  const fields = fieldsOf(text)
  if (parent === null) fields.delete('parentNodeId')
  else fields.set('parentNodeId', JSON.stringify(parent))
  return textOf(fields)
}

/** The texts of an object's fields; of several of one name, the last one counts. */
function fieldsOf(text: string): Map<string, string> {
  return new Map(membersOf(text).map(({ key, text }) => [key, text]))
}

function textOf(fields: ReadonlyMap<string, string>): string {
  return objectText([...fields].map(([key, text]) => ({ key, text })))
}
