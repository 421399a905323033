import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Session, ValueToSet } from '../../../src/index.js'
import { codeOf, contents, filesIn, message, open, tempFolder } from '../../helpers/store.js'

const MINUTE = 60_000
const START = Date.parse('2026-11-21T07:00:00.000Z')

async function namesIn(session: Session, options?: { prefix?: string }): Promise<string[]> {
  return (await entriesIn(session, options)).map(([name]) => name)
}

async function entriesIn(session: Session, options: { prefix?: string; keysOnly?: boolean } = {}) {
  const entries: Array<[string, unknown]> = []
  for await (const entry of session.values(options)) entries.push(entry)
  return entries
}

function linesOf(session: Session): string[] {
  return fs.readFileSync(session.path, 'utf8').split('\n').slice(0, -1)
}

describe('a named value', () => {
  test('is set, read, replaced and deleted; the line is as FORMAT.md shows it', async () => {
    const store = await open(tempFolder(), { now: () => START })
    const session = store.session('telegram_42')
    expect(await session.getValue('session')).toBeUndefined()
    expect(await session.deleteValue('session')).toBe(false)
    expect(filesIn(store.dir)).toEqual([])
    expect(await session.setValue('session', { step: 2, cart: ['tea'] })).toBe(true)
    expect(linesOf(session)[1]).toMatch(
      /^\{"type":"value","name":"session","value":\{"step":2,"cart":\["tea"\]\},"at":"2026-11-21T07:00:00\.000Z","id":"[0-9a-f-]{36}"\}$/,
    )
    expect(await session.getValue('session')).toEqual({ step: 2, cart: ['tea'] })
    await session.setValue('session', null)
    expect(await session.getValue('session')).toBeNull()
    expect(await session.deleteValue('session')).toBe(true)
    expect(await session.getValue('session')).toBeUndefined()
    expect(await session.deleteValue('session')).toBe(false)
    expect(linesOf(session).at(-1)).toMatch(/^\{"type":"value","name":"session","at":"[^"]+","id":"[^"]+"\}$/)
  })

  test('may be bytes, which come back as such', async () => {
    const store = await open()
    const session = store.session('a')
    const bytes = new Uint8Array([137, 80, 78, 71, 0, 255])
    await session.setValue('avatar', bytes)
    bytes[0] = 0
    expect(await session.getValue('avatar')).toEqual(new Uint8Array([137, 80, 78, 71, 0, 255]))
    expect(linesOf(session)[1]).toContain('"bytes":"iVBORwD/"')
    await session.setValue('none', new Uint8Array())
    expect(await session.getValue('none')).toEqual(new Uint8Array())
  })

  test('is a copy, of what it was at the call', async () => {
    const session = (await open()).session('a')
    const given = { list: [1] }
    const done = session.setValue('x', given)
    given.list.push(2)
    await done
    const got = await session.getValue<{ list: number[] }>('x')
    got?.list.push(3)
    expect(await session.getValue('x')).toEqual({ list: [1] })
  })

  test.each([
    ['a function', () => 1],
    ['a bigint', 1n],
    ['undefined', undefined],
    ['a symbol', Symbol('x')],
  ])('that is %s is a TypeError, and nothing is written', async (_, value) => {
    const store = await open()
    await expect(store.session('a').setValue('x', value)).rejects.toThrow(TypeError)
    expect(filesIn(store.dir)).toEqual([])
  })

  test('that is a cycle or nested too deeply is an error, and so is a wrong expiry', async () => {
    const session = (await open()).session('a')
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    await expect(session.setValue('x', cycle)).rejects.toThrow(TypeError)
    await expect(session.setValue('x', 1, { expires: Number.NaN })).rejects.toThrow(RangeError)
    await expect(session.setValue('x', 1, { expires: '2026' as never })).rejects.toThrow(TypeError)
    await expect(session.setValue(7 as never, 1)).rejects.toThrow(TypeError)
    await expect(session.getValue(7 as never)).rejects.toThrow(TypeError)
    expect(await session.info()).toBeNull()
  })

  test.each(['', '__proto__', 'constructor', '../x', 'a/b', '\ud800', '👩‍👩‍👧', 'x'.repeat(10_000), 'a\u2028\n"'])(
    'has any name: %j',
    async (name) => {
      const store = await open()
      const session = store.session('a')
      await session.setValue(name, { [name]: name })
      await session.setValue(`${name}.`, 2)
      const key = JSON.parse(JSON.stringify(name)) as string
      expect(await session.getValue(name)).toEqual(JSON.parse(JSON.stringify({ [name]: key })))
      expect(await session.getValue(`${name}.`)).toBe(2)
      expect(await namesIn(session)).toEqual([name, `${name}.`])
      expect(await (await open(store.dir)).session('a').getValue(name)).toEqual(await session.getValue(name))
    },
  )

  test('whose fields are called __proto__ keeps them', async () => {
    const session = (await open()).session('a')
    const text = '{"__proto__":{"a":1},"b":{"__proto__":2}}'
    await session.setValue('x', JSON.parse(text))
    expect(JSON.stringify(await session.getValue('x'))).toBe(text)
  })

  test('expires by the clock of the store, and can be read until a rewrite', async () => {
    let now = START
    const store = await open(tempFolder(), { now: () => now })
    const session = store.session('a')
    await session.setValue('otp', '4711', { expires: START + 5 * MINUTE })
    await session.setValue('kept', 1, { expires: new Date(START + 60 * MINUTE) })
    expect(linesOf(session)[1]).toContain('"value":"4711","expires":"2026-11-21T07:05:00.000Z","at"')
    now = START + 5 * MINUTE - 1
    expect(await session.getValue('otp')).toBe('4711')
    now++
    expect(await session.getValue('otp')).toBeUndefined()
    expect(await namesIn(session)).toEqual(['kept'])
    const entry = await session.getValue('otp', { expired: true })
    expect(entry).toEqual({ value: '4711', expires: new Date(now), id: JSON.parse(linesOf(session)[1]!).id })
    expect(await session.deleteValue('otp')).toBe(false)
    expect((await session.rewrite())?.dropped).toBeGreaterThan(0)
    expect(await session.getValue('otp', { expired: true })).toBeUndefined()
    expect(await session.getValue('kept', { expired: true })).toMatchObject({ value: 1 })
  })

  test('is set once with ifAbsent: an expired or deleted one counts as absent', async () => {
    let now = START
    const session = (await open(tempFolder(), { now: () => now })).session('a')
    expect(await session.setValue('x', 1, { ifAbsent: true, expires: START + MINUTE })).toBe(true)
    expect(await session.setValue('x', 2, { ifAbsent: true })).toBe(false)
    expect(await session.getValue('x')).toBe(1)
    now += MINUTE
    expect(await session.setValue('x', 3, { ifAbsent: true })).toBe(true)
    await session.deleteValue('x')
    expect(await session.setValue('x', 4, { ifAbsent: true })).toBe(true)
    expect(await session.getValue('x')).toBe(4)
  })

  test('is updated by a function of what it was; undefined deletes, and what stays as it was is not written', async () => {
    const session = (await open()).session('a')
    const add = (old: number | undefined) => (old ?? 0) + 1
    expect(await session.updateValue('n', add)).toBe(1)
    expect(await session.updateValue('n', add)).toBe(2)
    await Promise.all(Array.from({ length: 20 }, () => session.updateValue('n', add)))
    expect(await session.getValue('n')).toBe(22)
    expect(await session.updateValue<number[]>('list', (old) => [...(old ?? []), 1])).toEqual([1])
    const before = linesOf(session).length
    expect(await session.updateValue('list', (old) => old)).toEqual([1])
    expect(await session.updateValue('none', () => undefined)).toBeUndefined()
    expect(linesOf(session)).toHaveLength(before)
    expect(
      await session.updateValue<number[]>('list', (old) => {
        old?.push(2)
        return old
      }),
    ).toEqual([1, 2])
    expect(await session.getValue('list')).toEqual([1, 2])
    expect(await session.updateValue('list', () => undefined)).toBeUndefined()
    expect(await session.getValue('list')).toBeUndefined()
    await expect(session.updateValue('n', () => Promise.reject(new Error('x')) as never)).rejects.toThrow(TypeError)
    const failing = () => {
      throw new Error('from the function')
    }
    await expect(session.updateValue('n', failing)).rejects.toThrow('from the function')
    expect(await session.setValue('n', 1)).toBe(true)
  })

  test('of several is set in one write, deletions among them', async () => {
    const session = (await open()).session('a')
    await session.setValue('gone', 1)
    const entries: ValueToSet[] = [
      ['b', 2],
      ['a', new Uint8Array([1])],
      ['gone', undefined],
      ['soon', 3, { expires: 1e11 }],
    ]
    await session.setValues(entries)
    await session.setValues([])
    expect(await entriesIn(session)).toEqual([
      ['a', new Uint8Array([1])],
      ['b', 2],
    ])
    await expect(
      session.setValues([
        ['c', 1],
        ['d', () => 1],
      ]),
    ).rejects.toThrow(TypeError)
    expect(await namesIn(session)).toEqual(['a', 'b'])
  })

  test('is listed by name, by prefix, with or without its value', async () => {
    const store = await open()
    const session = store.session('a')
    expect(await entriesIn(session)).toEqual([])
    await session.setValues(['b:2', 'b:10', 'a', 'B', 'é'].map((name) => [name, name] as const))
    expect(await namesIn(session)).toEqual(['B', 'a', 'b:10', 'b:2', 'é'])
    expect(await entriesIn(session, { prefix: 'b:' })).toEqual([
      ['b:10', 'b:10'],
      ['b:2', 'b:2'],
    ])
    expect(await entriesIn(session, { prefix: 'b:2', keysOnly: true })).toEqual([['b:2', undefined]])
    expect(await namesIn((await open(store.dir)).session('a'))).toEqual(await namesIn(session))
  })

  test('is no message: counts, messages and lastActivity know nothing of it, lists show the session', async () => {
    let now = START
    const store = await open(tempFolder(), { now: () => now })
    await store.session('b').setValue('x', 1)
    const session = store.session('a')
    await session.append(message('hi'))
    now += MINUTE
    await session.setValue('x', 'some text')
    expect(await contents(session)).toEqual(['hi'])
    expect(await session.info()).toMatchObject({ messages: 1, lastActivity: new Date(START) })
    expect(await store.list()).toMatchObject([
      { key: 'a', messages: 1 },
      { key: 'b', messages: 0 },
    ])
    expect(await store.search('some text')).toEqual([])
    expect(await session.pop()).toMatchObject({ content: 'hi' })
    expect(await session.getValue('x')).toBe('some text')
  })

  test('is read through an index of places, however the log changes between', async () => {
    const folder = tempFolder()
    const [store, other] = [await open(folder), await open(folder)]
    const session = store.session('a')
    for (let n = 0; n < 50; n++) await session.setValue(`v${n}`, n)
    expect(await session.getValue('v7')).toBe(7)
    const foreign = other.session('a')
    await foreign.setValue('v7', 'other')
    expect(await session.getValue('v7')).toBe('other')
    fs.appendFileSync(session.path, '{"type":"value","name":"v8","value":"typed"}\n')
    expect(await session.getValue('v8')).toBe('typed')
    await foreign.rewrite()
    expect(await session.getValue('v8')).toBe('typed')
    expect(await session.getValue('v9')).toBe(9)
    const text = fs.readFileSync(session.path, 'utf8').replace('"name":"v9","value":9', '"name":"vx","value":0')
    fs.writeFileSync(session.path, text)
    expect(await session.getValue('vx')).toBe(0)
    expect(await session.getValue('v9')).toBeUndefined()
    await foreign.delete()
    expect(await session.getValue('v8')).toBeUndefined()
    await session.setValue('v1', 'again')
    expect(await entriesIn(session)).toEqual([['v1', 'again']])
  })

  test('counts once where its line was repeated by a union of logs', async () => {
    const store = await open()
    const session = store.session('a')
    await session.setValue('x', 'old')
    await session.setValue('x', 'new')
    fs.appendFileSync(session.path, `${linesOf(session)[1]}\n`)
    expect(await session.getValue('x')).toBe('new')
    expect(await (await open(store.dir)).session('a').getValue('x')).toBe('new')
    await session.rewrite()
    expect(await entriesIn(session)).toEqual([['x', 'new']])
  })

  test('far back in a long log is found, and so is that one is not there', async () => {
    const store = await open()
    const session = store.session('a')
    await session.setValue('early', 1)
    await session.append(Array.from({ length: 300 }, (_, n) => message(`${n} ${'x'.repeat(4_000)}`)))
    await session.setValue('late', 2)
    for (const from of [session, (await open(store.dir)).session('a')]) {
      expect(await from.getValue('late')).toBe(2)
      expect(await from.getValue('none')).toBeUndefined()
      expect(await from.getValue('early')).toBe(1)
    }
  })

  test('lines of that type without a name, or with bytes that are no text, are passed over and kept', async () => {
    const store = await open()
    const session = store.session('a')
    await session.setValue('x', 1)
    const odd = [
      '{"type":"value","value":5}',
      '{"type":"value","name":5,"value":5}',
      '{"type":"value","name":"x","bytes":5}',
    ]
    fs.appendFileSync(session.path, `${odd.join('\n')}\n`)
    await session.setValue('y', 1)
    await session.setValue('y', 2)
    expect(await session.getValue('x')).toBe(1)
    await session.rewrite()
    expect(linesOf(session).slice(2, 5)).toEqual(odd)
    expect(await session.check()).toMatchObject({ damage: [], values: 2 })
  })
})

