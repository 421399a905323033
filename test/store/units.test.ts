/** Milliseconds and Dates everywhere: what is in another unit is refused where that can be told. */
import { expect, test } from 'vitest'
import { type CleanupOptions, openStore, type SessionStore, type WatchOptions } from '../../src/index.js'
import { fill, open, tempFolder } from '../helpers/store.js'

const NOW = Date.UTC(2026, 10, 28)
const SECONDS = NOW / 1_000
const MICROSECONDS = NOW * 1_000

test.each([
  ['seconds', SECONDS],
  ['microseconds', MICROSECONDS],
])('a point in time in %s is refused, and nothing is written', async (_, time) => {
  const store = await open()
  const session = await fill(store, 'a', ['1'])
  const row = (await store.list())[0]!
  const calls: Record<string, () => Promise<unknown>> = {
    since: () => store.list({ since: time }),
    cursor: () => store.list({ cursor: { key: row.key, lastActivity: time as never } }),
    setValue: () => session.setValue('otp', 1, { expires: time }),
    setValues: () => session.setValues([['otp', 1, { expires: time }]]),
    updateValue: () => session.updateValue('otp', () => 1, { expires: time }),
  }
  for (const [name, call] of Object.entries(calls)) {
    const error = await call().catch((error: unknown) => error)
    expect(error, name).toBeInstanceOf(RangeError)
    expect((error as Error).message, name).toContain('must be in milliseconds')
  }
  expect(await session.getValue('otp')).toBeUndefined()
})

test('a point in time where a duration is meant is refused', async () => {
  const store = await open()
  const session = await fill(store, 'a', ['1'])
  const calls: Record<string, () => unknown> = {
    lockTimeout: () => openStore(tempFolder(), { lockTimeout: NOW }),
    olderThan: () => store.cleanup({ olderThan: NOW }),
    minAge: () => store.cleanup({ maxSessions: 0, minAge: NOW }),
    purgeTrash: () => store.purgeTrash({ olderThan: NOW }),
    recover: () => store.recover({ silentAfterMs: NOW }),
    stuckAfterMs: () => store.watch({ stuckAfterMs: NOW }),
    silentAfterMs: () => store.watch({ silentAfterMs: NOW }),
    turn: () => session.turn(() => 1, { timeout: NOW }),
    abort: () => session.abort({ timeout: NOW }),
  }
  for (const [name, call] of Object.entries(calls))
    await expect((async () => call())(), name).rejects.toThrow(/must be a duration in milliseconds/)
  expect(await store.keys()).toEqual(['a'])
})

test('a Date is no duration, and a text is no time', async () => {
  const store = await open()
  const session = await fill(store, 'a', ['1'])
  const day = new Date(86_400_000)
  const wrong: Array<() => unknown> = [
    () => store.cleanup({ olderThan: day } as unknown as CleanupOptions),
    () => store.watch({ stuckAfterMs: day } as unknown as WatchOptions),
    () => store.list({ since: '2026-11-28' as never }),
    () => session.setValue('otp', 1, { expires: '1h' as never }),
  ]
  for (const call of wrong) await expect((async () => call())()).rejects.toThrow(TypeError)
})

test('times that are returned are Dates, or ISO texts that a Date reads; durations are milliseconds', async () => {
  const store: SessionStore = await open(undefined, { now: () => new Date(NOW) })
  const session = await fill(store, 'a', ['1'])
  const [row] = await store.list()
  expect([row?.createdAt, row?.lastActivity]).toEqual([new Date(NOW), new Date(NOW)])
  for await (const { at } of session.entries()) expect(at).toEqual(new Date(NOW))
  const [message] = await session.messages()
  expect(new Date(message!.at)).toEqual(new Date(NOW))
  await session.setValue('otp', 1, { expires: NOW + 1_000 })
  expect((await session.getValue('otp', { expired: true }))?.expires).toEqual(new Date(NOW + 1_000))
})
