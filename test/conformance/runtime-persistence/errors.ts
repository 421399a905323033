/** Mistakes of the caller, and logs that may not be written. */
import assert from 'node:assert/strict'
import type { RuntimePersistence } from '../../../src/contracts/runtime-persistence/index.js'
import {
  append,
  CHECKPOINT,
  CONFIG,
  commit,
  commitG,
  contentsOf,
  G,
  KEY,
  load,
  META,
  node,
  PATH,
  type RuntimeCase,
  refuses,
  replaceFull,
  unchanged,
  usage,
  wrong,
} from './scene.js'

type Call = (runtime: RuntimePersistence) => Promise<unknown>
type Calls = Record<string, Call>

const cycle: Record<string, unknown> = {}
cycle.self = cycle

const committing =
  (change: object): Call =>
  (runtime) =>
    runtime.commitRuntimeState(wrong({ ...commit(1), ...change }))
const checkpointing = (checkpoint: object) => committing({ checkpoint })
const spending = (row: unknown) => committing({ usageDeltas: [row] })
const withNode = (record: unknown) => committing({ graph: append([wrong(record)], 'c') })
const payload = (event: unknown) => withNode({ ...node('x', 'c'), event })

const TYPE_ERRORS: Calls = {
  'a text as commit': (runtime) => runtime.commitRuntimeState(wrong('commit')),
  'null as commit': (runtime) => runtime.commitRuntimeState(wrong(null)),
  'no session id': committing({ sessionId: undefined }),
  'a revision as text': committing({ expectedHeadRevision: '1' }),
  'a revision as bigint': committing({ expectedHeadRevision: 1n }),
  'no config': committing({ config: undefined }),
  'a config without a model': committing({ config: { ...CONFIG, configuredModel: undefined } }),
  'a window as text': committing({ config: { ...CONFIG, contextWindow: '5' } }),
  'no delta': committing({ graph: undefined }),
  'an unknown delta': committing({ graph: { kind: 'merge', nodes: [] } }),
  'nodes that are no list': committing({ graph: { kind: 'append', nodes: {} } }),
  'a replaced graph without nodes': committing({ graph: { kind: 'replaceFull', graph: {} } }),
  'a node without id': withNode({ parentNodeId: 'c', kind: 'event', event: 1 }),
  'a node that is a text': withNode('x'),
  'a hole in the nodes': committing({ graph: { kind: 'append', nodes: Array(1) } }),
  'a parent that is a number': withNode({ ...node('x'), parentNodeId: 5 }),
  'a leaf that is a number': committing({ graph: unchanged(wrong(5)) }),
  'no checkpoint': committing({ checkpoint: undefined }),
  'a tool state that is a list': checkpointing({ toolState: [] }),
  'a tool state without tools': checkpointing({ toolState: { generation: 1 } }),
  'a plugin snapshot that is a text': checkpointing({ pluginSnapshot: 'x' }),
  'an execution state that is a text': checkpointing({ executionState: 'bytes' }),
  'an execution state that is a list': checkpointing({ executionState: [1, 2] }),
  'a plugin revision that is a number': checkpointing({ pluginSnapshotRevision: 5 }),
  'a ref that is a number': checkpointing({ toolStateRef: 5 }),
  'a turn state that is a text': checkpointing({ turnState: 'x' }),
  'deltas that are no list': committing({ usageDeltas: {} }),
  'a delta without source': spending({ model: 'm', usage: {} }),
  'a counter as text': spending({ source: 's', model: 'm', usage: { inputTokens: '5' } }),
  'a bigint in an event': payload({ deep: [1n] }),
  'NaN in an event': payload([Number.NaN]),
  'infinity in an event': payload(Number.NEGATIVE_INFINITY),
  'a Map in an event': payload({ map: new Map() }),
  'a Date in an event': payload(new Date()),
  'bytes in an event': payload(Uint8Array.of(1)),
  'a function in an event': payload([() => 1]),
  'a symbol in an event': payload({ a: Symbol('x') }),
  'a cycle in an event': payload(cycle),
  'an instance in an event': payload(new (class Thing {})()),
  'a bigint in a payload of the mode': checkpointing({
    turnState: { ...CHECKPOINT.turnState, modeTurnOptions: { modeId: 'm', payload: [1n] } },
  }),
  'a Map in a tool state': checkpointing({ toolState: { generation: 1, tools: { t: new Map() } } }),
  'an approach with NaN': committing({ config: { ...CONFIG, standardContextApproach: Number.NaN } }),
  'a scope that is a text': (runtime) => runtime.loadSession(wrong('fullGraph')),
  'a leaf of a path that is a number': (runtime) => runtime.loadSession(wrong({ ...PATH, leafNodeId: 5 })),
  'a node id that is a number': (runtime) => runtime.loadNode(wrong(5)),
  'a text as ids': (runtime) => runtime.tombstoneNodes(wrong('a')),
  'a number among ids': (runtime) => runtime.tombstoneNodes(wrong(['a', 5])),
  'null as record': (runtime) => runtime.saveSessionMeta(wrong(null)),
  'a record without name': (runtime) => runtime.saveSessionMeta(wrong({ ...META, sessionName: undefined })),
  'a record with a number': (runtime) => runtime.saveSessionMeta(wrong({ ...META, cwd: 5 })),
}

