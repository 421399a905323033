/** What the cases of `RuntimePersistence` share. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type {
  GraphCommitDelta,
  HydratedSessionCheckpoint,
  PersistedSessionConfig,
  PersistedSessionRead,
  RuntimeCommit,
  RuntimeCommitResult,
  RuntimePersistence,
  SessionGraph,
  SessionMeta,
  SessionNodeRecord,
  TokenLedgerEntry,
} from '../../../src/contracts/runtime-persistence/index.js'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import { rejectsWithCode } from '../expect.js'
import type { Case } from '../framework.js'
import type { Scene } from '../scene.js'

/** The session that every case is bound to. */
export const KEY = 'alpha'

export interface RuntimeOptions {
  /** A longer line is refused with ERR_TOO_LARGE. */
  maxMessageBytes?: number
}

export interface OpenedRuntime {
  runtime: RuntimePersistence
  /** The same store under the contract `SessionBackend`. Cases that need it can be skipped where it is not there. */
  backend?: SessionBackend
  /** Rewrites the log of the session without its dead and damaged lines. */
  rewrite(): Promise<void>
  close(): Promise<void>
}

export interface RuntimeScene extends Scene<RuntimePersistence, RuntimeOptions> {
  readonly runtime: RuntimePersistence
  /** One more instance, seen as `SessionBackend`. */
  backend(): Promise<SessionBackend>
}

export type RuntimeCase = Case<RuntimeScene>

export const FULL = { kind: 'fullGraph' } as const
export const PATH = { kind: 'activePath' } as const

/** A node whose event holds a text. */
export function node(
  nodeId: string,
  parentNodeId?: string | null,
  event: unknown = { text: nodeId },
): SessionNodeRecord {
  const parent = parentNodeId === undefined ? {} : { parentNodeId }
  return { nodeId, ...parent, timestamp: '2026-11-24T08:00:00Z', kind: 'event', event } as SessionNodeRecord
}

/** a(root) ← b ← c, r(parent a), leaf c. */
export const G: SessionGraph = { nodes: [node('a'), node('b', 'a'), node('c', 'b'), node('r', 'a')], leafNodeId: 'c' }

export const CONFIG: PersistedSessionConfig = {
  providerId: 'provider',
  configuredModel: 'model',
  contextWindow: 200_000,
  executionMode: 'standard',
  standardContextApproach: null,
  modelVariant: null,
}

export function usage(source: string, model: string, counts: readonly number[]): TokenLedgerEntry {
  const [inputTokens = 0, outputTokens = 0, cachedInputTokens = 0, reasoningTokens = 0] = counts
  return { source, model, usage: { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } }
}

export function replaceFull(graph: SessionGraph): GraphCommitDelta {
  return { kind: 'replaceFull', graph }
}

export function append(nodes: SessionNodeRecord[], leafNodeId: string | null): GraphCommitDelta {
  return { kind: 'append', nodes, leafNodeId }
}

export function unchanged(leafNodeId: string | null = 'c'): GraphCommitDelta {
  return { kind: 'unchanged', leafNodeId }
}

/** A commit over the revision given; without anything else it changes nothing of G. */
export function commit(
  expectedHeadRevision: number | null,
  graph: GraphCommitDelta = unchanged(),
  more: Partial<RuntimeCommit> = {},
): RuntimeCommit {
  return { sessionId: KEY, expectedHeadRevision, config: CONFIG, graph, checkpoint: {}, usageDeltas: [], ...more }
}

/** The first commit: G, with the given fields. */
export function commitG(runtime: RuntimePersistence, more: Partial<RuntimeCommit> = {}): Promise<RuntimeCommitResult> {
  return runtime.commitRuntimeState(commit(null, replaceFull(G), more))
}

export async function load(runtime: RuntimePersistence): Promise<PersistedSessionRead> {
  const read = await runtime.loadSession(FULL)
  assert(read, 'the session has a head')
  return read
}

