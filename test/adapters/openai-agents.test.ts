import fs from 'node:fs'
import { Agent, type AgentInputItem, Runner, UserError } from '@openai/agents'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonlAgentsSession } from '../../src/adapters/openai-agents.js'
import { canonical, toJson } from '../../src/base/json.js'
import { patch, systemError } from '../helpers/file-calls.js'
import { open, tempFolder } from '../helpers/store.js'
import { answering } from './fake-model.js'
import { objectsLike } from './json.js'
import { describeMessageAdapter } from './message-adapter.js'

const said = (content: string) => ({ role: 'user', content }) as AgentInputItem
const called = (callId: string, args = '{}') =>
  ({ type: 'function_call', callId, name: 'ls', arguments: args, status: 'completed' }) as const

describeMessageAdapter('openai-agents', {
  chat(store, sessionId) {
    const session = new JsonlAgentsSession(store, sessionId)
    return {
      add: (text) => session.addItems([said(text)]),
      texts: async () => (await session.getItems()).map((item) => (item as { content: string }).content),
    }
  },
  keyOf: (id) => id,
})

async function fresh(sessionId = 'a') {
  const store = await open()
  return { store, session: new JsonlAgentsSession(store, sessionId) }
}

describe('the history of an agent', () => {
  test('comes back as it was added', async () => {
    const store = await open()
    let n = 0
    const item = objectsLike({
      type: fc.constantFrom('message', 'function_call', 'function_call_result', 'reasoning', 'new_kind'),
      role: fc.constantFrom('user', 'assistant', 'tool'),
      content: fc.string(),
      callId: fc.string(),
      output: fc.string(),
      $bytes: fc.string(),
      $json: objectsLike({ $bytes: fc.string() }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 4 }), async (given) => {
        const session = new JsonlAgentsSession(store, `${n++}`)
        await session.addItems(given as never)
        expect((await session.getItems()).map((found) => canonical(toJson(found)))).toEqual(given.map(canonical))
      }),
      { numRuns: 60 },
    )
  })

  test('holds bytes, wherever they stand', async () => {
    const { session } = await fresh()
    const given = {
      role: 'user',
      content: [{ type: 'input_image', image: new Uint8Array([0, 255]) }],
      providerData: {
        bytes: Buffer.from('x'),
        like: { $bytes: 'AA==' },
        wrapped: { $json: { $bytes: 'AA==' } },
        two: { $bytes: 1, b: 2 },
      },
    }
    await session.addItems([given as never])
    expect(await session.getItems()).toEqual([
      { ...given, providerData: { ...given.providerData, bytes: new Uint8Array([120]) } },
    ])
  })

  test('gives the latest items, oldest first; what was handed in or out is a copy', async () => {
    const { store, session } = await fresh()
    await session.addItems([])
    expect(await store.keys()).toEqual([])
    const items = ['1', '2', '3'].map(said)
    const done = session.addItems(items)
    Object.assign(items[0] as object, { content: 'changed' })
    await done
    await store.session('a').append([
      { role: 'event', content: 'joined' },
      { role: 'event', content: 'left' },
    ])
    expect(await session.getItems(2)).toEqual([said('2'), said('3')])
    expect([await session.getItems(0), await session.getItems(-1)]).toEqual([[], []])
    const [first] = await session.getItems()
    Object.assign(first as object, { content: 'changed' })
    expect(await session.getItems(9)).toEqual(['1', '2', '3'].map(said))
    expect(await session.popItem()).toEqual(said('3'))
    expect(await session.getItems()).toEqual(['1', '2'].map(said))
    expect((await store.session('a').messages()).map(({ content }) => content)).toEqual(['1', '2', 'joined', 'left'])
  })

  test('is taken off the disk when it is cleared', async () => {
    const { store, session } = await fresh()
    await session.addItems([said('secret')])
    await session.applyHistoryTransaction({
      operationId: 'o',
      transaction: { type: 'append_items', items: [said('too')] },
    })
    await store.session('a').setName('kept')
    await session.clearSession()
    expect([await session.getItems(), await session.getItems(3), await session.popItem()]).toEqual([[], [], undefined])
    expect(fs.readFileSync(store.session('a').path, 'utf8')).not.toMatch(/secret|too|operation/)
    expect(await store.session('a').name()).toBe('kept')
  })

  test('a call is replaced in its place, and one that is not there is not', async () => {
    const { store, session } = await fresh()
    const result = { type: 'function_call_result', callId: 'c1', name: 'ls', status: 'completed', output: 'x' } as const
    await session.addItems([said('1'), called('c1'), called('c2'), called('c1', '{"twice":1}'), result])
    const replacement = called('c1', '{"ok":true}')
    await session.applyHistoryMutations({ mutations: [{ type: 'replace_function_call', callId: 'c1', replacement }] })
    expect(await session.getItems()).toEqual([said('1'), replacement, called('c2'), result])
    const before = fs.readFileSync(store.session('a').path, 'utf8')
    await session.applyHistoryMutations({ mutations: [{ type: 'replace_function_call', callId: 'none', replacement }] })
    await session.applyHistoryMutations({ mutations: [] })
    expect(fs.readFileSync(store.session('a').path, 'utf8')).toBe(before)
  })

  test('is replaced by a compaction, all or nothing', async () => {
    const { store, session } = await fresh()
    await session.addItems(['1', '2', '3'].map(said))
    const compaction = { type: 'compaction', encrypted_content: 'abc' } as unknown as AgentInputItem
    const restore = patch('rename', () => () => {
      throw systemError('EIO')
    })
    await expect(session.replaceHistoryWithCompaction([compaction, said('3')])).rejects.toThrow('EIO')
    restore()
    expect(await session.getItems()).toEqual(['1', '2', '3'].map(said))
    await session.replaceHistoryWithCompaction([compaction, said('3')])
    expect(await session.getItems()).toEqual([compaction, said('3')])
    expect(await store.session('a').check()).toMatchObject({ damage: [] })
  })
})

