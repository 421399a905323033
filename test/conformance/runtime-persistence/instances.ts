/** Several instances on one folder, and instances that come and go. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import type { RuntimePersistence } from '../../../src/contracts/runtime-persistence/index.js'
import {
  answers,
  append,
  CHECKPOINT,
  commit,
  commitG,
  idsOf,
  KEY,
  load,
  META,
  node,
  pathOf,
  type RuntimeCase,
  unchanged,
  usage,
} from './scene.js'

const IDS = ['a', 'b', 'c', 'd', 'r']

async function filled(runtime: RuntimePersistence): Promise<void> {
  await commitG(runtime, { checkpoint: CHECKPOINT, usageDeltas: [usage('turn', 'm', [1, 2, 3, 4])] })
  await runtime.saveSessionMeta(META)
  await runtime.commitRuntimeState(commit(1, append([node('d', 'c')], 'd'), { checkpoint: CHECKPOINT }))
  await runtime.tombstoneNodes(['b'])
}

export const instanceCases: RuntimeCase[] = [
  {
    name: 'everything is there after a restart',
    async run({ runtime, reopen }) {
      await filled(runtime)
      const before = await answers(runtime, IDS)
      await reopen()
      assert.deepEqual(await answers(runtime, IDS), before)
    },
  },
  {
    name: 'everything is there without the sidecar',
    async run({ runtime, reopen, dir }) {
      await filled(runtime)
      const before = await answers(runtime, IDS)
      await reopen(() => fs.rmSync(path.join(dir, `${KEY}.meta.json`), { force: true }))
      assert.deepEqual(await answers(runtime, IDS), before)
      await runtime.commitRuntimeState(commit(2, append([node('e', 'd')], 'e')))
      assert.deepEqual((await pathOf(runtime)).ids, ['a', 'c', 'd', 'e'])
    },
  },
  {
    name: 'each sees at once what the other did',
    async run(scene) {
      const { runtime } = scene
      const other = await scene.another()
      await commitG(runtime)
      for (let i = 0; i < 6; i++) {
        const [writer, reader] = i % 2 === 0 ? [other, runtime] : [runtime, other]
        await writer.commitRuntimeState(commit(i + 1, append([node(`n${i}`, 'c')], `n${i}`)))
        const read = await load(reader)
        assert.deepEqual([read.headRevision, read.graph.leafNodeId], [i + 2, `n${i}`])
        assert.equal((await reader.loadNode(`n${i}`))?.nodeId, `n${i}`)
      }
      await other.tombstoneNodes(['n0'])
      assert.equal(await runtime.loadNode('n0'), null)
      assert.deepEqual(await other.vacuum(), { removedNodeCount: 1 })
      assert.equal(await runtime.loadNode('n1').then((found) => found?.nodeId), 'n1')
      await runtime.commitRuntimeState(commit(7, append([node('n0', 'a')], 'n0')))
      assert.equal((await load(other)).graph.leafNodeId, 'n0')
    },
  },
  {
    name: 'of two that expect one revision, one wins',
    async run(scene) {
      const { runtime } = scene
      const other = await scene.another()
      await commitG(runtime)
      for (let revision = 1; revision < 10; revision++) {
        const outcomes = await Promise.allSettled(
          [runtime, other].map((one, i) =>
            one.commitRuntimeState(
              commit(revision, append([node(`${revision}-${i}`, 'c')], 'c'), {
                usageDeltas: [usage('turn', 'm', [1])],
              }),
            ),
          ),
        )
        const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
        assert.equal(lost.length, 1)
        assert.equal(lost[0].code, 'ERR_HEAD_REVISION_CONFLICT')
        assert.deepEqual({ ...lost[0].details }, { expected: revision, actual: revision + 1 })
      }
      const read = await load(runtime)
      assert.deepEqual([read.headRevision, read.graph.nodes.length], [10, 13])
      assert.deepEqual(read.tokenLedger, [usage('turn', 'm', [9])])
    },
  },
  {
    name: 'of many first commits, one wins',
    async run({ runtime }) {
      const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(() => commitG(runtime)))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      assert.equal((await load(runtime)).headRevision, 1)
    },
  },
  {
    name: 'commits, tombstones and collections at once leave a whole graph',
    async run(scene) {
      const { runtime } = scene
      const other = await scene.another()
      await commitG(runtime, { checkpoint: CHECKPOINT })
      await Promise.all([
        runtime.commitRuntimeState(commit(1, unchanged('a'), { checkpoint: CHECKPOINT })),
        other.tombstoneNodes(['b']),
        other.gcUnreachable(),
        runtime.gcUnreachable(),
        other.vacuum(),
        runtime.loadSession({ kind: 'fullGraph' }),
      ])
      const { graph, checkpoint, headRevision } = await load(other)
      assert.deepEqual([idsOf(graph.nodes), graph.leafNodeId, headRevision], [['a', 'c', 'r'], 'a', 2])
      assert.deepEqual(checkpoint?.toolState, CHECKPOINT.toolState)
    },
  },
]
