/** A disk that fails: an outage is an error and never an empty result, and what is on the disk stays. */
import assert from 'node:assert/strict'
import type { RuntimePersistence } from '../../../src/contracts/runtime-persistence/index.js'
import { whileDiskFills, whileFailing } from '../faults.js'
import {
  answers,
  append,
  CHECKPOINT,
  commit,
  commitG,
  FULL,
  KEY,
  load,
  META,
  node,
  PATH,
  type RuntimeCase,
  unchanged,
} from './scene.js'

type Call = (runtime: RuntimePersistence) => Promise<unknown>

const READS: Record<string, Call> = {
  'loadSession of all': (runtime) => runtime.loadSession(FULL),
  'loadSession of a path': (runtime) => runtime.loadSession(PATH),
  loadNode: (runtime) => runtime.loadNode('b'),
}

const WRITES: Record<string, Call> = {
  commit: (runtime) =>
    runtime.commitRuntimeState(
      commit(1, append([node('d', 'c')], 'd'), { checkpoint: { executionState: Uint8Array.of(9) } }),
    ),
  saveSessionMeta: (runtime) => runtime.saveSessionMeta({ ...META, sessionName: 'other' }),
  tombstoneNodes: (runtime) => runtime.tombstoneNodes(['r']),
}

const ofTheLog = (...args: unknown[]) => args.some((arg) => typeof arg === 'string' && arg.endsWith(`${KEY}.jsonl`))
const ofBlobs = (...args: unknown[]) => args.some((arg) => typeof arg === 'string' && arg.includes(`${KEY}.blobs`))

export const faultCases: RuntimeCase[] = [
  ...['EIO', 'EACCES', 'EMFILE'].map(
    (code): RuntimeCase => ({
      name: `a log that cannot be opened (${code}) is not taken for a missing one`,
      async run(scene) {
        await commitG(scene.runtime, { checkpoint: CHECKPOINT })
        await scene.reopen()
        for (const call of Object.values({ ...READS, gc: (runtime: RuntimePersistence) => runtime.gcUnreachable() })) {
          const fresh = await scene.another()
          await whileFailing({ names: ['open'], code, where: ofTheLog }, () => assert.rejects(call(fresh), { code }))
        }
        assert.equal((await load(scene.runtime)).headRevision, 1)
      },
    }),
  ),
  {
    name: 'blobs that cannot be opened are an outage, not missing',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const before = await load(runtime)
      await whileFailing({ names: ['open'], code: 'EIO', where: ofBlobs }, async () => {
        await assert.rejects(runtime.loadSession(FULL), { code: 'EIO' })
        await assert.rejects(runtime.gcUnreachable(), { code: 'EIO' })
        await assert.rejects(runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: CHECKPOINT })), {
          code: 'EIO',
        })
      })
      assert.deepEqual(await load(runtime), before)
    },
  },
  ...Object.entries(WRITES).map(
    ([name, call]): RuntimeCase => ({
      name: `${name} on a full disk changes nothing, and works when there is room again`,
      async run(scene) {
        const { runtime } = scene
        await commitG(runtime, { checkpoint: CHECKPOINT })
        await runtime.saveSessionMeta(META)
        const before = await answers(runtime, ['b', 'd', 'r'])
        await whileDiskFills(() => assert.rejects(call(runtime), { code: 'ENOSPC' }))
        assert.deepEqual(await answers(runtime, ['b', 'd', 'r']), before)
        await scene.reopen()
        assert.deepEqual(await answers(runtime, ['b', 'd', 'r']), before)
        await call(runtime)
        assert.notDeepEqual(await answers(runtime, ['b', 'd', 'r']), before)
      },
    }),
  ),
  ...['fsync', 'rename', 'fchmod'].map(
    (step): RuntimeCase => ({
      name: `a blob whose ${step} fails is in no commit`,
      async run(scene) {
        const { runtime } = scene
        await commitG(runtime, { checkpoint: CHECKPOINT })
        const before = await load(runtime)
        const more = { checkpoint: { executionState: Uint8Array.of(9) } }
        const where = step === 'rename' ? ofBlobs : () => true
        await whileFailing({ names: [step], code: 'EIO', where }, async () => {
          await assert.rejects(runtime.commitRuntimeState(commit(1, unchanged(), more)), { code: 'EIO' })
        })
        assert.deepEqual(await load(runtime), before)
        assert.equal((await runtime.commitRuntimeState(commit(1, unchanged(), more))).headRevision, 2)
        assert.deepEqual((await load(runtime)).checkpoint?.executionState, Uint8Array.of(9))
      },
    }),
  ),
  ...['rename', 'fsync'].map(
    (step): RuntimeCase => ({
      name: `a vacuum whose ${step} fails leaves the old log, and can be done again`,
      async run(scene) {
        const { runtime } = scene
        await commitG(runtime)
        await runtime.tombstoneNodes(['b'])
        const before = await answers(runtime, ['a', 'b', 'c'])
        const where = step === 'rename' ? ofTheLog : () => true
        await whileFailing({ names: [step], code: 'EIO', where }, () =>
          assert.rejects(runtime.vacuum(), { code: 'EIO' }),
        )
        assert.deepEqual(await answers(runtime, ['a', 'b', 'c']), before)
        if (scene.weather !== 'rewritten') assert.deepEqual(await runtime.vacuum(), { removedNodeCount: 1 })
        assert.deepEqual(await answers(runtime, ['a', 'b', 'c']), before)
      },
    }),
  ),
  {
    name: 'a collection that fails half way can be done again',
    async run({ runtime }) {
      for (let i = 0; i < 4; i++) {
        const more = { checkpoint: { executionState: Uint8Array.of(i) } }
        if (i === 0) await commitG(runtime, more)
        else await runtime.commitRuntimeState(commit(i, unchanged(), more))
      }
      let removed = 0
      const where = (...args: unknown[]) => ofBlobs(...args) && ++removed > 2
      await whileFailing({ names: ['unlink', 'rm'], code: 'EIO', where }, () =>
        assert.rejects(runtime.gcUnreachable(), { code: 'EIO' }),
      )
      assert.deepEqual((await load(runtime)).checkpoint?.executionState, Uint8Array.of(3))
      const { retainedBlobCount, deletedBlobCount } = await runtime.gcUnreachable()
      assert.deepEqual([retainedBlobCount, deletedBlobCount], [2, 4])
    },
  },
]
