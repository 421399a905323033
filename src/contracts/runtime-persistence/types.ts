/** The types of the contract `RuntimePersistence`. Inputs take undefined or null for "none"; results always carry null. */
import type { Json } from '../../base/json.js'

export type { Json } from '../../base/json.js'

/** The SHA-256 of a blob's content, 64 lower-case hex digits. */
export type BlobRef = string

/** A node of the graph. Every field but the two ids is opaque, and comes back as it was given. */
export type SessionNodeRecord<E = Json, B = Json> = {
  nodeId: string
  /** Absent on a root. */
  parentNodeId?: string | null
  timestamp: string
} & ({ kind: 'event'; event: E } | { kind: 'plugin'; pluginType: string; body: B })

export interface SessionGraph {
  /** In order of insertion. */
  nodes: SessionNodeRecord[]
  leafNodeId: string | null
}

export interface PersistedSessionConfig {
  providerId: string
  configuredModel: string
  /** Tokens; 0 means not set. */
  contextWindow: number
  /** Default 'standard'. */
  executionMode: string
  standardContextApproach: Json | null
  modelVariant: string | null
}

/** Whole numbers from 0 up to 2^53 - 1; a missing one is 0. */
export interface TokenUsage {
  inputTokens: number
  outputTokens: number
  cachedInputTokens: number
  reasoningTokens: number
}

export interface PromptUsage {
  promptContextTokens: number
  inputTokens: number
  cachedInputTokens: number
  contextBudgetTokens: number
}

/** Default: mode 'standard' with the payload {}. */
export interface ModeTurnOptions {
  modeId: string
  payload: Json
}

export interface PersistedTurnState {
  turnIndex: number
  tokenUsage: TokenUsage
  lastPromptUsage: PromptUsage | null
  modeTurnOptions: ModeTurnOptions
}

export interface TokenLedgerEntry {
  /** 'turn', 'subagent', 'compaction', … */
  source: string
  model: string
  usage: TokenUsage
}

export interface ToolState {
  generation: number
  tools: { [name: string]: Json }
}

/** Bytes inside must already be text, such as base64. */
export interface PluginSessionSnapshot {
  plugins: { [id: string]: Json }
}

/** The manifest of a checkpoint, which is itself a blob. */
export interface SessionCheckpoint {
  turnState: PersistedTurnState
  toolStateRef: BlobRef | null
  pluginSnapshotRef: BlobRef | null
  /** From 0 up to 2^64 - 1. */
  pluginSnapshotRevision: bigint | null
  executionStateRef: BlobRef | null
}

/** A manifest and the bodies that it names. */
export interface HydratedSessionCheckpoint extends SessionCheckpoint {
  toolState: ToolState | null
  pluginSnapshot: PluginSessionSnapshot | null
  executionState: Uint8Array | null
}

export interface SessionHead {
  sessionId: string
  headRevision: number
  graph: SessionGraph
  config: PersistedSessionConfig
  checkpointRef: BlobRef | null
  tokenLedger: TokenLedgerEntry[]
}

export interface SessionHeadMeta {
  sessionId: string
  headRevision: number
  config: PersistedSessionConfig
  checkpointRef: BlobRef | null
  leafNodeId: string | null
  /** Live nodes. */
  graphNodeCount: number
  tokenLedger: TokenLedgerEntry[]
}

export type SessionReadScope = { kind: 'fullGraph' } | { kind: 'activePath'; leafNodeId?: string | null }

export type GraphCommitDelta =
  | { kind: 'unchanged'; leafNodeId?: string | null }
  | { kind: 'append'; nodes: SessionNodeRecord[]; leafNodeId?: string | null }
  | { kind: 'replaceFull'; graph: SessionGraph }

export interface RuntimeCommit {
  sessionId: string
  /** None: there is no head yet. */
  expectedHeadRevision?: number | null
  config: PersistedSessionConfig
  graph: GraphCommitDelta
  /** A missing turnState is the default one. */
  checkpoint: Partial<HydratedSessionCheckpoint>
  usageDeltas: TokenLedgerEntry[]
}

export interface RuntimeCommitResult {
  headRevision: number
  checkpointRef: BlobRef
  manifest: SessionCheckpoint
}

