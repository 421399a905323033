import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CleanupOptions, PurgeTrashOptions, SessionStore } from '../../src/index.js'
import { ended, messageOf, RemoteStore, start } from '../helpers/child.js'
import { type Call, during, systemError } from '../helpers/file-calls.js'
import { codeOf, contents, filesIn, fill, message, open, randomOf, SOAK, sleep, tempFolder } from '../helpers/store.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A store of sessions that were active so many hours ago, each with a text of that many bytes. */
async function storeOf(sessions: Record<string, { age: number; bytes?: number; tags?: string[] }>) {
  const clock = { now: Date.parse('2026-11-25T10:00:00.000Z') }
  const start = clock.now
  const store = await open(tempFolder(), { now: () => clock.now, lockTimeout: 300 })
  for (const [key, { age, bytes = 10, tags = [] }] of Object.entries(sessions)) {
    clock.now = start - age * HOUR
    const session = await fill(store, key, ['x'.repeat(bytes)])
    if (tags.length > 0) await session.tag(tags)
  }
  clock.now = start
  return { store, clock }
}

async function removed(store: SessionStore, options: CleanupOptions): Promise<string[]> {
  const dry = await store.cleanup({ ...options, dryRun: true })
  const before = await store.keys()
  const result = await store.cleanup(options)
  expect(result).toEqual(dry)
  expect(await store.keys()).toEqual(before.filter((key) => !result.removed.includes(key)))
  return result.removed
}

describe('cleanup takes the longest idle', () => {
  const FIVE = { a: { age: 5 }, b: { age: 4 }, c: { age: 3 }, d: { age: 2 }, e: { age: 1 } }

  test('beyond a number', async () => {
    const { store } = await storeOf(FIVE)
    expect(await removed(store, { maxSessions: 3 })).toEqual(['a', 'b'])
    expect(await removed(store, { maxSessions: 3 })).toEqual([])
    expect(await removed(store, { maxSessions: 0 })).toEqual(['c', 'd', 'e'])
  })

  test('beyond a size, down to another', async () => {
    const sizes = Object.fromEntries(Object.entries(FIVE).map(([key, { age }]) => [key, { age, bytes: 100_000 }]))
    const { store } = await storeOf(sizes)
    expect(await removed(store, { maxBytes: 510_000 })).toEqual([])
    expect(await removed(store, { maxBytes: 450_000 })).toEqual(['a'])
    expect(await removed(store, { maxBytes: 350_000, downToBytes: 250_000 })).toEqual(['b', 'c'])
    expect(await removed(store, { maxBytes: 250_000, downToBytes: 0 })).toEqual([])
    expect(await removed(store, { maxBytes: 0 })).toEqual(['d', 'e'])
  })

  test('counts blobs', async () => {
    const { store } = await storeOf({ a: { age: 2 }, b: { age: 1 } })
    fs.mkdirSync(path.join(store.dir, 'a.blobs'))
    fs.writeFileSync(path.join(store.dir, 'a.blobs', 'f'.repeat(64)), 'x'.repeat(100_000))
    expect(await removed(store, { maxBytes: 50_000 })).toEqual(['a'])
  })

  test('by all limits at once', async () => {
    const { store } = await storeOf(FIVE)
    expect(await removed(store, { olderThan: 4.5 * HOUR, maxSessions: 3 })).toEqual(['a', 'b'])
    expect(await removed(store, { olderThan: 1.5 * HOUR, maxSessions: 3, maxBytes: 1_000_000 })).toEqual(['c', 'd'])
  })

  test('but none that is too young, pinned, or has a tag that keeps it', async () => {
    const { store } = await storeOf({
      ...{ a: { age: 9, tags: ['pinned'] }, b: { age: 8, tags: ['work'] }, c: { age: 7 }, d: { age: 6 } },
      ...{ young: { age: 1 }, future: { age: -5 } },
    })
    expect(await removed(store, { maxSessions: 4, minAge: 2 * HOUR })).toEqual(['b', 'c'])
    expect(await removed(store, { maxSessions: 0, minAge: 6 * HOUR })).toEqual([])
    expect(await removed(store, { maxSessions: 0, minAge: 2 * HOUR, keep: ['pinned', 'work'] })).toEqual(['d'])
    expect(await removed(store, { olderThan: 0, keep: [] })).toEqual(['a', 'young'])
    expect(await removed(store, { maxSessions: 0, maxBytes: 0 })).toEqual([])
    expect(await store.keys()).toEqual(['future'])
  })

  test('nor one that cannot be read, or that a live process is running', async () => {
    const { store } = await storeOf({ mine: { age: 5 }, c: { age: 4 } })
    await store.session('mine').setState('running', 't')
    fs.writeFileSync(path.join(store.dir, 'garbage.jsonl'), 'this is no log\n')
    fs.utimesSync(path.join(store.dir, 'garbage.jsonl'), 1, 1)
    expect(await removed(store, { maxSessions: 0, maxBytes: 0, olderThan: 0 })).toEqual(['c'])
  })

  test('goes by the heartbeat where the process cannot be seen', async () => {
    const folder = tempFolder()
    for (const key of ['beats', 'silent']) {
      const remote = await RemoteStore.open(folder)
      await remote.call('setState', key, 'running', 't')
      const name = fs.readdirSync(`${folder}/.running`).find((one) => one.includes(`-${remote.child.pid}-`))
      const file = path.join(folder, '.running', name!)
      // in another container, where the process has the same number or another
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/pid:\[\d+\]/, 'pid:[1]'))
      if (key === 'silent') fs.utimesSync(file, new Date(), new Date(Date.now() - 2 * HOUR))
    }
    const later = await open(folder, { now: () => Date.now() + 5 * HOUR })
    expect(await removed(later, { olderThan: HOUR })).toEqual(['silent'])
  })

  test.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['no limit', { minAge: 5 }, TypeError],
    ['an unknown option', { maxSession: 5 }, TypeError],
    ['a text as number', { maxSessions: '5' }, TypeError],
    ['null', { maxBytes: null }, TypeError],
    ['a negative number', { maxSessions: -1 }, RangeError],
    ['NaN', { maxBytes: Number.NaN }, RangeError],
    ['a low water without a high one', { olderThan: 5, downToBytes: 5 }, TypeError],
    ['a low water above the high one', { maxBytes: 5, downToBytes: 6 }, RangeError],
    ['one tag that is no list', { olderThan: 5, keep: 'pinned' }, TypeError],
    ['a negative age', { olderThan: 5, minAge: -1 }, RangeError],
  ])('refuses %s', async (_, options, kind) => {
    await expect((await open()).cleanup(options as CleanupOptions)).rejects.toThrow(kind)
  })

  test('a dry run reports what a run does, in stores and with rules of all kinds', async () => {
    const random = randomOf(7)
    const some = <T>(value: T): T | undefined => (random() < 0.5 ? value : undefined)
    for (let round = 0; round < (SOAK ? 300 : 15); round++) {
      const sessions = Array.from({ length: 8 }, (_, i) => {
        const tags = random() < 0.2 ? ['pinned'] : random() < 0.2 ? ['t'] : []
        return [`s${i}`, { age: Math.floor(random() * 10) - 1, bytes: Math.floor(random() * 3_000), tags }] as const
      })
      const { store } = await storeOf(Object.fromEntries(sessions))
      if (random() < 0.3) await store.session('s1').setState('running', 't')
      const maxBytes = some(random() * 12_000)
      const rules = {
        olderThan: some(random() * 10 * HOUR),
        maxSessions: Math.floor(random() * 9),
        maxBytes,
        downToBytes: maxBytes === undefined ? undefined : some(maxBytes * random()),
        minAge: some(random() * 5 * HOUR),
        keep: some(['t']),
      }
      const given = Object.entries(rules).filter(([, value]) => value !== undefined)
      await removed(store, Object.fromEntries(given) as CleanupOptions)
      await store.close()
    }
  })
})

