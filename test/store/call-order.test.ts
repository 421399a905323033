/**
 * Calls on one session land in call order, awaited or not, whatever the verb and whether the session exists: random
 * sequences of writing verbs of all contracts, called at once, give what the same calls give one after another.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { JsonlSessionBackend } from '../../src/contracts/session-backend/index.js'
import { JsonlSessionManager } from '../../src/contracts/session-manager/index.js'
import { openStore, type SessionStore } from '../../src/index.js'
import { message, tempFolder } from '../helpers/store.js'

const KEYS = ['a', 'An encoded key']
const NOW = Date.UTC(2026, 10, 28)
const CONFIG = {
  ...{ providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' },
  ...{ standardContextApproach: null, modelVariant: null },
}
const META = { createdAt: '2026-11-24T08:00:00Z', model: 'm', cwd: null, parentSessionId: null }
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** One store under all contracts. */
class Faces {
  readonly backend: JsonlSessionBackend
  readonly manager: JsonlSessionManager
  readonly persistence: JsonlPersistence
  readonly #runtimes = new Map<string, JsonlRuntimePersistence>()

  constructor(readonly store: SessionStore) {
    this.backend = new JsonlSessionBackend(store)
    this.manager = new JsonlSessionManager(store)
    this.persistence = new JsonlPersistence(store)
  }

  runtime(key: string): JsonlRuntimePersistence {
    const runtime = this.#runtimes.get(key) ?? new JsonlRuntimePersistence(this.store, key)
    this.#runtimes.set(key, runtime)
    return runtime
  }
}

type Verb = (faces: Faces, key: string, n: number) => Promise<unknown>

const saved = (key: string, n: number) => ({
  metadata: {
    ...{ id: key, name: `save ${n}`, tags: ['saved'], agentName: 'x' },
    ...{ createdAt: 0, updatedAt: 0, turnCount: n, totalTokens: 0 },
  },
  messages: Array.from({ length: n % 4 }, (_, i) => message(`m${i}`)),
  state: { n },
})

const commit = (key: string, n: number) => ({
  ...{ sessionId: key, expectedHeadRevision: n % 2 === 0 ? null : 1, config: CONFIG, usageDeltas: [] },
  graph: {
    kind: 'replaceFull' as const,
    graph: {
      nodes: [{ nodeId: 'root', timestamp: '2026-11-24T08:00:00Z', kind: 'event' as const, event: { n } }],
      leafNodeId: 'root',
    },
  },
  checkpoint: { executionState: new Uint8Array(n % 3 === 0 ? 300_000 : 8).fill(n) },
})

const VERBS: Record<string, Verb> = {
  append: ({ backend }, key, n) => backend.append(key, message(`a${n}`)),
  appendMany: ({ store }, key, n) => store.session(key).append([message(`b${n}`), message(`c${n}`)]),
  removeLast: ({ backend }, key) => backend.removeLast(key),
  compact: ({ backend }, key) => backend.compact(key),
  deleteSession: ({ backend }, key) => backend.deleteSession(key),
  setSessionName: ({ backend }, key, n) => backend.setSessionName(key, n % 2 === 0 ? '' : `n${n}`),
  setSessionState: ({ backend }, key, n) =>
    backend.setSessionState(key, (['idle', 'running', 'error'] as const)[n % 3]!, n % 2 === 0 ? 't' : null),
  remove: ({ store }, key) => store.session(key).remove('nothing'),
  rewindSession: ({ store }, key, n) => store.session(key).rewind({ keep: n % 3 }),
  restore: ({ store }, key) => store.session(key).restore('nothing'),
  untag: ({ store }, key) => store.session(key).untag(['saved']),
  setMetadata: ({ store }, key, n) => store.session(key).setMetadata('k', `${n}`),
  forkTo: ({ store }, key, n) => store.fork(key, { as: KEYS[n % 2]! }).then(({ key }) => key),
  save: ({ manager }, key, n) => manager.save(saved(key, n)),
  tag: ({ manager }, key, n) => manager.tag(key, [`t${n % 3}`]),
  rename: ({ manager }, key, n) => manager.rename(key, `r${n}`),
  rewind: ({ manager }, key, n) => manager.rewind(key, n % 3).then(() => 'done'),
  fork: ({ manager }, key) => manager.fork(key, 'copy').then(({ name }) => name),
  deleteSaved: ({ manager }, key) => manager.delete(key),
  insertMessage: ({ persistence }, key, n) => persistence.insertMessage(key, { role: 'user', content: `i${n}` }),
  setTodo: ({ persistence }, key, n) => persistence.setTodo(key, `${n}`),
  compactSession: ({ persistence }, key, n) => persistence.compactSession(key, `s${n}`, n % 3),
  commit: (faces, key, n) => faces.runtime(key).commitRuntimeState(commit(key, n)),
  saveMeta: (faces, key, n) => faces.runtime(key).saveSessionMeta({ ...META, sessionId: key, sessionName: `m${n}` }),
  tombstone: (faces, key) => faces.runtime(key).tombstoneNodes(['root']),
  vacuum: (faces, key) => faces.runtime(key).vacuum(),
  gc: (faces, key) => faces.runtime(key).gcUnreachable(),
}