const RANGE_ERRORS: Calls = {
  'a negative revision': committing({ expectedHeadRevision: -1 }),
  'half a revision': committing({ expectedHeadRevision: 1.5 }),
  'a negative counter': spending(usage('turn', 'm', [-1])),
  'half a token': spending(usage('turn', 'm', [1.5])),
  'a counter beyond what is safe': spending(usage('turn', 'm', [2 ** 53])),
  'a negative window': committing({ config: { ...CONFIG, contextWindow: -1 } }),
  'a negative plugin revision': checkpointing({ pluginSnapshotRevision: -1n }),
  'a plugin revision of 65 bits': checkpointing({ pluginSnapshotRevision: 2n ** 64n }),
  'a negative generation': checkpointing({ toolState: { generation: -1, tools: {} } }),
  'half a turn': checkpointing({ turnState: { ...CHECKPOINT.turnState, turnIndex: 0.5 } }),
}

const WRITES: Calls = {
  commitRuntimeState: (runtime) => runtime.commitRuntimeState(commit(1)),
  'commitRuntimeState that replaces': (runtime) => runtime.commitRuntimeState(commit(1, replaceFull(G))),
  saveSessionMeta: (runtime) => runtime.saveSessionMeta(META),
  tombstoneNodes: (runtime) => runtime.tombstoneNodes(['a']),
  vacuum: (runtime) => runtime.vacuum(),
  gcUnreachable: (runtime) => runtime.gcUnreachable(),
}

export const errorCases: RuntimeCase[] = [
  ...[
    { calls: TYPE_ERRORS, error: TypeError },
    { calls: RANGE_ERRORS, error: RangeError },
  ].map(
    ({ calls, error }): RuntimeCase => ({
      name: `a mistake of the caller is a ${error.name}, and nothing is written`,
      async run(scene) {
        await commitG(scene.runtime)
        const before = contentsOf(scene)
        for (const [name, call] of Object.entries(calls)) {
          await assert.rejects(call(scene.runtime), (found) => {
            assert(found instanceof error, `${name}: ${found}`)
            return true
          })
        }
        assert.deepEqual(contentsOf(scene), before)
      },
    }),
  ),
  {
    name: 'mistakes come before everything else',
    async run({ runtime, log }) {
      const bad = { sessionId: 'beta', expectedHeadRevision: 9, usageDeltas: [usage('turn', 'm', [-1])] }
      await assert.rejects(runtime.commitRuntimeState({ ...commit(9), ...bad }), RangeError)
      assert.equal(log(KEY).exists(), false)
    },
  },
  {
    name: 'undefined fields are left out, null and undefined are none',
    async run({ runtime }) {
      const nodes = [
        wrong<(typeof G.nodes)[0]>({ ...node('a', undefined, { x: undefined, y: [1] }), parentNodeId: undefined }),
      ]
      const given = {
        ...commit(null, replaceFull({ nodes, leafNodeId: wrong(undefined) })),
        expectedHeadRevision: undefined,
      }
      const none = { toolState: null, toolStateRef: undefined, turnState: undefined, pluginSnapshotRevision: null }
      await runtime.commitRuntimeState(wrong({ ...given, checkpoint: none }))
      const read = await load(runtime)
      assert.deepEqual(read.graph, { nodes: [node('a', undefined, { y: [1] })], leafNodeId: null })
      assert.equal(read.checkpoint?.toolState, null)
    },
  },
  {
    name: 'missing counters are 0',
    async run({ runtime }) {
      await commitG(runtime, { usageDeltas: [wrong({ source: 's', model: 'm', usage: { outputTokens: 4 } })] })
      assert.deepEqual((await load(runtime)).tokenLedger, [usage('s', 'm', [0, 4])])
    },
  },
  {
    name: 'a commit longer than a line may be is refused',
    async run(scene) {
      const small = await scene.another({ maxMessageBytes: 2_000 })
      await small.commitRuntimeState(commit(null, replaceFull(G)))
      const big = node('x', 'c', 'x'.repeat(3_000))
      await refuses(scene, () => small.commitRuntimeState(commit(1, append([big], 'x'))), 'ERR_TOO_LARGE')
      assert.equal((await small.commitRuntimeState(commit(1, append([node('x', 'c')], 'x')))).headRevision, 2)
    },
  },
  {
    name: 'a log of a newer version is read and never written',
    async run(scene) {
      const { runtime, log, reopen } = scene
      await commitG(runtime, { checkpoint: CHECKPOINT })
      await runtime.tombstoneNodes(['r'])
      await reopen(() => log(KEY).add({ type: 'session', version: 2, key: KEY }))
      const read = await load(runtime)
      assert.deepEqual(read.graph, { ...G, nodes: G.nodes.slice(0, 3) })
      for (const call of Object.values(WRITES)) await refuses(scene, () => call(runtime), 'ERR_VERSION_UNSUPPORTED')
    },
  },
]
