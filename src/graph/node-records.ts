/** Reads the records of nodes from the lines that a graph names. */
import { yieldIfDue } from '../base/event-loop.js'
import { read } from '../disk/files.js'
import type { LogReader } from '../disk/log/log-reader.js'
import { commitOf, type NodeRecord } from '../log/graph/commit-line.js'
import type { Graph } from '../log/graph/graph.js'
import { below } from '../log/graph/views.js'
import type { Range } from '../log/line.js'
import { parseLines } from '../log/parse.js'

/** Lines with a smaller gap between them are read together. */
const NEAR_BYTES = 16 * 1024
/** Small enough to stay in the processor's cache until it is parsed. */
const GROUP_BYTES = 64 * 1024

/**
 * The records of nodes of the graph of an open log, in the given order, with the given parents if there are any. The
 * graph is read before the first wait. Undefined when the log has changed.
 */
export async function nodesIn(
  reader: LogReader,
  { nodes }: Graph,
  ids: readonly string[],
  parents?: ReadonlyArray<string | null>,
): Promise<NodeRecord[] | undefined> {
  const lines: Range[] = []
  for (const id of ids) {
    const node = nodes.get(id)
    if (node !== undefined && node.line !== lines.at(-1)) lines.push(node.line)
  }
  const found = inOrder(ids, await recordsIn(reader, lines))
  return parents === undefined ? found : found?.map((record, i) => below(record, parents[i] ?? null))
}

/** The records of these nodes in this order, mostly that of the lines; undefined when one is missing. */
function inOrder(ids: readonly string[], found: NodeRecord[] | undefined): NodeRecord[] | undefined {
  if (found === undefined) return undefined
  if (found.length === ids.length && found.every(({ nodeId }, i) => nodeId === ids[i])) return found
  const records = new Map(found.map((record) => [record.nodeId, record]))
  const nodes: NodeRecord[] = []
  for (const id of ids) {
    const record = records.get(id)
    if (record === undefined) return undefined
    nodes.push(record)
  }
  return nodes
}

/** The records of all nodes in these lines of a log; undefined when the lines have changed. */
async function recordsIn(reader: LogReader, lines: Range[]): Promise<NodeRecord[] | undefined> {
  const records: NodeRecord[] = []
  for (const group of together(lines)) {
    const start = group[0]?.offset ?? 0
    const bytes = await read(reader.fd, start, (group.at(-1)?.end ?? start) - start)
    const wanted = new Set(group.map(({ offset }) => offset))
    for (const piece of parseLines(bytes, start)) {
      if (!wanted.delete(piece.offset)) continue
      const commit = piece.kind === 'commit' ? commitOf(piece) : undefined
      if (commit === undefined) return undefined
      for (const node of commit.nodes) records.push(node)
    }
    if (wanted.size > 0) return undefined
    await yieldIfDue()
  }
  return records
}

/** Distinct lines in log order, near ones in one group. */
function together(lines: Range[]): Range[][] {
  const groups: Range[][] = []
  let group: Range[] = []
  let last: Range | undefined
  for (const line of lines.sort((a, b) => a.offset - b.offset)) {
    if (line === last) continue
    const isNear = last !== undefined && line.offset - last.end <= NEAR_BYTES
    if (isNear && line.end - (group[0]?.offset ?? 0) <= GROUP_BYTES) group.push(line)
    else {
      group = [line]
      groups.push(group)
    }
    last = line
  }
  return groups
}
