/** Blobs that are missing, wrong, or in the way. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { promptly, rejectsWithCode } from '../expect.js'
import { makePipe } from '../folder.js'
import {
  blobFile,
  blobNames,
  blobsIn,
  CHECKPOINT,
  commit,
  commitG,
  FULL,
  load,
  PATH,
  type RuntimeCase,
  type RuntimeScene,
  unchanged,
} from './scene.js'

const PARTS = ['manifest', 'toolState', 'pluginSnapshot', 'executionState'] as const

/** Each blob of a committed checkpoint, with what it is for. */
async function eachBlob(
  { runtime, dir }: RuntimeScene,
  look: (file: string, details: { ref: string; component: string }) => Promise<void>,
): Promise<void> {
  const { checkpointRef, manifest } = await commitG(runtime, { checkpoint: CHECKPOINT })
  for (const component of PARTS) {
    const ref = component === 'manifest' ? checkpointRef : manifest[`${component}Ref`]
    assert(ref)
    await look(blobFile(dir, ref), { ref, component })
  }
}

export const blobCases: RuntimeCase[] = [
  {
    name: 'a blob that is missing or wrong is an error of every load',
    async run(scene) {
      await eachBlob(scene, async (file, details) => {
        const bytes = fs.readFileSync(file)
        fs.rmSync(file)
        for (const scope of [FULL, PATH]) {
          await rejectsWithCode(scene.runtime.loadSession(scope), 'ERR_BLOB_NOT_FOUND', details)
        }
        for (const other of [bytes.subarray(1), Buffer.concat([bytes, bytes]), Buffer.from(bytes.map((b) => b ^ 1))]) {
          fs.writeFileSync(file, other)
          for (const scope of [FULL, PATH]) {
            await rejectsWithCode(scene.runtime.loadSession(scope), 'ERR_BLOB_CORRUPT', details)
          }
        }
        fs.writeFileSync(file, bytes)
        await load(scene.runtime)
      })
    },
  },
  {
    name: 'nodes can be read without blobs',
    async run({ runtime, dir }) {
      await commitG(runtime, { checkpoint: CHECKPOINT })
      fs.rmSync(blobsIn(dir), { recursive: true })
      assert.equal((await runtime.loadNode('b'))?.nodeId, 'b')
      await rejectsWithCode(runtime.loadSession(FULL), 'ERR_BLOB_NOT_FOUND')
    },
  },
  {
    name: 'a commit puts right what is wrong or missing, and leaves what is right',
    async run({ runtime, dir }) {
      const { manifest, checkpointRef } = await commitG(runtime, { checkpoint: CHECKPOINT })
      const right = blobFile(dir, manifest.pluginSnapshotRef)
      const { mtimeMs, ino } = fs.statSync(right)
      fs.rmSync(blobFile(dir, manifest.toolStateRef))
      fs.writeFileSync(blobFile(dir, manifest.executionStateRef), 'wrong')
      fs.writeFileSync(blobFile(dir, checkpointRef), '')
      await runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: CHECKPOINT }))
      assert.deepEqual((await load(runtime)).checkpoint, { ...manifest, ...CHECKPOINT })
      const after = fs.statSync(right)
      assert.deepEqual([after.mtimeMs, after.ino], [mtimeMs, ino])
    },
  },
  {
    name: 'links and other things in the place of blobs are not followed',
    async run(scene) {
      const outside = path.join(scene.dir, '..', 'outside')
      let revision = 1
      await eachBlob(scene, async (file, details) => {
        const bytes = fs.readFileSync(file)
        fs.writeFileSync(outside, bytes)
        fs.rmSync(file)
        fs.symlinkSync(outside, file)
        await rejectsWithCode(scene.runtime.loadSession(FULL), 'ERR_BLOB_NOT_FOUND', details)
        fs.rmSync(file)
        if (makePipe(file)) {
          await rejectsWithCode(promptly(scene.runtime.loadSession(FULL)), 'ERR_BLOB_NOT_FOUND', details)
          fs.rmSync(file)
        }
        fs.symlinkSync(outside, file)
        const heal = commit(revision++, unchanged(), { checkpoint: CHECKPOINT })
        await scene.runtime.commitRuntimeState(heal)
        assert(fs.lstatSync(file).isFile())
        assert.deepEqual(fs.readFileSync(outside), bytes)
        fs.rmSync(outside)
      })
    },
  },
  {
    name: 'a folder of blobs that is a link is refused',
    async run(scene) {
      const { runtime, dir } = scene
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const outside = path.join(dir, '..', 'elsewhere')
      fs.renameSync(blobsIn(dir), outside)
      fs.symlinkSync(outside, blobsIn(dir))
      const before = fs.readdirSync(outside)
      await assert.rejects(runtime.loadSession(FULL), { code: 'ENOTDIR' })
      const state = { checkpoint: { executionState: Uint8Array.of(1) } }
      await assert.rejects(runtime.commitRuntimeState(commit(1, unchanged(), state)), { code: 'ENOTDIR' })
      await assert.rejects(runtime.gcUnreachable(), { code: 'ENOTDIR' })
      assert.deepEqual(fs.readdirSync(outside), before)
      fs.rmSync(blobsIn(dir))
      fs.renameSync(outside, blobsIn(dir))
      assert.equal((await load(runtime)).headRevision, 1)
    },
  },
  {
    name: 'blobs are private',
    async run({ runtime, dir }) {
      const mask = process.umask(0)
      try {
        await commitG(runtime, { checkpoint: CHECKPOINT })
      } finally {
        process.umask(mask)
      }
      assert.equal(fs.statSync(blobsIn(dir)).mode & 0o777, 0o700)
      for (const name of blobNames(dir)) assert.equal(fs.statSync(blobFile(dir, name)).mode & 0o777, 0o600)
    },
  },
]
