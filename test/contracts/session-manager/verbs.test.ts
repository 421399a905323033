/** Fork and rewind by message id, and what was removed and comes back: verbs of the session itself. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { JsonlSessionManager } from '../../../src/contracts/session-manager/index.js'
import type { Session, SessionStore } from '../../../src/index.js'
import { contents, fill, message, open } from '../../helpers/store.js'

const idsOf = async (session: Session) => (await session.messages()).map(({ id }) => id as string)
const bytesOf = (session: Session) => fs.readFileSync(session.path)

async function opened(...texts: string[]) {
  const store = await open()
  const session = await fill(store, 's', texts)
  return { store, session, ids: await idsOf(session) }
}

/** A session with calls: u1, A[x, y], T x, T y, a1, u2. */
async function withCalls(store: SessionStore): Promise<{ session: Session; ids: string[] }> {
  const session = store.session('calls')
  const toolCalls = JSON.stringify([{ id: 'x' }, { id: 'y' }])
  const ids = await session.append([
    message('u1'),
    { role: 'assistant', content: null, toolCalls },
    { role: 'tool', content: 'x is', toolCallId: 'x' },
    { role: 'tool', content: 'y is', toolCallId: 'y' },
    { role: 'assistant', content: 'a1' },
    message('u2'),
  ])
  return { session, ids }
}

describe('rewind', () => {
  test('to a message keeps it and all before it', async () => {
    const { session, ids } = await opened('1', '2', '3', '4')
    expect(await session.rewind({ to: ids[1]! })).toBe(2)
    expect(await contents(session)).toEqual(['1', '2'])
    expect(await session.info()).toMatchObject({ messages: 2 })
    expect(await session.rewind({ to: ids[1]! })).toBe(0)
  })

  test('keeps the given number, values included, and appends only', async () => {
    const { store, session } = await opened('1', '2')
    const manager = new JsonlSessionManager(store)
    const { metadata, messages } = await manager.resume('s')
    await manager.save({ metadata, messages: [...messages, 3, message('4')], state: null })
    const before = bytesOf(session)
    expect(await session.rewind({ keep: 3 })).toBe(1)
    expect((await manager.resume('s')).messages).toEqual([message('1'), message('2'), 3])
    expect(bytesOf(session).subarray(0, before.length).equals(before)).toBe(true)
  })

  test('that removes nothing writes nothing', async () => {
    const { session, ids } = await opened('1', '2')
    const before = bytesOf(session)
    expect(await session.rewind({ to: ids[1]! })).toBe(0)
    expect(await session.rewind({ keep: 2 })).toBe(0)
    expect(await session.rewind({ keep: 99 })).toBe(0)
    expect(bytesOf(session).equals(before)).toBe(true)
  })

  test('to what is no live message rejects and changes nothing', async () => {
    const { store, session, ids } = await opened('1', '2', '3')
    await session.remove(ids[1]!)
    const before = bytesOf(session)
    for (const to of ['', 'nobody', ids[1]!]) {
      await expect(session.rewind({ to })).rejects.toMatchObject({
        code: 'ERR_MESSAGE_NOT_FOUND',
        details: { id: 's', message: to },
      })
    }
    await expect(store.session('none').rewind({ keep: 0 })).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_FOUND' })
    expect(bytesOf(session).equals(before)).toBe(true)
    expect(await store.keys()).toEqual(['s'])
  })

  test.each([undefined, null, 'x', {}, { to: 1 }, { keep: '1' }, { to: 'x', keep: 1 }])(
    'of %j is a TypeError',
    async (target) => {
      const { session } = await opened('1')
      await expect(session.rewind(target as never)).rejects.toThrow(TypeError)
    },
  )

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('that keeps %d is a RangeError', async (keep) => {
    const { session } = await opened('1')
    await expect(session.rewind({ keep })).rejects.toThrow(RangeError)
  })

  test('into what is archived ends the summary, and only then', async () => {
    const { store } = await opened()
    const persistence = new JsonlPersistence(store)
    const id = await persistence.createSession('main', '/p')
    for (const content of ['1', '2', '3', '4']) await persistence.insertMessage(id, { role: 'user', content })
    await persistence.compactSession(id, 'sum', 2)
    const ids = await idsOf(store.session(id))
    const context = async () => (await persistence.loadContext(id)).map(({ content }) => content)
    await store.session(id).rewind({ to: ids[2]! })
    expect(await context()).toEqual(['sum', '3'])
    await store.session(id).rewind({ to: ids[0]! })
    expect(await context()).toEqual(['1'])
  })
})