test('pop takes the last message away and returns it', async () => {
  const session = (await open()).session('a')
  expect(await session.pop()).toBeUndefined()
  const added = Promise.all([session.append(message('one')), session.append({ ...message('two'), id: 'own' })])
  expect(await session.pop()).toMatchObject({ role: 'user', content: 'two', id: 'own' })
  await added
  expect(await session.pop()).toMatchObject({ content: 'one' })
  expect(await session.pop()).toBeUndefined()
  expect(await contents(session)).toEqual([])
})

describe('clear', () => {
  test('takes the text of messages and summaries off the disk; labels, key, usage and values stay', async () => {
    let now = START
    const store = await open(tempFolder(), { now: () => now })
    const session = store.session('Telegram: Ann')
    expect(await session.clear()).toBe(0)
    expect(filesIn(store.dir)).toEqual([])
    const usage = { promptTokens: 5, completionTokens: 1 }
    await session.append([message('secret one'), { role: 'assistant', content: 'secret two', usage }])
    await session.setName('kept')
    await session.setValue('x', 1)
    await session.append(message('secret three'))
    await session.removeLast()
    now += MINUTE
    const before = await session.info()
    expect(await session.clear()).toBe(2)
    expect(await contents(session)).toEqual([])
    expect(fs.readFileSync(session.path, 'utf8')).not.toContain('secret')
    expect(await session.info()).toMatchObject({ ...before, messages: 0, bytes: expect.any(Number) })
    expect(await session.getValue('x')).toBe(1)
    expect(linesOf(session)[0]).toContain('"key":"Telegram: Ann"')
    expect(fs.readFileSync(session.path, 'utf8')).toContain('"carriedUsage":{"main":{"promptTokens":5')
    expect(await session.clear({ values: true })).toBe(0)
    expect(await session.getValue('x')).toBeUndefined()
    expect(await session.name()).toBe('kept')
  })

  test('comes behind appends that were not awaited', async () => {
    const session = (await open()).session('a')
    const appended = session.append([message('one'), message('two')])
    expect(await session.clear()).toBe(2)
    await appended
    expect(await contents(session)).toEqual([])
  })

  test('knows a delivery again whose message it took away', async () => {
    const session = (await open()).session('a')
    expect(await session.receive(message('hi'), { ref: 'r1' })).toMatchObject({ state: 'new' })
    await session.clear()
    expect(await session.receive(message('hi'), { ref: 'r1' })).toMatchObject({ state: 'answered' })
  })
})

test('keys lists those with a prefix', async () => {
  const store = await open()
  for (const key of ['chat/b', 'chat/a', 'other', 'chat']) await store.session(key).setValue('x', 1)
  expect(await store.keys({ prefix: 'chat/' })).toEqual(['chat/a', 'chat/b'])
  expect(await store.keys()).toEqual(['chat', 'chat/a', 'chat/b', 'other'])
  expect(await codeOf(store.keys({ prefix: 5 as never }))).toContain('TypeError')
})
