/** Deleting the blobs that the head does not reach. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { rejectsWithCode } from '../expect.js'
import {
  blobFile,
  blobNames,
  blobsIn,
  CHECKPOINT,
  commit,
  commitG,
  contentsOf,
  KEY,
  load,
  type RuntimeCase,
  type RuntimeScene,
  refuses,
  sha256,
  unchanged,
} from './scene.js'

/** A blob that no commit names. */
function plant(dir: string, content: string): string {
  const file = path.join(blobsIn(dir), sha256(content))
  fs.writeFileSync(file, content)
  return file
}

async function refusesToCollect(scene: RuntimeScene, code: string): Promise<void> {
  await refuses(scene, () => scene.runtime.gcUnreachable(), code)
}

export const gcCases: RuntimeCase[] = [
  {
    name: 'unreferenced blobs are deleted, reachable ones stay',
    async run({ runtime, dir }) {
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const live = blobNames(dir)
      plant(dir, 'orphan')
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 4, deletedBlobCount: 1 })
      assert.deepEqual(blobNames(dir), live)
      assert.deepEqual((await load(runtime)).checkpoint?.toolState, CHECKPOINT.toolState)
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 4, deletedBlobCount: 0 })
    },
  },
  {
    name: 'blobs of former heads go but for those that the head shares',
    async run({ runtime }) {
      const toolState = { generation: 1, tools: {} }
      const state = (byte: number) => ({ checkpoint: { toolState, executionState: Uint8Array.of(byte) } })
      await commitG(runtime, state(1))
      const second = { ...state(2).checkpoint, turnState: CHECKPOINT.turnState! }
      await runtime.commitRuntimeState(commit(1, unchanged(), { checkpoint: second }))
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 3, deletedBlobCount: 2 })
      assert.deepEqual((await load(runtime)).checkpoint?.executionState, Uint8Array.of(2))
    },
  },
  {
    name: 'nothing goes while the manifest is missing or wrong',
    async run(scene) {
      const { runtime, dir } = scene
      const { checkpointRef } = await commitG(runtime, { checkpoint: CHECKPOINT })
      plant(dir, 'orphan')
      const file = blobFile(dir, checkpointRef)
      const manifest = fs.readFileSync(file)
      for (const bytes of ['', '{}', '{"toolStateRef":"x"}', 'not json']) {
        fs.writeFileSync(file, bytes)
        await refusesToCollect(scene, 'ERR_BLOB_CORRUPT')
      }
      fs.rmSync(file)
      await refusesToCollect(scene, 'ERR_BLOB_NOT_FOUND')
      assert.equal(blobNames(dir).length, 4)
      fs.writeFileSync(file, manifest)
      assert.equal((await runtime.gcUnreachable()).deletedBlobCount, 1)
    },
  },
  {
    name: 'only blobs that are there count as retained',
    async run({ runtime, dir }) {
      const { manifest } = await commitG(runtime, { checkpoint: CHECKPOINT })
      fs.rmSync(blobFile(dir, manifest.toolStateRef))
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 3, deletedBlobCount: 0 })
    },
  },
  {
    name: 'nothing goes while a line behind the last commit cannot be read',
    async run(scene) {
      const { runtime, dir, log, weather } = scene
      await commitG(runtime, { checkpoint: CHECKPOINT })
      plant(dir, 'orphan')
      log(KEY).add('{"type":"commit","revision":2,"nodes":[')
      if (weather !== 'rewritten') await refusesToCollect(scene, 'ERR_LOG_CORRUPT')
      await (await scene.backend()).compact(KEY)
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 4, deletedBlobCount: 1 })
    },
  },
  {
    name: 'a line that cannot be read before the last commit is no reason to keep blobs',
    async run({ runtime, log, dir }) {
      await commitG(runtime)
      log(KEY).add('damage')
      await runtime.commitRuntimeState(commit(1))
      plant(dir, 'orphan')
      assert.equal((await runtime.gcUnreachable()).deletedBlobCount, 1)
    },
  },
  {
    name: 'a torn last line is no reason either',
    async run({ runtime, log, dir }) {
      await commitG(runtime)
      plant(dir, 'orphan')
      log(KEY).addBytes('{"type":"commit","rev')
      assert.equal((await runtime.gcUnreachable()).deletedBlobCount, 1)
    },
  },
  {
    name: 'a session without any commit, whose lines cannot all be read, keeps its blobs',
    async run(scene) {
      const { runtime, dir, log, weather } = scene
      if (weather === 'rewritten') return
      await runtime.saveSessionMeta({ ...META_ROW })
      log(KEY).add('damage')
      fs.mkdirSync(blobsIn(dir), { mode: 0o700 })
      plant(dir, 'orphan')
      await refusesToCollect(scene, 'ERR_LOG_CORRUPT')
    },
  },
  {
    name: 'left-over temporary files go uncounted, other files stay',
    async run({ runtime, dir }) {
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const kept = ['notes.txt', 'A'.repeat(64), `${'0'.repeat(64)}.bak`]
      for (const name of kept) fs.writeFileSync(path.join(blobsIn(dir), name), 'mine')
      fs.mkdirSync(path.join(blobsIn(dir), 'f'.repeat(64)))
      fs.writeFileSync(path.join(blobsIn(dir), '.0123456789abcdef.tmp'), 'half')
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 1, retainedBlobCount: 4, deletedBlobCount: 0 })
      const names = blobNames(dir)
      assert(kept.every((name) => names.includes(name)))
      assert(names.includes('f'.repeat(64)))
      assert(!names.some((name) => name.endsWith('.tmp')))
    },
  },
  {
    name: 'a read after a collection by another instance finds what it needs',
    async run(scene) {
      const { runtime } = scene
      const other = await scene.another()
      for (let i = 0; i < 10; i++) {
        const more = { checkpoint: { executionState: Uint8Array.of(i) } }
        if (i === 0) await commitG(runtime, more)
        else await runtime.commitRuntimeState(commit(i, unchanged(), more))
        const [read] = await Promise.all([load(runtime), other.gcUnreachable()])
        assert.deepEqual(read.checkpoint?.executionState, Uint8Array.of(i))
      }
    },
  },
  {
    name: 'no collection touches another session',
    async run(scene) {
      const { runtime, dir } = scene
      await commitG(runtime, { checkpoint: CHECKPOINT })
      const other = path.join(dir, 'beta.blobs')
      await (await scene.backend()).append('beta', { role: 'user', content: 'hi' })
      fs.mkdirSync(other, { recursive: true })
      fs.writeFileSync(path.join(other, sha256('x')), 'x')
      await runtime.gcUnreachable()
      assert.deepEqual(fs.readdirSync(other), [sha256('x')])
      await rejectsWithCode(runtime.commitRuntimeState(commit(7)), 'ERR_HEAD_REVISION_CONFLICT')
      assert.equal(Object.keys(contentsOf(scene)).length, 5)
    },
  },
]

const META_ROW = { sessionId: KEY, sessionName: '', createdAt: '', model: '', cwd: null, parentSessionId: null }
