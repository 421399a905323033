/** The same session under the other contracts. */
import assert from 'node:assert/strict'
import {
  answers,
  append,
  blobNames,
  CHECKPOINT,
  commit,
  commitG,
  FULL,
  G,
  idsOf,
  KEY,
  load,
  META,
  node,
  type RuntimeCase,
  unchanged,
} from './scene.js'

export const otherContractCases: RuntimeCase[] = [
  {
    name: 'messages between commits, each contract reads its own',
    async run(scene) {
      const { runtime } = scene
      const backend = await scene.backend()
      await backend.append(KEY, { role: 'user', content: 'one' })
      assert.equal(await runtime.loadSession(FULL), null)
      await commitG(runtime)
      await backend.append(KEY, { role: 'assistant', content: 'two' })
      await runtime.commitRuntimeState(commit(1, append([node('d', 'c')], 'd')))
      await backend.append(KEY, { role: 'user', content: 'three' })
      await backend.removeLast(KEY)
      assert.deepEqual(
        (await backend.load(KEY)).map(({ content }) => content),
        ['one', 'two'],
      )
      assert.deepEqual((await load(runtime)).graph, { nodes: [...G.nodes, node('d', 'c')], leafNodeId: 'd' })
    },
  },
  {
    name: 'a session of commits is listed without messages',
    async run(scene) {
      await commitG(scene.runtime)
      const backend = await scene.backend()
      const [row] = await backend.listSessionsWithMetadata()
      assert.deepEqual([row?.key, row?.messageCount], [KEY, 0])
      assert.deepEqual(await backend.load(KEY), [])
      assert.deepEqual(await backend.listSessions(), [KEY])
    },
  },
  {
    name: 'a commit is activity, a tombstone and vacuum are not',
    async run(scene) {
      const { runtime, clock } = scene
      const backend = await scene.backend()
      const active = async () => (await backend.listSessionsWithMetadata())[0]?.lastActivity.getTime()
      await commitG(runtime)
      const first = await active()
      clock.move(60_000)
      await runtime.commitRuntimeState(commit(1))
      const second = await active()
      assert.equal(second! - first!, 60_000)
      clock.move(60_000)
      await runtime.tombstoneNodes(['b'])
      await runtime.vacuum()
      await runtime.gcUnreachable()
      assert.equal(await active(), second)
    },
  },
  {
    name: 'after a compact the session loads as before, and its tombstones stay on file',
    async run(scene) {
      const { runtime } = scene
      const backend = await scene.backend()
      await backend.append(KEY, { role: 'user', content: 'gone' })
      await commitG(runtime, { checkpoint: CHECKPOINT })
      await backend.removeLast(KEY)
      await runtime.commitRuntimeState(commit(1, append([node('d', 'c')], 'd')))
      await runtime.tombstoneNodes(['b', 'd'])
      await runtime.saveSessionMeta(META)
      const before = await answers(runtime, ['a', 'b', 'c', 'd', 'r'])
      await backend.compact(KEY)
      assert.deepEqual(await answers(runtime, ['a', 'b', 'c', 'd', 'r']), before)
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 2 })
    },
  },
  {
    name: 'a deleted session leaves nothing, and its next life begins at revision 1',
    async run(scene) {
      const { runtime, dir, pathsHolding } = scene
      await commitG(runtime, { checkpoint: CHECKPOINT })
      await runtime.saveSessionMeta(META)
      await runtime.commitRuntimeState(commit(1, unchanged('a')))
      assert.equal(await (await scene.backend()).deleteSession(KEY), true)
      assert.equal(await runtime.loadSession(FULL), null)
      assert.equal(await runtime.loadNode('a'), null)
      assert.equal(await runtime.loadSessionMeta(), null)
      assert.deepEqual(blobNames(dir), [])
      assert.deepEqual(
        pathsHolding(KEY).filter((name) => !name.startsWith('.locks')),
        [],
      )
      assert.equal((await commitG(runtime)).headRevision, 1)
      assert.deepEqual(idsOf((await load(runtime)).graph.nodes), idsOf(G.nodes))
    },
  },
]
