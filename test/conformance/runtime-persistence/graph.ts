/** The graph: paths, nodes, and the rules that a commit keeps. */
import assert from 'node:assert/strict'
import { promptly, rejectsWithCode } from '../expect.js'
import {
  append,
  commit,
  commitG,
  G,
  idsOf,
  isInvalid,
  load,
  node,
  PATH,
  pathOf,
  type RuntimeCase,
  replaceFull,
  unchanged,
  wrong,
} from './scene.js'

export const graphCases: RuntimeCase[] = [
  {
    name: 'a path is what is between a leaf and its root',
    async run({ runtime }) {
      const nodes = [
        node('root-node'),
        node('left-node', 'root-node'),
        node('left-leaf', 'left-node'),
        node('right-leaf', 'root-node'),
      ]
      await runtime.commitRuntimeState(commit(null, replaceFull({ nodes, leafNodeId: 'left-leaf' })))
      assert.deepEqual((await load(runtime)).graph, { nodes, leafNodeId: 'left-leaf' })
      const left = { ids: ['root-node', 'left-node', 'left-leaf'], leaf: 'left-leaf' }
      assert.deepEqual(await pathOf(runtime), left)
      assert.deepEqual(await pathOf(runtime, null), left)
      assert.deepEqual(await pathOf(runtime, 'right-leaf'), { ids: ['root-node', 'right-leaf'], leaf: 'right-leaf' })
      const path = await runtime.loadSession({ ...PATH, leafNodeId: 'right-leaf' })
      assert.deepEqual(path?.graph.nodes, [nodes[0], nodes[3]])
      const { graph: _, ...rest } = await load(runtime)
      const { graph: __, ...same } = path!
      assert.deepEqual(same, rest)
    },
  },
  {
    name: 'a parent must be there',
    async run(scene) {
      await commitG(scene.runtime)
      await isInvalid(scene, 1, append([node('x', 'ghost')], 'x'), 'missingParent', 'x')
      await scene.runtime.tombstoneNodes(['r'])
      await isInvalid(scene, 1, append([node('x', 'r')], 'x'), 'missingParent', 'x')
    },
  },
  {
    name: 'an id must be new',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      await isInvalid(scene, 1, append([node('b', 'a')], 'c'), 'duplicateNode', 'b')
      await isInvalid(scene, 1, append([node('x'), node('x')], 'x'), 'duplicateNode', 'x')
      assert.deepEqual(await runtime.loadNode('b'), node('b', 'a'))
    },
  },
  {
    name: 'a child may stand before its parent',
    async run({ runtime }) {
      await commitG(runtime)
      await runtime.commitRuntimeState(commit(1, append([node('e', 'd'), node('d', 'c')], 'e')))
      assert.deepEqual(idsOf((await load(runtime)).graph.nodes), ['a', 'b', 'c', 'r', 'e', 'd'])
      assert.deepEqual(await pathOf(runtime), { ids: ['a', 'b', 'c', 'd', 'e'], leaf: 'e' })
    },
  },
  {
    name: 'no node is its own ancestor',
    async run(scene) {
      await commitG(scene.runtime)
      await isInvalid(scene, 1, append([node('s', 's')], 's'), 'cycle', 's')
      await isInvalid(scene, 1, append([node('x', 'y'), node('y', 'z'), node('z', 'x')], null), 'cycle', 'x')
    },
  },
  {
    name: 'a leaf must be there, and nothing is added when it is not',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      await isInvalid(scene, 1, append([node('d', 'c')], 'nope'), 'missingLeaf', 'nope')
      assert.equal(await runtime.loadNode('d'), null)
      await runtime.tombstoneNodes(['r'])
      await isInvalid(scene, 1, unchanged('r'), 'missingLeaf', 'r')
      await isInvalid(scene, 1, append([node('d', 'c')], 'r'), 'missingLeaf', 'r')
    },
  },
  {
    name: 'rules are checked in their order',
    async run(scene) {
      await commitG(scene.runtime)
      const all = [node('q', 'q'), node('x', 'ghost'), node('b', 'a')]
      await isInvalid(scene, 1, append(all, 'nope'), 'duplicateNode', 'b')
      await isInvalid(scene, 1, append(all.slice(0, 2), 'nope'), 'missingParent', 'x')
      await isInvalid(scene, 1, append(all.slice(0, 1), 'nope'), 'cycle', 'q')
    },
  },
  {
    name: 'a path needs a live leaf and a known scope',
    async run({ runtime }) {
      await commitG(runtime)
      await rejectsWithCode(runtime.loadSession({ ...PATH, leafNodeId: 'nope' }), 'ERR_GRAPH_INVALID', {
        reason: 'missingLeaf',
        nodeId: 'nope',
      })
      await runtime.tombstoneNodes(['r'])
      await rejectsWithCode(runtime.loadSession({ ...PATH, leafNodeId: 'r' }), 'ERR_GRAPH_INVALID')
      const scope = { kind: 'window', size: 3 }
      await rejectsWithCode(runtime.loadSession(wrong(scope)), 'ERR_READ_SCOPE_UNSUPPORTED', { scope })
    },
  },
  {
    name: 'a node of any branch is found',
    async run({ runtime }) {
      await commitG(runtime)
      for (const record of G.nodes) assert.deepEqual(await runtime.loadNode(record.nodeId), record)
      assert.equal(await runtime.loadNode('nope'), null)
      assert.equal(await runtime.loadNode(''), null)
      assert.equal(await runtime.loadNode('__proto__'), null)
    },
  },
  {
    name: 'payloads come back unchanged',
    async run({ runtime }) {
      const nodes = [
        node('1', undefined, {
          deep: [[], {}, [null, { a: [true, false] }]],
          text: 'é\u2028\n"\\\u0000 👩‍👧 \ud800',
          number: [0, -1.5, 1e300, 5e-324],
        }),
        {
          ...node('2', '1'),
          kind: 'plugin',
          pluginType: 'todo',
          body: JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":"t"}'),
          unknown: ['field', { of: 'later' }],
        },
        node('3', null, 'a text'),
        JSON.parse('{"nodeId":"4","parentNodeId":"2","kind":"other","__proto__":{"y":2}}'),
        node('__proto__', '4'),
      ]
      await runtime.commitRuntimeState(commit(null, replaceFull(wrong({ nodes, leafNodeId: '__proto__' }))))
      assert.deepEqual((await load(runtime)).graph.nodes, nodes)
      assert.deepEqual((await runtime.loadSession(PATH))?.graph.nodes, [nodes[0], nodes[1], nodes[3], nodes[4]])
      for (const record of nodes) assert.deepEqual(await runtime.loadNode(record.nodeId), record)
    },
  },
  {
    name: 'the depth of a path has no limit',
    only: 'fresh',
    async run({ runtime }) {
      const count = 20_000
      const nodes = Array.from({ length: count }, (_, i) => node(`n${i}`, i === 0 ? undefined : `n${i - 1}`, i))
      await runtime.commitRuntimeState(commit(null, replaceFull({ nodes, leafNodeId: `n${count - 1}` })))
      assert.equal((await pathOf(runtime)).ids.length, count)
      await runtime.tombstoneNodes(idsOf(nodes.slice(1, -1)))
      assert.deepEqual(await promptly(pathOf(runtime)), { ids: ['n0', `n${count - 1}`], leaf: `n${count - 1}` })
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: count - 2 })
      assert.deepEqual(idsOf((await load(runtime)).graph.nodes), ['n0', `n${count - 1}`])
    },
  },
]
