/** Calls that wait for the lease of a session within one process. */
import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../../src/index.js'
import { RemoteStore } from '../../helpers/child.js'
import { type Call, patch } from '../../helpers/file-calls.js'
import { codeOf, contents, message, openLeased, sleep, tempFolder } from '../../helpers/store.js'

/** Within which the lease must be had, ms: short, beside what the queues take. */
const LOCK_TIMEOUT = 1_000
const COUNT = 100
const asleep = new Int32Array(new SharedArrayBuffer(4))

/** Until the end of the test each write to a file takes this long, ms, without CPU. */
function slowDisk(ms: number): void {
  patch('write', (write: Call) => (...args) => {
    Atomics.wait(asleep, 0, 0, ms)
    return write(...args)
  })
}

/** 100 calls at once; returns their error codes, if any, and how long all of them took, ms. */
async function queue(stores: readonly SessionStore[]): Promise<{ codes: string[]; ms: number }> {
  const start = performance.now()
  const calls = Array.from({ length: COUNT }, (_, i) =>
    codeOf(stores[i % stores.length]!.session('a').append(message(`own ${i}`))),
  )
  const codes = (await Promise.all(calls)).filter((code) => code !== undefined)
  return { codes, ms: performance.now() - start }
}

const OWN = Array.from({ length: COUNT }, (_, i) => `own ${i}`)

describe('a queue of slow calls that takes longer than the lock timeout', () => {
  test('none of them times out', async () => {
    const store = await openLeased(tempFolder(), { lockTimeout: LOCK_TIMEOUT })
    slowDisk(12)
    const { codes, ms } = await queue([store])
    expect(ms).toBeGreaterThan(LOCK_TIMEOUT)
    expect(codes).toEqual([])
    expect(await contents(store.session('a'))).toEqual(OWN)
  })

  test('nor when two stores of the process share it', async () => {
    const folder = tempFolder()
    const stores = [
      await openLeased(folder, { lockTimeout: LOCK_TIMEOUT }),
      await openLeased(folder, { lockTimeout: LOCK_TIMEOUT }),
    ]
    slowDisk(12)
    const { codes, ms } = await queue(stores)
    expect(ms).toBeGreaterThan(LOCK_TIMEOUT)
    expect(codes).toEqual([])
    expect(await contents(stores[0]!.session('a'))).toEqual(OWN)
  })

  test('nor when another process has its turns in between', async () => {
    const folder = tempFolder()
    const other = await RemoteStore.openLeased(folder, { lockTimeout: 60_000 })
    await other.append('a', 'theirs')
    const store = await openLeased(folder, { lockTimeout: LOCK_TIMEOUT })
    slowDisk(12)
    let queued = true
    let turns = 0
    const theirs = (async () => {
      for (; queued; turns++) await other.append('a', 'theirs')
    })()
    const { codes, ms } = await queue([store])
    queued = false
    await theirs
    expect(ms).toBeGreaterThan(LOCK_TIMEOUT)
    expect(codes).toEqual([])
    const texts = await contents(store.session('a'))
    expect(texts.filter((text) => text !== 'theirs')).toEqual(OWN)
    expect(texts.slice(texts.indexOf('own 0'), texts.indexOf(`own ${COUNT - 1}`))).toContain('theirs')
    expect(texts).toHaveLength(COUNT + turns + 1)
  })
})

describe('a holder in another process that does not release the lease', () => {
  test('all waiters time out together, not one after the other', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('a', 'theirs')
    holder.kill('SIGSTOP')
    const store = await openLeased(folder, { lockTimeout: LOCK_TIMEOUT })
    const { codes, ms } = await queue([store])
    expect(codes).toEqual(Array(COUNT).fill('ERR_LOCKED'))
    expect(ms / LOCK_TIMEOUT).toBeLessThan(COUNT / 10)
    holder.kill('SIGCONT')
    await store.session('a').append(message('ours'))
    expect(await contents(store.session('a'))).toEqual(['theirs', 'ours'])
  })

  test('a later call has a full timeout of its own', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('a', 'theirs')
    holder.kill('SIGSTOP')
    const store = await openLeased(folder, { lockTimeout: LOCK_TIMEOUT })
    const first = codeOf(store.session('a').append(message('first')))
    await sleep(LOCK_TIMEOUT * 0.7)
    const second = codeOf(store.session('a').append(message('second')))
    expect(await first).toBe('ERR_LOCKED')
    holder.kill('SIGCONT')
    expect(await second).toBe(undefined)
    expect(await contents(store.session('a'))).toEqual(['theirs', 'second'])
  })
})
