import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Session, StoreOptions } from '../../src/index.js'
import { RemoteStore } from '../helpers/child.js'
import { type Call, during, systemError } from '../helpers/faults.js'
import { codeOf, contents, fill, message, open, tempFolder } from '../helpers/store.js'

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

async function filled(options: StoreOptions = {}): Promise<Session> {
  return fill(await open(tempFolder(), { fsync: 'always', ...options }), 'a', ['first'])
}

const appendAll = (session: Session, texts: readonly string[]) => texts.map((text) => session.append(message(text)))
const codes = (promises: ReadonlyArray<Promise<unknown>>) => Promise.all(promises.map(codeOf))

/** How many bytes each write had. */
function noting(lengths: number[]) {
  return (write: Call) => (fd: number, bytes: Buffer, at: number, length: number, position?: number) => {
    lengths.push(length)
    return write(fd, bytes, at, length, position)
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
  test('go into the log in one write, in the order of the calls', async () => {
    const session = await filled()
    const writes: number[] = []
    const ids = await during('writeSync', noting(writes), () => Promise.all(appendAll(session, numbers(0, 50))))
    expect(writes).toHaveLength(1)
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
    const results = await during('writeSync', fullAbove(400, 0.6), () => codes(appendAll(session, texts)))
    expect(results).toEqual([undefined, 'ENOSPC', undefined, 'ENOSPC', undefined])
    expect(await contents(session)).toEqual(['first', '1', '2', '3'])
    expect(await session.check()).toMatchObject({ damage: [], torn: null })
    await session.append(message('more'))
    expect((await session.info())?.messages).toBe(5)
  })

  test('when a part of the write cannot be taken back, exactly those fail whose lines are not there', async () => {
    const session = await filled()
    const noCut = () => () => {
      throw systemError('EIO')
    }
    const full = fullAbove(400, 0.5)
    const results = await during('ftruncateSync', noCut, () =>
      during('writeSync', full, () => codes(appendAll(session, numbers(0, 10)))),
    )
    const answered = numbers(0, 10).filter((_, i) => results[i] === undefined)
    expect(answered.length).toBeGreaterThan(0)
    expect(results.filter((code) => code === 'ENOSPC').length).toBe(10 - answered.length)
    expect(answered.length).toBeLessThan(10)
    expect(await contents(session)).toEqual(['first', ...answered])
    await session.append(message('more'))
    expect(await contents(session)).toEqual(['first', ...answered, 'more'])
  })

  test('what is there of a write that could not be taken back is synced before it is answered', async () => {
    const session = await filled()
    const noCut = () => () => {
      throw systemError('EIO')
    }
    const synced: number[] = []
    const noting = (sync: Call) => (fd: number, done: (error: Error | null) => void) => {
      synced.push(fs.fstatSync(fd).size)
      sync(fd, done)
    }
    await during('fdatasync', noting, () =>
      during('ftruncateSync', noCut, () =>
        during('writeSync', fullAbove(400, 0.5), () => codes(appendAll(session, numbers(0, 10)))),
      ),
    )
    expect(synced).toContain(fs.statSync(session.path).size)
  })

  test('are all there when another program replaces the log under them', async () => {
    const session = await filled()
    const replacing = (write: Call) => (fd: number, bytes: Buffer, at: number, length: number) => {
      const copy = `${session.path}.copy`
      if (length > 1_000) {
        fs.copyFileSync(session.path, copy)
        fs.renameSync(copy, session.path)
      }
      return write(fd, bytes, at, length)
    }
    await during('writeSync', replacing, () => Promise.all(appendAll(session, numbers(0, 20))))
    expect(await contents(session)).toEqual(['first', ...numbers(0, 20)])
  })

  test('a failed sync fails all of them, and the next append goes well', async () => {
    const session = await filled()
    let calls = 0
    const failing = (sync: Call) => (fd: number, done: (error: Error | null) => void) =>
      ++calls > 1 ? sync(fd, done) : setImmediate(() => done(systemError('EIO')))
    const results = await during('fdatasync', failing, () => codes(appendAll(session, numbers(0, 5))))
    expect(results).toEqual(Array(5).fill('EIO'))
    await session.append(message('more'))
    expect((await contents(session)).at(-1)).toBe('more')
  })

  test('do not grow into one endless write', async () => {
    const session = await filled()
    const writes: number[] = []
    const texts = Array.from({ length: 12 }, () => 'x'.repeat(400_000))
    await during('writeSync', noting(writes), () => Promise.all(appendAll(session, texts)))
    expect(Math.max(...writes)).toBeLessThan(3_000_000)
    expect(await contents(session)).toEqual(['first', ...texts])
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

  test('fail together while another process keeps the lease, and go well after that', async () => {
    const folder = tempFolder()
    const session = await fill(await open(folder, { fsync: 'always', lockTimeout: 200 }), 'a', ['first'])
    const other = await RemoteStore.open(folder)
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
