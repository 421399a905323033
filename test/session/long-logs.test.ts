import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Session, SessionStore } from '../../src/index.js'
import { bytesRead, patch, systemError } from '../helpers/file-calls.js'
import { message, open, tempFolder } from '../helpers/store.js'

const COUNT = 6_000
const LONG = 'x'.repeat(250)

/** A folder with a log of 1.5 MB and no sidecar, whose messages have these ids; the first `archived` of them are archived. */
function withLog(idOf: (n: number) => string, { count = COUNT, archived = 0 } = {}) {
  const folder = tempFolder()
  const at = (n: number) => new Date(Date.UTC(2026, 10, 1) + n * 1_000).toISOString()
  const lines = Array.from({ length: count }, (_, n) => {
    return `${JSON.stringify({ role: 'user', content: `${n} ${LONG}`, at: at(n), id: idOf(n) })}\n`
  })
  const compaction = { type: 'compaction', summary: 's', through: idOf(archived - 1), at: at(archived), id: 'c' }
  if (archived > 0) lines.splice(archived, 0, `${JSON.stringify(compaction)}\n`)
  fs.writeFileSync(path.join(folder, 'a.jsonl'), lines.join(''))
  return folder
}

const sidecarOf = (folder: string) => path.join(folder, 'a.meta.json')

describe('a long log whose ids do not rise', () => {
  test.each([
    ['numbers', (n: number) => `${n}`, 0],
    ['falling numbers', (n: number) => `${COUNT - n}`, 0],
    ['ids of another clock', (n: number) => `019aa1b2-c000-7000-8000-${String(COUNT - n).padStart(12, '0')}`, 0],
    ['numbers behind a compaction', (n: number) => `${n}`, COUNT / 2],
  ])('%s: once it was read, its last messages are read from its end', async (_, idOf, archived) => {
    const store = await open(withLog(idOf, { archived }))
    const session = store.session('a')
    expect((await session.info())?.messages).toBe(COUNT)
    const last = (count: number) => session.messages({ last: count })
    const read = await bytesRead(async () => {
      expect(await session.removeLast()).toBe(true)
      expect(await session.removeLast()).toBe(true)
      expect(await session.remove([idOf(COUNT - 3)])).toBe(1)
      await session.setName('n')
      await session.append(message('new'))
      expect((await last(2)).map(({ content }) => `${content}`.split(' ')[0])).toEqual([`${COUNT - 4}`, 'new'])
    })
    expect(read).toBeLessThan(500_000)
    expect((await session.info())?.messages).toBe(COUNT - 2)
    // a store that reads all of it says the same
    fs.rmSync(sidecarOf(store.dir), { force: true })
    const other = (await open(store.dir)).session('a')
    expect((await other.info())?.messages).toBe(COUNT - 2)
    expect(await other.messages({ last: 50 })).toEqual(await last(50))
  })

  test('a repeated id is judged by the whole log', async () => {
    const store = await open(withLog((n) => `${n % 100}`, { count: 500 }))
    const session = store.session('a')
    const messages = await session.messages()
    expect(await session.removeLast()).toBe(true)
    expect(await session.messages()).toEqual(messages.slice(0, -1))
  })
})

describe('what a long reading found is saved in the sidecar', () => {
  test.each([
    ['a list', (store: Awaited<ReturnType<typeof open>>) => store.list()],
    ['a session', (store: Awaited<ReturnType<typeof open>>) => store.session('a').messages({ last: 1 })],
  ])('by %s, so that the next process does not read it again', async (_, read) => {
    const store = await open(withLog(String))
    await read(store)
    await store.close()
    const next = await open(store.dir)
    const bytes = await bytesRead(async () => {
      expect(await next.list()).toMatchObject([{ key: 'a', messages: COUNT }])
      expect(await next.session('a').removeLast()).toBe(true)
    })
    expect(bytes).toBeLessThan(200_000)
  })

  test('but not by a read-only store, and not beside the file of another tool', async () => {
    const folder = withLog(String)
    const reader = await open(folder, { readOnly: true })
    expect(await reader.list()).toHaveLength(1)
    await reader.close()
    expect(fs.existsSync(sidecarOf(folder))).toBe(false)
    fs.writeFileSync(path.join(folder, 'a.jsonl'), `${JSON.stringify({ payload: LONG })}\n`.repeat(COUNT))
    const store = await open(folder)
    await store.list()
    await store.close()
    expect(fs.existsSync(sidecarOf(folder))).toBe(false)
  })

  test('and a folder that may not be written to is read without an error', async () => {
    const errors: unknown[] = []
    const folder = withLog(String)
    const store = await open(folder, { onError: (error) => errors.push(error) })
    patch('open', (call) => (...args) => {
      if (String(args[0]).startsWith(sidecarOf(folder)) && args[1] !== fs.constants.O_RDONLY)
        throw systemError('EACCES')
      return call(...args)
    })
    expect(await store.list()).toHaveLength(1)
    await store.close()
    expect(errors).toEqual([])
    expect(fs.existsSync(sidecarOf(folder))).toBe(false)
  })
})

/** How often the event loop came round during `work`, to which every look at the clock says that it was held for long. */
async function turnsIn(work: () => Promise<unknown>): Promise<number> {
  let now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 9
    return now
  })
  let turns = 0
  let isDone = false
  const turn = () => {
    turns++
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  try {
    await work()
  } finally {
    isDone = true
    clock.mockRestore()
  }
  return turns
}

test('removed messages are gone through in steps, between which the event loop runs', async () => {
  const session = (await open(withLog(String, { count: 500 }))).session('a')
  await session.remove(Array.from({ length: 490 }, (_, n) => `${n}`))
  const turns = await turnsIn(async () => expect(await session.removed()).toHaveLength(490))
  // two for each 32 lines, which are gone through twice, and for each 32 ids of the line that removes
  expect(turns).toBeGreaterThan(90)
})

describe('behind thousands of removed messages the event loop runs, too', () => {
  function withRemovals() {
    const folder = withLog((n) => `m${n}`, { count: 3_001 })
    const removals = Array.from({ length: 3_000 }, (_, n) => ({ type: 'remove', ids: [`m${n + 1}`], id: `r${n}` }))
    fs.appendFileSync(path.join(folder, 'a.jsonl'), removals.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return folder
  }

  test.each<[string, (session: Session, store: SessionStore) => Promise<unknown>]>([
    ['messages', (session) => session.messages({ last: 1 })],
    ['entries', (session) => session.entries({ last: 1 }).next()],
    ['context', (session) => session.context({ last: 1 })],
    ['change', (session) => session.change({ last: 1 }, () => ({ append: [message('new')], result: undefined }))],
    ['remove', (session) => session.remove(['m0'])],
    ['pop', (session) => session.pop()],
    ['rewind', (session) => session.rewind({ keep: 0 })],
    ['whole context', (session) => session.context()],
    ['search', (_, store) => store.search('5')],
  ])('%s', async (_, work) => {
    const store = await open(withRemovals())
    const session = store.session('a')
    expect((await session.info())?.messages).toBe(1)
    // two for each 256 lines
    expect(await turnsIn(() => work(session, store))).toBeGreaterThan(40)
  })
})
