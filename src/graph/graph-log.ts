/** The graph of a session's log, cached, and read on from where it was read before. */

import { SessionError } from '../base/errors.js'
import { BlobDir } from '../disk/blob-dir.js'
import { type FileMark, markOf, sameFile, sameMark } from '../disk/log/file-mark.js'
import type { LogReader } from '../disk/log/log-reader.js'
import type { Summary } from '../log/fold.js'
import type { NodeRecord } from '../log/graph/commit-line.js'
import { emptyGraph, followGraph, type Graph, GraphCollector, type Records } from '../log/graph/graph.js'
import { liveNodes, parentsOf, recordsOf } from '../log/graph/views.js'
import type { Line, Piece } from '../log/line.js'
import type { Decide } from '../session/change/transaction.js'
import { printAt } from '../session/log/log-state.js'
import type { Draft } from '../session/log/pending-line.js'
import type { SessionLog } from '../session/log/session-log.js'
import { nodesIn } from './node-records.js'

/** The graph of which bytes. */
interface KnownGraph {
  graph: Graph
  mark: FileMark
  /** The last bytes below `graph.bytes`: a file that still has them there has only grown. */
  print: string
}

/** All live nodes as readers see them, and what `take` took of their graph. */
export interface Whole<T> {
  taken: T
  nodes: NodeRecord[]
}

/** The lines that a change adds to the log, and the result of the call. */
export interface GraphDecision<T> {
  drafts: Draft[]
  result: T
}

/** Decides on the graph and the summary; undefined for a session that is not there. */
type DecideOnGraph<T> = (
  graph: Graph | undefined,
  summary: Summary | undefined,
) => GraphDecision<T> | Promise<GraphDecision<T>>

export class GraphLog {
  readonly blobs: BlobDir
  #known: KnownGraph | undefined

  constructor(readonly log: SessionLog) {
    this.blobs = new BlobDir(log.context.layout.blobs(log.name), log.context.layout.isGroup)
  }

  /**
   * Runs `work` with the open log and its graph; undefined when there is no session. Later commits change the graph
   * object: `work` must take what it needs before it waits.
   */
  reading<T>(work: (reader: LogReader, graph: Graph) => T | Promise<T>): Promise<T | undefined> {
    return this.log.using(async (reader) => work(reader, await this.graphIn(reader)))
  }

  /**
   * The records of all live nodes in order of insertion, as readers see them, and what `take` takes of the graph that
   * they are in. Undefined when there is no session.
   */
  whole<T>(take: (graph: Graph) => T): Promise<Whole<T> | undefined> {
    return this.log.using(async (reader) => {
      if (this.#known !== undefined) {
        const graph = await this.graphIn(reader)
        const taken = take(graph)
        const ids = liveNodes(graph)
        const nodes = await nodesIn(reader, graph, ids, parentsOf(graph, ids))
        if (nodes !== undefined) return { taken, nodes }
      }
      const records: Records = new Map()
      const { graph, last } = await foldGraph(reader, records)
      const whole = { taken: take(graph), nodes: recordsOf(graph, liveNodes(graph), records) }
      this.#remember(graph, reader, last)
      return whole
    })
  }

  /**
   * Decides under the lease on what the graph is then (undefined: no session), and adds the lines decided on in one
   * write, after which the graph is known without reading them again.
   */
  transact<T>(decide: DecideOnGraph<T>): Promise<T> {
    return this.log.transact(this.#deciding(decide))
  }

  /** The same on a session that is there; undefined for one that is not. */
  transactExisting<T>(decide: DecideOnGraph<T>): Promise<T | undefined> {
    return this.log.transactExisting(this.#deciding(decide))
  }

  #deciding<T>(decide: DecideOnGraph<T>): Decide<T> {
    return async (summary, state) => {
      const graph = state === undefined ? undefined : await this.#graphAt(state.mark)
      const { drafts, result } = await decide(graph, summary)
      const written = (lines: readonly Line[], mark: FileMark, print: string) =>
        this.#follow(graph ?? emptyGraph(), lines, mark, print)
      return { drafts, result, written }
    }
  }

  async #graphAt(mark: FileMark): Promise<Graph | undefined> {
    if (this.#known !== undefined && sameMark(this.#known.mark, mark)) return this.#known.graph
    return this.reading((_, graph) => graph)
  }

  #follow(graph: Graph, lines: readonly Line[], mark: FileMark, print: string): void {
    this.#known = followGraph(graph, lines) ? { graph, mark, print } : undefined
  }

  /** The graph of an open log. */
  async graphIn(reader: LogReader): Promise<Graph> {
    const known = this.#known
    if (known !== undefined && sameMark(known.mark, reader.stat)) return known.graph
    const { bytes } = known?.graph ?? { bytes: 0 }
    if (known !== undefined && isGrown(known, reader)) {
      const added = await reader.pieces(bytes)
      // another caller may have extended it meanwhile
      if (this.#known === known && known.graph.bytes === bytes && followGraph(known.graph, added)) {
        this.#remember(known.graph, reader, added.at(-1))
        return known.graph
      }
    }
    const { graph, last } = await foldGraph(reader)
    this.#remember(graph, reader, last)
    return graph
  }

  #remember(graph: Graph, reader: LogReader, last: Piece | undefined): void {
    // a last line without line feed may still change
    const isOpen = last !== undefined && last.kind !== 'torn' && last.open
    this.#known = isOpen ? undefined : { graph, mark: markOf(reader.stat), print: printAt(reader, graph.bytes) }
  }
}

function isGrown({ graph, mark, print }: KnownGraph, reader: LogReader): boolean {
  return sameFile(mark, reader.stat) && reader.size > mark.size && printAt(reader, graph.bytes, print.length) === print
}

/** A graph, and the last piece of its log. */
interface Folded {
  graph: Graph
  last: Piece | undefined
}

/** Folds the graph of the whole log, not cached. Lines are kept in memory only if one cannot be judged alone. */
export async function foldGraph(reader: LogReader, records?: Records): Promise<Folded> {
  const graph = emptyGraph()
  let last: Piece | undefined
  for await (const pieces of reader.blocks()) {
    if (!followGraph(graph, pieces, records)) return collectGraph(reader, records)
    last = pieces.at(-1) ?? last
  }
  return { graph, last }
}

async function collectGraph(reader: LogReader, records?: Records): Promise<Folded> {
  records?.clear()
  const collector = new GraphCollector()
  let last: Piece | undefined
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) collector.add(piece)
    last = pieces.at(-1) ?? last
  }
  return { graph: collector.graph(records), last }
}

/** @throws SessionError ERR_LOG_CORRUPT when the graph cannot be read */
export function checkReadable({ damage, head }: Graph): void {
  if (damage !== null) throw corrupt(damage, head?.revision ?? 0)
}

export function corrupt(reason: string, headRevision: number): SessionError {
  return new SessionError('ERR_LOG_CORRUPT', `the graph of the session cannot be read: ${reason}`, {
    reason,
    headRevision,
  })
}
