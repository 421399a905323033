import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Session, StoreOptions } from '../../../src/index.js'
import { RemoteStore } from '../../helpers/child.js'
import { type Call, during, systemError } from '../../helpers/file-calls.js'
import { codeOf, contents, fill, message, open, sleep, tempFolder } from '../../helpers/store.js'

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

async function filled(options: StoreOptions = {}): Promise<Session> {
  return fill(await open(tempFolder(), { fsync: 'always', ...options }), 'a', ['first'])
}

const appendAll = (session: Session, texts: readonly string[]) => texts.map((text) => session.append(message(text)))
const codes = (promises: ReadonlyArray<Promise<unknown>>) => Promise.all(promises.map(codeOf))

/** The size of the log at each sync. */
function noting(sizes: number[]) {
  return (sync: Call) => (fd: number) => {
    sizes.push(fs.fstatSync(fd).size)
    return sync(fd)
  }
}

/** A disk that takes `part` of each write of more than `most` bytes. */
function fullAbove(most: number, part: number) {
  let isFull = false
  return (write: Call) => (fd: number, bytes: Buffer, at: number, length: number) => {
    if (isFull) {
      isFull = false
      throw systemError('ENOSPC')
    }
    isFull = length > most
    return write(fd, bytes, at, isFull ? Math.trunc(length * part) : length)
  }
}

