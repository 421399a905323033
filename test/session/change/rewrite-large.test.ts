import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/session/session.js'
import { patch, systemError } from '../../helpers/file-calls.js'
import { bareLine, codeOf, contents, message, open, quarantined, tempFolder } from '../../helpers/store.js'

const COUNT = 3000

/** A log of a megabyte, of which some messages were removed. */
async function large({ removed }: { removed: (at: number) => boolean }) {
  const folder = tempFolder()
  const store = await open(folder)
  const session = store.session('a')
  const texts = Array.from({ length: COUNT }, (_, i) => `${i} ${'x'.repeat(300)}`)
  const ids = await session.append(texts.map(message))
  await session.remove(ids.filter((_, at) => removed(at)))
  return { folder, store, session, ids, left: texts.filter((_, at) => !removed(at)) }
}

const THEN = new Date('2026-11-24T12:00:00.000Z')

/** Damages a message of a log whose state is cached, without a change that a stat shows. */
async function spoil(session: Session, id: string, bytes: Buffer): Promise<void> {
  fs.utimesSync(session.path, THEN, THEN)
  const before = await session.info()
  const log = fs.readFileSync(session.path)
  const place = log.lastIndexOf('\n', log.indexOf(`"id":"${id}"`)) + 1
  const fd = fs.openSync(session.path, 'r+')
  fs.writeSync(fd, bytes, 0, bytes.length, place + 200)
  fs.closeSync(fd)
  fs.utimesSync(session.path, THEN, THEN)
  expect(await session.info()).toEqual(before)
}

describe('a rewrite of a large log', () => {
  test('says the same before and after, here and in another store', async () => {
    const { session, store, left } = await large({ removed: (at) => at % 2 === 0 })
    await session.info()
    await session.rewrite()
    const info = await session.info()
    expect(info).toMatchObject({ messages: left.length, bytes: fs.statSync(session.path).size })
    expect(await (await open(store.dir)).session('a').info()).toEqual(info)
    await session.append(message('later'))
    expect(await contents(session)).toEqual([...left, 'later'])
  })

  test('with nothing to take out leaves the file alone', async () => {
    const { session } = await large({ removed: () => false })
    const before = fs.statSync(session.path)
    expect(await session.rewrite()).toBe(null)
    expect(fs.statSync(session.path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs })
  })

  test('in another store does the same', async () => {
    const { store, session, left } = await large({ removed: (at) => at >= 1000 && at < 1100 })
    await store.close()
    const again = (await open(store.dir)).session('a')
    await again.rewrite()
    expect(await contents(again)).toEqual(left)
    expect((await again.info())?.messages).toBe(left.length)
    expect(session.path).toBe(again.path)
  })

  test('drops no unreadable bytes, though an edit in place was not noticed', async () => {
    const { folder, session, ids, left } = await large({ removed: (at) => at === 5 || at === 2000 })
    const bytes = Buffer.alloc(40, 0)
    await spoil(session, ids[2000] as string, bytes)
    expect(await session.rewrite()).toMatchObject({ quarantined: 1 })
    expect(quarantined(folder, 'a').map((each) => each.includes(bytes))).toEqual([true])
    expect(await contents(session)).toEqual(left)
  })

  test('quarantines unreadable bytes elsewhere, though an edit in place was not noticed', async () => {
    const { folder, session, ids, left } = await large({ removed: (at) => at === 5 })
    const bytes = Buffer.alloc(40, 0xff)
    await spoil(session, ids[1500] as string, bytes)
    expect(await session.rewrite()).toMatchObject({ quarantined: 1 })
    expect(quarantined(folder, 'a').map((each) => each.includes(bytes))).toEqual([true])
    expect(await contents(session)).toEqual(left.filter((text) => !text.startsWith('1500 ')))
    expect((await session.check())?.damage).toEqual([])
  })

  test('takes in what another program has added since', async () => {
    const { session, left } = await large({ removed: (at) => at < 100 })
    await session.info()
    fs.appendFileSync(session.path, `${bareLine('foreign')}damage\n`)
    expect(await session.rewrite()).toMatchObject({ quarantined: 1 })
    expect(await contents(session)).toEqual([...left, 'foreign'])
  })

  test('that finds the log shorter than before leaves it alone', async () => {
    const { session } = await large({ removed: (at) => at === 1 })
    await session.info()
    const before = fs.readFileSync(session.path)
    const restore = patch('read', (read) => (...args) => {
      const [, , , , position] = args
      // as on a network drive whose file was cut by another machine
      return position > 500_000 ? 0 : read(...args)
    })
    expect(await codeOf(session.rewrite())).toBe('EIO')
    restore()
    expect(fs.readFileSync(session.path).equals(before)).toBe(true)
  })
})

test('lines that come while a log is rewritten are kept when the folder cannot be synced', async () => {
  const { session, left } = await large({ removed: (at) => at < 10 })
  const restore = patch('rename', (rename) => (from: string, to: string) => {
    if (to === session.path) fs.appendFileSync(to, bareLine('late'))
    return rename(from, to)
  })
  let failed = 0
  const restoreSync = patch('fsync', (sync) => (fd: number) => {
    if (!fs.fstatSync(fd).isDirectory()) return sync(fd)
    failed++
    throw systemError('EIO')
  })
  expect(await codeOf(session.rewrite())).toBe('EIO')
  restore()
  restoreSync()
  expect(failed).toBe(1)
  expect(await contents(session)).toEqual([...left, 'late'])
})

test('a rewrite never holds the event loop for a sync', async () => {
  const { session } = await large({ removed: (at) => at < 10 })
  let held = 0
  patch('fsyncSync', (sync) => (...args) => {
    held++
    return sync(...args)
  })
  await session.rewrite()
  expect(held).toBe(0)
})
