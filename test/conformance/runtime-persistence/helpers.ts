/** The functions beside the contract: from the state of a runtime to commits and back. */
import assert from 'node:assert/strict'
import {
  defaultSessionHead,
  defaultSessionHeadMeta,
  defaultSessionPolicy,
  defaultTurnState,
  leafOfDelta,
  loadPersistedSessionState,
  loadPersistedSessionStateActivePath,
  type PersistedSessionState,
  persistedSessionConfigFromState,
  refreshPersistedSessionState,
  runtimeCommitFromState,
  runtimeCommitFromStateWithGraph,
} from '../../../src/contracts/runtime-persistence/index.js'
import {
  append,
  CHECKPOINT,
  CONFIG,
  commit,
  commitG,
  G,
  KEY,
  load,
  node,
  type RuntimeCase,
  replaceFull,
  unchanged,
  usage,
  wrong,
} from './scene.js'

function state(more: Partial<PersistedSessionState> = {}): PersistedSessionState {
  const { turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions } = CHECKPOINT.turnState!
  return {
    sessionId: KEY,
    policy: {
      ...defaultSessionPolicy(),
      provider: { kind: 'provider' },
      model: 'model',
      maxContextTokens: 1000,
      sessionId: 's',
      maxTurns: 9,
    },
    sessionGraph: G,
    ...{ turnIndex, tokenUsage, lastPromptUsage, modeTurnOptions },
    ...{ toolStateRef: null, toolStateGeneration: 7, toolStateSnapshot: CHECKPOINT.toolState! },
    ...{ pluginSnapshotRef: null, pluginSnapshotRevision: 11n, pluginSnapshot: CHECKPOINT.pluginSnapshot! },
    ...{ executionStateRef: null, executionStateSnapshot: CHECKPOINT.executionState! },
    ...{ tokenLedger: [], checkpointRef: null, headRevision: null, graphReplaceRequired: false },
    ...more,
  }
}

