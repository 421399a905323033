/** Lists of an open store read only what changed, and miss no change. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.js'
import { during } from '../helpers/file-calls.js'
import { open, sleep, tempFolder } from '../helpers/store.js'

const KEYS = ['a', 'b', 'c']
const FOREIGN = '{"role":"user","content":"by hand"}\n'

/** A store that has listed often enough to watch its folder. */
async function listed() {
  const dir = tempFolder()
  const store = await open(dir)
  for (const key of KEYS) await store.session(key).append({ role: 'user', content: `hello from ${key}` })
  for (let i = 0; i < 3; i++) await store.list()
  return { dir, store, log: (key: string) => path.join(dir, `${key}.jsonl`) }
}

const counts = async (store: SessionStore) =>
  Object.fromEntries((await store.list()).map(({ key, messages }) => [key, messages]))

describe('the next list shows', () => {
  test('a line that another program appended', async () => {
    const { store, log } = await listed()
    fs.appendFileSync(log('b'), FOREIGN)
    expect(await counts(store)).toEqual({ a: 1, b: 2, c: 1 })
  })

  test('each of many changes, in any turn of the event loop', async () => {
    const { store, log } = await listed()
    for (let i = 0; i < 60; i++) {
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (i % 3 === 1) await new Promise((resolve) => fs.stat('.', resolve))
      fs.appendFileSync(log('a'), FOREIGN)
      expect((await counts(store)).a).toBe(i + 2)
    }
  })

  test('a log that was replaced by rename', async () => {
    const { dir, store, log } = await listed()
    const temporary = path.join(dir, 'edited')
    fs.writeFileSync(temporary, fs.readFileSync(log('c'), 'utf8') + FOREIGN.repeat(4))
    fs.renameSync(temporary, log('c'))
    expect(await counts(store)).toEqual({ a: 1, b: 1, c: 5 })
  })

  test('logs that came and went', async () => {
    const { store, log } = await listed()
    fs.rmSync(log('a'))
    fs.writeFileSync(log('d'), FOREIGN)
    expect(await counts(store)).toEqual({ b: 1, c: 1, d: 1 })
  })

  test('what this store wrote, newest first', async () => {
    const { store } = await listed()
    await store.session('a').append({ role: 'user', content: 'again' })
    await store.session('b').setState('running', 't')
    const [first, ...others] = await store.list()
    expect(first).toMatchObject({ key: 'a', messages: 2 })
    expect(others.find(({ key }) => key === 'b')?.state).toBe('running')
  })

  test('a state that another store set', async () => {
    const { dir, store } = await listed()
    const other = await open(dir)
    await other.session('c').setState('error')
    expect((await store.list()).find(({ key }) => key === 'c')?.state).toBe('error')
  })

  test('more changes than the system reports', async () => {
    const { dir, store } = await listed()
    const others = ['x', 'y'].map((name) => path.join(dir, name))
    for (const other of others) fs.writeFileSync(other, '')
    for (let i = 0; i < 40_000; i++) fs.utimesSync(others[i % 2] as string, i, i)
    fs.writeFileSync(path.join(dir, 'last.jsonl'), FOREIGN)
    expect(await counts(store)).toEqual({ a: 1, b: 1, c: 1, last: 1 })
  })

  test('what could not be read for the list before, which went on without it', async () => {
    const { store, log } = await listed()
    fs.appendFileSync(log('b'), FOREIGN)
    const fail = () => {
      throw Object.assign(new Error('planted'), { code: 'EIO' })
    }
    const errors: unknown[] = []
    store.on('error', (error) => errors.push(error))
    const shown = await during(
      'open',
      () => fail,
      () => store.list(),
    )
    expect(shown.map(({ key }) => key).sort()).toEqual(['a', 'c'])
    expect(errors).toMatchObject([{ code: 'EIO' }])
    expect(await counts(store)).toEqual({ a: 1, b: 2, c: 1 })
  })
})

test('lists made at the same time all show what was written before', async () => {
  const { store, log } = await listed()
  fs.appendFileSync(log('b'), FOREIGN)
  const both = await Promise.all([counts(store), counts(store)])
  expect(both).toEqual([
    { a: 1, b: 2, c: 1 },
    { a: 1, b: 2, c: 1 },
  ])
})

test('a list can be limited to the newest', async () => {
  const { store } = await listed()
  // of two that were active in the same millisecond the lesser key comes first
  await sleep(2)
  await store.session('b').append({ role: 'user', content: 'again' })
  expect((await store.list({ limit: 1 })).map(({ key }) => key)).toEqual(['b'])
  expect(await store.list({ limit: 0 })).toEqual([])
  await expect(store.list({ limit: -1 })).rejects.toThrow(RangeError)
})

test("rows are the caller's own", async () => {
  const { store } = await listed()
  for (const row of await store.list()) {
    row.messages = 99
    row.tags.push('mine')
    row.lastActivity.setTime(0)
  }
  expect((await store.list()).map(({ messages, tags }) => [messages, tags])).toEqual(KEYS.map(() => [1, []]))
})