describe('the trash', () => {
  test('gives back what was there, byte for byte', async () => {
    const { store, clock } = await storeOf({ 'An odd key': { age: 5, tags: ['t'] } })
    const session = store.session('An odd key')
    await session.setName('name')
    await session.setState('error', 'turn')
    fs.appendFileSync(session.path, 'damage\n{"role":"user","content":"torn')
    await store.close()
    clock.now += DAY
    const again = await open(store.dir, { now: () => store.now() })
    const files = filesIn(store.dir).filter((file) => /\.(jsonl|meta\.json)$/.test(file))
    const before = files.map((file) => fs.readFileSync(path.join(store.dir, file)))
    const info = await again.session('An odd key').info()
    const texts = await contents(again.session('An odd key'))
    expect(await removed(again, { olderThan: HOUR })).toEqual(['An odd key'])
    const [entry] = await again.trash()
    expect(entry).toMatchObject({ key: 'An odd key', bytes: before[0]!.length })
    await again.restore(entry!.id)
    expect(files.map((file) => fs.readFileSync(path.join(store.dir, file)))).toEqual(before)
    expect(await again.session('An odd key').info()).toEqual(info)
    expect(await contents(again.session('An odd key'))).toEqual(texts)
  })

  test('is purged by its own age', async () => {
    const { store, clock } = await storeOf({ a: { age: 5 }, b: { age: 100 } })
    await store.cleanup({ olderThan: 50 * HOUR })
    clock.now += DAY
    await store.cleanup({ olderThan: DAY })
    clock.now += HOUR
    const dry = await store.purgeTrash({ olderThan: DAY, dryRun: true })
    expect(dry.purged.map(({ key }) => key)).toEqual(['b'])
    expect(await store.trash()).toHaveLength(2)
    expect(await store.purgeTrash({ olderThan: DAY })).toEqual(dry)
    expect((await store.trash()).map(({ key }) => key)).toEqual(['a'])
    expect(fs.readdirSync(path.join(store.dir, '.trash'))).toHaveLength(1)
    expect(await codeOf(store.restore(dry.purged[0]!.id))).toBe('ERR_SESSION_NOT_FOUND')
    clock.now -= 400 * DAY
    expect((await store.purgeTrash({ olderThan: 0 })).purged).toEqual([])
  })

  test('a purge that was interrupted is finished at the next open; what cannot be removed is reported', async () => {
    const { store } = await storeOf({ a: { age: 5 }, b: { age: 4 } })
    for (const key of ['a', 'b']) await store.session(key).setState('error')
    await store.cleanup({ olderThan: HOUR })
    await sleep(2)
    const fail = (unlink: Call) => (file: string) => {
      if (file.endsWith('a.meta.json') || file.endsWith('b.jsonl')) throw systemError('EIO')
      return unlink(file)
    }
    const later = await open(store.dir, { now: () => store.now() + 1_000 })
    const result = await during('unlink', fail, () => later.purgeTrash({ olderThan: 0 }))
    expect(result.purged).toEqual([])
    expect(result.failed).toMatchObject([{ error: { code: 'EIO' } }, { error: { code: 'EIO' } }])
    expect((await later.trash()).map(({ key }) => key)).toEqual(['b'])
    await open(store.dir)
    expect(fs.readdirSync(path.join(store.dir, '.trash'))).toHaveLength(1)
    await later.restore((await later.trash())[0]!.id)
    expect(await later.keys()).toEqual(['b'])
  })

  test.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['nothing', undefined, TypeError],
    ['no age', {}, TypeError],
    ['an unknown option', { olderThan: 5, all: true }, TypeError],
    ['a negative age', { olderThan: -1 }, RangeError],
  ])('is not purged by %s', async (_, options, kind) => {
    await expect((await open()).purgeTrash(options as PurgeTrashOptions)).rejects.toThrow(kind)
  })
})