describe('a transaction', () => {
  const append = (operationId: string, ...items: AgentInputItem[]) => ({
    operationId,
    transaction: { type: 'append_items' as const, items },
  })
  const replace = (operationId: string, expectedSuffix: AgentInputItem[], replacement: AgentInputItem[]) => ({
    operationId,
    transaction: { type: 'replace_suffix' as const, expectedSuffix, replacement },
  })

  test('is applied once, in whatever process it comes again', async () => {
    const folder = tempFolder()
    const one = new JsonlAgentsSession(open(folder), 'a')
    const two = new JsonlAgentsSession(open(folder), 'a')
    await one.applyHistoryTransaction(append('o1', said('1')))
    await two.applyHistoryTransaction(append('o1', said('1')))
    await two.addItems([said('2')])
    await Promise.all([one, two, one].map((session) => session.applyHistoryTransaction(append('o2', said('3')))))
    expect(await one.getItems()).toEqual(['1', '2', '3'].map(said))
    await one.applyHistoryTransaction(append('empty'))
    await expect(two.applyHistoryTransaction(append('empty', said('x')))).rejects.toThrow(UserError)
    await expect(two.applyHistoryTransaction(append('o1', said('other')))).rejects.toThrow(
      'Session history operation was already applied with a different transaction.',
    )
    expect(await one.getItems()).toHaveLength(3)
  })

  test('replaces the end of the history, if it still is the end', async () => {
    const { store, session } = await fresh()
    const blocked = { ...said('blocked'), providerData: { b: 1, a: undefined } } as AgentInputItem
    await session.addItems([said('1'), blocked])
    await store.session('a').append({ role: 'event', content: 'joined' })
    await expect(session.applyHistoryTransaction(replace('o', [said('other')], []))).rejects.toThrow(
      'Session history suffix no longer matches the transaction precondition.',
    )
    await expect(session.applyHistoryTransaction(replace('o', ['1', '2', '3'].map(said), []))).rejects.toThrow(
      UserError,
    )
    const again = { providerData: { b: 1 }, ...said('blocked') } as AgentInputItem
    await session.applyHistoryTransaction(replace('o', [again], [said('fine')]))
    await session.addItems([said('2')])
    await session.applyHistoryTransaction(replace('o', [again], [said('fine')]))
    expect(await session.getItems()).toEqual([said('1'), said('fine'), said('2')])
    expect(fs.readFileSync(store.session('a').path, 'utf8')).not.toContain('blocked')
  })

  test('is remembered for 30 days, by the clock of the store', async () => {
    let now = Date.parse('2026-11-21T07:00:00Z')
    const session = new JsonlAgentsSession(open(tempFolder(), { now: () => now }), 'a')
    await session.applyHistoryTransaction(append('o', said('1')))
    now += 29 * 86_400_000
    await session.applyHistoryTransaction(append('o', said('1')))
    now += 2 * 86_400_000
    await session.applyHistoryTransaction(append('o', said('1')))
    expect(await session.getItems()).toEqual([said('1'), said('1')])
  })

  test('that cannot be copied is refused before anything is written, and its text is not quoted', async () => {
    const { store, session } = await fresh()
    const loop: Record<string, unknown> = {}
    loop.self = loop
    const data: unknown[] = [
      ...[new Date(0), loop, 42n, Symbol('key-secret'), new Uint16Array([300]), () => {}, new Map(), new Array(1)],
      ...[Object.defineProperty({}, 'hidden', { value: 'key-secret' }), new Proxy({}, {}), { [Symbol('x')]: 1 }],
      Object.defineProperty({}, 'read', { enumerable: true, get: () => 'key-secret' }),
    ]
    const text = 'Session history transaction items contain invalid or unsupported data.'
    for (const providerData of data) {
      const item = { ...said('x'), providerData } as never
      const done = session.applyHistoryTransaction(append('o', item))
      await expect(done).rejects.toThrow(new UserError(text))
    }
    await expect(session.applyHistoryTransaction(append('o', 42 as never))).rejects.toThrow(text)
    const wrong: Array<[unknown, string]> = [
      [null, 'arguments are invalid'],
      [{ operationId: ' ', transaction: append('o').transaction }, 'operationId must be a non-empty string'],
      [{ operationId: 'o', transaction: null }, 'transaction must be an object'],
      [{ operationId: 'o', transaction: { type: 'unknown' } }, 'Unsupported session history transaction type'],
      [{ operationId: 'o', transaction: { type: 'append_items', items: [], more: 1 } }, 'append transaction fields'],
      [
        { operationId: 'o', transaction: { ...replace('o', [], []).transaction, more: 1 } },
        'suffix transaction fields',
      ],
    ]
    for (const [args, message] of wrong)
      await expect(session.applyHistoryTransaction(args as never)).rejects.toThrow(message)
    const throwing = Object.defineProperty({}, 'operationId', {
      get() {
        throw new Error('key-secret')
      },
    })
    await expect(session.applyHistoryTransaction(throwing as never)).rejects.toThrow(
      'Session history transaction arguments are invalid.',
    )
    expect(await store.keys()).toEqual([])
  })

  test('is read once, and holds bytes that another thread may change', async () => {
    const { session } = await fresh()
    const bytes = new Uint8Array(new SharedArrayBuffer(2))
    bytes.set([3, 7])
    let reads = 0
    const args = { transaction: append('o', { ...said('x'), providerData: { bytes } } as never).transaction }
    Object.defineProperty(args, 'operationId', { enumerable: true, get: () => `${reads++ === 0 ? 'o' : 'changed'}` })
    await session.applyHistoryTransaction(args as never)
    expect(reads).toBe(1)
    bytes[0] = 9
    const plain = Object.assign(Object.create(null), { bytes: new Uint8Array([3, 7]) })
    await session.applyHistoryTransaction(append('o', { ...said('x'), providerData: plain } as never))
    expect(await session.getItems()).toEqual([{ ...said('x'), providerData: { bytes: new Uint8Array([3, 7]) } }])
  })

  test('lands in call order among other calls', async () => {
    const session = new JsonlAgentsSession(open(), 'a')
    await Promise.all([
      session.addItems([said('1')]),
      session.applyHistoryTransaction(append('o', said('2'))),
      session.addItems([said('3')]),
      session.popItem(),
      session.addItems([said('4')]),
    ])
    expect(await session.getItems()).toEqual(['1', '2', '4'].map(said))
  })
})

test('a runner keeps its history there', async () => {
  const { store, session } = await fresh('ann')
  const runner = new Runner({
    modelProvider: { getModel: () => answering((count) => `I have read ${count}`) },
    tracingDisabled: true,
  })
  const agent = new Agent({ name: 'bot', instructions: 'Be brief.' })
  expect((await runner.run(agent, 'hi', { session })).finalOutput).toBe('I have read 1')
  expect((await runner.run(agent, 'again', { session })).finalOutput).toBe('I have read 3')
  expect((await store.session('ann').messages()).map(({ role }) => role)).toEqual([
    'user',
    'assistant',
    'user',
    'assistant',
  ])
})
