/** Reading the records of nodes where a graph says that they stand. */
import { isAscii } from 'node:buffer'
import { breatheIfDue } from '../base/event-loop.js'
import { isObject, type Json } from '../base/json.js'
import { readInto } from '../disk/files.js'
import type { LogReader } from '../disk/log-reader.js'
import { commitOf, type NodeRecord } from '../log/graph/commit-line.js'
import type { Graph, NodesLine, NodeTexts } from '../log/graph/graph.js'
import { below } from '../log/graph/views.js'
import { parseLines } from '../log/parse.js'

/** What lies between two lines is read with them up to this size; a larger gap is worth another read. */
const NEAR_BYTES = 16 * 1024
/** Small enough to stay in the processor's cache until it is parsed. */
const GROUP_BYTES = 64 * 1024
const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d

/**
 * The records of nodes of the graph of an open log, in this order, each below the parent given if there are any. What
 * is needed of the graph is taken at once. Undefined when the log is no longer what it was.
 */
export async function nodesIn(
  reader: LogReader,
  { nodes }: Graph,
  ids: readonly string[],
  parents?: ReadonlyArray<string | null>,
): Promise<NodeRecord[] | undefined> {
  const lines: NodesLine[] = []
  for (const id of ids) {
    const node = nodes.get(id)
    if (node !== undefined && node.line !== lines.at(-1)) lines.push(node.line)
  }
  const found = inOrder(ids, await recordsIn(reader, lines))
  return parents === undefined ? found : found?.map((record, i) => below(record, parents[i] ?? null))
}

/** The records of these nodes in this order, which mostly is the one they were found in; undefined when one is missing. */
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

/**
 * The records of all nodes in these lines of a log; undefined when the lines are no longer what they were. Lines that
 * stand together are read at once, and only the texts of their nodes parsed when those were found before.
 */
async function recordsIn(reader: LogReader, lines: NodesLine[]): Promise<NodeRecord[] | undefined> {
  const records: NodeRecord[] = []
  let buffer = Buffer.allocUnsafe(GROUP_BYTES)
  for (const group of together(lines)) {
    const start = group[0]?.offset ?? 0
    const length = (group.at(-1)?.end ?? start) - start
    if (length > buffer.length) buffer = Buffer.allocUnsafe(length)
    const bytes = buffer.subarray(0, length)
    if ((await readInto(bytes, reader.fd, start)) < length) return undefined
    const isKnown = group.every(({ texts }) => texts)
    if (isKnown ? !addTexts(records, group, bytes, start) : !addWhole(records, group, bytes, start)) return undefined
    await breatheIfDue()
  }
  return records
}

/** Adds the records of whole lines, and finds the texts of their nodes for the next time. */
function addWhole(records: NodeRecord[], lines: readonly NodesLine[], bytes: Buffer, start: number): boolean {
  for (const line of lines) {
    const own = bytes.subarray(line.offset - start, line.end - start)
    const [piece] = parseLines(own, line.offset)
    const commit = piece?.kind === 'commit' ? commitOf(piece) : undefined
    if (commit === undefined) return false
    if (line.texts === undefined) line.texts = textsOf(own, line.offset, commit.nodes)
    for (const node of commit.nodes) records.push(node)
  }
  return true
}

/** Where the texts of the nodes stand in a line; null when they are not spelled there as this library spells them. */
function textsOf(bytes: Buffer, offset: number, nodes: NodeRecord[]): NodeTexts | null {
  let text: string
  try {
    text = JSON.stringify(nodes).slice(1, -1)
  } catch {
    // nested too deeply
    return null
  }
  const at = text === '' ? -1 : bytes.indexOf(text)
  if (at === -1) return null
  return { offset: offset + at, end: offset + at + Buffer.byteLength(text), count: nodes.length }
}

/** Adds the records whose texts are known, by one parse. What is in `bytes` is moved. */
function addTexts(records: NodeRecord[], lines: readonly NodesLine[], bytes: Buffer, start: number): boolean {
  let count = 0
  let at = 0
  bytes[at++] = OPEN
  for (const { texts } of lines) {
    if (!texts) continue
    bytes.copyWithin(at, texts.offset - start, texts.end - start)
    at += texts.end - texts.offset
    bytes[at++] = COMMA
    count += texts.count
  }
  bytes[at - 1] = CLOSE
  const nodes = parsed(bytes.subarray(0, at))
  if (!Array.isArray(nodes) || nodes.length !== count) return false
  for (const node of nodes) {
    if (!isObject(node) || typeof node.nodeId !== 'string') return false
    records.push(node as NodeRecord)
  }
  return true
}

function parsed(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8'))
  } catch {
    return undefined
  }
}

/** Different lines in their order, those next to each other in one group. */
function together(lines: NodesLine[]): NodesLine[][] {
  const groups: NodesLine[][] = []
  let group: NodesLine[] = []
  let last: NodesLine | undefined
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