test('beside four writing processes no message is lost, and no active session is removed (for a minute in the long form)', async () => {
  const store = await open()
  const olderThan = 60
  const writers = Array.from({ length: 4 }, (_, i) => start('cleanup-writer.mjs', [store.dir, String(i)]))
  await Promise.all(writers.map((writer) => messageOf(writer)))
  const end = performance.now() + (SOAK ? 60_000 : 2_000)
  let gone = 0
  while (performance.now() < end) {
    const { removed, failed } = await store.cleanup({ olderThan })
    gone += removed.length
    expect(failed).toEqual([])
    await sleep(5)
  }
  const written = await Promise.all(
    writers.map(async (writer) => {
      const answer = messageOf<string[]>(writer)
      writer.send('stop')
      return await answer
    }),
  )
  await Promise.all(writers.map((writer) => ended(writer)))
  const found: unknown[] = []
  const ids = new Set<unknown>()
  for (const key of await store.keys()) {
    for (const { id, content } of await store.session(key).messages()) {
      ids.add(id)
      found.push(content)
    }
  }
  for (const entry of await store.trash()) {
    const folder = fs.readdirSync(path.join(store.dir, '.trash')).find((name) => name.endsWith(entry.id))!
    const place = path.join(store.dir, '.trash', folder)
    const log = fs.readdirSync(place).find((file) => file.endsWith('.jsonl'))!
    const lines = fs.readFileSync(path.join(place, log), 'utf8').trimEnd().split('\n')
    // a line that was not acknowledged before the move stands in the next log as well
    const messages = lines.map((line) => JSON.parse(line)).filter(({ role, id }) => role !== undefined && !ids.has(id))
    for (const { id } of messages) ids.add(id)
    found.push(...messages.map(({ content }) => content))
    if (messages.length === 0) continue
    expect(entry.at.getTime() - Date.parse(messages.at(-1).at)).toBeGreaterThan(olderThan)
  }
  expect(gone).toBeGreaterThan(5)
  expect([...found].sort()).toEqual(written.flat().sort())
}, 180_000)

test.each([
  ['forward', 365],
  ['back', -365],
])('a clock that is set %s by a year deletes nothing, in this process and the next', async (_, days) => {
  const folder = tempFolder()
  const store = await open(folder)
  await fill(store, 'trashed', ['1'])
  await sleep(5)
  await store.cleanup({ olderThan: 0 })
  await store.session('trashed').append(message('again'))
  const child = start('clock-cleanup.mjs', [folder, '0', String(days * DAY)])
  expect(await messageOf(child)).toEqual({ inThis: [], inNext: [], trash: [] })
})
