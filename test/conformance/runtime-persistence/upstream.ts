/** What the tests of the contract's origin ask, as far as it fits here. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { rejectsWithCode } from '../expect.js'
import {
  append,
  blobsIn,
  CHECKPOINT,
  commit,
  commitG,
  FULL,
  G,
  isInvalid,
  KEY,
  load,
  META,
  node,
  PATH,
  pathOf,
  type RuntimeCase,
  refuses,
  replaceFull,
  sha256,
  unchanged,
  usage,
} from './scene.js'

const checkpoint = (generation: number, revision: bigint) => ({
  toolState: { generation, tools: {} },
  pluginSnapshotRevision: revision,
  pluginSnapshot: { plugins: { p: 1 } },
})

export const upstreamCases: RuntimeCase[] = [
  {
    name: 'upstream: gc keeps rooted checkpoint blobs',
    async run({ runtime, dir }) {
      await commitG(runtime, { checkpoint: checkpoint(7, 11n) })
      fs.writeFileSync(path.join(blobsIn(dir), sha256('orphan')), 'orphan')
      assert.equal((await runtime.gcUnreachable()).deletedBlobCount, 1)
      const read = await load(runtime)
      assert.equal(read.checkpoint?.toolState?.generation, 7)
      assert.equal(read.checkpoint?.pluginSnapshotRevision, 11n)
      assert.equal(fs.existsSync(path.join(blobsIn(dir), sha256('orphan'))), false)
    },
  },
  {
    name: 'upstream: a bound store rejects a different session id',
    async run({ runtime }) {
      await commitG(runtime)
      const other = () => runtime.commitRuntimeState(commit(1, unchanged(), { sessionId: 'other' }))
      await assert.rejects(other(), /bound to session `alpha`/)
    },
  },
  {
    name: 'upstream: load hydrates checkpoint and usage without waiting for itself',
    async run({ runtime }) {
      await commitG(runtime, { checkpoint: checkpoint(9, 12n), usageDeltas: [usage('turn', 'm', [11, 7, 3, 5])] })
      const reads = await Promise.all([load(runtime), load(runtime), runtime.loadSession(PATH)])
      for (const read of reads) {
        assert.equal(read?.checkpoint?.toolState?.generation, 9)
        assert.equal(read?.checkpoint?.pluginSnapshotRevision, 12n)
        assert.deepEqual(read?.tokenLedger, [usage('turn', 'm', [11, 7, 3, 5])])
      }
    },
  },
  {
    name: 'upstream: an execution ref stays when the next commit brings no body',
    async run({ runtime }) {
      const { manifest } = await commitG(runtime, { checkpoint: CHECKPOINT })
      const { executionStateRef } = manifest
      await runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: { executionStateRef } }))
      assert.deepEqual((await load(runtime)).checkpoint?.executionState, CHECKPOINT.executionState)
    },
  },
  {
    name: 'upstream: park and resume keeps the node, and there is nothing to vacuum',
    async run({ runtime, reopen }) {
      await runtime.commitRuntimeState(commit(null, replaceFull({ nodes: [node('n')], leafNodeId: 'n' })))
      await reopen()
      assert.deepEqual((await load(runtime)).graph, { nodes: [node('n')], leafNodeId: 'n' })
      await runtime.commitRuntimeState(commit(1, unchanged('n')))
      assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 0 })
      assert.equal((await runtime.loadNode('n'))?.nodeId, 'n')
    },
  },
  {
    name: 'upstream: session metadata round trips and survives a reopen',
    async run({ runtime, reopen }) {
      await runtime.saveSessionMeta(META)
      await commitG(runtime, { checkpoint: checkpoint(77, 1n) })
      await reopen()
      assert.deepEqual(await runtime.loadSessionMeta(), META)
      assert.equal((await load(runtime)).checkpoint?.toolState?.generation, 77)
    },
  },
  {
    name: 'upstream: the head revision holds across two connections',
    async run(scene) {
      await commitG(scene.runtime)
      const other = await scene.another()
      const both = [scene.runtime, other].map((one) => one.commitRuntimeState(commit(1)))
      const outcomes = (await Promise.allSettled(both)).map(({ status }) => status).sort()
      assert.deepEqual(outcomes, ['fulfilled', 'rejected'])
    },
  },
  {
    name: 'upstream: gc keeps live committed checkpoint blobs',
    async run({ runtime }) {
      const bytes = Uint8Array.of(0xde, 0xad, 0xbe, 0xef)
      await commitG(runtime, { checkpoint: { ...checkpoint(3, 5n), executionState: bytes } })
      await runtime.gcUnreachable()
      const { checkpoint: kept } = await load(runtime)
      assert.deepEqual(
        [kept?.toolState?.generation, kept?.pluginSnapshotRevision, kept?.executionState],
        [3, 5n, bytes],
      )
    },
  },
  {
    name: 'upstream: an append with an id that is taken leaves the original',
    async run(scene) {
      await commitG(scene.runtime)
      await isInvalid(scene, 1, append([node('b', 'a', 'other')], 'b'), 'duplicateNode', 'b')
      assert.deepEqual(await scene.runtime.loadNode('b'), node('b', 'a'))
    },
  },
  {
    name: 'upstream: an unknown ref names its key and its ref',
    async run(scene) {
      await commitG(scene.runtime)
      const ref = 'f'.repeat(64)
      const call = () =>
        scene.runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: { executionStateRef: ref } }))
      await refuses(scene, call, 'ERR_BLOB_NOT_FOUND', { ref, component: 'executionState' })
      await assert.rejects(call(), (error: Error) => error.message.includes(ref) && /execution/i.test(error.message))
    },
  },
  {
    name: 'upstream: gc reclaims a former generation once',
    async run({ runtime }) {
      await commitG(runtime, { checkpoint: checkpoint(1, 1n) })
      await runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: checkpoint(2, 2n) }))
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 3, deletedBlobCount: 2 })
      assert.equal((await runtime.gcUnreachable()).deletedBlobCount, 0)
      assert.equal((await load(runtime)).checkpoint?.toolState?.generation, 2)
    },
  },
  {
    name: 'upstream: what is absent stays an honest null',
    async run({ runtime }) {
      await commitG(runtime)
      const { checkpoint: none } = await load(runtime)
      assert.deepEqual(
        [
          none?.toolState,
          none?.pluginSnapshot,
          none?.executionState,
          none?.pluginSnapshotRevision,
          none?.turnState.lastPromptUsage,
        ],
        [null, null, null, null, null],
      )
    },
  },
  {
    name: 'upstream: each tombstone is vacuumed exactly once',
    async run({ runtime }) {
      await commitG(runtime)
      const removed: number[] = []
      for (const id of ['r', 'c', 'b']) {
        await runtime.tombstoneNodes([id])
        await runtime.tombstoneNodes([id])
        removed.push((await runtime.vacuum()).removedNodeCount, (await runtime.vacuum()).removedNodeCount)
      }
      assert.deepEqual(removed, [1, 0, 1, 0, 1, 0])
      assert.deepEqual(await pathOf(runtime), { ids: ['a'], leaf: 'a' })
    },
  },
  {
    name: 'upstream: a final commit is not idempotent, an empty append may move the head',
    async run({ runtime }) {
      await commitG(runtime)
      const last = commit(1, append([], 'r'), { usageDeltas: [usage('turn', 'm', [1])] })
      await runtime.commitRuntimeState(last)
      await rejectsWithCode(runtime.commitRuntimeState(last), 'ERR_HEAD_REVISION_CONFLICT', { expected: 1, actual: 2 })
      assert.equal((await runtime.loadSession(FULL))?.graph.leafNodeId, 'r')
      assert.deepEqual((await load(runtime)).graph.nodes, G.nodes)
      assert.equal((await load(runtime)).sessionId, KEY)
    },
  },
]
