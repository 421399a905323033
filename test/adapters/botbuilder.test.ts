/** State and transcripts of the Bot Framework and of M365 agents. */
import fs from 'node:fs'
import type { Storage as AgentStorage, TranscriptStore as AgentTranscripts } from '@microsoft/agents-hosting'
import {
  type Activity,
  type Storage as BotStorage,
  type TranscriptStore as BotTranscripts,
  ConversationState,
  MemoryStorage,
  MemoryTranscriptStore,
  TestAdapter,
} from 'botbuilder'
import { describe, expect, test } from 'vitest'
import { JsonlBotStorage, JsonlTranscriptStore } from '../../src/adapters/botbuilder.js'
import { openStore } from '../../src/index.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, contents, filesIn, message, open, tempFolder } from '../helpers/store.js'

const conflict = (key: string) => `Storage: error writing "${key}" due to eTag conflict.`

describe('JsonlBotStorage', () => {
  test('keeps an item as a value beside the messages of its log', async () => {
    const store = await open()
    const storage: AgentStorage & BotStorage = new JsonlBotStorage(store, { prefix: 'teams_' })
    expect(await storage.read(['42'])).toEqual({})
    expect(filesIn(store.dir)).toEqual([])
    await store.session('teams_42').append(message('hi'))
    await storage.write({ '42': { count: 3, eTag: '*' } })
    const { '42': item } = await storage.read(['42', 'none'])
    expect(item).toEqual({ count: 3, eTag: expect.any(String) })
    expect(fs.readFileSync(store.session('teams_42').path, 'utf8').split('\n')[2]).toMatch(
      /^\{"type":"value","name":"state","value":\{"count":3\},"at"/,
    )
    await storage.delete(['42', 'none'])
    expect(await storage.read(['42'])).toEqual({})
    expect(await contents(store.session('teams_42'))).toEqual(['hi'])
  })

  test.each([
    ['ours', async () => new JsonlBotStorage(await open())],
    ['that of the framework', async () => new MemoryStorage()],
  ])('says what the framework says, %s', async (_, make) => {
    const storage = await make()
    const reading = storage.read(null as never)
    await expect(reading).rejects.toThrow(new ReferenceError('Keys are required when reading.'))
    await expect(storage.write(null as never)).rejects.toThrow(new ReferenceError('Changes are required when writing.'))
    expect(await storage.read([])).toEqual({})
    await storage.write([])
    await storage.write({ a: { n: 1 }, b: { n: 1 } })
    const { a: first } = await storage.read(['a'])
    await storage.write({ a: { ...first, n: 2 } })
    await expect(storage.write({ a: { ...first, n: 3 }, b: { n: 3 } })).rejects.toThrow(conflict('a'))
    const { a, b } = await storage.read(['a', 'b'])
    expect([a.n, b.n]).toEqual([2, 3])
    await storage.write({ a: { ...first, n: 4, eTag: '*' } })
    await storage.delete(['a'])
    // nothing is there that it could contradict
    await storage.write({ a: { ...first, n: 5 } })
    expect((await storage.read(['a'])).a.n).toBe(5)
  })

  test('of many that write what they read at once, one is written', async () => {
    const folder = tempFolder()
    const stores = [await open(folder), await open(folder)]
    const [one] = stores.map((store) => new JsonlBotStorage(store))
    await one!.write({ a: { n: 0 } })
    const { a } = await one!.read(['a'])
    const tries = stores.flatMap((store) =>
      [1, 2, 3].map((n) => new JsonlBotStorage(store).write({ a: { ...a, n } }).then(() => n)),
    )
    const done = (await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled')
    expect(done).toHaveLength(1)
    expect((await one!.read(['a'])).a.n).toBe((done[0] as PromiseFulfilledResult<number>).value)
  })

  test.each(['../../escape', 'a/b', 'x'.repeat(10_000), '👩‍👩‍👧', '__proto__', 'CON', 'constructor'])(
    'holds the key %j like any other, inside the folder',
    async (key) => {
      const folder = tempFolder()
      const storage = new JsonlBotStorage(await open(`${folder}/inner`))
      await storage.write(Object.fromEntries([[key, { list: [1, null, { constructor: 'x' }] }]]))
      const found = Object.entries(await storage.read([key]))
      expect(found).toEqual([[key, { list: [1, null, { constructor: 'x' }], eTag: expect.any(String) }]])
      expect(fs.readdirSync(folder)).toEqual(['inner'])
    },
  )

  test('an outage is an error, never an absent item; what JSON cannot hold is refused', async () => {
    const folder = tempFolder()
    const writer = await open(folder)
    await new JsonlBotStorage(writer).write({ a: { n: 1 } })
    await writer.close()
    const storage = new JsonlBotStorage(openStore(folder))
    const failing = () => () => {
      throw systemError('EIO')
    }
    expect(await during('open', failing, () => codeOf(storage.read(['a'])))).toBe('EIO')
    expect((await storage.read(['a'])).a.n).toBe(1)
    await expect(storage.write({ a: { n: 1n } })).rejects.toThrow(TypeError)
    expect(() => new JsonlBotStorage(Promise.resolve() as never, { wrong: 1 } as never)).toThrow(TypeError)
  })

  test('is the storage of a bot: its conversation state goes on in the next process', async () => {
    const folder = tempFolder()
    for (const answers of [['1'], ['2']]) {
      const store = await openStore(folder)
      const state = new ConversationState(new JsonlBotStorage(store))
      const counted = state.createProperty<number>('counted')
      const adapter = new TestAdapter(async (context) => {
        const count = (await counted.get(context, 0)) + 1
        await counted.set(context, count)
        await context.sendActivity(`${count}`)
        await state.saveChanges(context)
      })
      for (const answer of answers) await adapter.test('hi', answer).startTest()
      await store.close()
    }
  })
})

describe('JsonlTranscriptStore', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
  const activity = (n: number, more: object = {}) =>
    ({
      type: 'message',
      timestamp: at(n),
      id: `a${n}`,
      text: `${n}`,
      channelId: 'test',
      conversation: { id: 'c/1' },
      from: { id: 'u', name: 'Ann', role: n % 2 === 0 ? 'user' : 'bot' },
      ...more,
    }) as Activity

  test('keeps activities as messages that all readers know', async () => {
    const store = await open()
    const transcripts = new JsonlTranscriptStore(store)
    const same: AgentTranscripts & BotTranscripts = transcripts
    const typing = activity(2, { type: 'typing', text: undefined })
    for (const one of [activity(0), activity(1), typing]) await transcripts.logActivity(one)
    const session = store.session('transcript/test/c/1')
    expect((await session.messages()).map(({ role, content }) => [role, content])).toEqual([
      ['user', '0'],
      ['assistant', '1'],
      ['event', undefined],
    ])
    await session.append(message('typed by hand'))
    const { items } = await transcripts.getTranscriptActivities('test', 'c/1')
    expect(items.slice(0, 3)).toEqual([activity(0), activity(1), JSON.parse(JSON.stringify(typing), revive)])
    expect(JSON.stringify(items[0])).toBe(JSON.stringify(activity(0)))
    expect(items[3]).toMatchObject({ type: 'message', text: 'typed by hand', from: { role: 'user' } })
    expect((await same.listTranscripts('test')).items.map(({ id }) => id)).toEqual(['c/1'])
    expect((await same.listTranscripts('tes')).items).toEqual([])
    await same.deleteTranscript('test', 'c/1')
    await same.deleteTranscript('test', 'none')
    expect((await transcripts.getTranscriptActivities('test', 'c/1')).items).toEqual([])
  })

  test('are kept under any id, and an outage is no empty transcript', async () => {
    const folder = tempFolder()
    const store = await open(`${folder}/inner`)
    const transcripts = new JsonlTranscriptStore(store)
    const ids = ['../../escape', 'a/b', 'a%2Fb', 'x'.repeat(10_000), '👩‍👩‍👧', '__proto__', 'CON', 'constructor']
    for (const [n, id] of ids.entries()) await transcripts.logActivity(activity(n, { conversation: { id } }))
    for (const [n, id] of ids.entries())
      expect((await transcripts.getTranscriptActivities('test', id)).items.map(({ text }) => text)).toEqual([`${n}`])
    expect((await transcripts.listTranscripts('test')).items.map(({ id }) => id).sort()).toEqual([...ids].sort())
    expect(fs.readdirSync(folder)).toEqual(['inner'])
    await store.close()
    const cold = new JsonlTranscriptStore(openStore(`${folder}/inner`))
    const failing = () => () => {
      throw systemError('EIO')
    }
    expect(await during('open', failing, () => codeOf(cold.getTranscriptActivities('test', 'a/b')))).toBe('EIO')
    expect((await cold.getTranscriptActivities('test', 'a/b')).items).toHaveLength(1)
  })

  const revive = (field: string, value: unknown) => (field === 'timestamp' ? new Date(`${value}`) : value)

  test.each([
    ['ours', async () => new JsonlTranscriptStore(await open())],
    ['that of the framework', async () => new MemoryTranscriptStore()],
  ])('pages by time, %s', async (_, make) => {
    const transcripts = await make()
    for (const n of [...Array(45).keys()].reverse()) await transcripts.logActivity(activity(n))
    const pages: string[][] = []
    for (let token: string | undefined, i = 0; i < 4; i++) {
      const page = await transcripts.getTranscriptActivities('test', 'c/1', token, at(3))
      pages.push(page.items.map(({ text }) => `${text}`))
      token = page.continuationToken
      if (token === undefined) break
    }
    expect(pages.map(({ length }) => length)).toEqual([20, 20, 2])
    expect(pages.flat()).toEqual(Array.from({ length: 42 }, (_, n) => `${n + 3}`))
    expect((await transcripts.getTranscriptActivities('test', 'c/1', 'unknown')).items).toEqual([])
    for (let n = 0; n < 21; n++) await transcripts.logActivity(activity(n, { conversation: { id: `d${n}` } }))
    const first = await transcripts.listTranscripts('test')
    const second = await transcripts.listTranscripts('test', first.continuationToken)
    expect([first.items.length, second.items.length]).toEqual([20, 2])
    expect(new Set([...first.items, ...second.items].map(({ id }) => id)).size).toBe(22)
  })

  test.each([
    ['ours', async () => new JsonlTranscriptStore(await open())],
    ['that of the framework', async () => new MemoryTranscriptStore()],
  ])('throws at once for what is missing, %s', async (_, make) => {
    const transcripts = await make()
    expect(() => transcripts.logActivity(undefined as never)).toThrow()
    expect(() => transcripts.getTranscriptActivities('', 'c')).toThrow('Missing channelId')
    expect(() => transcripts.getTranscriptActivities('c', '')).toThrow('Missing conversationId')
    expect(() => transcripts.listTranscripts('')).toThrow('Missing channelId')
    expect(() => transcripts.deleteTranscript('c', '')).toThrow('Missing conversationId')
  })
})
