/** The session record. */
import assert from 'node:assert/strict'
import { commitG, contentsOf, FULL, KEY, linesOf, META, type RuntimeCase, refuses, wrong } from './scene.js'

export const metaCases: RuntimeCase[] = [
  {
    name: 'the record comes back, and a later one replaces all of it',
    async run({ runtime }) {
      await runtime.saveSessionMeta(META)
      assert.deepEqual(await runtime.loadSessionMeta(), META)
      const { cwd: _, parentSessionId: __, ...rest } = META
      await runtime.saveSessionMeta(wrong({ ...rest, sessionName: 'Another' }))
      const expected = { ...META, sessionName: 'Another', cwd: null, parentSessionId: null }
      assert.deepEqual(await runtime.loadSessionMeta(), expected)
    },
  },
  {
    name: 'a record makes a session without a head',
    async run({ runtime, log }) {
      await runtime.saveSessionMeta(META)
      assert(log(KEY).exists())
      assert.equal(await runtime.loadSession(FULL), null)
      assert.deepEqual(await runtime.gcUnreachable(), { rootCount: 0, retainedBlobCount: 0, deletedBlobCount: 0 })
      assert.equal((await commitG(runtime)).headRevision, 1)
      assert.deepEqual(await runtime.loadSessionMeta(), META)
    },
  },
  {
    name: 'a record of another session is refused',
    async run(scene) {
      const call = () => scene.runtime.saveSessionMeta({ ...META, sessionId: 'beta' })
      const details = { boundSessionId: KEY, attemptedSessionId: 'beta' }
      await refuses(scene, call, 'ERR_SESSION_BINDING_MISMATCH', details)
      assert.equal(scene.log(KEY).exists(), false)
    },
  },
  {
    name: 'a session with a head and no record has none',
    async run({ runtime }) {
      await commitG(runtime)
      assert.equal(await runtime.loadSessionMeta(), null)
    },
  },
  {
    name: 'any text is a time of creation, and only the six fields are kept',
    async run(scene) {
      const record = { ...META, createdAt: '', sessionName: '\u0000 é "', model: '' }
      await scene.runtime.saveSessionMeta(wrong({ ...record, more: 1 }))
      assert.deepEqual(await scene.runtime.loadSessionMeta(), record)
      const last = linesOf(scene).findLast(({ type, set }) => type === 'meta' && set.runtimeMeta)
      assert.deepEqual(Object.keys(last?.set.runtimeMeta), Object.keys(META))
    },
  },
  {
    name: 'a record is neither activity nor a revision',
    async run(scene) {
      const { runtime, clock } = scene
      const backend = await scene.backend()
      await commitG(runtime)
      const [before] = await backend.listSessionsWithMetadata()
      clock.move(60_000)
      await runtime.saveSessionMeta(META)
      const [after] = await backend.listSessionsWithMetadata()
      assert.deepEqual(after?.lastActivity, before?.lastActivity)
      const read = await runtime.loadSession(FULL)
      assert.equal(read?.headRevision, 1)
    },
  },
  {
    name: 'what was read can be changed without harm',
    async run(scene) {
      await scene.runtime.saveSessionMeta(META)
      const before = contentsOf(scene)
      const read = await scene.runtime.loadSessionMeta()
      assert(read)
      read.sessionName = 'mine'
      assert.deepEqual(await scene.runtime.loadSessionMeta(), META)
      if (scene.weather === 'fresh') assert.deepEqual(contentsOf(scene), before)
    },
  },
]
