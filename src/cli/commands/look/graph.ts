import { isObject, type Json, type JsonObject } from '../../../base/json.js'
import {
  type GraphInspection,
  JsonlRuntimePersistence,
  type SessionNodeRecord,
} from '../../../contracts/runtime-persistence/index.js'
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

/** The live nodes; those on the active path are marked with a bullet, the leaf with an arrow. */
export async function graph(given: string, { root, json }: GraphOptions): Promise<number> {
  return readExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const graph = await new JsonlRuntimePersistence(store, key).inspect()
    const { headRevision, leafNodeId, nodes, activePath, tombstonedNodeCount, divergedRevisions } = graph
    if (json) {
      const facts = { revision: headRevision, leaf: leafNodeId, path: activePath, tombstoned: tombstonedNodeCount }
      await print(jsonLine({ key, ...facts, divergences: divergedRevisions, nodes }))
      return 0
    }
    const session = store.session(key)
    const facts = headRevision === 0 ? 'no commits' : factsOf(graph)
    await print(heading(session, await session.info(), facts))
    if (divergedRevisions.length > 0) note(`two histories committed revision ${divergedRevisions.join(', ')}`)
    const lines = linesOf(graph)
    const measure = await measureFor(lines.map(({ text }) => text))
    for (const { text, isActive } of lines) {
      const line = cut(text, terminalWidth(), measure)
      if (!(await print(isActive ? paint('green', line) : line))) break
    }
    return 0
  })
}

function factsOf({ headRevision, nodes, activePath, tombstonedNodeCount }: GraphInspection): string {
  const gone = tombstonedNodeCount > 0 ? `, ${count(tombstonedNodeCount, 'node')} deleted` : ''
  return `revision ${headRevision}, ${count(nodes.length, 'node')}, ${activePath.length} on the active path${gone}`
}

function linesOf({ nodes, activePath, leafNodeId }: GraphInspection): Array<{ text: string; isActive: boolean }> {
  const active = new Set(activePath)
  const tree = drawTree(nodes.map((record) => ({ id: record.nodeId, parent: record.parentNodeId ?? null, record })))
  return tree.map(({ node, lead }) => {
    const isActive = active.has(node.id)
    const mark = node.id === leafNodeId ? '▶' : isActive ? '●' : '○'
    return { text: `${lead}${mark} ${escapeLine(node.id)}  ${excerptOf(node.record)}`, isActive }
  })
}

/** What the node is, in a few words. */
function excerptOf(record: SessionNodeRecord): string {
  const { nodeId: _, parentNodeId: __, timestamp: ___, kind, ...rest } = record as unknown as JsonObject
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
