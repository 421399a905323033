/** How failures are reported: wrong arguments, and logs of a newer version. */
import assert from 'node:assert/strict'
import type { SessionManager } from '../../../src/contracts/session-manager/index.js'
import { rejectsWithCode } from '../expect.js'
import { raw } from '../session-backend/scene.js'
import { type ManagerCase, messagesOf, metadataOf, seconds, session, three, u, wrong } from './scene.js'

const cycle: Record<string, unknown> = { role: 'user' }
cycle.self = cycle

const withMetadata = (change: object) => ({ ...three(), metadata: { ...three().metadata, ...change } })
const withMessage = (message: unknown) => ({ ...three(), messages: [u, message] })

type Wrong = [what: string, given: unknown]
const TYPE_ERRORS: Wrong[] = [
  ...[null, undefined, 5, 'x', true].map((given): Wrong => [`session ${given}`, given]),
  ...[null, undefined, 'x', 5].map((metadata): Wrong => [`metadata ${metadata}`, { ...three(), metadata }]),
  ...[null, undefined, 'x', 5, {}, { length: 0 }].map(
    (messages): Wrong => [`messages ${messages}`, { ...three(), messages }],
  ),
  ...[null, undefined, 'x', {}, [5], ['a', null], [undefined], Array(2)].map(
    (tags): Wrong => [`tags ${tags}`, withMetadata({ tags })],
  ),
  ...[null, undefined, 5, {}, ['x']].map((agentName): Wrong => [`agent ${agentName}`, withMetadata({ agentName })]),
  ...[5, {}, ['x'], true].map((name): Wrong => [`name ${name}`, withMetadata({ name })]),
  ...['createdAt', 'turnCount', 'totalTokens'].flatMap((field) =>
    [null, undefined, '5', 5n, {}, [5]].map((value): Wrong => [`${field} ${value}`, withMetadata({ [field]: value })]),
  ),
  ['a bigint', withMessage(10n)],
  ['a bigint deep inside', withMessage({ role: 'user', content: [{ a: 1n }] })],
  ['a cycle', withMessage(cycle)],
  ['a cycle of a value', withMessage([cycle])],
  ['a bigint in the state', { ...three(), state: { a: [1n] } }],
  ['a cycle in the state', { ...three(), state: cycle }],
]
const RANGE_ERRORS: Wrong[] = [
  ...['createdAt', 'turnCount', 'totalTokens'].flatMap((field) =>
    [1.5, Number.NaN, Infinity, -Infinity, 2 ** 53].map(
      (value): Wrong => [`${field} ${value}`, withMetadata({ [field]: value })],
    ),
  ),
  ...['turnCount', 'totalTokens'].map((field): Wrong => [`${field} -1`, withMetadata({ [field]: -1 })]),
]

/** One call of each method that must fail before the disk is looked at: the session is not there. */
const FAILING_CALLS: { [method: string]: [(manager: SessionManager) => Promise<unknown>, error: typeof Error] } = {
  resume: [(manager) => manager.resume(wrong(5)), TypeError],
  save: [(manager) => manager.save(wrong(null)), TypeError],
  delete: [(manager) => manager.delete(wrong(null)), TypeError],
  fork: [(manager) => manager.fork('unknown', wrong(5)), TypeError],
  'fork with an object': [(manager) => manager.fork('unknown', wrong({})), TypeError],
  'rewind by text': [(manager) => manager.rewind('unknown', wrong('1')), TypeError],
  'rewind below 0': [(manager) => manager.rewind('unknown', -1), RangeError],
  tag: [(manager) => manager.tag('unknown', ['a', wrong(5)]), TypeError],
  rename: [(manager) => manager.rename('unknown', wrong(null)), TypeError],
}

const WRITES: { [method: string]: (manager: SessionManager) => Promise<unknown> } = {
  save: (manager) => manager.save(three()),
  'save of the same': async (manager) => manager.save(await manager.resume('s')),
  rewind: (manager) => manager.rewind('s', 0),
  tag: (manager) => manager.tag('s', ['new']),
  rename: (manager) => manager.rename('s', 'new name'),
}

