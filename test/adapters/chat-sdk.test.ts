import fs from 'node:fs'
import { Chat } from 'chat'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createJsonlState, JsonlStateAdapter } from '../../src/adapters/chat-sdk.js'
import { chatLine, elementOf } from '../../src/adapters/lines/chat-sdk.js'
import { openStore } from '../../src/index.js'
import { ended, messageOf as messageFrom, start } from '../helpers/child.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, filesIn, open, tempFolder } from '../helpers/store.js'
import { describeMessageAdapter } from './message-adapter.js'

const START = Date.parse('2026-11-21T07:00:00.000Z')

async function connected(folder = tempFolder(), now?: () => number) {
  const store = await open(folder, now === undefined ? {} : { now })
  const state = createJsonlState(store)
  await state.connect()
  return { store, state }
}

function messageOf(text: string, isMe = false) {
  return { _type: 'chat:Message', id: text, threadId: 't', text, author: { userId: 'u', isMe }, attachments: [] }
}

const queued = (n: number) => ({ message: messageOf(`${n}`), enqueuedAt: n, expiresAt: n + 1 }) as never

describeMessageAdapter('chat-sdk', {
  chat(store, id) {
    const state = createJsonlState(store)
    return {
      async add(text) {
        await state.connect()
        await state.appendToList(id, { _type: 'chat:Message', text, author: { isMe: false } })
      },
      async texts() {
        await state.connect()
        return (await state.getList<{ text: string }>(id)).map(({ text }) => text)
      },
    }
  },
  keyOf: (id) => `chat-state/list/${id}`,
  refusesEmptyIds: false,
})

