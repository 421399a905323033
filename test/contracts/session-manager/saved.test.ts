/** Saves that compare with what was saved last instead of reading the log. */

import fs from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, makes, toJson } from '../../../src/base/json.js'
import { JsonlSessionManager, type Session } from '../../../src/contracts/session-manager/index.js'
import { internalsOf } from '../../../src/store/store.js'
import { message, open } from '../../helpers/store.js'

function session(messages: unknown[], state: unknown = null): Session {
  const labels = { name: 'n', tags: [], agentName: '', turnCount: 1, totalTokens: 0 }
  const metadata = { id: 's', createdAt: 0, updatedAt: 0, ...labels }
  return { metadata, messages: messages as Json[], state: state as Json }
}

async function opened() {
  const store = await open()
  const manager = new JsonlSessionManager(store)
  const kinds = () =>
    fs
      .readFileSync(store.session('s').path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).type ?? 'message')
  return { store, manager, kinds }
}

class Point {
  x = 1
}

describe('a save', () => {
  test('sees a message that was changed in place, at any depth', async () => {
    const { manager } = await opened()
    const inner: { text?: string; tags: unknown[]; more?: null } = { text: 'a', tags: ['x', { y: 1 }] }
    const last: { role: string; content: unknown } = { ...message('b') }
    const messages: unknown[] = [{ role: 'user', content: [inner] }, last]
    await manager.save(session(messages))
    const changes: Array<() => unknown> = [
      () => inner.tags.splice(1, 1, { y: 2 }),
      () => inner.tags.pop(),
      () => Object.assign(inner, { more: null }),
      () => Reflect.deleteProperty(inner, 'text'),
      () => Object.assign(last, { content: ['b'] }),
      () => Object.assign(last, { content: { 0: 'b' } }),
      () => messages.reverse(),
    ]
    for (const change of changes) {
      change()
      const wanted = structuredClone(messages)
      await manager.save(session(messages))
      expect((await manager.resume('s')).messages).toEqual(wanted)
    }
  })

  test('writes only what is new, also where JSON leaves something out of messages', async () => {
    const { manager, kinds } = await opened()
    const odd = [
      { role: 'user', content: 'x', left: undefined, f() {} },
      { role: 'user', content: new Date(0) },
      { role: 'user', content: Object.assign([undefined, Number.NaN, -0], { length: 5 }) },
      { role: 'user', content: new Point() },
      { role: 'user', content: new String('boxed') },
      { role: 'user', content: { toJSON: () => 'made' } },
      Object.assign(Object.create(null), { role: 'user', content: 'no prototype' }),
      JSON.parse('{"role":"user","__proto__":{"a":1}}'),
      undefined,
    ]
    await manager.save(session(odd))
    for (let n = 1; n <= 3; n++) {
      await manager.save(session([...odd, ...Array.from({ length: n }, (_, i) => message(`${i}`))]))
    }
    expect(kinds().filter((kind) => kind === 'remove')).toEqual([])
    expect(kinds().filter((kind) => kind === 'message')).toHaveLength(odd.length + 3)
    expect((await manager.resume('s')).messages.slice(0, odd.length)).toEqual(toJson(odd))
  })

  test('that another write got in between compares with what the log holds then', async () => {
    const { manager, store } = await opened()
    await manager.save(session([message('1'), message('2')]))
    await store.session('s').append(message('theirs'))
    await manager.save(session([message('1'), message('2'), message('3')]))
    await store.session('s').removeLast()
    await manager.save(session([message('1'), message('2'), message('3'), message('4')]))
    await store.session('s').rewind({ keep: 1 })
    await manager.save(session([message('1'), message('2')]))
    await store.session('s').rewrite()
    await manager.save(session([message('1'), message('2'), 5]))
    expect((await manager.resume('s')).messages).toEqual([message('1'), message('2'), 5])
  })

  test('made at once with others comes after them', async () => {
    const { manager, kinds } = await opened()
    const texts = ['1', '2', '3', '4', '5'].map(message)
    await manager.save(session(texts.slice(0, 1)))
    await Promise.all([
      manager.save(session(texts.slice(0, 3))),
      manager.save(session(texts.slice(0, 4))),
      manager.save(session(texts.slice(0, 2))),
      manager.save(session(texts), { unchanged: 1 }),
    ])
    expect((await manager.resume('s')).messages).toEqual(texts)
    expect(kinds().filter((kind) => kind === 'remove')).toHaveLength(1)
  })

  test('does not compare messages that the caller declares unchanged, while no other writer wrote', async () => {
    const { manager, store } = await opened()
    const looked: string[] = []
    const watched = (text: string) => ({
      role: 'user',
      get content() {
        looked.push(text)
        return text
      },
    })
    const first = watched('1')
    await manager.save(session([first]))
    looked.length = 0
    await manager.save(session([first, message('2')]), { unchanged: 1 })
    await manager.save(session([first, message('2'), message('3')]), { unchanged: 2 })
    expect(looked).toEqual([])
    await store.session('s').append(message('theirs'))
    await manager.save(session([first, message('2'), message('3'), message('4')]), { unchanged: 3 })
    expect((await manager.resume('s')).messages).toEqual(['1', '2', '3', '4'].map(message))
  })

  test('that vouches for what this manager never saved compares all the same', async () => {
    const { manager, store } = await opened()
    await store.session('s').append([message('1'), message('2')])
    await manager.save(session([message('1'), message('x'), message('3')]), { unchanged: 3 })
    expect((await manager.resume('s')).messages).toEqual(['1', 'x', '3'].map(message))
    await manager.save(session([message('1')]), { unchanged: 3 })
    expect((await manager.resume('s')).messages).toEqual([message('1')])
  })

  test('after one that failed reads the log again', async () => {
    const { manager, store } = await opened()
    await manager.save(session([message('1')]))
    const big = message('x'.repeat(internalsOf(store).context.settings.maxMessageBytes))
    await expect(manager.save(session([message('1'), big]))).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' })
    await manager.save(session([message('1'), message('2')]))
    expect((await manager.resume('s')).messages).toEqual(['1', '2'].map(message))
  })
})

describe('makes', () => {
  test('never takes one value for another', () => {
    const value = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
    fc.assert(
      fc.property(value, value, (one, other) => {
        expect(makes(structuredClone(one), toJson(one))).toBe(true)
        if (makes(one, toJson(other))) expect(toJson(one)).toEqual(toJson(other))
      }),
      { seed: 20261125, numRuns: 500 },
    )
    for (const given of [
      undefined,
      Number.NaN,
      new Date(0),
      { a: undefined },
      [undefined],
      new Point(),
      new Map(),
      () => 0,
    ])
      for (const known of [null, {}, [], [null], 'x', 0, { x: 1 }, { a: null }]) expect(makes(given, known)).toBe(false)
  })
})
