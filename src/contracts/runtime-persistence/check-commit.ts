/** Whether a commit fits what is stored. Nothing here touches the disk. */

import { SessionError } from '../../base/errors.js'
import { checkReadable } from '../../graph/graph-log.js'
import type { Summary } from '../../log/fold.js'
import { LEDGER_COUNTERS, type LedgerRow } from '../../log/graph/commit-line.js'
import { addToLedger, type Graph, ledgerKey } from '../../log/graph/graph.js'
import { faultIn, type GraphFault, leafFault } from '../../log/graph/rules.js'
import { isLiveNode } from '../../log/graph/views.js'
import { checkVersion } from '../../session/change/transaction.js'
import type { GivenCommit, GivenDelta } from './parse-arguments.js'

/** Checks that the commit fits the graph; returns its revision. */
export function checkGraph(
  { expected, delta }: GivenCommit,
  graph: Graph,
  summary: Summary | undefined,
  file: string,
): number {
  if (summary !== undefined) checkVersion(summary, file)
  const actual = graph.head?.revision ?? 0
  if ((expected ?? 0) !== actual) {
    const message = `the head is at revision ${actual}, not ${expected ?? 'missing'}`
    throw new SessionError('ERR_HEAD_REVISION_CONFLICT', message, { expected, actual })
  }
  if (delta.kind !== 'replaceFull') checkReadable(graph)
  const fault = faultOf(delta, graph)
  if (fault !== null) throw invalid(fault)
  return actual + 1
}

function faultOf({ kind, nodes, leaf }: GivenDelta, graph: Graph): GraphFault | null {
  const isLive = (id: string) => isLiveNode(graph, id)
  if (kind === 'unchanged') return leafFault(leaf, isLive)
  if (kind === 'append') return faultIn(nodes, leaf, (id) => graph.nodes.has(id), isLive)
  const never = () => false
  return faultIn(nodes, leaf, never, never)
}

export function invalid({ reason, nodeId }: GraphFault): SessionError {
  return new SessionError('ERR_GRAPH_INVALID', `the graph would not be whole: ${reason} (${nodeId})`, {
    reason,
    nodeId,
  })
}

/** @throws SessionError ERR_TOO_LARGE for a sum that no number can hold exactly */
export function checkLedger(usage: readonly LedgerRow[], { ledger }: Graph): void {
  const sums = new Map<string, LedgerRow>()
  for (const { source, model, usage: counts } of usage) {
    const key = ledgerKey(source, model)
    const former = (sums.get(key) ?? ledger.get(key))?.usage
    for (const name of LEDGER_COUNTERS) {
      if ((former?.[name] ?? 0) + counts[name] <= Number.MAX_SAFE_INTEGER) continue
      throw new SessionError('ERR_TOO_LARGE', 'the ledger cannot count that far', { source, model, counter: name })
    }
    if (former !== undefined) sums.set(key, { source, model, usage: former })
    addToLedger(sums, { source, model, usage: counts })
  }
}
