import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { sidecarFromText } from '../../src/disk/sidecar/sidecar-file.js'
import { openStore, SessionError, type StoreOptions } from '../../src/index.js'
import { type Call, during, systemError } from '../helpers/file-calls.js'
import {
  bareLine,
  codeOf,
  contents,
  filesIn,
  fill,
  locksIn,
  message,
  open,
  sleep,
  tempFolder,
} from '../helpers/store.js'

describe('options', () => {
  test.each<[string, unknown]>([
    ['unknown', { lockTimeot: 1 }],
    ['fsync', { fsync: 'sometimes' }],
    ['search', { search: { index: 'no' } }],
    ['search', { search: true }],
    ['fsync', { fsync: true }],
    ['now', { now: 5 }],
    ['lockTimeout', { lockTimeout: '5' }],
    ['maxMessageBytes', { maxMessageBytes: null }],
    ['onDamage', { onDamage: 'x' }],
    ['onError', { onError: {} }],
    ['no object', null],
    ['no object', 'x'],
    ['no object', []],
  ])('%s: %j is a TypeError', async (_, options) => {
    const folder = tempFolder()
    await expect(openStore(folder, options as StoreOptions)).rejects.toThrow(TypeError)
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test.each([
    { lockTimeout: -1 },
    { lockTimeout: Number.NaN },
    { maxMessageBytes: -5 },
    { maxMessageBytes: Number.NaN },
  ])('%j is a RangeError', async (options) => {
    await expect(openStore(tempFolder(), options)).rejects.toThrow(RangeError)
  })

  test.each([undefined, null, 5, '', {}])('a folder named %j is a TypeError', async (folder) => {
    await expect(openStore(folder as string)).rejects.toThrow(TypeError)
  })

  test('undefined stands for the default', async () => {
    const options = { fsync: undefined, now: undefined, onError: undefined } as unknown as StoreOptions
    const store = await openStore(tempFolder(), options)
    await store.session('a').append(message('1'))
    await store.close()
  })

  test('opening makes nothing; the folder appears with the first write', async () => {
    const folder = path.join(tempFolder(), 'not', 'yet')
    const store = await open(folder)
    expect(await store.list()).toEqual([])
    expect(await store.session('a').info()).toBe(null)
    expect(await store.session('a').messages()).toEqual([])
    expect(fs.existsSync(folder)).toBe(false)
    await store.session('a').append(message('1'))
    expect(fs.existsSync(folder)).toBe(true)
  })

  test('maxMessageBytes refuses a larger line before anything is written', async () => {
    const store = await open(tempFolder(), { maxMessageBytes: 300 })
    const session = store.session('a')
    expect(await codeOf(session.append(message('x'.repeat(300))))).toBe('ERR_TOO_LARGE')
    expect(fs.existsSync(session.path)).toBe(false)
    await session.append(message('x'))
    expect(await codeOf(session.append([message('y'), message('é'.repeat(120))]))).toBe('ERR_TOO_LARGE')
    expect(await contents(session)).toEqual(['x'])
  })

  test('onDamage gets key, file, line, offset and length', async () => {
    const onDamage = vi.fn()
    const store = await open(tempFolder(), { onDamage })
    const session = await fill(store, 'a', ['1'])
    const offset = fs.statSync(session.path).size
    fs.appendFileSync(session.path, `dämage\n${bareLine('2')}[1]\n`)
    expect(await contents(session)).toEqual(['1', '2'])
    const damage = [
      { line: 3, offset, length: 8, reason: expect.any(String) },
      { line: 5, offset: offset + 8 + bareLine('2').length, length: 4, reason: expect.any(String) },
    ]
    expect(onDamage).toHaveBeenCalledWith({ key: 'a', file: session.path, damage })
    expect((await session.check())?.damage).toEqual(damage)
  })

  test('onError gets errors of background work, and messages are not affected', async () => {
    const onError = vi.fn(() => {
      throw new Error('a callback that throws')
    })
    const store = await openStore(tempFolder(), { onError })
    const session = await fill(store, 'a', ['1'])
    const fail =
      (open: Call) =>
      (...args: [string]) => {
        if (args[0].endsWith('.meta.json')) throw systemError('EIO')
        return open(...args)
      }
    await during('open', fail, () => store.close())
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'EIO' }), 'a')
    expect(filesIn(store.dir)).toEqual(['a.jsonl'])
    expect(await contents((await open(store.dir)).session('a'))).toEqual(['1'])
    expect(fs.existsSync(session.sidecarPath)).toBe(false)
  })
})

