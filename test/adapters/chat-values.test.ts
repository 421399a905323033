/** grammY, Telegraf and Bolt: one value in the log of each chat. */
import fs from 'node:fs'
import { Bot, session } from 'grammy'
import { describe, expect, test } from 'vitest'
import { JsonlConversationStore } from '../../src/adapters/bolt.js'
import { JsonlStorageAdapter } from '../../src/adapters/grammy.js'
import type { GivenStore } from '../../src/adapters/shared/given-store.js'
import { JsonlTelegrafStore } from '../../src/adapters/telegraf.js'
import { openStore } from '../../src/index.js'
import { messageOf, start } from '../helpers/child.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, contents, filesIn, message, open, tempFolder } from '../helpers/store.js'

interface Adapter {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<unknown>
  remove?: (key: string) => Promise<unknown>
}

interface Options {
  prefix?: string
  name?: string
}

const ADAPTERS: Array<[string, (store: GivenStore, options?: Options) => Adapter]> = [
  [
    'grammy',
    (store, options) => {
      const made = new JsonlStorageAdapter<unknown>(store, options)
      return {
        get: (key) => made.read(key),
        set: (key, value) => made.write(key, value),
        remove: (key) => made.delete(key),
      }
    },
  ],
  [
    'telegraf',
    (store, options) => {
      const made = new JsonlTelegrafStore<unknown>(store, options)
      return {
        get: (key) => made.get(key),
        set: (key, value) => made.set(key, value),
        remove: (key) => made.delete(key),
      }
    },
  ],
  [
    'bolt',
    (store, options) => {
      const made = new JsonlConversationStore(store, options)
      const found = (error: Error) => {
        if (error.message !== 'Conversation not found') throw error
        return undefined
      }
      return { get: (key) => made.get(key).catch(found), set: (key, value) => made.set(key, value) }
    },
  ],
]