describe('fork', () => {
  test('at a message copies it and all before it', async () => {
    const { store, session, ids } = await opened('1', '2', '3')
    const before = bytesOf(session)
    const copy = await store.fork('s', { as: 'copy', at: ids[1]! })
    expect(copy.key).toBe('copy')
    expect(await idsOf(copy)).toEqual(ids.slice(0, 2))
    expect(bytesOf(copy).includes('"content":"3"')).toBe(false)
    expect(bytesOf(session).equals(before)).toBe(true)
  })

  test('of the last messages copies no others', async () => {
    const { store, ids } = await opened('1', '2', '3', '4')
    expect(await idsOf(await store.fork('s', { last: 2 }))).toEqual(ids.slice(2))
    expect(await idsOf(await store.fork('s', { last: 9 }))).toEqual(ids)
    expect(await idsOf(await store.fork('s', { last: 0 }))).toEqual([])
    expect(await idsOf(await store.fork('s', { last: 2, at: ids[2]! }))).toEqual(ids.slice(1, 3))
  })

  test('of the last messages begins with the call whose result they begin with', async () => {
    const store = await open()
    const { ids } = await withCalls(store)
    const kept = async (last: number) => (await idsOf(await store.fork('calls', { last }))).length
    expect([await kept(1), await kept(2), await kept(3), await kept(4), await kept(5), await kept(6)]).toEqual([
      1, 2, 5, 5, 5, 6,
    ])
    expect(await idsOf(await store.fork('calls', { last: 1, at: ids[2]! }))).toEqual(ids.slice(1, 3))
  })

  test('at a message between a call and its result has the call pending', async () => {
    const store = await open()
    const { ids } = await withCalls(store)
    const copy = await store.fork('calls', { at: ids[2]! })
    const persistence = new JsonlPersistence(store)
    expect(await persistence.hasPendingToolCalls(copy.key)).toBe(true)
    expect((await persistence.loadContext(copy.key)).map(({ id }) => id)).toEqual(ids.slice(0, 3))
  })

  test('at a message is the fork that was rewound to it', async () => {
    const store = await open()
    const manager = new JsonlSessionManager(store)
    const persistence = new JsonlPersistence(store)
    const labels = {
      name: 'n',
      tags: ['t'],
      agentName: 'coder',
      turnCount: 9,
      totalTokens: 7,
      createdAt: 0,
      updatedAt: 0,
    }
    const messages = [1, 2, 3, 4, 5].map((n) => ({ role: 'user', content: `${n}`, usage: { promptTokens: n } }))
    await manager.save({ metadata: { id: 's', ...labels }, messages, state: { k: 1 } })
    const ids = await idsOf(store.session('s'))
    await persistence.compactSession('s', 'first', 4)
    await persistence.compactSession('s', 'second', 2)
    for (const at of ids) {
      const one = await store.fork('s', { at, name: 'f' })
      const other = await store.fork('s', { name: 'f' })
      await other.rewind({ to: at })
      const seen = async ({ key }: Session) => {
        const { metadata, ...rest } = await manager.resume(key)
        const { id: _, createdAt: __, updatedAt: ___, ...kept } = metadata
        const context = (await persistence.loadContext(key)).map(({ content }) => content)
        return { ...rest, kept, context, usage: await persistence.sessionTokenUsage(key) }
      }
      expect(await seen(one)).toEqual(await seen(other))
      expect(await one.rewrite()).toBe(null)
    }
  })

  test('of the last messages keeps the summary of what it leaves out, and all that was spent', async () => {
    const store = await open()
    const persistence = new JsonlPersistence(store)
    const id = await persistence.createSession('main', '/p')
    for (const content of ['1', '2', '3', '4'])
      await persistence.insertMessage(id, { role: 'user', content, usage: { promptTokens: 1 } as never })
    await persistence.compactSession(id, 'sum', 2)
    const contextOf = async (last: number) => {
      const { key } = await store.fork(id, { last })
      expect(await persistence.sessionTokenUsage(key)).toMatchObject({ promptTokens: 4, apiCalls: 4 })
      return (await persistence.loadContext(key)).map(({ content }) => content)
    }
    expect(await contextOf(1)).toEqual(['sum', '4'])
    expect(await contextOf(3)).toEqual(['sum', '3', '4'])
  })

  test('at what is no live message rejects and makes nothing', async () => {
    const { store, session, ids } = await opened('1', '2')
    await session.remove(ids[1]!)
    for (const at of ['', 'nobody', ids[1]!])
      await expect(store.fork('s', { at })).rejects.toMatchObject({ code: 'ERR_MESSAGE_NOT_FOUND' })
    await expect(store.fork('none', { at: 'x' })).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_FOUND' })
    await expect(store.fork('s', { as: 's' })).rejects.toMatchObject({ code: 'ERR_SESSION_EXISTS' })
    expect(await store.keys()).toEqual(['s'])
  })

  test.each([{ at: 1 }, { last: '1' }, { name: 5 }, { until: 'x' }])('with %j is a TypeError', async (options) => {
    const { store } = await opened('1')
    await expect(store.fork('s', options as never)).rejects.toThrow(TypeError)
    await expect(store.fork('s', { last: -1 })).rejects.toThrow(RangeError)
  })
})