interface Call {
  verb: string
  key: string
  n: number
}

/** What a call gave: ids, which differ from run to run, are left out. */
async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    return (JSON.stringify(await promise) ?? 'undefined').replace(UUID, 'ID')
  } catch (error) {
    return `${(error as { code?: string }).code ?? error}`
  }
}

async function stateOf(faces: Faces, key: string): Promise<unknown> {
  const session = faces.store.session(key)
  const messages = (await session.messages()).map(({ content }) => content)
  const info = await session.info()
  const rest = await Promise.all([
    outcomeOf(faces.manager.resume(key)),
    outcomeOf(faces.runtime(key).loadSession({ kind: 'fullGraph' })),
    outcomeOf(faces.runtime(key).loadSessionMeta()),
    outcomeOf(faces.persistence.loadContext(key)),
    outcomeOf(session.getMetadata('k')),
  ])
  return { messages, name: info?.name, tags: info?.tags, state: info?.state, turnId: info?.turnId, rest }
}

async function run(calls: readonly Call[], isAwaited: boolean): Promise<unknown> {
  const store = await openStore(tempFolder(), { now: () => NOW })
  try {
    const faces = new Faces(store)
    const outcomes: Array<Promise<string>> = []
    for (const { verb, key, n } of calls) {
      const outcome = outcomeOf(VERBS[verb]!(faces, key, n))
      outcomes.push(outcome)
      if (isAwaited) await outcome
    }
    const done = await Promise.all(outcomes)
    const copies = (await store.keys()).length
    return {
      outcomes: done.map((outcome, i) => `${calls[i]!.verb} ${calls[i]!.key} ${outcome}`),
      states: [await stateOf(faces, KEYS[0]!), await stateOf(faces, KEYS[1]!)],
      copies,
    }
  } finally {
    await store.close()
  }
}

const call = fc.record({
  verb: fc.constantFrom(...Object.keys(VERBS)),
  key: fc.constantFrom(...KEYS),
  n: fc.integer({ min: 0, max: 11 }),
})

test('random calls at once give what the same calls give one after another', async () => {
  const numRuns = Number(process.env.LAW_RUNS ?? 60)
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 2, maxLength: 12 }), async (calls) => {
      expect(await run(calls, false)).toEqual(await run(calls, true))
    }),
    { numRuns, seed: Number(process.env.LAW_SEED ?? 17) },
  )
})

test.each(Object.keys(VERBS))('%s behind an append and before a deletion, on a new session', async (verb) => {
  const calls = [
    { verb: 'append', key: 'a', n: 1 },
    { verb, key: 'a', n: 2 },
    { verb: 'append', key: 'a', n: 3 },
    { verb: 'deleteSession', key: 'a', n: 4 },
    { verb, key: 'a', n: 5 },
  ]
  expect(await run(calls, false)).toEqual(await run(calls, true))
})