describe.each(ADAPTERS)('%s', (_, make) => {
  test('keeps the value as a line beside the messages of the chat', async () => {
    const store = await open()
    const adapter = make(store, { prefix: 'telegram_' })
    expect(await adapter.get('42')).toBeUndefined()
    expect(filesIn(store.dir)).toEqual([])
    await store.session('telegram_42').append(message('hi'))
    await adapter.set('42', { count: 3 })
    expect(await adapter.get('42')).toEqual({ count: 3 })
    const text = fs.readFileSync(store.session('telegram_42').path, 'utf8')
    expect(text.split('\n')[2]).toMatch(/^\{"type":"value","name":"session","value":\{"count":3\},"at"/)
    if (adapter.remove === undefined) return
    await adapter.remove('42')
    expect(await adapter.get('42')).toBeUndefined()
    expect(await contents(store.session('telegram_42'))).toEqual(['hi'])
    await adapter.set('42', 1)
    await adapter.set('42', undefined)
    expect(await adapter.get('42')).toBeUndefined()
  })

  test.each(['../../escape', 'a/b', 'x'.repeat(10_000), '👩‍👩‍👧', '__proto__', 'CON', 'constructor', ' '])(
    'holds the key %j like any other, inside the folder',
    async (key) => {
      const folder = tempFolder()
      const adapter = make(await open(`${folder}/inner`))
      const value = JSON.parse('{"__proto__":{"a":1},"list":[1,null,{"constructor":"x"}]}')
      await adapter.set(key, value)
      await adapter.set(`${key}.`, 'other')
      expect(JSON.stringify(await adapter.get(key))).toBe(JSON.stringify(value))
      expect(fs.readdirSync(folder)).toEqual(['inner'])
    },
  )

  test('copies what it is given and what it gives', async () => {
    const folder = tempFolder()
    const store = openStore(folder)
    const adapter = make(store)
    const given = { list: [1] }
    const done = adapter.set('a', given)
    given.list.push(2)
    await done
    ;((await adapter.get('a')) as typeof given).list.push(3)
    expect(await adapter.get('a')).toEqual({ list: [1] })
    await (await store).close()
  })

  test.each([
    ['a bigint', 1n],
    ['a function', () => 1],
  ])('rejects %s, and the keys "" and of a lone surrogate', async (_, value) => {
    const store = await open()
    const adapter = make(store)
    await expect(adapter.set('a', value)).rejects.toThrow(TypeError)
    expect(await codeOf(adapter.set('', 1))).toBe('ERR_INVALID_KEY')
    expect(await codeOf(adapter.get('\ud800'))).toBe('ERR_INVALID_KEY')
    expect(filesIn(store.dir)).toEqual([])
    expect(() => make(store, { wrong: 1 } as never)).toThrow(TypeError)
    expect(() => make('no store' as never)).toThrow(TypeError)
  })

  test('rejects every call where the store could not be opened, and leaves no rejection unhandled', async () => {
    const adapter = make(Promise.reject(systemError('EACCES')))
    expect(await codeOf(adapter.get('a'))).toBe('EACCES')
    expect(await codeOf(adapter.set('a', 1))).toBe('EACCES')
  })

  test.each(['EIO', 'EACCES'])('%s is an error, never an empty session', async (code) => {
    const folder = tempFolder()
    const writer = await open(folder)
    await make(writer).set('a', 1)
    await writer.close()
    const store = await open(folder)
    const failing = () => () => {
      throw systemError(code)
    }
    expect(await during('open', failing, () => codeOf(make(store).get('a')))).toBe(code)
    expect(await make(store).get('a')).toBe(1)
  })

  test('a rewrite before each call changes no result', async () => {
    const store = await open()
    const adapter = make(store)
    for (let n = 0; n < 5; n++) {
      await adapter.set('a', n)
      await store.session('a').rewrite()
      expect(await adapter.get('a')).toBe(n)
    }
    expect(await store.session('a').check()).toMatchObject({ values: 1, damage: [] })
  })
})

test('two processes write one chat 200 times each: every read is whole, and nothing is lost when they are killed', async () => {
  const folder = tempFolder()
  const children = [1, 2].map(() => start('value-adapters.mjs', [folder, '200']))
  await Promise.all(children.map((child) => messageOf(child)))
  const done = children.map((child) => messageOf(child))
  for (const child of children) child.send('go')
  const store = await open(folder)
  const grammy = new JsonlStorageAdapter<{ total: number; text: string }>(store)
  let running = true
  const ended = Promise.all(done).then(() => {
    running = false
  })
  for (let last = 0; running; ) {
    const read = await grammy.read('chat')
    if (read === undefined) expect(last).toBe(0)
    else expect(read).toEqual({ total: expect.any(Number), text: 'x'.repeat(500) })
    last = read?.total ?? 0
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await ended
  for (const child of children) child.kill('SIGKILL')
  const { total } = (await grammy.read('chat'))!
  // of two that read the same the last one wins: grammY promises no more
  expect(total).toBeGreaterThan(0)
  expect(total).toBeLessThanOrEqual(400)
  for (const { pid } of children) expect(await new JsonlStorageAdapter<number>(store).read(`own ${pid}`)).toBe(199)
  expect(await store.session('chat').check()).toMatchObject({ damage: [], torn: null })
})

describe('grammy', () => {
  test('lists the chats that hold the value', async () => {
    const store = await open()
    const adapter = new JsonlStorageAdapter<number>(store, { prefix: 'telegram_' })
    await store.session('telegram_none').append(message('hi'))
    await store.session('other').setValue('session', 9)
    for (const key of ['b', 'a', 'gone']) await adapter.write(key, key.length)
    await adapter.delete('gone')
    const collected = async <T>(items: AsyncIterable<T>) => {
      const all: T[] = []
      for await (const item of items) all.push(item)
      return all
    }
    expect(await collected(adapter.readAllKeys())).toEqual(['a', 'b'])
    expect(await collected(adapter.readAllValues())).toEqual([1, 1])
    expect(await collected(adapter.readAllEntries())).toEqual([
      ['a', 1],
      ['b', 1],
    ])
    expect([await adapter.has('a'), await adapter.has('gone')]).toEqual([true, false])
  })

  test('is the storage of its session plugin', async () => {
    const store = await open()
    const storage = new JsonlStorageAdapter<{ count: number }>(store, { prefix: 'telegram_' })
    const counts: number[] = []
    const bot = new Bot<never>('1:x', { botInfo: { id: 1, is_bot: true, first_name: 'b', username: 'b' } as never })
    bot.use(session({ initial: () => ({ count: 0 }), storage }) as never)
    bot.on('message', ((ctx: { session: { count: number } }) => {
      counts.push(++ctx.session.count)
    }) as never)
    for (let id = 1; id <= 3; id++) {
      const chat = { id: 42, type: 'private', first_name: 'Ann' }
      await bot.handleUpdate({
        update_id: id,
        message: { message_id: id, date: 0, chat, from: chat, text: 'hi' },
      } as never)
    }
    expect(counts).toEqual([1, 2, 3])
    expect(await store.session('telegram_42').getValue('session')).toEqual({ count: 3 })
  })
})

describe('bolt', () => {
  test('knows expired conversations from such that never were', async () => {
    let now = 1_000_000
    const store = await open(tempFolder(), { now: () => now })
    const conversations = new JsonlConversationStore(store)
    await expect(conversations.get('C1')).rejects.toThrow(/^Conversation not found$/)
    await conversations.set('C1', { step: 1 }, now + 1_000)
    expect(await conversations.get('C1')).toEqual({ step: 1 })
    now += 1_000
    await expect(conversations.get('C1')).rejects.toThrow(/^Conversation expired$/)
    await store.session('C1').rewrite()
    await expect(conversations.get('C1')).rejects.toThrow(/^Conversation not found$/)
  })

  test('an outage is reported to the store as well', async () => {
    const folder = tempFolder()
    const reported: unknown[] = []
    const first = await open(folder)
    await new JsonlConversationStore(first).set('C1', 1)
    await first.close()
    const store = await open(folder, {
      onError: (error, key) => reported.push([(error as NodeJS.ErrnoException).code, key]),
    })
    const failing = () => () => {
      throw systemError('EIO')
    }
    const conversations = new JsonlConversationStore(store)
    expect(await during('open', failing, () => codeOf(conversations.get('C1')))).toBe('EIO')
    expect(reported).toEqual([['EIO', 'C1']])
  })
})
