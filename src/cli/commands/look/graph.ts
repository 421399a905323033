import { isObject, type Json } from '../../../base/json.js'
import { checkReadable, GraphLog } from '../../../graph/graph-log.js'
import type { SessionStore } from '../../../index.js'
import { type NodeRecord, parentOf } from '../../../log/graph/commit-line.js'
import { effectiveLeaf, pathTo } from '../../../log/graph/views.js'
import { internalsOf } from '../../../store/store.js'
import { findKey } from '../../find-key.js'
import { escapeLine, flatten, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { note, paint, print, terminalWidth } from '../../terminal/output.js'
import { cut, measureFor } from '../../terminal/table.js'
import { drawTree } from '../../terminal/tree.js'
import { type GlobalOptions, readExistingStore } from '../../with-store.js'
import { heading } from './show.js'

export interface GraphOptions extends GlobalOptions {
  json?: boolean
}

interface Shown {
  revision: number
  leaf: string | null
  nodes: NodeRecord[]
  path: string[]
  tombstoned: number
  divergences: number[]
}

/** The live nodes; those on the active path are marked with a bullet, the leaf with an arrow. */
export async function graph(given: string, { root, json }: GraphOptions): Promise<number> {
  return readExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const shown = await shownOf(store, key)
    if (json) {
      await print(jsonLine({ key, ...shown }))
      return 0
    }
    const session = store.session(key)
    const facts = shown.revision === 0 ? 'no commits' : factsOf(shown)
    await print(heading(session, await session.info(), facts))
    if (shown.divergences.length > 0) note(`two histories committed revision ${shown.divergences.join(', ')}`)
    const lines = linesOf(shown)
    const measure = await measureFor(lines.map(({ text }) => text))
    for (const { text, isActive } of lines) {
      const line = cut(text, terminalWidth(), measure)
      if (!(await print(isActive ? paint('green', line) : line))) break
    }
    return 0
  })
}

async function shownOf(store: SessionStore, key: string): Promise<Shown> {
  const shown = await new GraphLog(internalsOf(store).log(key)).whole((graph): Omit<Shown, 'nodes'> => {
    checkReadable(graph)
    const leaf = effectiveLeaf(graph)
    return {
      revision: graph.head?.revision ?? 0,
      leaf,
      path: pathTo(graph, leaf),
      tombstoned: graph.tombstoned.size,
      divergences: [...graph.divergences],
    }
  })
  return shown
    ? { ...shown.taken, nodes: shown.nodes }
    : { revision: 0, leaf: null, nodes: [], path: [], tombstoned: 0, divergences: [] }
}

function factsOf({ revision, nodes, path, tombstoned }: Shown): string {
  const gone = tombstoned > 0 ? `, ${count(tombstoned, 'node')} deleted` : ''
  return `revision ${revision}, ${count(nodes.length, 'node')}, ${path.length} on the active path${gone}`
}

function linesOf({ nodes, path, leaf }: Shown): Array<{ text: string; isActive: boolean }> {
  const active = new Set(path)
  const tree = drawTree(nodes.map((record) => ({ id: record.nodeId, parent: parentOf(record), record })))
  return tree.map(({ node, lead }) => {
    const isActive = active.has(node.id)
    const mark = node.id === leaf ? '▶' : isActive ? '●' : '○'
    return { text: `${lead}${mark} ${escapeLine(node.id)}  ${excerptOf(node.record)}`, isActive }
  })
}

/** What the node is, in a few words. */
function excerptOf({ nodeId: _, parentNodeId: __, timestamp: ___, kind, ...rest }: NodeRecord): string {
  const payload: Json = kind === 'event' ? (rest.event ?? null) : kind === 'plugin' ? (rest.body ?? null) : rest
  const type = kind === 'plugin' && typeof rest.pluginType === 'string' ? rest.pluginType : kind
  const text = typeof payload === 'string' ? payload : textIn(payload)
  return escapeLine(flatten(`${typeof type === 'string' ? `${type}: ` : ''}${text}`).slice(0, 200))
}

function textIn(payload: Json): string {
  if (isObject(payload))
    for (const name of ['text', 'content']) if (typeof payload[name] === 'string') return payload[name]
  return JSON.stringify(payload)
}
