import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Session, SessionStore } from '../../src/index.js'
import type { SessionLog } from '../../src/session/log/session-log.js'
import { type Kept, KeptSessions } from '../../src/store/session-cache.js'
import { internalsOf } from '../../src/store/store.js'
import { fill, message, open, tempFolder } from '../helpers/store.js'

const MOST = 10

/** Room for `MOST` sessions, and how to give it more. */
async function room(hasWork: (key: string) => boolean): Promise<{ kept: KeptSessions; add: (key: string) => Kept }> {
  const store = await open()
  const kept = new KeptSessions(MOST, ({ key }: SessionLog) => hasWork(key))
  const add = (key: string) => {
    const one = { session: store.session(key), log: internalsOf(store).log(key) }
    kept.add(key, one)
    return one
  }
  return { kept, add }
}

test('the oldest sessions are forgotten', async () => {
  const { kept, add } = await room(() => false)
  for (let i = 0; i < 3 * MOST; i++) add(`s${i}`)
  expect(kept.logs().map(({ key }) => key)).toEqual(Array.from({ length: MOST }, (_, i) => `s${2 * MOST + i}`))
})

test('sessions that have work to come are kept, and so is the newest where all the others have', async () => {
  const { kept, add } = await room((key) => key !== 'new')
  const busy = Array.from({ length: 3 * MOST }, (_, i) => `s${i}`)
  for (const key of busy) add(key)
  const newest = add('new')
  expect(kept.get('new')).toBe(newest)
  expect(busy.filter((key) => kept.get(key) === undefined)).toEqual([])
})

test('when their work is done, no more are cached than the limit', async () => {
  let isDone = false
  const { kept, add } = await room(() => !isDone)
  for (let i = 0; i < 3 * MOST; i++) add(`s${i}`)
  isDone = true
  for (let i = 0; i < MOST; i++) add(`t${i}`)
  expect(kept.logs()).toHaveLength(MOST)
  expect(kept.get('t9')).toBeDefined()
})

for (const way of ['delete', 'trash'] as const) {
  test(`of sessions that were deleted by ${way}, and ones looked for in vain, the last 64 stay cached`, async () => {
    const store = await open(tempFolder(), { fsync: 'no' })
    const deleted: Session[] = []
    for (let i = 0; i < 200; i++) {
      const session = await fill(store, `s${i}`, ['1'])
      await session[way]()
      deleted.push(session)
    }
    await leasesGivenBack(store, deleted)
    for (let i = 0; i < 60; i++) expect(await store.session(`other${i}`).messages()).toEqual([])
    const cached = deleted.filter((session) => store.session(session.key) === session)
    expect(cached).toHaveLength(4)
  })
}

/** Sessions that are in use stay cached. */
async function leasesGivenBack(store: SessionStore, sessions: readonly Session[]): Promise<void> {
  const { leases } = internalsOf(store).context
  const left = () => sessions.filter(({ key }) => leases.isInUse(key))
  await expect.poll(left, { timeout: 20_000 }).toEqual([])
}

test('a close waits for calls on more new sessions than stay cached', async () => {
  const store = await open(tempFolder(), { appends: 'leased' })
  const sessions = Array.from({ length: 200 }, (_, i) => store.session(`s${i}`))
  await Promise.all(sessions.map((session) => session.messages()))
  let ended = 0
  for (const session of sessions) void session.append(message('1')).finally(() => ended++)
  for (let i = 0; i < 200; i++) await store.session(`other${i}`).messages()
  await store.close()
  expect(ended).toBe(200)
})

test('of sessions that were looked for in vain, the last 64 stay cached, and each that is made meanwhile', async () => {
  const store = await open(tempFolder(), { fsync: 'no' })
  const looked = Array.from({ length: 200 }, (_, i) => store.session(`s${i}`))
  const other = await open(store.dir)
  for (const [i, session] of looked.entries()) {
    expect(await session.messages()).toEqual([])
    if (i === 5) await fill(store, 's5', ['1'])
    if (i === 6) await fill(other, 's6', ['1'])
  }
  const cached = looked.filter((session) => store.session(session.key) === session)
  const last = Array.from({ length: 64 }, (_, i) => `s${136 + i}`)
  expect(cached.map(({ key }) => key)).toEqual(['s5', 's6', ...last])
})

test('a list forgets the sessions that another process has deleted', async () => {
  const store = await open(tempFolder(), { fsync: 'no' })
  const other = await open(store.dir, { fsync: 'no' })
  const read: Session[] = []
  for (let i = 0; i < 200; i++) {
    const { key } = await fill(other, `s${i}`, ['1'])
    const session = store.session(key)
    expect(await session.messages()).toHaveLength(1)
    read.push(session)
  }
  expect(await store.list()).toHaveLength(200)
  for (const { key } of read) await other.session(key).delete()
  await leasesGivenBack(store, read)
  expect(await store.list()).toEqual([])
  expect(read.filter((session) => store.session(session.key) === session)).toHaveLength(64)
})

test('a session with an unsynced write is forgotten after the sync', async () => {
  const store = await open(tempFolder(), { fsync: 'everysec' })
  const before = await fill(store, 'before', ['1'])
  await before.delete()
  const lookFor = async (name: string) => {
    for (let i = 0; i < 70; i++) await store.session(`${name}${i}`).messages()
  }
  await lookFor('some')
  expect(store.session('before')).toBe(before)
  await leasesGivenBack(store, [before])
  await sleep(1_500)
  await lookFor('others')
  expect(store.session('before')).not.toBe(before)
})

test('a deleted session that a caller holds is cached again when it is written to', async () => {
  const store = await open(tempFolder(), { fsync: 'no' })
  const held = await fill(store, 'held', ['1'])
  const other = await fill(store, 'other', ['1'])
  for (const session of [held, other]) await session.delete()
  await leasesGivenBack(store, [held, other])
  for (let i = 0; i < 100; i++) await store.session(`more${i}`).messages()
  expect(store.session('other')).not.toBe(other)
  await held.append(message('2'))
  // what the caller's session knows of its log, without a reading
  expect(internalsOf(store).log('held').peek()?.summary.messages).toBe(1)
})

test.skipIf(process.platform !== 'linux')(
  'a session that outlives the cache leaves no descriptor open when the store is closed',
  async () => {
    const folder = tempFolder()
    const store = await open(folder)
    const opened = () =>
      fs.readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
        } catch {
          return false // the one of this listing
        }
      })
    const first = await fill(store, 'first', ['1'])
    for (let i = 0; i < 5_000; i++) store.session(`s${i}`)
    await first.append(message('2'))
    await first.setName('n')
    await store.close()
    await expect.poll(opened).toEqual([])
  },
)
