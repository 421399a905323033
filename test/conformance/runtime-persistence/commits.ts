/** Commits: revisions, binding, and the three kinds of delta. */
import assert from 'node:assert/strict'
import { rejectsWithCode } from '../expect.js'
import {
  append,
  blobNames,
  CHECKPOINT,
  CONFIG,
  commit,
  commitG,
  contentsOf,
  FULL,
  G,
  idsOf,
  isInvalid,
  KEY,
  linesOf,
  load,
  node,
  pathOf,
  type RuntimeCase,
  refuses,
  replaceFull,
  unchanged,
  usage,
} from './scene.js'

export const commitCases: RuntimeCase[] = [
  {
    name: 'what is missing is null, nothing or 0, and makes no file',
    async run({ runtime, dir, snapshot }) {
      const before = Object.keys(snapshot())
      assert.equal(await runtime.loadSession(FULL), null)
      assert.equal(await runtime.loadSession({ kind: 'activePath' }), null)
      assert.equal(await runtime.loadSession({ kind: 'activePath', leafNodeId: 'x' }), null)
      assert.equal(await runtime.loadNode('a'), null)
      assert.equal(await runtime.loadSessionMeta(), null)
      assert.equal(await runtime.tombstoneNodes(['a']), undefined)
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 0 })
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 0, retainedBlobCount: 0, deletedBlobCount: 0 })
      assert.deepEqual(Object.keys(snapshot()), before)
      assert.deepEqual(blobNames(dir), [])
    },
  },
  {
    name: 'the first commit is revision 1, and all of it comes back',
    async run({ runtime }) {
      const result = await commitG(runtime, {
        config: { ...CONFIG, standardContextApproach: { kind: 'window', n: [1] }, modelVariant: 'fast' },
        checkpoint: CHECKPOINT,
        usageDeltas: [usage('turn', 'm', [11, 7, 3, 5])],
      })
      assert.equal(result.headRevision, 1)
      const read = await load(runtime)
      assert.deepEqual(read, {
        sessionId: KEY,
        headRevision: 1,
        config: { ...CONFIG, standardContextApproach: { kind: 'window', n: [1] }, modelVariant: 'fast' },
        graph: G,
        checkpointRef: result.checkpointRef,
        checkpoint: { ...result.manifest, ...CHECKPOINT },
        tokenLedger: [usage('turn', 'm', [11, 7, 3, 5])],
      })
      assert.deepEqual(idsOf(read.graph.nodes), ['a', 'b', 'c', 'r'])
    },
  },
  {
    name: 'an empty session is at revision 0',
    async run(scene) {
      const { runtime, log } = scene
      await rejectsWithCode(runtime.commitRuntimeState(commit(1, replaceFull(G))), 'ERR_HEAD_REVISION_CONFLICT', {
        expected: 1,
        actual: 0,
      })
      assert.equal(log(KEY).exists(), false)
      assert.deepEqual(blobNames(scene.dir), [])
      assert.equal((await runtime.commitRuntimeState(commit(0, replaceFull(G)))).headRevision, 1)
    },
  },
  {
    name: 'a commit must expect the revision that is there',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      const expecting = (revision: number | null) => () =>
        runtime.commitRuntimeState(commit(revision, replaceFull({ nodes: [], leafNodeId: null })))
      const conflict = 'ERR_HEAD_REVISION_CONFLICT'
      await refuses(scene, expecting(null), conflict, { expected: null, actual: 1 })
      await refuses(scene, expecting(0), conflict, { expected: 0, actual: 1 })
      await refuses(scene, expecting(2), conflict, { expected: 2, actual: 1 })
      await runtime.commitRuntimeState(commit(1))
      await refuses(scene, expecting(1), conflict, { expected: 1, actual: 2 })
      assert.deepEqual((await load(runtime)).graph, G)
    },
  },
  {
    name: 'a session id other than the bound one is refused, with any revision',
    async run(scene) {
      const { runtime } = scene
      const details = { boundSessionId: KEY, attemptedSessionId: 'beta' }
      for (const expected of [null, 7]) {
        const call = () => runtime.commitRuntimeState(commit(expected, replaceFull(G), { sessionId: 'beta' }))
        await refuses(scene, call, 'ERR_SESSION_BINDING_MISMATCH', details)
        await assert.rejects(call(), /bound to session `alpha`/)
      }
      assert.equal(scene.log(KEY).exists(), false)
      assert.equal(scene.log('beta').exists(), false)
    },
  },
  {
    name: 'the same content again is one more line and no new blob',
    async run(scene) {
      const { runtime, dir } = scene
      const first = await commitG(runtime, { checkpoint: CHECKPOINT })
      const blobs = blobNames(dir)
      const lines = linesOf(scene).length
      const second = await runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: CHECKPOINT }))
      assert.deepEqual(second, { ...first, headRevision: 2 })
      assert.deepEqual(blobNames(dir), blobs)
      assert.equal(linesOf(scene).length, lines + 1)
    },
  },
  {
    name: 'unchanged moves the leaf, to none as well',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      await runtime.commitRuntimeState(commit(1, unchanged('r')))
      assert.equal((await load(runtime)).graph.leafNodeId, 'r')
      await runtime.commitRuntimeState(commit(2, { kind: 'unchanged' }))
      assert.equal((await load(runtime)).graph.leafNodeId, null)
      assert.deepEqual(await pathOf(runtime), { ids: [], leaf: null })
      await isInvalid(scene, 3, unchanged('nope'), 'missingLeaf', 'nope')
    },
  },
  {
    name: 'append adds behind what is there',
    async run({ runtime, log, weather }) {
      await commitG(runtime)
      const before = log(KEY).bytes()
      const { headRevision } = await runtime.commitRuntimeState(commit(1, append([node('d', 'c')], 'd')))
      assert.equal(headRevision, 2)
      const { graph } = await load(runtime)
      assert.deepEqual(graph, { nodes: [...G.nodes, node('d', 'c')], leafNodeId: 'd' })
      if (weather === 'fresh') assert.deepEqual(log(KEY).bytes().subarray(0, before.length), before)
    },
  },
  {
    name: 'an append of nothing is as if unchanged',
    async run({ runtime }) {
      await commitG(runtime)
      assert.equal((await runtime.commitRuntimeState(commit(1, append([], 'r')))).headRevision, 2)
      assert.deepEqual((await load(runtime)).graph, { ...G, leafNodeId: 'r' })
    },
  },
  {
    name: 'replaceFull leaves nothing of the old graph, and the ledger continues',
    async run({ runtime }) {
      await commitG(runtime, { usageDeltas: [usage('turn', 'm', [1])] })
      await runtime.tombstoneNodes(['b'])
      const graph = { nodes: [node('z'), node('b', 'z')], leafNodeId: 'z' }
      const more = { usageDeltas: [usage('turn', 'm', [2])] }
      assert.equal((await runtime.commitRuntimeState(commit(1, replaceFull(graph), more))).headRevision, 2)
      const read = await load(runtime)
      assert.deepEqual(read.graph, graph)
      assert.deepEqual(read.tokenLedger, [usage('turn', 'm', [3])])
      assert.equal(await runtime.loadNode('a'), null)
      await runtime.commitRuntimeState(commit(2, append([node('a', 'b')], 'a')))
      assert.deepEqual(await pathOf(runtime), { ids: ['z', 'b', 'a'], leaf: 'a' })
    },
  },
  {
    name: 'replaceFull is checked on its own',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      const bad = (nodes: typeof G.nodes, leafNodeId: string | null) => replaceFull({ nodes, leafNodeId })
      await isInvalid(scene, 1, bad([node('x', 'a')], 'x'), 'missingParent', 'x')
      await isInvalid(scene, 1, bad([node('x')], 'a'), 'missingLeaf', 'a')
      await isInvalid(scene, 1, bad([node('x'), node('x')], 'x'), 'duplicateNode', 'x')
      await isInvalid(scene, 1, bad([node('x', 'y'), node('y', 'x')], 'x'), 'cycle', 'x')
      const read = await load(runtime)
      assert.deepEqual([read.headRevision, read.graph], [1, G])
    },
  },
  {
    name: 'a commit line says what was committed',
    only: 'fresh',
    async run(scene) {
      const { runtime, clock } = scene
      const first = await commitG(runtime, { usageDeltas: [usage('turn', 'm', [1]), usage('none', 'm', [])] })
      await runtime.commitRuntimeState(commit(1, append([node('d', 'c')], null)))
      const [header, one, two] = linesOf(scene)
      assert.equal(header?.type, 'session')
      const at = new Date(clock.ms).toISOString()
      const { id: _, ...said } = one!
      assert.deepEqual(said, {
        ...{ type: 'commit', at, session: KEY, revision: 1, nodes: G.nodes, leaf: 'c', replace: true },
        ...{ config: CONFIG, checkpoint: first.checkpointRef, usage: [usage('turn', 'm', [1])] },
      })
      const order = [
        'type',
        'session',
        'revision',
        'nodes',
        'leaf',
        'replace',
        'config',
        'checkpoint',
        'usage',
        'at',
        'id',
      ]
      assert.deepEqual(Object.keys(one!), order)
      assert.deepEqual(
        Object.keys(two!),
        order.filter((name) => name !== 'replace'),
      )
      assert.deepEqual([two?.leaf, two?.nodes], [null, [node('d', 'c')]])
    },
  },
  {
    name: 'arguments are read at the call, and results are copies',
    // the instance that is opened anew first is asked later
    only: 'fresh',
    async run({ runtime }) {
      const nodes = [node('a', undefined, { list: [1] })]
      const state = Uint8Array.of(1, 2)
      const given = commit(null, replaceFull({ nodes, leafNodeId: 'a' }), { checkpoint: { executionState: state } })
      const done = runtime.commitRuntimeState(given)
      nodes.push(node('b'))
      ;(nodes[0] as unknown as { event: { list: number[] } }).event.list.push(2)
      state.fill(9)
      given.sessionId = 'beta'
      await done
      const read = await load(runtime)
      assert.deepEqual(read.graph.nodes, [node('a', undefined, { list: [1] })])
      assert.deepEqual(read.checkpoint?.executionState, Uint8Array.of(1, 2))
      read.graph.nodes.pop()
      read.config.providerId = 'x'
      read.tokenLedger.push(usage('x', 'x', [1]))
      const again = await load(runtime)
      assert.deepEqual([again.graph.nodes.length, again.config, again.tokenLedger], [1, CONFIG, []])
    },
  },
  {
    name: 'a failed commit leaves what is there',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      const before = contentsOf(scene)
      const more = { checkpoint: CHECKPOINT, usageDeltas: [usage('turn', 'm', [1])] }
      await rejectsWithCode(runtime.commitRuntimeState(commit(1, unchanged('nope'), more)), 'ERR_GRAPH_INVALID')
      await rejectsWithCode(runtime.commitRuntimeState(commit(7, unchanged(), more)), 'ERR_HEAD_REVISION_CONFLICT')
      assert.deepEqual(contentsOf(scene), before)
      assert.deepEqual((await load(runtime)).tokenLedger, [])
    },
  },
]
