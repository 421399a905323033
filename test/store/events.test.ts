/** What a store reports, and the errors that it throws. */
import fs from 'node:fs'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { isSessionError, openStore, type Session, SessionError, type SessionStore } from '../../src/index.js'
import { during, systemError } from '../helpers/file-calls.js'
import { fill, message, open, tempFolder } from '../helpers/store.js'

describe('events of a store', () => {
  test('reach the option and every listener', async () => {
    const seen: unknown[] = []
    const store = await open(tempFolder(), { onDamage: ({ key }) => seen.push(`option ${key}`) })
    store.on('damage', ({ key, damage }) => seen.push(`listener ${key} ${damage.length}`))
    store.once('damage', () => seen.push('once'))
    const session = await fill(store, 'a', ['x'])
    fs.appendFileSync(session.path, 'no line\n')
    await session.messages()
    expect(seen).toEqual(['option a', 'listener a 1', 'once'])
  })

  test('a listener that throws, or rejects, changes no result and goes to error', async () => {
    const errors: unknown[] = []
    const store = await open(tempFolder(), {
      onDamage: () => {
        throw new Error('first')
      },
      onError: () => {
        throw new Error('ignored')
      },
    })
    store.on('damage', () => Promise.reject(new Error('second')))
    store.on('error', (error, key) => errors.push([(error as Error).message, key]))
    const session = await fill(store, 'a', ['x'])
    fs.appendFileSync(session.path, 'no line\n')
    expect(await session.messages()).toMatchObject([{ content: 'x' }])
    await expect
      .poll(() => errors)
      .toEqual([
        ['first', 'a'],
        ['second', 'a'],
      ])
  })

  const READERS: Record<string, (session: Session, store: SessionStore) => Promise<unknown>> = {
    messages: (session) => session.messages(),
    'the last message': (session) => session.messages({ last: 2 }),
    context: (session) => session.context({ last: 2 }),
    entries: async (session) => {
      for await (const _ of session.entries()) void _
    },
    stream: async (session) => {
      for await (const _ of session.stream()) void _
    },
    info: (session) => session.info(),
    list: (_, store) => store.list(),
    search: (_, store) => store.search('three'),
    usage: (session) => session.usage(),
    stats: (session) => session.stats(),
    values: (session) => session.getValue('v'),
    removeLast: (session) => session.removeLast(),
    fork: (_, store) => store.fork('a'),
    check: (session) => session.check(),
    rewrite: (session) => session.rewrite(),
  }

  test.each(Object.entries(READERS))('a bad line is reported by %s, once in a store', async (_, read) => {
    const folder = tempFolder()
    const lines = ['one', 'two', 'three'].map((content) => JSON.stringify(message(content)))
    fs.writeFileSync(`${folder}/a.jsonl`, `${lines[0]}\n${lines[1]}\n\nno line\n${lines[2]}\n`)
    const seen: unknown[] = []
    const store = await open(folder, { onDamage: ({ key, damage }) => seen.push([key, damage]) })
    const session = store.session('a')
    const damage = [{ line: 4, offset: Buffer.byteLength(`${lines[0]}\n${lines[1]}\n\n`), length: 8 }]
    await read(session, store)
    await expect.poll(() => seen).toMatchObject([['a', damage]])
    for (const again of [READERS.messages, READERS['the last message'], READERS.info, READERS.entries])
      await again?.(session, store)
    expect(seen).toHaveLength(1)
    fs.appendFileSync(session.path, 'nor this\n')
    await session.messages()
    const [, last] = (seen.at(-1) ?? []) as [string, Array<{ offset: number }>]
    expect(last).toHaveLength(1)
  })

  test('without a listener an error in the background ends nothing', async () => {
    const store = await openStore(tempFolder())
    await store.session('a').append(message('x'))
    const failing = () => () => {
      throw systemError('EIO')
    }
    await during('rename', failing, () => store.close())
  })
})

test('`await using` closes a store', async () => {
  const store = await openStore(tempFolder())
  await store[Symbol.asyncDispose]()
  await expect(store.keys()).rejects.toMatchObject({ code: 'ERR_CLOSED', details: { dir: store.dir } })
})

describe('errors', () => {
  test('are distinguished by their codes, which determine the details', async () => {
    const session = (await open()).session('a')
    const error: unknown = await session.rewind({ keep: 1 }).catch((error) => error)
    expect(error).toBeInstanceOf(SessionError)
    expect(error).toBeInstanceOf(Error)
    expect(isSessionError(error)).toBe(true)
    expect(isSessionError(error, 'ERR_LOCKED')).toBe(false)
    expect((error as Error).message).toBe('there is no session "a"')
    if (!isSessionError(error, 'ERR_SESSION_NOT_FOUND')) throw error
    expectTypeOf(error.details.id).toEqualTypeOf<string>()
    expect(error.details).toEqual({ id: 'a' })
    if (error instanceof SessionError) expectTypeOf(error.code).toEqualTypeOf<'ERR_SESSION_NOT_FOUND'>()
  })

  test('of another kind are none', () => {
    const foreign = Object.assign(new Error('x'), { code: 'ERR_LOCKED' })
    for (const value of [foreign, null, undefined, 'ERR_LOCKED', { name: 'SessionError', code: 'ERR_LOCKED' }])
      expect(isSessionError(value)).toBe(false)
  })

  test('narrow by their codes', () => {
    const caught = (error: SessionError) => {
      if (error.code === 'ERR_TURN_MISMATCH') expectTypeOf(error.details.running).toEqualTypeOf<string | null>()
      return error.code
    }
    expect(caught(new SessionError('ERR_CLOSED', 'x', {}))).toBe('ERR_CLOSED')
  })
})
