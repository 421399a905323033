/** The manifest of a checkpoint, as text. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { LEDGER_COUNTERS, type LedgerUsage } from './commit-line.js'

export const COMPONENTS = ['toolState', 'pluginSnapshot', 'executionState'] as const
/** What a blob is for. */
export type Component = (typeof COMPONENTS)[number]

export interface TurnState {
  turnIndex: number
  tokenUsage: LedgerUsage
  lastPromptUsage: PromptUsage | null
  modeTurnOptions: { modeId: string; payload: Json }
}

export const PROMPT_COUNTERS = [
  'promptContextTokens',
  'inputTokens',
  'cachedInputTokens',
  'contextBudgetTokens',
] as const

export type PromptUsage = Record<(typeof PROMPT_COUNTERS)[number], number>

export interface Manifest {
  turnState: TurnState
  toolStateRef: string | null
  pluginSnapshotRef: string | null
  pluginSnapshotRevision: bigint | null
  executionStateRef: string | null
}

export function manifestText(manifest: Manifest): string {
  const { turnState, toolStateRef, pluginSnapshotRef, pluginSnapshotRevision, executionStateRef } = manifest
  return JSON.stringify({
    turnState,
    toolStateRef: toolStateRef ?? undefined,
    pluginSnapshotRef: pluginSnapshotRef ?? undefined,
    pluginSnapshotRevision: pluginSnapshotRevision === null ? undefined : String(pluginSnapshotRevision),
    executionStateRef: executionStateRef ?? undefined,
  })
}

/** Undefined for a text that is no manifest. */
export function manifestFrom(text: string): Manifest | undefined {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value)) return undefined
  const { turnState, pluginSnapshotRevision: revision } = value
  const refs = COMPONENTS.map((name) => value[`${name}Ref`] ?? null)
  if (!refs.every((ref): ref is string | null => ref === null || typeof ref === 'string')) return undefined
  if (revision !== undefined && !(typeof revision === 'string' && /^\d{1,20}$/.test(revision))) return undefined
  const [toolStateRef = null, pluginSnapshotRef = null, executionStateRef = null] = refs
  return {
    turnState: turnStateFrom(isObject(turnState) ? turnState : {}),
    ...{ toolStateRef, pluginSnapshotRef, executionStateRef },
    pluginSnapshotRevision: revision === undefined ? null : BigInt(revision),
  }
}

export function defaultTurnState(): TurnState {
  return turnStateFrom({})
}

function turnStateFrom({ turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions }: JsonObject): TurnState {
  const mode = isObject(modeTurnOptions) ? modeTurnOptions : {}
  return {
    turnIndex: count(turnIndex),
    tokenUsage: counters(LEDGER_COUNTERS, isObject(tokenUsage) ? tokenUsage : {}),
    lastPromptUsage: isObject(lastPromptUsage) ? counters(PROMPT_COUNTERS, lastPromptUsage) : null,
    modeTurnOptions: {
      modeId: typeof mode.modeId === 'string' ? mode.modeId : 'standard',
      payload: mode.payload ?? (mode.payload === null ? null : {}),
    },
  }
}

function counters<Name extends string>(names: readonly Name[], values: JsonObject): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, count(values[name])])) as Record<Name, number>
}

function count(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0
}
