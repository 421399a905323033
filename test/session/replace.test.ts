/** `replace`: another message in the place of one. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { mergeLogs } from '../../src/log/merge/merge.js'
import { RemoteStore } from '../helpers/child.js'
import { bareLine, contents, fill, message, open, openLeased } from '../helpers/store.js'

describe('a message that is replaced', () => {
  test('keeps its place, its id and its time; the old text is off the disk', async () => {
    let now = Date.UTC(2026, 0, 1)
    const store = await open(undefined, { now: () => now })
    const session = await fill(store, 'a', ['1', 'secret', '3'])
    const [, before] = await session.messages()
    const others = linesOf(session.path).filter((line) => !line.includes('secret'))
    now += 60_000
    expect(await session.replace(before!.id, { role: 'user', content: 'better', edited: true })).toBe(before!.id)
    expect(await session.messages()).toMatchObject([
      { content: '1' },
      { role: 'user', content: 'better', edited: true, id: before!.id, at: before!.at },
      { content: '3' },
    ])
    expect(fs.readFileSync(session.path, 'utf8')).not.toContain('secret')
    expect(linesOf(session.path).filter((line) => !line.includes('better'))).toEqual(others)
    expect((await session.info())?.lastActivity).toEqual(new Date(Date.UTC(2026, 0, 1)))
    expect(await store.search('secret')).toEqual([])
    expect(await store.search('better')).toMatchObject([{ key: 'a' }])
    const again = (await open(store.dir)).session('a')
    expect(await contents(again)).toEqual(['1', 'better', '3'])
    expect((await again.check())?.damage).toEqual([])
  })

  test('is named by its own id too, where one live message has it, and keeps an id of its own', async () => {
    const session = (await open()).session('a')
    await session.append({ id: 'm1', role: 'user', content: 'old' })
    await session.replace('m1', { id: 'm1', role: 'user', content: 'new' })
    expect(await session.messages()).toMatchObject([{ id: 'm1', content: 'new' }])
    expect(await session.append({ id: 'm1', role: 'user', content: 'again' }, { once: true })).toBe(
      (await first(session.entries())).id,
    )
    await session.append({ id: 'm1', role: 'user', content: 'another' })
    await expect(session.replace('m1', message('x'))).rejects.toMatchObject({ code: 'ERR_MESSAGE_NOT_FOUND' })
    expect(await contents(session)).toEqual(['new', 'another'])
  })

  test('that waits waits on; one that answers is the answer still', async () => {
    const session = (await open()).session('a')
    const { id } = await session.receive(message('frist'), { ref: 'r1' })
    await session.replace(id, message('first'))
    expect(await session.waiting()).toMatchObject([{ id, message: { content: 'first' } }])
    expect(await session.receive(message('frist'), { ref: 'r1' })).toMatchObject({ id, state: 'waiting' })
    const answer = await session.turn(async (turn) => turn.answer({ role: 'assistant', content: 'yes' }))
    const last = (await session.messages()).at(-1)!.id
    await session.replace(last, { role: 'assistant', content: 'no' })
    expect(await session.waiting()).toEqual([])
    expect(await session.context()).toEqual([
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'no' },
    ])
    expect(answer).toBe(last)
  })

  test('counts its usage once; what the new one does not name stays counted', async () => {
    const session = (await open()).session('a')
    const id = await session.append({ role: 'assistant', content: 'x', usage: { promptTokens: 10 } })
    const sums = async () => {
      const { promptTokens, apiCalls } = await session.usage()
      return { promptTokens, apiCalls }
    }
    await session.replace(id, { role: 'assistant', content: 'y', usage: { promptTokens: 10 } })
    expect(await sums()).toEqual({ promptTokens: 10, apiCalls: 1 })
    await session.replace(id, { role: 'assistant', content: 'y', usage: { promptTokens: 25 } })
    expect(await sums()).toEqual({ promptTokens: 25, apiCalls: 1 })
    await session.replace(id, { role: 'assistant', content: 'z' })
    expect(await sums()).toEqual({ promptTokens: 25, apiCalls: 1 })
    await session.rewrite()
    expect(await sums()).toEqual({ promptTokens: 25, apiCalls: 1 })
  })

  test('typed by hand, without id and time, gets those that it was known by; so do the others', async () => {
    const store = await open()
    const session = await fill(store, 'a', [])
    fs.writeFileSync(session.path, `${bareLine('1')}${bareLine('2')}${bareLine('3')}`)
    fs.utimesSync(session.path, 1_700_000_000, 1_700_000_000)
    const before = await session.messages()
    await session.replace(before[1]!.id, message('a longer text than before'))
    expect(await session.messages()).toEqual(
      before.map((one, i) => (i === 1 ? { ...one, content: 'a longer text than before' } : one)),
    )
  })

  test('that is not there, removed, or in no session is an error that names it, and changes nothing', async () => {
    const store = await open(undefined, { maxMessageBytes: 400 })
    const session = await fill(store, 'a', ['1', '2'])
    const [one] = await session.messages()
    await session.removeLast()
    const bytes = fs.readFileSync(session.path)
    await expect(session.replace('none', message('x'))).rejects.toMatchObject({
      code: 'ERR_MESSAGE_NOT_FOUND',
      details: { id: 'a', message: 'none' },
    })
    await expect(store.session('b').replace('none', message('x'))).rejects.toMatchObject({
      code: 'ERR_SESSION_NOT_FOUND',
      details: { id: 'b' },
    })
    await expect(session.replace(one!.id, message('x'.repeat(400)))).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' })
    await expect(session.replace(one!.id, { content: 'x' } as never)).rejects.toThrow(TypeError)
    await expect(session.replace(1 as never, message('x'))).rejects.toThrow(TypeError)
    expect(fs.readFileSync(session.path).equals(bytes)).toBe(true)
    expect(await store.session('b').exists()).toBe(false)
  })

  test('loses no append that another process makes meanwhile without a lease', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['0'])
    const id = (await session.messages())[0]!.id
    const other = await RemoteStore.open(store.dir)
    const theirs = Array.from({ length: 200 }, (_, i) => `theirs ${i}`)
    const appending = Promise.all(theirs.map((text) => other.append('a', text)))
    for (let i = 1; i <= 10; i++) await session.replace(id, message(String(i)))
    await appending
    expect(await contents(session)).toEqual(['10', ...theirs])
  })

  test('from two processes at once is one of the two texts, and both calls resolve', async () => {
    const store = await openLeased()
    const session = await fill(store, 'a', ['0', 'last'])
    const id = (await session.messages())[0]!.id
    const other = await RemoteStore.open(store.dir)
    for (let i = 0; i < 10; i++) {
      await Promise.all([session.replace(id, message('ours')), other.call('replace', 'a', id, message('theirs'))])
      expect(await contents(session)).toEqual([expect.stringMatching(/ours|theirs/), 'last'])
    }
  })

  test('is merged by its line: the side that replaced it counts', async () => {
    const session = await fill(await open(), 'a', ['1', '2'])
    const base = fs.readFileSync(session.path)
    const id = (await session.messages())[0]!.id
    await session.replace(id, message('new'))
    const ours = fs.readFileSync(session.path)
    const theirs = Buffer.concat([base, Buffer.from(bareLine('3'))])
    const { bytes, report } = mergeLogs(base, ours, theirs)
    expect(report.contradictions).toEqual([])
    fs.writeFileSync(session.path, bytes)
    expect(await contents(session)).toEqual(['new', '2', '3'])
  })
})

function linesOf(file: string): string[] {
  return fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
}

async function first<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item
  throw new Error('there is none')
}