describe("appends that wait for the same sync of fsync: 'always'", () => {
  test('go into the log in the order of the calls, with a sync for many', async () => {
    const session = await filled()
    const syncs: number[] = []
    const ids = await during('fdatasync', noting(syncs), () => Promise.all(appendAll(session, numbers(0, 50))))
    // more than one where the event loop was held for long
    expect(syncs.length).toBeLessThan(5)
    expect(syncs.at(-1)).toBe(fs.statSync(session.path).size)
    expect(await contents(session)).toEqual(['first', ...numbers(0, 50)])
    expect((await session.messages()).slice(1).map(({ id }) => id)).toEqual(ids)
    expect([...ids].sort()).toEqual(ids)
    expect((await session.info())?.messages).toBe(51)
    expect(await session.check()).toMatchObject({ damage: [], torn: null })
  })

  test('each answers with its own ids, those of several messages too', async () => {
    const session = await filled()
    const [one, several, last] = await Promise.all([
      session.append(message('1')),
      session.append(['2', '3'].map(message)),
      session.append(message('4')),
    ])
    expect((await session.messages()).slice(1).map(({ id }) => id)).toEqual([one, ...several, last])
  })

  test('keep their place among calls of other kinds', async () => {
    const session = await filled()
    const calls = [
      session.append(message('1')),
      session.append(message('2')),
      session.removeLast(),
      session.append(message('3')),
      session.setName('n'),
      session.append(message('4')),
      session.removeLast(),
      session.append(message('5')),
    ]
    await Promise.all(calls)
    expect(await contents(session)).toEqual(['first', '1', '3', '5'])
    expect(await session.name()).toBe('n')
  })

  test('create the session together', async () => {
    const store = await open(tempFolder(), { fsync: 'always' })
    await Promise.all(appendAll(store.session('new'), numbers(0, 10)))
    expect(await contents(store.session('new'))).toEqual(numbers(0, 10))
    expect(await store.session('new').check()).toMatchObject({ damage: [], torn: null })
  })

  test('one that is too large fails alone', async () => {
    const session = await filled({ maxMessageBytes: 1_000 })
    const texts = ['1', 'x'.repeat(2_000), '2', 'y'.repeat(1_000), '3']
    const results = await codes(appendAll(session, texts))
    expect(results).toEqual([undefined, 'ERR_TOO_LARGE', undefined, 'ERR_TOO_LARGE', undefined])
    expect(await contents(session)).toEqual(['first', '1', '2', '3'])
  })

  test('when the disk has no room for all, exactly those fail that it has no room for', async () => {
    const session = await filled()
    const texts = ['1', 'x'.repeat(500), '2', 'y'.repeat(500), '3']
    const results = await during('write', fullAbove(400, 0.6), () => codes(appendAll(session, texts)))
    expect(results).toEqual([undefined, 'ENOSPC', undefined, 'ENOSPC', undefined])
    expect(await contents(session)).toEqual(['first', '1', '2', '3'])
    await session.append(message('more'))
    expect((await session.info())?.messages).toBe(5)
    // what there was room for of the two that failed
    expect((await session.check())?.damage).toHaveLength(2)
  })

  test('are all there when another program replaces the log meanwhile', async () => {
    const session = await filled()
    let writes = 0
    const replacing = (write: Call) => (fd: number, bytes: Buffer, at: number, length: number) => {
      const copy = `${session.path}.copy`
      if (++writes === 7) {
        fs.copyFileSync(session.path, copy)
        fs.renameSync(copy, session.path)
      }
      return write(fd, bytes, at, length)
    }
    await during('write', replacing, () => Promise.all(appendAll(session, numbers(0, 20))))
    expect(await contents(session)).toEqual(['first', ...numbers(0, 20)])
  })

  test('a failed sync fails all of them, and the next append succeeds', async () => {
    const session = await filled()
    let calls = 0
    const failing = (sync: Call) => (fd: number) => {
      if (++calls > 1) return sync(fd)
      throw systemError('EIO')
    }
    const results = await during('fdatasync', failing, () => codes(appendAll(session, numbers(0, 5))))
    expect(results).toEqual(Array(5).fill('EIO'))
    await session.append(message('more'))
    expect((await contents(session)).at(-1)).toBe('more')
  })

  test('a failed sync fails those that wait for the next one too', async () => {
    const session = await filled()
    let later: Promise<unknown> | undefined
    const failing = (sync: Call) => async (fd: number) => {
      if (later !== undefined) return sync(fd)
      await new Promise(setImmediate)
      later = codeOf(session.append(message('later')))
      await sleep(20)
      throw systemError('EIO')
    }
    const results = await during('fdatasync', failing, async () => {
      const first = await codeOf(session.append(message('1')))
      return [first, await later]
    })
    expect(results).toEqual(['EIO', 'EIO'])
    await session.append(message('more'))
    expect((await contents(session)).at(-1)).toBe('more')
  })

  test('callers that write again as soon as their append resolves share syncs', async () => {
    const session = await filled()
    const syncs: number[] = []
    const caller = async (from: number) => {
      for (const text of numbers(from, from + 10)) await session.append(message(text))
    }
    await during('fdatasync', noting(syncs), () => Promise.all(numbers(0, 20).map((n) => caller(Number(n) * 100))))
    expect(syncs.length).toBeLessThanOrEqual(12)
    expect((await session.info())?.messages).toBe(201)
  })

  test('closing the store waits for them', async () => {
    const folder = tempFolder()
    const store = await open(folder, { fsync: 'always' })
    const session = await fill(store, 'a', ['first'])
    const appends = appendAll(session, numbers(0, 10))
    await store.close()
    await Promise.all(appends)
    expect(await contents((await open(folder)).session('a'))).toEqual(['first', ...numbers(0, 10)])
  })

  test('fail together while another process keeps the lease, and succeed after that', async () => {
    const folder = tempFolder()
    const session = await fill(await open(folder, { fsync: 'always', lockTimeout: 200, appends: 'leased' }), 'a', [
      'first',
    ])
    const other = await RemoteStore.open(folder, { appends: 'leased' })
    await other.append('a', 'theirs')
    other.kill('SIGSTOP')
    expect(await codes(appendAll(session, numbers(0, 3)))).toEqual(Array(3).fill('ERR_LOCKED'))
    expect(await codes(appendAll(session, numbers(3, 6)))).toEqual(Array(3).fill('ERR_LOCKED'))
    other.kill('SIGCONT')
    await other.call('close')
    await Promise.all(appendAll(session, numbers(6, 9)))
    expect(await contents(session)).toEqual(['first', 'theirs', ...numbers(6, 9)])
  })

  test('of two processes come one after the other, whole', async () => {
    const folder = tempFolder()
    const session = await fill(await open(folder, { fsync: 'always' }), 'a', ['first'])
    const other = await RemoteStore.open(folder, { fsync: 'always' })
    const mine = numbers(0, 100)
    const theirs = numbers(1_000, 1_100)
    await Promise.all([...appendAll(session, mine), ...theirs.map((text) => other.append('a', text))])
    const all = await contents(session)
    expect(all.filter((text) => mine.includes(String(text)))).toEqual(mine)
    expect(all.filter((text) => theirs.includes(String(text))).sort()).toEqual([...theirs].sort())
    expect(all).toHaveLength(201)
    expect((await session.info())?.messages).toBe(201)
  })
})
