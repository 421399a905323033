/** From the state of a runtime to commits and back. */
import { defaultTurnState as emptyTurnState } from '../../log/graph/manifest.js'
import type {
  GraphCommitDelta,
  HydratedSessionCheckpoint,
  PersistedSessionConfig,
  PersistedSessionRead,
  PersistedSessionState,
  PersistedTurnState,
  RuntimeCommit,
  RuntimePersistence,
  SessionHead,
  SessionHeadMeta,
  SessionPolicy,
  TokenLedgerEntry,
} from './types.js'

/** The id of a session without a name. */
export const DEFAULT_SESSION_ID = 'root'

const NO_CONFIG: PersistedSessionConfig = {
  providerId: '',
  configuredModel: '',
  contextWindow: 0,
  executionMode: 'standard',
  standardContextApproach: null,
  modelVariant: null,
}

/** The leaf after a delta, or null. */
export function leafOfDelta(delta: GraphCommitDelta): string | null {
  return (delta.kind === 'replaceFull' ? delta.graph.leafNodeId : delta.leafNodeId) ?? null
}

/** A commit of the whole state: its graph if that must be replaced or was never committed, else only its leaf. */
export function runtimeCommitFromState(state: PersistedSessionState, usageDeltas: TokenLedgerEntry[]): RuntimeCommit {
  const { graphReplaceRequired, headRevision = null, sessionGraph } = state
  const graph: GraphCommitDelta =
    graphReplaceRequired || headRevision === null
      ? { kind: 'replaceFull', graph: sessionGraph }
      : { kind: 'unchanged', leafNodeId: sessionGraph.leafNodeId }
  return runtimeCommitFromStateWithGraph(state, { graph, usageDeltas })
}

/** A commit of the state with the delta given. */
export function runtimeCommitFromStateWithGraph(
  state: PersistedSessionState,
  { graph, usageDeltas }: { graph: GraphCommitDelta; usageDeltas: TokenLedgerEntry[] },
): RuntimeCommit {
  // what the caller does to the state later changes no commit
  return structuredClone({
    sessionId: state.sessionId,
    expectedHeadRevision: state.headRevision ?? null,
    config: persistedSessionConfigFromState(state),
    graph,
    checkpoint: checkpointOf(state),
    usageDeltas,
  })
}

function checkpointOf(state: PersistedSessionState): HydratedSessionCheckpoint {
  const { turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions } = state
  return {
    turnState: { turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions },
    toolStateRef: state.toolStateRef,
    toolState: state.toolStateSnapshot,
    pluginSnapshotRef: state.pluginSnapshotRef,
    pluginSnapshotRevision: state.pluginSnapshotRevision,
    pluginSnapshot: state.pluginSnapshot,
    executionStateRef: state.executionStateRef,
    executionState: state.executionStateSnapshot,
  }
}

export function persistedSessionConfigFromState({ policy }: PersistedSessionState): PersistedSessionConfig {
  return {
    providerId: policy.provider.kind,
    configuredModel: policy.model,
    contextWindow: policy.maxContextTokens ?? 0,
    executionMode: policy.executionMode,
    standardContextApproach: policy.standardContextApproach,
    modelVariant: policy.modelVariant,
  }
}

/** The state with the full graph; null without a head. */
export async function loadPersistedSessionState(
  persistence: RuntimePersistence,
): Promise<PersistedSessionState | null> {
  const read = await persistence.loadSession({ kind: 'fullGraph' })
  return read && stateFrom(read)
}

/** The state with one path only; null without a head. */
export async function loadPersistedSessionStateActivePath(
  persistence: RuntimePersistence,
  leafNodeId: string | null = null,
): Promise<PersistedSessionState | null> {
  const read = await persistence.loadSession({ kind: 'activePath', leafNodeId })
  return read && stateFrom(read)
}

/**
 * Brings a state, the same object, up to what is stored; its provider, the policy's session id and its limit of turns
 * stay. Without a head nothing changes.
 */
export async function refreshPersistedSessionState(
  persistence: RuntimePersistence,
  state: PersistedSessionState,
): Promise<void> {
  const fresh = await loadPersistedSessionState(persistence)
  if (fresh === null) return
  const { provider, sessionId, maxTurns } = state.policy
  Object.assign(state, fresh, { policy: { ...fresh.policy, provider, sessionId, maxTurns } })
}

function stateFrom(read: PersistedSessionRead): PersistedSessionState {
  const { config, checkpoint } = read
  const { turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions } = checkpoint?.turnState ?? defaultTurnState()
  return {
    sessionId: read.sessionId,
    policy: {
      ...defaultSessionPolicy(),
      model: config.configuredModel,
      maxContextTokens: config.contextWindow > 0 ? config.contextWindow : null,
      executionMode: config.executionMode,
      standardContextApproach: config.standardContextApproach,
      modelVariant: config.modelVariant,
    },
    sessionGraph: read.graph,
    ...{ turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions },
    toolStateRef: checkpoint?.toolStateRef ?? null,
    toolStateGeneration: checkpoint?.toolState?.generation ?? null,
    toolStateSnapshot: checkpoint?.toolState ?? null,
    pluginSnapshotRef: checkpoint?.pluginSnapshotRef ?? null,
    pluginSnapshotRevision: checkpoint?.pluginSnapshotRevision ?? null,
    pluginSnapshot: checkpoint?.pluginSnapshot ?? null,
    executionStateRef: checkpoint?.executionStateRef ?? null,
    executionStateSnapshot: checkpoint?.executionState ?? null,
    tokenLedger: read.tokenLedger,
    checkpointRef: read.checkpointRef,
    headRevision: read.headRevision,
    graphReplaceRequired: false,
  }
}

/** Of the session 'root' at revision 0. */
export function defaultSessionHead(): SessionHead {
  return {
    sessionId: DEFAULT_SESSION_ID,
    headRevision: 0,
    graph: { nodes: [], leafNodeId: null },
    config: { ...NO_CONFIG },
    checkpointRef: null,
    tokenLedger: [],
  }
}

/** Of the session 'root' at revision 0. */
export function defaultSessionHeadMeta(): SessionHeadMeta {
  const { graph, ...head } = defaultSessionHead()
  return { ...head, leafNodeId: graph.leafNodeId, graphNodeCount: graph.nodes.length }
}

/** Turn 0 of mode 'standard', without usage. */
export function defaultTurnState(): PersistedTurnState {
  return emptyTurnState()
}

/** Without a model. */
export function defaultSessionPolicy(): SessionPolicy {
  return {
    provider: { kind: '' },
    model: '',
    maxContextTokens: null,
    executionMode: 'standard',
    standardContextApproach: null,
    modelVariant: null,
    sessionId: null,
    maxTurns: null,
  }
}
