/** Checkpoints: bodies, refs, the manifest. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { DEFAULT_SESSION_ID, defaultTurnState } from '../../../src/contracts/runtime-persistence/index.js'
import {
  blobFile,
  blobNames,
  CHECKPOINT,
  commit,
  commitG,
  load,
  type RuntimeCase,
  refuses,
  sha256,
  unchanged,
} from './scene.js'

export const checkpointCases: RuntimeCase[] = [
  {
    name: 'bodies are files named by the hash of their bytes',
    async run({ runtime, dir }) {
      const { manifest, checkpointRef } = await commitG(runtime, { checkpoint: CHECKPOINT })
      const tool = JSON.stringify(CHECKPOINT.toolState)
      const plugin = JSON.stringify(CHECKPOINT.pluginSnapshot)
      assert.equal(manifest.toolStateRef, sha256(tool))
      assert.equal(manifest.pluginSnapshotRef, sha256(plugin))
      assert.equal(manifest.executionStateRef, sha256(CHECKPOINT.executionState!))
      const text = JSON.stringify({
        turnState: CHECKPOINT.turnState,
        toolStateRef: manifest.toolStateRef,
        pluginSnapshotRef: manifest.pluginSnapshotRef,
        pluginSnapshotRevision: '11',
        executionStateRef: manifest.executionStateRef,
      })
      assert.equal(checkpointRef, sha256(text))
      const contents = [tool, plugin, CHECKPOINT.executionState!, text]
      assert.deepEqual(blobNames(dir), contents.map(sha256).sort())
      for (const content of contents) {
        assert.deepEqual(fs.readFileSync(blobFile(dir, sha256(content))), Buffer.from(content))
      }
      assert.deepEqual((await load(runtime)).checkpoint, { ...manifest, ...CHECKPOINT })
    },
  },
  {
    name: 'a ref alone keeps a component',
    async run({ runtime }) {
      const { manifest } = await commitG(runtime, { checkpoint: CHECKPOINT })
      const { toolStateRef, pluginSnapshotRef, executionStateRef } = manifest
      const kept = { toolStateRef, pluginSnapshotRef, executionStateRef }
      const second = await runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: kept }))
      assert.deepEqual(second.manifest, { ...kept, turnState: defaultTurnState(), pluginSnapshotRevision: null })
      const { checkpoint } = await load(runtime)
      assert.deepEqual(checkpoint, {
        ...second.manifest,
        toolState: CHECKPOINT.toolState,
        pluginSnapshot: CHECKPOINT.pluginSnapshot,
        executionState: CHECKPOINT.executionState,
      })
    },
  },
  {
    name: 'a body wins over a ref beside it',
    async run({ runtime }) {
      const first = await commitG(runtime, { checkpoint: CHECKPOINT })
      const toolState = { generation: 8, tools: {} }
      const refs = [first.manifest.toolStateRef, '0'.repeat(64), 'no ref']
      for (const [i, toolStateRef] of refs.entries()) {
        const checkpoint = { toolState, toolStateRef }
        const { manifest } = await runtime.commitRuntimeState(commit(i + 1, unchanged(), { checkpoint }))
        assert.equal(manifest.toolStateRef, sha256(JSON.stringify(toolState)))
      }
      assert.deepEqual((await load(runtime)).checkpoint?.toolState, toolState)
    },
  },
  {
    name: 'a component with neither is gone, each alone',
    async run({ runtime }) {
      const { manifest } = await commitG(runtime, { checkpoint: CHECKPOINT })
      const { toolStateRef } = manifest
      const { pluginSnapshot } = CHECKPOINT
      await runtime.commitRuntimeState(
        commit(1, unchanged(), { checkpoint: { toolStateRef, pluginSnapshot: pluginSnapshot! } }),
      )
      const { checkpoint } = await load(runtime)
      assert.deepEqual(checkpoint?.toolState, CHECKPOINT.toolState)
      assert.deepEqual(checkpoint?.pluginSnapshot, pluginSnapshot)
      assert.deepEqual([checkpoint?.executionState, checkpoint?.executionStateRef], [null, null])
    },
  },
  {
    name: 'a ref must have its blob',
    async run(scene) {
      const { runtime } = scene
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const refs = ['0'.repeat(64), 'A'.repeat(64), '', '../alpha.jsonl', 'x'.repeat(500)]
      for (const component of ['toolState', 'pluginSnapshot', 'executionState']) {
        for (const ref of refs) {
          const more = { checkpoint: { ...{ pluginSnapshotRevision: 3n }, [`${component}Ref`]: ref } }
          const call = () => runtime.commitRuntimeState(commit(1, unchanged(), more))
          await refuses(scene, call, 'ERR_BLOB_NOT_FOUND', { ref, component })
        }
      }
      const toolStateRef = '0'.repeat(64)
      const first = () =>
        runtime.commitRuntimeState(
          commit(1, unchanged(), { checkpoint: { ...CHECKPOINT, toolState: null, toolStateRef } }),
        )
      await refuses(scene, first, 'ERR_BLOB_NOT_FOUND', { ref: toolStateRef, component: 'toolState' })
    },
  },
  {
    name: 'a ref of a new session names nothing',
    async run(scene) {
      const toolStateRef = '0'.repeat(64)
      const call = () => commitG(scene.runtime, { checkpoint: { toolStateRef } })
      await refuses(scene, call, 'ERR_BLOB_NOT_FOUND', { ref: toolStateRef, component: 'toolState' })
      assert.equal(await scene.runtime.loadSession({ kind: 'fullGraph' }), null)
    },
  },
  {
    name: 'a plugin revision has 64 bits',
    async run({ runtime, reopen }) {
      const revisions = [15603399155664265234n, 0n, 2n ** 64n - 1n]
      for (const [i, pluginSnapshotRevision] of revisions.entries()) {
        const checkpoint = { pluginSnapshotRevision }
        if (i === 0) await commitG(runtime, { checkpoint })
        else await runtime.commitRuntimeState(commit(i, unchanged(), { checkpoint }))
        await reopen()
        assert.equal((await load(runtime)).checkpoint?.pluginSnapshotRevision, pluginSnapshotRevision)
      }
    },
  },
  {
    name: 'a turn state comes back, and a missing one is the default',
    async run({ runtime }) {
      await commitG(runtime, { checkpoint: { turnState: CHECKPOINT.turnState! } })
      assert.deepEqual((await load(runtime)).checkpoint?.turnState, CHECKPOINT.turnState)
      await runtime.commitRuntimeState(commit(1))
      const { checkpoint } = await load(runtime)
      assert.deepEqual(checkpoint, {
        turnState: {
          turnIndex: 0,
          tokenUsage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
          lastPromptUsage: null,
          modeTurnOptions: { modeId: 'standard', payload: {} },
        },
        ...{ toolStateRef: null, toolState: null, pluginSnapshotRef: null, pluginSnapshot: null },
        ...{ pluginSnapshotRevision: null, executionStateRef: null, executionState: null },
      })
      assert.equal(DEFAULT_SESSION_ID, 'root')
    },
  },
  {
    name: 'execution states of any length come back as bytes',
    async run({ runtime, dir }) {
      const states = [new Uint8Array(0), Buffer.from('a buffer'), new Uint8Array(1_500_000).map((_, i) => i * 7)]
      await commitG(runtime)
      for (const [i, executionState] of states.entries()) {
        const { manifest } = await runtime.commitRuntimeState(
          commit(i + 1, unchanged(), { checkpoint: { executionState } }),
        )
        assert.equal(manifest.executionStateRef, sha256(executionState))
        const back = (await load(runtime)).checkpoint?.executionState
        assert(back !== null && back !== undefined && Object.getPrototypeOf(back) === Uint8Array.prototype)
        assert(Buffer.from(back).equals(Buffer.from(executionState)))
        assert.equal(fs.statSync(blobFile(dir, manifest.executionStateRef)).size, executionState.length)
      }
    },
  },
  {
    name: 'equal content is one file, for any use',
    only: 'fresh',
    async run({ runtime, dir }) {
      const toolState = { generation: 1, tools: {} }
      const executionState = Buffer.from(JSON.stringify(toolState))
      const { manifest } = await commitG(runtime, { checkpoint: { toolState, executionState } })
      assert.equal(manifest.toolStateRef, manifest.executionStateRef)
      assert.equal(blobNames(dir).length, 2)
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 2, deletedBlobCount: 0 })
    },
  },
]