export const errorCases: ManagerCase[] = [
  {
    name: 'case 33: what is no session, in an empty folder',
    async run({ manager, snapshot }) {
      const before = snapshot()
      for (const [what, given] of TYPE_ERRORS) await assert.rejects(manager.save(wrong(given)), TypeError, what)
      for (const [what, given] of RANGE_ERRORS) await assert.rejects(manager.save(wrong(given)), RangeError, what)
      await rejectsWithCode(manager.save(session('')), 'ERR_INVALID_KEY')
      assert.deepEqual(snapshot(), before)
      assert.deepEqual(await manager.list(), [])
    },
  },
  {
    name: 'case 33: what is no session changes nothing in one that is there',
    async run({ manager, log }) {
      await manager.save(three())
      const before = await manager.resume('s')
      const bytes = log('s').bytes()
      for (const [what, given] of TYPE_ERRORS) await assert.rejects(manager.save(wrong(given)), TypeError, what)
      for (const [what, given] of RANGE_ERRORS) await assert.rejects(manager.save(wrong(given)), RangeError, what)
      assert.deepEqual(log('s').bytes(), bytes)
      assert.deepEqual(await manager.resume('s'), before)
    },
  },
  ...Object.entries(FAILING_CALLS).map(([method, [call, error]]): ManagerCase => {
    return {
      name: `${method}: a wrong argument rejects before the disk is read`,
      async run({ another, snapshot }) {
        const { manager } = await another()
        const before = snapshot()
        let answer: unknown
        assert.doesNotThrow(() => {
          answer = call(manager)
        })
        assert(answer instanceof Promise)
        await assert.rejects(answer, error)
        assert.deepEqual(snapshot(), before)
      },
    }
  }),
  {
    name: 'no failure is a synchronous throw',
    async run({ another }) {
      const { manager } = await another()
      const calls: Array<() => Promise<unknown>> = [
        () => manager.resume('unknown'),
        () => manager.resume(''),
        () => manager.save(wrong(undefined)),
        () => manager.save(wrong(withMessage(1n))),
        () => manager.save(session('\ud800')),
        () => manager.delete('unknown'),
        () => manager.fork('unknown'),
        () => manager.rewind('unknown', 0),
        () => manager.rewind('unknown', Number.NaN),
        () => manager.tag('unknown', []),
        () => manager.tag('unknown', wrong(undefined)),
        () => manager.rename('unknown', ''),
        () => manager.rename('', wrong(undefined)),
      ]
      for (const call of calls) {
        let answer: unknown
        assert.doesNotThrow(() => {
          answer = call()
        })
        assert(answer instanceof Promise)
        await assert.rejects(answer)
      }
    },
  },
  {
    name: 'a call that would change nothing needs a session too',
    async run({ manager, snapshot }) {
      const before = snapshot()
      const details = { id: 'unknown' }
      await rejectsWithCode(manager.tag('unknown', []), 'ERR_SESSION_NOT_FOUND', details)
      await rejectsWithCode(manager.rename('unknown', ''), 'ERR_SESSION_NOT_FOUND', details)
      await rejectsWithCode(manager.rewind('unknown', 99), 'ERR_SESSION_NOT_FOUND', details)
      assert.deepEqual(snapshot(), before)
    },
  },
  {
    name: 'a log of a newer version can be read',
    async run({ manager, log, clock }) {
      const at = clock.date
      log('s').write(
        raw.header('s', at, 99),
        raw.message('r1', at, 'one'),
        { type: 'new', id: 'n1', at: clock.iso },
        raw.meta('l1', at, {
          name: 'named',
          tags: ['x'],
          agent: 'coder',
          state: { k: 1 },
          turnCount: 5,
          totalTokens: 6,
        }),
        'damage',
      )
      const resumed = await manager.resume('s')
      assert.deepEqual(resumed.messages, [{ role: 'user', content: 'one' }])
      assert.deepEqual(resumed.state, { k: 1 })
      const now = seconds(clock)
      const expected = { name: 'named', tags: ['x'], agentName: 'coder', turnCount: 5, totalTokens: 6 }
      assert.deepEqual(resumed.metadata, { id: 's', ...expected, createdAt: now, updatedAt: now, forkedFrom: null })
      assert.deepEqual(await manager.list(), [resumed.metadata])
    },
  },
  ...Object.entries(WRITES).map(([method, write]): ManagerCase => {
    return {
      name: `${method} leaves a log of a newer version alone`,
      async run({ manager, log, clock, reopen }) {
        const at = clock.date
        log('s').write(raw.header('s', at, 99), raw.message('r1', at, 'x'), raw.meta('l1', at, { name: 'n' }), 'damage')
        log('s').addBytes('{"role":"user","content":"to')
        const before = log('s').bytes()
        const { mtimeMs } = log('s')
        await rejectsWithCode(write(manager), 'ERR_VERSION_UNSUPPORTED')
        await manager.resume('s')
        await rejectsWithCode(write(manager), 'ERR_VERSION_UNSUPPORTED')
        await reopen()
        await rejectsWithCode(write(manager), 'ERR_VERSION_UNSUPPORTED')
        assert.deepEqual(log('s').bytes(), before)
        assert.equal(log('s').mtimeMs, mtimeMs)
        assert.deepEqual(await messagesOf(manager, 's'), [{ role: 'user', content: 'x' }])
        assert.equal((await metadataOf(manager, 's')).name, 'n')
      },
    }
  }),
]
