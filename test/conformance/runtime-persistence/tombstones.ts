/** Nodes that are marked as deleted, and their removal from the file. */
import assert from 'node:assert/strict'
import {
  answers,
  append,
  CHECKPOINT,
  commit,
  commitG,
  contentsOf,
  G,
  idsOf,
  isInvalid,
  KEY,
  linesOf,
  load,
  node,
  pathOf,
  type RuntimeCase,
  replaceFull,
  unchanged,
  usage,
} from './scene.js'

export const tombstoneCases: RuntimeCase[] = [
  {
    name: 'nothing to mark writes nothing',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      const before = contentsOf(scene)
      await runtime.tombstoneNodes([])
      await runtime.tombstoneNodes(['nope', '', '__proto__'])
      assert.deepEqual(contentsOf(scene), before)
      assert.equal((await load(runtime)).headRevision, 1)
    },
  },
  {
    name: 'a marked node is hidden, and vacuum removes it once',
    async run({ runtime }) {
      const nodes = [node('node-live'), node('node-delete', 'node-live')]
      await runtime.commitRuntimeState(commit(null, replaceFull({ nodes, leafNodeId: 'node-delete' })))
      assert.equal((await runtime.loadNode('node-delete'))?.nodeId, 'node-delete')
      await runtime.tombstoneNodes(['node-delete'])
      assert.equal(await runtime.loadNode('node-delete'), null)
      const live = { nodes: [nodes[0]!], leafNodeId: 'node-live' }
      assert.deepEqual((await load(runtime)).graph, live)
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 1 })
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 0 })
      assert.deepEqual((await load(runtime)).graph, live)
    },
  },
  {
    name: 'children of a marked node are shown under its nearest live ancestor',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      await runtime.tombstoneNodes(['b', 'nope', 'b'])
      await runtime.tombstoneNodes(['b'])
      assert.deepEqual(await pathOf(runtime), { ids: ['a', 'c'], leaf: 'c' })
      assert.deepEqual(await runtime.loadNode('c'), node('c', 'a'))
      const { graph, headRevision } = await load(runtime)
      assert.deepEqual(graph.nodes, [node('a'), node('c', 'a'), node('r', 'a')])
      assert.equal(headRevision, 1)
      assert.deepEqual(
        linesOf(scene).flatMap(({ type, ids }) => (type === 'tombstone' ? [ids] : [])),
        [['b']],
      )
    },
  },
  {
    name: 'a root that is marked leaves roots behind, without a parent',
    async run({ runtime }) {
      await commitG(runtime)
      await runtime.tombstoneNodes(['a'])
      assert.deepEqual((await load(runtime)).graph.nodes, [node('b'), node('c', 'b'), node('r')])
      assert.deepEqual(await pathOf(runtime), { ids: ['b', 'c'], leaf: 'c' })
      await runtime.vacuum()
      assert.deepEqual((await load(runtime)).graph.nodes, [node('b'), node('c', 'b'), node('r')])
    },
  },
  {
    name: 'the leaf falls back to what is live, and to none',
    async run({ runtime }) {
      await commitG(runtime)
      await runtime.tombstoneNodes(['c', 'b'])
      assert.equal((await load(runtime)).graph.leafNodeId, 'a')
      assert.deepEqual(await pathOf(runtime), { ids: ['a'], leaf: 'a' })
      await runtime.tombstoneNodes(['a'])
      assert.deepEqual(await pathOf(runtime), { ids: [], leaf: null })
      assert.deepEqual((await load(runtime)).graph, { nodes: [node('r')], leafNodeId: null })
      await runtime.vacuum()
      assert.deepEqual((await load(runtime)).graph, { nodes: [node('r')], leafNodeId: null })
    },
  },
  {
    name: 'an id is free again after vacuum, not before',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      await runtime.tombstoneNodes(['b'])
      await isInvalid(scene, 1, append([node('b', 'c')], 'b'), 'duplicateNode', 'b')
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 1 })
      await runtime.commitRuntimeState(commit(1, append([node('b', 'c')], 'b')))
      assert.deepEqual(idsOf((await load(runtime)).graph.nodes), ['a', 'c', 'r', 'b'])
      assert.deepEqual(await pathOf(runtime), { ids: ['a', 'c', 'b'], leaf: 'b' })
    },
  },
  {
    name: 'vacuum with nothing to remove touches no file',
    async run({ runtime, log }) {
      await commitG(runtime)
      await runtime.commitRuntimeState(commit(1))
      const before = [log(KEY).bytes(), log(KEY).mtimeMs]
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 0 })
      assert.deepEqual([log(KEY).bytes(), log(KEY).mtimeMs], before)
    },
  },
  {
    name: 'vacuum changes no answer, and takes the content out of the file',
    async run({ runtime, clock, filesHolding }) {
      await commitG(runtime, { checkpoint: CHECKPOINT, usageDeltas: [usage('turn', 'm', [1])] })
      clock.move(1000)
      const nodes = [node('d', 'c', 'SECRET'), node('e', 'd'), node('f', 'd'), node('g', 'f', 'SECRET')]
      await runtime.commitRuntimeState(commit(1, append(nodes, 'g')))
      await runtime.commitRuntimeState(commit(2, unchanged('e'), { usageDeltas: [usage('turn', 'm', [2])] }))
      await runtime.tombstoneNodes(['d', 'b'])
      await runtime.tombstoneNodes(['g'])
      const ids = [...idsOf(G.nodes), ...idsOf(nodes)]
      const before = await answers(runtime, ids)
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 3 })
      assert.deepEqual(await answers(runtime, ids), before)
      assert.deepEqual(filesHolding('SECRET'), [])
      await runtime.commitRuntimeState(commit(3, append([node('h', 'e')], 'h')))
      assert.deepEqual(await pathOf(runtime), { ids: ['a', 'c', 'e', 'h'], leaf: 'h' })
    },
  },
  {
    name: 'a commit below a marked node is refused, one beside it succeeds',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      await runtime.tombstoneNodes(['c'])
      await isInvalid(scene, 1, append([node('d', 'c')], 'd'), 'missingParent', 'd')
      await runtime.commitRuntimeState(commit(1, append([node('d', 'b')], 'd')))
      assert.deepEqual(await pathOf(runtime), { ids: ['a', 'b', 'd'], leaf: 'd' })
    },
  },
]