describe('what was removed', () => {
  test('is listed in the order of the log until a rewrite', async () => {
    const store = await open(undefined, { now: () => 1_700_000_000_000 })
    const session = await fill(store, 's', ['1', '2', '3'])
    const ids = await idsOf(session)
    await session.remove(ids[2]!)
    await session.remove(ids[0]!)
    const at = new Date(1_700_000_000_000).toISOString()
    expect(await session.removed()).toEqual([
      { id: ids[0], at, removedAt: at, message: message('1') },
      { id: ids[2], at, removedAt: at, message: message('3') },
    ])
    await session.rewrite()
    expect(await session.removed()).toEqual([])
    expect(await store.session('none').removed()).toEqual([])
  })

  test('comes back at the end, under a new id, byte for byte', async () => {
    const store = await open()
    const session = await fill(store, 's', ['1', '2', '3'])
    const raw = '"content":{"z":1.0,"a":12345678901234567890,"é":"\\u00e9"}'
    fs.appendFileSync(session.path, `{"id":"own","at":"2026-01-01T00:00:00.000Z","role":"user",${raw}}\n`)
    await session.append(message('5'))
    const before = await session.messages()
    expect(await session.remove('own')).toBe(1)
    const id = await session.restore('own')
    expect(id > (before[4]?.id as string)).toBe(true)
    const after = await session.messages()
    expect(after.map((one) => one.id)).toEqual([...before.map((one) => one.id).filter((one) => one !== 'own'), id])
    expect(after.at(-1)).toMatchObject({ role: 'user', content: before[3]!.content })
    expect(bytesOf(session).toString().split(raw).length).toBe(3)
    await session.rewrite()
    expect(await session.messages()).toEqual(after)
    expect(bytesOf(session).toString().split(raw).length).toBe(2)
  })

  test('undoes a rewind when it comes back in its order', async () => {
    const { session, ids } = await opened('1', '2', '3', '4')
    await session.rewind({ to: ids[0]! })
    const removed = await session.removed()
    const made = await session.restore(removed.map(({ id }) => id))
    expect(await contents(session)).toEqual(['1', '2', '3', '4'])
    expect(await idsOf(session)).toEqual([ids[0], ...made])
    expect(await session.info()).toMatchObject({ messages: 4 })
  })

  test('is not counted twice when it comes back, and reads as before', async () => {
    const store = await open()
    const persistence = new JsonlPersistence(store)
    const manager = new JsonlSessionManager(store)
    const session = store.session('s')
    const given = {
      role: 'assistant',
      usage: { promptTokens: 5, completionTokens: 2 },
      agent: 'a',
      id: 'mine',
      own: [1],
    }
    const id = await session.append(given)
    for (let times = 1; times <= 3; times++) {
      const [last] = [...(await session.removed())].reverse()
      await session.removeLast()
      await session.restore(last?.id ?? id)
      expect((await manager.resume('s')).messages).toEqual([given])
      expect(await persistence.sessionTokenUsage('s')).toMatchObject({
        promptTokens: 5,
        completionTokens: 2,
        apiCalls: 1,
      })
    }
    await session.rewrite()
    expect((await manager.resume('s')).messages).toEqual([given])
    expect(await persistence.sessionTokenUsage('s')).toMatchObject({ promptTokens: 5, apiCalls: 1 })
  })

  test('comes back in every form: values, messages without ids, with fields of lines, of one id', async () => {
    const store = await open()
    const manager = new JsonlSessionManager(store)
    const session = store.session('s')
    const lines = [
      '{"role":"user","content":"bare"}',
      '{"id":5,"at":"yesterday","role":"user","usage":{"promptTokens":1},"own":{"x":1}}',
      '{"type":"message","id":"o","at":"2026-01-01T00:00:00Z","role":"user","own":{"id":"m","type":"t"},"usage":{"a":1}}',
      '{"type":"message","id":"p","role":"user","own":[2],"usage":{}}',
      '{"id":"same","role":"user","content":"one","usage":7}',
      '{"id":"same","role":"user","content":"other"}',
      '{"type":"message","id":"v","value":{"role":"user","usage":{"promptTokens":1}}}',
      '{"type":"message","value":null,"at":7}',
    ]
    await session.setName('n')
    fs.appendFileSync(session.path, `${lines.join('\n')}\n`)
    const { messages } = await manager.resume('s')
    expect(messages).toHaveLength(lines.length)
    const usage = await new JsonlPersistence(store).sessionTokenUsage('s')
    await session.rewind({ keep: 0 })
    const removed = await session.removed()
    expect(removed.map((one) => one.message)).toEqual(messages)
    const made = await session.restore(removed.map(({ id }) => id))
    expect(new Set(made).size).toBe(lines.length)
    expect((await manager.resume('s')).messages).toEqual(messages)
    expect(await new JsonlPersistence(store).sessionTokenUsage('s')).toEqual(usage)
    await session.rewrite()
    expect((await manager.resume('s')).messages).toEqual(messages)
    expect(await new JsonlPersistence(store).sessionTokenUsage('s')).toEqual(usage)
  })

  test('does not come back by an id that is live or not there; then none of the others does', async () => {
    const { store, session, ids } = await opened('1', '2', '3')
    await session.remove(ids[0]!)
    const before = bytesOf(session)
    for (const id of [ids[1]!, 'nobody', ''])
      await expect(session.restore([ids[0]!, id])).rejects.toMatchObject({
        code: 'ERR_MESSAGE_NOT_FOUND',
        details: { id: 's', message: id },
      })
    await expect(session.restore([5] as never)).rejects.toThrow(TypeError)
    await expect(store.session('none').restore('x')).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_FOUND' })
    expect(await session.restore([])).toEqual([])
    expect(bytesOf(session).equals(before)).toBe(true)
  })
})
