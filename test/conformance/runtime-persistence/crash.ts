/** What a crash leaves behind, step by step: the old state or the new one, and the next call works. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import {
  answers,
  append,
  blobNames,
  blobsIn,
  CHECKPOINT,
  commit,
  commitG,
  FULL,
  idsOf,
  KEY,
  load,
  node,
  type RuntimeCase,
  sha256,
  unchanged,
  usage,
} from './scene.js'

const IDS = ['a', 'b', 'c', 'd', 'r']
const NEXT = commit(1, append([node('d', 'c')], 'd'), {
  checkpoint: { ...CHECKPOINT, executionState: Uint8Array.of(1, 2, 3) },
  usageDeltas: [usage('turn', 'm', [5])],
})

export const crashCases: RuntimeCase[] = [
  {
    name: 'a commit that was cut anywhere in its line is the old state or the new one',
    only: 'fresh',
    async run({ runtime, reopen, log }) {
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const before = log(KEY).bytes()
      const old = await answers(runtime, IDS)
      await runtime.commitRuntimeState(NEXT)
      const after = log(KEY).bytes()
      const done = await answers(runtime, IDS)
      const cuts = Array.from(
        { length: 12 },
        (_, i) => before.length + Math.floor(((after.length - before.length) * i) / 12),
      )
      for (const cut of [...cuts, after.length - 2, after.length - 1, after.length]) {
        await reopen(() => fs.writeFileSync(log(KEY).file, after.subarray(0, cut)))
        // without its line feed the last line is whole all the same
        const isNew = cut >= after.length - 1
        assert.deepEqual(await answers(runtime, IDS), isNew ? done : old, `cut at ${cut}`)
        if (isNew) await assert.rejects(runtime.commitRuntimeState(NEXT), { code: 'ERR_HEAD_REVISION_CONFLICT' })
        else {
          assert.equal((await runtime.commitRuntimeState(NEXT)).headRevision, 2)
          assert.deepEqual((await load(runtime)).tokenLedger, [usage('turn', 'm', [5])])
          const fragment = after.subarray(before.length, cut).toString()
          for (const text of log(KEY).lines()) if (text !== fragment) JSON.parse(text)
        }
      }
    },
  },
  {
    name: 'blobs without their line are harmless, and collected',
    async run({ runtime, reopen, dir, log }) {
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const text = log(KEY).text()
      const old = await answers(runtime, IDS)
      await runtime.commitRuntimeState(NEXT)
      await reopen(() => fs.writeFileSync(log(KEY).file, text))
      assert.deepEqual(await answers(runtime, IDS), old)
      assert.equal((await runtime.gcUnreachable()).deletedBlobCount, 2)
      assert.equal((await runtime.commitRuntimeState(NEXT)).headRevision, 2)
      assert.equal(blobNames(dir).length, 6)
    },
  },
  {
    name: 'blobs whose log is not there yet stay: a sync brings both in any order',
    async run({ runtime, reopen, dir }) {
      await reopen(() => {
        fs.mkdirSync(blobsIn(dir), { mode: 0o700 })
        fs.writeFileSync(path.join(blobsIn(dir), sha256('x')), 'x')
      })
      assert.equal(await runtime.loadSession(FULL), null)
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 0, retainedBlobCount: 0, deletedBlobCount: 0 })
      assert.deepEqual(blobNames(dir), [sha256('x')])
      assert.equal((await commitG(runtime)).headRevision, 1)
      assert.ok(blobNames(dir).includes(sha256('x')))
    },
  },
  {
    name: 'a left-over beside the log of a vacuum that was cut is no session and goes',
    async run({ runtime, reopen, dir, log }) {
      await commitG(runtime)
      await runtime.tombstoneNodes(['b'])
      const before = await answers(runtime, IDS)
      const left = path.join(dir, `.${KEY}.0123456789abcdef.tmp`)
      await reopen(() => fs.writeFileSync(left, log(KEY).bytes().subarray(0, 100)))
      assert.deepEqual(await answers(runtime, IDS), before)
      assert.equal(fs.existsSync(left), false)
    },
  },
  {
    name: 'an interrupted collection has deleted only unreachable blobs',
    async run({ runtime, reopen, dir }) {
      await commitG(runtime, { checkpoint: CHECKPOINT })
      await runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: { executionState: Uint8Array.of(1) } }))
      const before = await answers(runtime, IDS)
      const { checkpoint, checkpointRef } = await load(runtime)
      const reached = [checkpointRef, checkpoint?.executionStateRef]
      const doomed = blobNames(dir).filter((name) => !reached.includes(name))
      await reopen(() => fs.rmSync(path.join(blobsIn(dir), doomed[0]!)))
      assert.deepEqual(await answers(runtime, IDS), before)
      assert.deepEqual(await runtime.gcUnreachable(), {
        rootCount: 1,
        retainedBlobCount: 2,
        deletedBlobCount: doomed.length - 1,
      })
      assert.deepEqual(idsOf((await load(runtime)).graph.nodes), ['a', 'b', 'c', 'r'])
    },
  },
]
