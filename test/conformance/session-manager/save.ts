/** save: afterwards the session is what was given. */
import assert from 'node:assert/strict'
import { HOUR, SECOND } from '../clock.js'
import { a, type ManagerCase, messagesOf, metadataOf, seconds, session, stored, three, u, u2, wrong } from './scene.js'

const YEAR_2020 = 1_600_000_000

export const saveCases: ManagerCase[] = [
  {
    name: 'case 1: a saved session comes back whole',
    async run({ manager, clock, reopen }) {
      const given = session('s1', {
        messages: [u, a],
        state: { cwd: '/p', n: [1, null] },
        name: 'first',
        tags: ['b', 'a'],
        agentName: 'coder',
        turnCount: 7,
        totalTokens: 12_345,
      })
      assert.equal(await manager.save(given), undefined)
      assert.deepEqual(await manager.resume('s1'), stored(given, clock))
      await reopen()
      assert.deepEqual(await manager.resume('s1'), stored(given, clock))
      assert.deepEqual(await manager.list(), [stored(given, clock).metadata])
    },
  },
  {
    name: 'case 2: the first save sets createdAt, or takes it',
    async run({ manager, clock }) {
      const now = seconds(clock)
      await manager.save(session('new', { createdAt: 0 }))
      await manager.save(session('old', { createdAt: YEAR_2020 }))
      for (const { id, createdAt } of [
        { id: 'new', createdAt: now },
        { id: 'old', createdAt: YEAR_2020 },
      ]) {
        const metadata = await metadataOf(manager, id)
        assert.equal(metadata.createdAt, createdAt)
        assert.equal(metadata.updatedAt, now)
      }
    },
  },
  {
    name: 'case 3: a later save keeps createdAt and moves updatedAt',
    async run({ manager, clock, reopen }) {
      const first = seconds(clock)
      await manager.save(session('new', { messages: [u] }))
      await manager.save(session('old', { messages: [u], createdAt: YEAR_2020 }))
      clock.move(90 * SECOND)
      await manager.save(session('new', { messages: [u, a], createdAt: 5 }))
      await manager.save(session('old', { messages: [u, a], createdAt: 5 }))
      await reopen()
      for (const { id, createdAt } of [
        { id: 'new', createdAt: first },
        { id: 'old', createdAt: YEAR_2020 },
      ]) {
        const metadata = await metadataOf(manager, id)
        assert.equal(metadata.createdAt, createdAt)
        assert.equal(metadata.updatedAt, first + 90)
      }
    },
  },
  {
    name: 'case 4: the object of the caller is not changed',
    async run({ manager, clock }) {
      const given = three({ updatedAt: 5, createdAt: 0, tags: ['x', 'y', 'x'], forkedFrom: 'other' })
      const copy = structuredClone(given)
      await manager.save(given)
      clock.move(SECOND)
      await manager.save(given)
      assert.deepEqual(given, copy)
    },
  },
  {
    name: 'case 14: a deleted session is created again',
    async run({ manager, clock }) {
      const given = three({ createdAt: 0 })
      await manager.save(given)
      await manager.delete('s')
      clock.move(HOUR)
      await manager.save(given)
      assert.deepEqual(await manager.resume('s'), stored(given, clock))
      assert.deepEqual(await manager.list(), [stored(given, clock).metadata])
    },
  },
  {
    name: 'case 29: second copies of a tag are dropped',
    async run({ manager }) {
      await manager.save(session('s', { tags: ['b', 'a', 'b'] }))
      assert.deepEqual((await metadataOf(manager, 's')).tags, ['b', 'a'])
      await manager.save(session('s', { tags: ['', 'A', 'a', ' a', '', 'A'] }))
      assert.deepEqual((await metadataOf(manager, 's')).tags, ['', 'A', 'a', ' a'])
    },
  },
  {
    name: 'every label is replaced by the given one',
    async run({ manager, clock, reopen }) {
      await manager.save(three())
      const { createdAt } = await metadataOf(manager, 's')
      const next = [
        three({ name: 'm', tags: ['y', 'x'], agentName: 'other', turnCount: 9, totalTokens: 5, state: [{ k: 2 }] }),
        three({ name: null, tags: [], agentName: '', turnCount: 0, totalTokens: 0, state: null }),
        three({ name: '', tags: [''], turnCount: 1, totalTokens: Number.MAX_SAFE_INTEGER, state: '' }),
      ]
      for (const given of next) {
        clock.move(SECOND)
        await manager.save(given)
        assert.deepEqual(await manager.resume('s'), stored(given, clock, { createdAt }))
        assert.deepEqual(await manager.list(), [stored(given, clock, { createdAt }).metadata])
      }
      await reopen()
      assert.deepEqual(await manager.resume('s'), stored(next.at(-1)!, clock, { createdAt }))
    },
  },
  {
    name: 'state is replaced, not merged',
    async run({ manager }) {
      await manager.save(session('s', { state: { a: { b: 1, c: 2 }, d: 3 } }))
      await manager.save(session('s', { state: { a: { b: 1 } } }))
      assert.deepEqual((await manager.resume('s')).state, { a: { b: 1 } })
    },
  },
  {
    name: 'a name that is undefined or absent is null',
    async run({ manager }) {
      const { metadata, ...rest } = three()
      const { name: _, ...nameless } = metadata
      for (const without of [{ ...metadata, name: undefined }, nameless]) {
        await manager.save(three())
        await manager.save({ ...rest, metadata: wrong(without) })
        assert.equal((await metadataOf(manager, 's')).name, null)
      }
    },
  },
  {
    name: 'updatedAt and forkedFrom are ignored, with any value',
    async run({ manager, clock }) {
      const given = three()
      const { metadata } = given
      const { updatedAt: _, ...bare } = metadata
      for (const odd of [
        { ...metadata, updatedAt: 5, forkedFrom: 'other' },
        { ...metadata, updatedAt: 'yesterday', forkedFrom: 7 },
        { ...metadata, updatedAt: Number.NaN, forkedFrom: undefined },
        bare,
      ]) {
        await manager.save({ ...given, metadata: wrong(odd) })
        assert.deepEqual(await manager.resume('s'), stored(given, clock))
      }
    },
  },
  {
    name: 'further fields of a session and its metadata are not stored',
    async run({ manager, clock }) {
      const given = three()
      const { metadata } = given
      await manager.save(wrong({ ...given, more: 1, metadata: { ...metadata, more: 2, projectRoot: '/p' } }))
      assert.deepEqual(await manager.resume('s'), stored(given, clock))
    },
  },
  {
    name: 'a createdAt that is not above 0 is none',
    async run({ manager, clock }) {
      await manager.save(session('s', { createdAt: -1 }))
      await manager.save(session('t', { createdAt: -0 }))
      for (const { createdAt } of await manager.list()) assert.equal(createdAt, seconds(clock))
    },
  },
  {
    name: 'a createdAt of the future is kept, one in milliseconds too',
    async run({ manager, clock, reopen }) {
      await manager.save(session('future', { createdAt: 4_000_000_000, messages: [u] }))
      await manager.save(session('milliseconds', { createdAt: clock.ms, messages: [u] }))
      await reopen()
      assert.equal((await metadataOf(manager, 'future')).createdAt, 4_000_000_000)
      assert.equal((await metadataOf(manager, 'milliseconds')).createdAt, clock.ms)
      assert.deepEqual(
        (await manager.list()).map(({ updatedAt }) => updatedAt),
        [seconds(clock), seconds(clock)],
      )
    },
  },
  {
    name: 'a session without messages is a session',
    async run({ manager, clock }) {
      const given = session('s', { state: {} })
      await manager.save(given)
      assert.deepEqual(await manager.resume('s'), stored(given, clock))
      assert.deepEqual(await manager.list(), [stored(given, clock).metadata])
    },
  },
  {
    name: 'after save there is what was given last, with any changes by others since the resume',
    async run({ manager, backend, clock }) {
      await manager.save(three())
      const given = await manager.resume('s')
      await backend.append('s', u2)
      await manager.tag('s', ['added'])
      await manager.rename('s', 'renamed')
      await manager.rewind('s', 1)
      clock.move(SECOND)
      await manager.save(given)
      const { createdAt } = given.metadata
      assert.deepEqual(await manager.resume('s'), stored(three(), clock, { createdAt }))
    },
  },
  {
    name: 'a session is read at the call',
    only: 'fresh',
    async run({ manager, clock }) {
      const given = three({ state: { k: [1] } })
      const expected = stored(structuredClone(given), clock)
      for (let round = 0; round < 2; round++) {
        const changing = structuredClone(given)
        const saved = manager.save(changing)
        changing.metadata.name = 'later'
        changing.metadata.id = 'later'
        changing.metadata.tags.push('later')
        changing.metadata.turnCount = 99
        changing.metadata.createdAt = 99
        changing.messages.push('later')
        ;(changing.messages[0] as { content: string }).content = 'later'
        ;(changing.state as { k: number[] }).k.push(2)
        changing.metadata = wrong(null)
        changing.messages = wrong(null)
        await saved
        assert.deepEqual(await manager.resume('s'), expected)
      }
      assert.equal((await manager.list()).length, 1)
    },
  },
  {
    name: 'saves at once on one instance land in call order',
    async run({ manager }) {
      const rounds = Array.from({ length: 20 }, (_, i) => i)
      await Promise.all(rounds.map((n) => manager.save(session('s', { messages: [u, n], state: n, turnCount: n }))))
      const { messages, state, metadata } = await manager.resume('s')
      assert.deepEqual({ messages, state, turns: metadata.turnCount }, { messages: [u, 19], state: 19, turns: 19 })
      assert.deepEqual(await messagesOf(manager, 's'), [u, 19])
    },
  },
]