describe('JsonlStateAdapter', () => {
  test('wants to be connected; what it keeps outlasts a disconnect, its locks do not', async () => {
    const store = await open()
    const state = new JsonlStateAdapter(store)
    const message = 'JsonlStateAdapter is not connected. Call connect() first.'
    await expect(state.get('a')).rejects.toThrow(message)
    await expect(state.acquireLock('t', 1)).rejects.toThrow(message)
    expect(filesIn(store.dir)).toEqual([])
    await state.connect()
    await state.subscribe('t')
    await state.set('a', 1)
    await state.enqueue('t', queued(1), 5)
    expect(await state.acquireLock('t', 60_000)).toMatchObject({ threadId: 't' })
    await state.disconnect()
    await expect(state.get('a')).rejects.toThrow(message)
    const next = createJsonlState(store)
    await next.connect()
    expect(await next.acquireLock('t', 60_000)).not.toBeNull()
    expect([await next.get('a'), await next.isSubscribed('t'), await next.queueDepth('t')]).toEqual([1, true, 1])
    await next.unsubscribe('t')
    expect(await next.isSubscribed('t')).toBe(false)
    for (const name of ['cache', 'subscriptions', 'queues'])
      expect(await store.session(`chat-state/${name}`).tags()).toEqual(['pinned'])
  })

  test('caches values for a time, and says once that a key is new', async () => {
    let now = START
    const { state } = await connected(tempFolder(), () => now)
    expect(await state.get('a')).toBeNull()
    await state.set('a', { b: [1] }, 1_000)
    await state.set('ever', null, 0)
    expect(await state.get('a')).toEqual({ b: [1] })
    const firsts = await Promise.all(Array.from({ length: 8 }, () => state.setIfNotExists('event', true, 1_000)))
    expect(firsts.filter(Boolean)).toHaveLength(1)
    now += 1_000
    expect(await state.get('a')).toBeNull()
    expect(await state.setIfNotExists('event', true, 1_000)).toBe(true)
    await state.delete('event')
    expect(await state.setIfNotExists('event', true)).toBe(true)
  })

  test('queues in order; each entry comes once, to whichever process asks', async () => {
    const folder = tempFolder()
    const [one, two] = [(await connected(folder)).state, (await connected(folder)).state]
    expect(await one.dequeue('t')).toBeNull()
    for (let n = 1; n <= 7; n++) expect(await one.enqueue('t', queued(n), 5)).toBe(Math.min(n, 5))
    const got = await Promise.all([one, two, one, two, one, two].map((state) => state.dequeue('t')))
    const numbers = got.filter((entry) => entry !== null).map(({ enqueuedAt }) => enqueuedAt)
    expect(numbers.sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7])
    expect(await one.queueDepth('t')).toBe(0)
  })

  test('keeps lists as messages that a person can read, and the newest of them', async () => {
    const { store, state } = await connected()
    expect(await state.getList('t')).toEqual([])
    const added = Array.from({ length: 5 }, (_, n) =>
      state.appendToList('t', messageOf(`${n}`, n % 2 === 1), { maxLength: 10 }),
    )
    await Promise.all(added)
    expect(await state.getList('t')).toEqual(Array.from({ length: 5 }, (_, n) => messageOf(`${n}`, n % 2 === 1)))
    const session = store.session('chat-state/list/t')
    expect((await session.messages()).map(({ role, content }) => [role, content])).toEqual([
      ['user', '0'],
      ['assistant', '1'],
      ['user', '2'],
      ['assistant', '3'],
      ['user', '4'],
    ])
    for (const value of [7, 'text', null, { a: 1 }, [1]]) await state.appendToList('t', value, { maxLength: 10 })
    expect((await state.getList('t')).slice(5)).toEqual([7, 'text', null, { a: 1 }, [1]])
    for (let n = 0; n < 30; n++) await state.appendToList('t', n, { maxLength: 10 })
    expect(await state.getList('t')).toEqual(Array.from({ length: 10 }, (_, n) => n + 20))
    expect((await session.info())?.messages).toBeLessThanOrEqual(20)
    expect(fs.readFileSync(session.path, 'utf8')).not.toContain('"type":"remove"')
    fs.appendFileSync(session.path, '{"role":"user","content":"typed by hand"}\n')
    expect((await state.getList('t')).at(-1)).toMatchObject({ text: 'typed by hand', author: { isMe: false } })
  })

  test('a list lives for its TTL from the last append on, and begins anew then', async () => {
    let now = START
    const { store, state } = await connected(tempFolder(), () => now)
    const append = (value: unknown) => state.appendToList('t', value, { maxLength: 3, ttlMs: 100_000 })
    await append(1)
    now += 60_000
    await append(2)
    now += 99_999
    expect(await state.getList('t')).toEqual([1, 2])
    now += 1_100
    expect(await state.getList('t')).toEqual([])
    await append(3)
    expect(await state.getList('t')).toEqual([3])
    const lines = () => fs.readFileSync(store.session('chat-state/list/t').path, 'utf8').split('\n').length
    const before = lines()
    for (let n = 0; n < 3; n++) {
      now += 100
      await append(n)
    }
    expect(lines()).toBe(before + 3)
  })

  test('locks a thread for one holder at a time, on this machine', async () => {
    let now = START
    const folder = tempFolder()
    const [one, two] = [(await connected(folder, () => now)).state, (await connected(folder, () => now)).state]
    const lock = (await one.acquireLock('t', 1_000))!
    expect(lock).toEqual({ threadId: 't', token: expect.any(String), expiresAt: START + 1_000 })
    expect(await two.acquireLock('t', 1_000)).toBeNull()
    await two.releaseLock({ ...lock, token: 'another' })
    expect(await two.extendLock({ ...lock, token: 'another' }, 1_000)).toBe(false)
    now += 500
    expect(await one.extendLock(lock, 1_000)).toBe(true)
    now += 999
    expect(await two.acquireLock('t', 1_000)).toBeNull()
    now += 1
    expect(await one.extendLock(lock, 1_000)).toBe(false)
    const taken = (await two.acquireLock('t', 1_000))!
    await one.releaseLock(lock)
    expect(await one.acquireLock('t', 1_000)).toBeNull()
    await one.forceReleaseLock('t')
    expect(await two.extendLock(taken, 1_000)).toBe(false)
    const won = await Promise.all(Array.from({ length: 8 }, (_, n) => (n % 2 ? one : two).acquireLock('t', 1_000)))
    expect(won.filter((each) => each !== null)).toHaveLength(1)
  })

  test('a lock whose file cannot be read is not free, and one that cannot be written is not held', async () => {
    const { state } = await connected()
    const lock = (await state.acquireLock('t', 60_000))!
    const failing = () => () => {
      throw systemError('EIO')
    }
    const calls = [
      () => state.acquireLock('t', 60_000),
      () => state.extendLock(lock, 60_000),
      () => state.releaseLock(lock),
    ]
    for (const call of calls) expect(await during('open', failing, () => codeOf(call()))).toBe('EIO')
    expect(await state.acquireLock('t', 60_000)).toBeNull()
    const full = () => () => {
      throw systemError('ENOSPC')
    }
    expect(await during('write', full, () => codeOf(state.acquireLock('other', 60_000)))).toBe('ENOSPC')
    expect(await during('write', full, () => codeOf(state.extendLock(lock, 90_000)))).toBe('ENOSPC')
    expect(await state.extendLock(lock, 60_000)).toBe(true)
    expect(await state.acquireLock('other', 60_000)).not.toBeNull()
    const stuck = () => () => {
      throw systemError('EACCES')
    }
    expect(await during('unlink', stuck, () => codeOf(state.releaseLock(lock)))).toBe('EACCES')
    expect(await state.acquireLock('t', 60_000)).toBeNull()
    await state.releaseLock(lock)
    expect(await state.acquireLock('t', 60_000)).not.toBeNull()
  })

  test('of four processes one is first, takes an entry, and holds a lock; a killed one holds none', async () => {
    const ROUNDS = 30
    const folder = tempFolder()
    const { state, store } = await connected(folder)
    for (let n = 0; n < 90; n++) await state.enqueue('queue', queued(n), 1_000)
    const children = [1, 2, 3, 4].map(() => start('chat-state.mjs', [folder, `${ROUNDS}`]))
    for (const child of children) expect(await messageFrom(child)).toBe('ready')
    const reports = children.map((child) => messageFrom<{ firsts: number[]; taken: number[] }>(child))
    for (const child of children) child.send('go')
    const seen = await Promise.all(reports)
    const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b)
    expect(sorted(seen.flatMap(({ firsts }) => firsts))).toEqual([...Array(ROUNDS).keys()])
    expect(sorted(seen.flatMap(({ taken }) => taken))).toEqual([...Array(90).keys()])
    // read, add, write: no atomic verb, but one holder of the lock at a time
    expect(await state.get('count')).toBe(4 * ROUNDS)
    for (const child of children) {
      const name = `held by ${child.pid}`
      expect(await state.acquireLock(name, 1_000)).toBeNull()
      child.kill('SIGKILL')
      await ended(child)
      expect(await state.acquireLock(name, 1_000)).not.toBeNull()
    }
    expect(await store.session('chat-state/cache').check()).toMatchObject({ damage: [], torn: null })
  })

  test('needs no timer of its caller', async () => {
    const { state } = await connected()
    vi.useFakeTimers()
    try {
      for (let n = 0; n < 50; n++) {
        await state.set(`${n}`, 'x'.repeat(1_000))
        await state.appendToList('t', n, { maxLength: 5 })
        await state.acquireLock(`${n}`, 10)
      }
      expect(await state.getList('t')).toEqual([45, 46, 47, 48, 49])
    } finally {
      vi.useRealTimers()
    }
  })

  test('holds any key, and an outage is an error', async () => {
    const folder = tempFolder()
    const { store, state } = await connected(folder)
    for (const key of ['', '../x', 'a/b', '__proto__', '👩‍👩‍👧', 'x'.repeat(10_000)]) {
      await state.set(key, { [key]: key })
      await state.appendToList(`l${key}`, key)
      await state.enqueue(key, queued(1), 1)
      expect(await state.get(key)).toEqual(JSON.parse(JSON.stringify({ [key]: key })))
      expect(await state.getList(`l${key}`)).toEqual([key])
      expect(await state.acquireLock(key, 1_000)).not.toBeNull()
    }
    await expect(state.set('a', 1n)).rejects.toThrow(TypeError)
    await store.close()
    const again = createJsonlState(openStore(folder))
    await again.connect()
    const failing = () => () => {
      throw systemError('EIO')
    }
    expect(await during('open', failing, () => codeOf(again.get('a/b')))).toBe('EIO')
    expect(await again.get('a/b')).toEqual({ 'a/b': 'a/b' })
  })

  test('is the state of a Chat', async () => {
    const store = await open()
    const bot = new Chat({ userName: 'bot', adapters: {}, state: createJsonlState(store), logger: 'silent' })
    await bot.initialize()
    await bot.shutdown()
  })

  test('reading a line gives back every JSON value that was written', () => {
    const anyMessage = fc.record(
      {
        text: fc.oneof(fc.string(), fc.jsonValue()),
        author: fc.oneof(fc.record({ isMe: fc.boolean() }), fc.jsonValue()),
        raw: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anyMessage), (value) => {
        const json = JSON.parse(JSON.stringify(value))
        const message = JSON.parse(JSON.stringify(chatLine(json)))
        expect(elementOf({ id: 'x', at: new Date(0), message })).toEqual(json)
      }),
    )
  })
})