export interface PersistedSessionRead {
  sessionId: string
  headRevision: number
  config: PersistedSessionConfig
  graph: SessionGraph
  checkpointRef: BlobRef | null
  checkpoint: HydratedSessionCheckpoint | null
  /** One row for each source and model, in order of first appearance. */
  tokenLedger: TokenLedgerEntry[]
}

/** The session record. `createdAt` is any text. */
export interface SessionMeta {
  sessionId: string
  sessionName: string
  createdAt: string
  model: string
  cwd: string | null
  parentSessionId: string | null
}

export interface SessionPickerInfo {
  sessionId: string
  cwd: string | null
  parentSessionId: string | null
  firstUserMessage: string
  userMessageCount: number
}

export interface GcReport {
  /** 1 with a head, else 0. */
  rootCount: number
  /** Blobs that the head reaches and that are there. */
  retainedBlobCount: number
  deletedBlobCount: number
}

export interface VacuumReport {
  removedNodeCount: number
}

/** What `JsonlRuntimePersistence.inspect` returns: the live nodes in order of insertion, and what is known of them. */
export interface GraphInspection {
  /** 0 without a commit. */
  headRevision: number
  leafNodeId: string | null
  nodes: SessionNodeRecord[]
  /** Ids from the root to the leaf. */
  activePath: string[]
  /** Nodes that are marked as deleted, which `vacuum` takes out. */
  tombstonedNodeCount: number
  /** Revisions that two histories committed, after a merge. */
  divergedRevisions: number[]
}

/** A blob beside a log. */
export interface BlobInfo {
  ref: BlobRef
  bytes: number
  /** The head needs it. */
  isReached: boolean
}

/** What a runtime works with; further fields are the host's. */
export interface SessionPolicy {
  provider: { kind: string }
  model: string
  maxContextTokens: number | null
  executionMode: string
  standardContextApproach: Json | null
  modelVariant: string | null
  sessionId: string | null
  maxTurns: number | null
}

export interface PersistedSessionState {
  sessionId: string
  policy: SessionPolicy
  sessionGraph: SessionGraph
  turnIndex: number
  tokenUsage: TokenUsage
  lastPromptUsage: PromptUsage | null
  modeTurnOptions: ModeTurnOptions
  toolStateRef: BlobRef | null
  toolStateGeneration: number | null
  toolStateSnapshot: ToolState | null
  pluginSnapshotRef: BlobRef | null
  pluginSnapshotRevision: bigint | null
  pluginSnapshot: PluginSessionSnapshot | null
  executionStateRef: BlobRef | null
  executionStateSnapshot: Uint8Array | null
  tokenLedger: TokenLedgerEntry[]
  checkpointRef: BlobRef | null
  headRevision: number | null
  graphReplaceRequired: boolean
}

/**
 * Durable state of one agent runtime, bound to one session. Every method may reject with ERR_LOG_CORRUPT when the
 * graph cannot be read, but those of the session record.
 */
export interface RuntimePersistence {
  /**
   * Head, graph (whole, or one path), checkpoint and ledger; null without a head.
   * ERR_READ_SCOPE_UNSUPPORTED, ERR_GRAPH_INVALID for a leaf that is not live, ERR_BLOB_NOT_FOUND, ERR_BLOB_CORRUPT.
   */
  loadSession(scope: SessionReadScope): Promise<PersistedSessionRead | null>
  /** One live node of any branch. */
  loadNode(nodeId: string): Promise<SessionNodeRecord | null>
  /**
   * All or nothing; the revision rises by 1. ERR_SESSION_BINDING_MISMATCH, ERR_HEAD_REVISION_CONFLICT,
   * ERR_GRAPH_INVALID, ERR_BLOB_NOT_FOUND for a ref without its blob, ERR_TOO_LARGE.
   */
  commitRuntimeState(commit: RuntimeCommit): Promise<RuntimeCommitResult>
  /** Replaces the whole record; creates the session if need be. ERR_SESSION_BINDING_MISMATCH. */
  saveSessionMeta(meta: SessionMeta): Promise<void>
  loadSessionMeta(): Promise<SessionMeta | null>
  /** Marks the live ones among the nodes as deleted. */
  tombstoneNodes(ids: string[]): Promise<void>
  /** Takes the marked nodes out of the file. */
  vacuum(): Promise<VacuumReport>
  /** Deletes the blobs that the head does not reach; none at all when the head is in doubt. */
  gcUnreachable(): Promise<GcReport>
}