export const helperCases: RuntimeCase[] = [
  {
    name: 'the leaf of a delta',
    async run() {
      assert.equal(leafOfDelta(unchanged('x')), 'x')
      assert.equal(leafOfDelta({ kind: 'unchanged' }), null)
      assert.equal(leafOfDelta(append([], 'y')), 'y')
      assert.equal(leafOfDelta({ kind: 'append', nodes: [] }), null)
      assert.equal(leafOfDelta(replaceFull(G)), 'c')
      assert.equal(leafOfDelta(replaceFull({ nodes: [], leafNodeId: null })), null)
    },
  },
  {
    name: 'a commit from a state replaces the graph only where it must',
    async run() {
      const kind = (more: Partial<PersistedSessionState>) => runtimeCommitFromState(state(more), []).graph.kind
      assert.equal(kind({ headRevision: null }), 'replaceFull')
      assert.equal(kind({ headRevision: undefined as never }), 'replaceFull')
      assert.equal(kind({ headRevision: 3 }), 'unchanged')
      assert.equal(kind({ headRevision: 3, graphReplaceRequired: true }), 'replaceFull')
      const rows = [usage('turn', 'm', [1])]
      const made = runtimeCommitFromState(state({ headRevision: 3 }), rows)
      assert.deepEqual(made.graph, { kind: 'unchanged', leafNodeId: 'c' })
      assert.deepEqual([made.sessionId, made.expectedHeadRevision, made.usageDeltas], [KEY, 3, rows])
      assert.deepEqual(made.checkpoint.turnState, CHECKPOINT.turnState)
      assert.deepEqual(made.checkpoint.toolState, CHECKPOINT.toolState)
      const mutable = state({ headRevision: null })
      const copy = runtimeCommitFromState(mutable, [])
      const before = structuredClone(copy)
      mutable.sessionGraph.nodes.push(node('later', 'c'))
      assert.deepEqual(copy, before)
      mutable.sessionGraph.nodes.pop()
      const delta = append([node('d', 'c')], 'd')
      const given = runtimeCommitFromStateWithGraph(state({ headRevision: 3 }), { graph: delta, usageDeltas: [] })
      assert.deepEqual([given.graph, given.usageDeltas, given.config], [delta, [], made.config])
    },
  },
  {
    name: 'the configuration of a state',
    async run() {
      const policy = { ...state().policy, standardContextApproach: { a: 1 }, modelVariant: 'v', executionMode: 'plan' }
      assert.deepEqual(persistedSessionConfigFromState(state({ policy })), {
        ...{ providerId: 'provider', configuredModel: 'model', contextWindow: 1000, executionMode: 'plan' },
        ...{ standardContextApproach: { a: 1 }, modelVariant: 'v' },
      })
      const open = { ...state().policy, maxContextTokens: null }
      assert.equal(persistedSessionConfigFromState(state({ policy: open })).contextWindow, 0)
    },
  },
  {
    name: 'a state that was committed comes back',
    async run({ runtime }) {
      assert.equal(await loadPersistedSessionState(runtime), null)
      assert.equal(await loadPersistedSessionStateActivePath(runtime), null)
      const given = state()
      const result = await runtime.commitRuntimeState(runtimeCommitFromState(given, [usage('turn', 'm', [1])]))
      const { toolStateRef, pluginSnapshotRef, executionStateRef } = result.manifest
      const loaded = await loadPersistedSessionState(runtime)
      assert.deepEqual(loaded, {
        ...given,
        ...{ toolStateRef, pluginSnapshotRef, executionStateRef, checkpointRef: result.checkpointRef, headRevision: 1 },
        tokenLedger: [usage('turn', 'm', [1])],
        policy: { ...defaultSessionPolicy(), model: 'model', maxContextTokens: 1000 },
      })
      const path = await loadPersistedSessionStateActivePath(runtime, 'r')
      assert.deepEqual(path?.sessionGraph, { nodes: [node('a'), node('r', 'a')], leafNodeId: 'r' })
      assert.deepEqual((await loadPersistedSessionStateActivePath(runtime))?.sessionGraph.nodes.length, 3)
      const next = runtimeCommitFromState(loaded!, [])
      assert.equal((await runtime.commitRuntimeState(next)).checkpointRef, result.checkpointRef)
    },
  },
  {
    name: 'a window of 0 is none, and a model may be empty',
    async run({ runtime }) {
      const config = { ...CONFIG, contextWindow: 0, configuredModel: '' }
      await commitG(runtime, { config })
      const loaded = await loadPersistedSessionState(runtime)
      assert.deepEqual([loaded?.policy.maxContextTokens, loaded?.policy.model, loaded?.headRevision], [null, '', 1])
      await runtime.commitRuntimeState(commit(1, unchanged(), { config: { ...config, contextWindow: 1000 } }))
      assert.equal((await loadPersistedSessionState(runtime))?.policy.maxContextTokens, 1000)
    },
  },
  {
    name: "a refresh replaces all but what is the host's",
    async run({ runtime }) {
      const mine = state({ headRevision: 7, graphReplaceRequired: true })
      const before = structuredClone(mine)
      await refreshPersistedSessionState(runtime, mine)
      assert.deepEqual(mine, before)
      await commitG(runtime, { config: { ...CONFIG, configuredModel: 'other' } })
      const { policy, sessionGraph } = mine
      await refreshPersistedSessionState(runtime, mine)
      const fresh = await loadPersistedSessionState(runtime)
      assert.deepEqual(mine, {
        ...fresh,
        policy: { ...fresh!.policy, provider: policy.provider, sessionId: policy.sessionId, maxTurns: policy.maxTurns },
      })
      assert.equal(mine.policy.model, 'other')
      assert.notEqual(mine.sessionGraph, sessionGraph)
    },
  },
  {
    name: 'defaults are fresh each time',
    async run() {
      const head = defaultSessionHead()
      assert.deepEqual(
        [head.sessionId, head.headRevision, head.graph, head.tokenLedger],
        ['root', 0, { nodes: [], leafNodeId: null }, []],
      )
      head.graph.nodes.push(wrong({}))
      assert.deepEqual(defaultSessionHead().graph.nodes, [])
      const meta = defaultSessionHeadMeta()
      assert.deepEqual([meta.sessionId, meta.headRevision, meta.graphNodeCount, meta.leafNodeId], ['root', 0, 0, null])
      assert.deepEqual(defaultTurnState(), {
        turnIndex: 0,
        tokenUsage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
        lastPromptUsage: null,
        modeTurnOptions: { modeId: 'standard', payload: {} },
      })
      assert.equal(defaultSessionPolicy().model, '')
    },
  },
  {
    name: 'usage of a state reaches the ledger',
    async run({ runtime }) {
      await runtime.commitRuntimeState(runtimeCommitFromState(state(), [usage('turn', 'm', [1, 2, 3, 4])]))
      assert.deepEqual((await load(runtime)).tokenLedger, [usage('turn', 'm', [1, 2, 3, 4])])
    },
  },
]