/** The ids on a path, and its leaf. */
export async function pathOf(
  runtime: RuntimePersistence,
  leafNodeId?: string | null,
): Promise<{ ids: string[]; leaf: string | null }> {
  const read = await runtime.loadSession(leafNodeId === undefined ? PATH : { ...PATH, leafNodeId })
  assert(read, 'the session has a head')
  return { ids: idsOf(read.graph.nodes), leaf: read.graph.leafNodeId }
}

export function idsOf(nodes: ReadonlyArray<{ nodeId: string }>): string[] {
  return nodes.map(({ nodeId }) => nodeId)
}

export const CHECKPOINT: Partial<HydratedSessionCheckpoint> = {
  turnState: {
    turnIndex: 3,
    tokenUsage: { inputTokens: 11, outputTokens: 7, cachedInputTokens: 3, reasoningTokens: 5 },
    lastPromptUsage: {
      promptContextTokens: 1,
      inputTokens: 2,
      cachedInputTokens: 3,
      contextBudgetTokens: 4,
    },
    modeTurnOptions: { modeId: 'plan', payload: { deep: [1, null, { x: 'é' }] } },
  },
  toolState: { generation: 7, tools: { read: { on: true } } },
  pluginSnapshot: { plugins: {} },
  pluginSnapshotRevision: 11n,
  executionState: Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
}

export const META: SessionMeta = {
  sessionId: KEY,
  sessionName: 'Fix the parser',
  createdAt: 'yesterday',
  model: 'model',
  cwd: '/home/ann',
  parentSessionId: 'parent',
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function blobsIn(dir: string): string {
  return path.join(dir, `${KEY}.blobs`)
}

/** The names in the folder of blobs; none when there is no folder. */
export function blobNames(dir: string): string[] {
  return fs.existsSync(blobsIn(dir)) ? fs.readdirSync(blobsIn(dir)).sort() : []
}

export function blobFile(dir: string, ref: string | null): string {
  assert(ref)
  return path.join(blobsIn(dir), ref)
}

/** What a refused call must leave alone: the bytes of the log and of all blobs. */
export function contentsOf({ dir, log }: Pick<RuntimeScene, 'dir' | 'log'>): Record<string, string> {
  const blobs = blobNames(dir).map((name) => [name, fs.readFileSync(path.join(blobsIn(dir), name), 'latin1')])
  return { ...Object.fromEntries(blobs), log: log(KEY).exists() ? log(KEY).bytes().toString('latin1') : 'missing' }
}

/** The call rejects with this code, and with these details if they are given, and changes nothing. */
export async function refuses(
  scene: RuntimeScene,
  call: () => Promise<unknown>,
  code: string,
  details?: Record<string, unknown>,
): Promise<void> {
  const before = contentsOf(scene)
  await rejectsWithCode(call(), code, details)
  assert.deepEqual(contentsOf(scene), before)
}

/** The commit breaks a rule of the graph, and changes nothing. */
export async function isInvalid(
  scene: RuntimeScene,
  expected: number | null,
  delta: GraphCommitDelta,
  reason: string,
  nodeId: string,
): Promise<void> {
  const call = () => scene.runtime.commitRuntimeState(commit(expected, delta))
  await refuses(scene, call, 'ERR_GRAPH_INVALID', { reason, nodeId })
}

/** All that the contract answers. */
export async function answers(runtime: RuntimePersistence, ids: readonly string[] = []): Promise<unknown> {
  return {
    full: await runtime.loadSession(FULL),
    path: await runtime.loadSession(PATH),
    nodes: await Promise.all(ids.map((id) => runtime.loadNode(id))),
    meta: await runtime.loadSessionMeta(),
  }
}

/** A value of a type that TypeScript would refuse. */
export const wrong = <T>(value: unknown): T => value as T

/** A line of a log, of any kind. */
// biome-ignore lint/suspicious/noExplicitAny: what a line holds is what the cases find out
export type ParsedLine = Record<string, any>

export function linesOf({ log }: Pick<RuntimeScene, 'log'>): ParsedLine[] {
  return log(KEY)
    .lines()
    .map((line) => JSON.parse(line))
}
