/** `commit` and `tombstone` lines as the graph of `RuntimePersistence` sees them. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { Line } from '../line.js'

/** A node as it stands in a line; all fields but these two are its owner's. */
export interface NodeRecord extends JsonObject {
  nodeId: string
}

/** Counters of tokens in the ledger: whole numbers from 0. */
export const LEDGER_COUNTERS = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'reasoningTokens'] as const

export type LedgerUsage = Record<(typeof LEDGER_COUNTERS)[number], number>

export interface LedgerRow {
  source: string
  model: string
  usage: LedgerUsage
}

export interface Commit {
  revision: number
  nodes: NodeRecord[]
  leaf: string | null
  replace: boolean
  config: JsonObject
  /** The manifest's blob. */
  checkpoint: string
  usage: LedgerRow[]
}

/** What a commit line says; undefined for one without the fields that a commit has. */
export function commitOf({ value }: Line): Commit | undefined {
  const { revision, nodes, leaf = null, replace, config, checkpoint, usage } = value
  if (!Number.isSafeInteger(revision) || (revision as number) < 1) return undefined
  if (!Array.isArray(nodes) || !nodes.every(isNode)) return undefined
  if ((leaf !== null && typeof leaf !== 'string') || !isObject(config)) return undefined
  if (typeof checkpoint !== 'string' || !Array.isArray(usage)) return undefined
  const rows: LedgerRow[] = []
  for (const row of usage) {
    const sound = rowOf(row)
    if (sound !== undefined) rows.push(sound)
  }
  return { revision: revision as number, nodes, leaf, replace: replace === true, config, checkpoint, usage: rows }
}

/** The parent that a node names, or null for a root. */
export function parentOf({ parentNodeId }: NodeRecord): string | null {
  return (parentNodeId as string | null | undefined) ?? null
}

function isNode(value: Json): value is NodeRecord {
  if (!isObject(value) || typeof value.nodeId !== 'string') return false
  const { parentNodeId } = value
  return parentNodeId === undefined || parentNodeId === null || typeof parentNodeId === 'string'
}

function rowOf(value: Json): LedgerRow | undefined {
  if (!isObject(value) || typeof value.source !== 'string' || typeof value.model !== 'string') return undefined
  const given: JsonObject = isObject(value.usage) ? value.usage : {}
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = given
  const usage = {
    inputTokens: counted(inputTokens),
    outputTokens: counted(outputTokens),
    cachedInputTokens: counted(cachedInputTokens),
    reasoningTokens: counted(reasoningTokens),
  }
  return { source: value.source, model: value.model, usage }
}

function counted(value: Json | undefined): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}