describe('the clock', () => {
  test('may step back: times in a log never do, ids rise, no activity is lost', async () => {
    let now = Date.parse('2026-11-25T10:00:00.000Z')
    const store = await open(tempFolder(), { now: () => now })
    const session = await fill(store, 'a', ['1'])
    now -= 3_600_000
    await session.append(message('2'))
    now += 100
    await session.append(message('3'))
    now += 10 * 3_600_000
    await session.append(message('4'))
    const messages = await session.messages()
    const [ids, times] = [messages.map(({ id }) => String(id)), messages.map(({ at }) => String(at))]
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(4)
    expect([...times].sort()).toEqual(times)
    expect((await session.info())?.lastActivity).toEqual(new Date(now))
  })

  test('of 1970, or of a distant year, or a Date', async () => {
    for (const now of [0, 1, Date.parse('2106-02-07T00:00:00Z'), new Date('2300-01-01')]) {
      const store = await open(tempFolder(), { now: () => now })
      const session = await fill(store, 'a', ['1', '2'])
      expect(await contents(session)).toEqual(['1', '2'])
      expect(await store.cleanup({ olderThan: 1 })).toEqual({ removed: [], failed: [] })
    }
  })

  test('that gives no time is a rejection, and nothing is written', async () => {
    const store = await open(tempFolder(), { now: () => Number.NaN })
    await expect(store.session('a').append(message('1'))).rejects.toThrow(RangeError)
    expect(await store.keys()).toEqual([])
  })

  test('one line from the future does not date the others', async () => {
    const store = await open()
    fs.writeFileSync(`${store.dir}/f.jsonl`, '{"id":"x","at":"2999-01-01T00:00:00.000Z","role":"user","content":"x"}\n')
    await store.session('f').append(message('1'))
    await store.session('g').append(message('1'))
    const [row] = (await store.list()).filter(({ key }) => key === 'g')
    expect(row!.lastActivity.getFullYear()).toBeLessThan(2900)
    await sleep(3)
    await store.cleanup({ olderThan: 0 })
    expect((await store.trash()).map(({ key, at }) => [key, at.getFullYear() < 2900])).toEqual([
      ['g', true],
      ['f', true],
    ])
  })
})

describe('closing', () => {
  test('finishes what is pending, writes the sidecars and gives the leases back', async () => {
    const store = await openStore(tempFolder())
    const appends = Array.from({ length: 100 }, (_, i) => store.session(`s${i % 7}`).append(message(`${i}`)))
    const closed = store.close()
    await expect(Promise.all(appends)).resolves.toHaveLength(100)
    await closed
    expect(locksIn(store.dir)).toEqual([])
    expect(filesIn(store.dir)).toEqual(Array.from({ length: 7 }, (_, i) => [`s${i}.jsonl`, `s${i}.meta.json`]).flat())
    const sidecar = sidecarFromText(fs.readFileSync(`${store.dir}/s0.meta.json`, 'utf8'))
    expect(sidecar?.watermark?.size).toBe(fs.statSync(`${store.dir}/s0.jsonl`).size)
  })

  test('twice is once, and every call after it is ERR_CLOSED', async () => {
    const store = await openStore(tempFolder())
    const session = await fill(store, 'a', ['1', '2'])
    await Promise.all([store.close(), store.close()])
    await store.close()
    const before = fs.readFileSync(session.path)
    const calls: Record<string, () => Promise<unknown>> = {
      append: () => session.append(message('3')),
      batch: () => session.append([message('3')]),
      messages: () => session.messages(),
      tail: () => session.tail(1),
      stream: async () => {
        for await (const _ of session.stream());
      },
      remove: () => session.remove('x'),
      removeLast: () => session.removeLast(),
      info: () => session.info(),
      name: () => session.name(),
      setName: () => session.setName('n'),
      'setName null': () => session.setName(null),
      tags: () => session.tags(),
      tag: () => session.tag(['t']),
      untag: () => session.untag(['t']),
      setMetadata: () => session.setMetadata('k', 'v'),
      getMetadata: () => session.getMetadata('k'),
      setState: () => session.setState('running'),
      state: () => session.state(),
      rewrite: () => session.rewrite(),
      check: () => session.check(),
      delete: () => session.delete(),
      'a missing one': () => store.session('missing').delete(),
      keys: () => store.keys(),
      list: () => store.list(),
      search: () => store.search('x'),
      cleanup: () => store.cleanup({ olderThan: 0 }),
      trash: () => store.trash(),
      restore: () => store.restore('x'),
    }
    for (const [name, call] of Object.entries(calls)) expect(await codeOf(call()), name).toBe('ERR_CLOSED')
    expect(fs.readFileSync(session.path).equals(before)).toBe(true)
    expect(locksIn(store.dir)).toEqual([])
  })

  test.each(['close', 'no close', 'no await'])('nothing keeps the process alive: %s', (way) => {
    const folder = tempFolder()
    const script = new URL('../processes/short-life.mjs', import.meta.url).pathname
    const start = performance.now()
    const { status, stdout } = spawnSync(process.execPath, [script, folder, way], { encoding: 'utf8', timeout: 20_000 })
    expect([status, stdout]).toEqual([0, 'done\n'])
    expect(performance.now() - start).toBeLessThan(15_000)
    expect(locksIn(folder)).toEqual([])
    expect(fs.readFileSync(path.join(folder, 'a.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(4)
  })
})

test('errors carry a code and details, and are of one class', async () => {
  const store = await open()
  const error = await store.restore('nothing').catch((thrown) => thrown)
  expect(error).toBeInstanceOf(SessionError)
  expect(error).toMatchObject({ name: 'SessionError', code: 'ERR_SESSION_NOT_FOUND', details: { id: 'nothing' } })
})
