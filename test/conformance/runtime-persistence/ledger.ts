/** The ledger: sums of tokens by source and model. */
import assert from 'node:assert/strict'
import { commit, commitG, load, type RuntimeCase, refuses, replaceFull, unchanged, usage } from './scene.js'

const MOST = Number.MAX_SAFE_INTEGER

export const ledgerCases: RuntimeCase[] = [
  {
    name: 'deltas add up by source and model, in order of first appearance',
    async run({ runtime }) {
      await commitG(runtime, { usageDeltas: [usage('turn', 'm', [11, 7, 3, 5])] })
      const more = { usageDeltas: [usage('turn', 'm', [1, 1, 1, 1]), usage('sub', 'm', [1])] }
      await runtime.commitRuntimeState(commit(1, unchanged(), more))
      await runtime.commitRuntimeState(
        commit(2, unchanged(), { usageDeltas: [usage('turn', 'n', [2]), usage('sub', 'm', [3])] }),
      )
      assert.deepEqual((await load(runtime)).tokenLedger, [
        usage('turn', 'm', [12, 8, 4, 6]),
        usage('sub', 'm', [4]),
        usage('turn', 'n', [2]),
      ])
    },
  },
  {
    name: 'names of sources and models are not mixed up',
    async run({ runtime }) {
      const rows = [usage('a', 'b,c', [1]), usage('a,b', 'c', [2]), usage('', '', [3]), usage('__proto__', 'x"', [4])]
      await commitG(runtime, { usageDeltas: rows })
      assert.deepEqual((await load(runtime)).tokenLedger, rows)
    },
  },
  {
    name: 'a retry of a commit that succeeded is a conflict, and nothing counts twice',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime)
      const again = commit(1, unchanged(), { usageDeltas: [usage('turn', 'm', [5])] })
      await runtime.commitRuntimeState(again)
      await refuses(scene, () => runtime.commitRuntimeState(again), 'ERR_HEAD_REVISION_CONFLICT', {
        expected: 1,
        actual: 2,
      })
      assert.deepEqual((await load(runtime)).tokenLedger, [usage('turn', 'm', [5])])
    },
  },
  {
    name: 'rows of one counter stay, rows of none do not appear',
    async run({ runtime }) {
      const rows = [usage('turn', 'r', [0, 0, 0, 9]), usage('turn', 'c', [0, 0, 4])]
      await commitG(runtime, { usageDeltas: [...rows, usage('turn', 'none', [])] })
      assert.deepEqual((await load(runtime)).tokenLedger, rows)
    },
  },
  {
    name: 'a counter that no number can hold exactly is refused',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime, { usageDeltas: [usage('turn', 'm', [MOST - 1])] })
      const adding =
        (...rows: number[]) =>
        () =>
          runtime.commitRuntimeState(
            commit(1, unchanged(), { usageDeltas: rows.map((row) => usage('turn', 'm', [row])) }),
          )
      await refuses(scene, adding(2), 'ERR_TOO_LARGE')
      await refuses(scene, adding(1, 1), 'ERR_TOO_LARGE')
      await adding(1)()
      assert.deepEqual((await load(runtime)).tokenLedger, [usage('turn', 'm', [MOST])])
    },
  },
  {
    name: 'the ledger outlives every graph',
    async run({ runtime }) {
      await commitG(runtime, { usageDeltas: [usage('turn', 'm', [1])] })
      await runtime.tombstoneNodes(['a', 'b', 'c', 'r'])
      await runtime.vacuum()
      await runtime.commitRuntimeState(commit(1, replaceFull({ nodes: [], leafNodeId: null })))
      assert.deepEqual((await load(runtime)).tokenLedger, [usage('turn', 'm', [1])])
    },
  },
]
