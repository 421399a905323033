/** What a lease makes of the errors of network drives: most have no name in Node, and an outage says nothing about a lease. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { errno } from '../../../src/base/errors.js'
import { waitedFor } from '../../../src/disk/lock/lock-folder.js'
import { LockOwners } from '../../../src/disk/lock/lock-owner.js'
import { during, patch, systemError } from '../../helpers/file-calls.js'
import { codeOf, contents, locksIn, message, open, openLeased, sleep, tempFolder, until } from '../../helpers/store.js'

/** As Node makes it of a number that it has no name for. */
function unnamed(number: number): NodeJS.ErrnoException {
  return Object.assign(new Error('made by the test'), { code: `Unknown system error -${number}`, errno: -number })
}

test.runIf(process.platform === 'linux')('errors without a name in Node are known by their number', () => {
  const codes = [116, 121, 107, 112, 122].map((number) => errno(unnamed(number)))
  expect(codes).toEqual(['ESTALE', 'EREMOTEIO', 'ENOTCONN', 'EHOSTDOWN', 'EDQUOT'])
  expect(errno(Object.assign(new Error(), { code: 'UNKNOWN', errno: -122 }))).toBe('EDQUOT')
  expect(errno(unnamed(9_999))).toBe('Unknown system error -9999')
  expect(errno(systemError('ENOENT'))).toBe('ENOENT')
})

describe('a stale handle', () => {
  /** The rename onto the lock of `a` fails like this for `ms`; returns how often it did. */
  function staleFor(ms: number): () => number {
    const end = performance.now() + ms
    let count = 0
    patch('rename', (call) => (from: string, to: string) => {
      if (path.basename(path.dirname(to)) !== '.locks' || performance.now() > end) return call(from, to)
      count++
      throw unnamed(116)
    })
    return () => count
  }

  test('at the lock means locked: the call goes on when it is over', async () => {
    const session = (await openLeased()).session('a')
    const count = staleFor(300)
    await session.append(message('1'))
    expect(await contents(session)).toEqual(['1'])
    expect(count()).toBeGreaterThan(1)
  })

  test('is waited for longer than lockTimeout, which may be less than it takes', async () => {
    const session = (await openLeased(tempFolder(), { lockTimeout: 0 })).session('a')
    staleFor(500)
    await session.append(message('1'))
    expect(await contents(session)).toEqual(['1'])
  })

  test('that stays is ERR_LOCKED', async () => {
    const session = (await openLeased(tempFolder(), { lockTimeout: 50 })).session('a')
    staleFor(60_000)
    const began = performance.now()
    expect(await codeOf(session.append(message('1')))).toBe('ERR_LOCKED')
    expect(performance.now() - began).toBeGreaterThan(1_100)
  })

  test('while looking at the owner of a lock keeps it locked', async () => {
    const folder = tempFolder()
    const lock = path.join(folder, '.locks', 'a')
    fs.mkdirSync(lock, { recursive: true })
    fs.writeFileSync(path.join(lock, '0123456789abcdef'), '{}')
    const session = (await openLeased(folder, { lockTimeout: 50 })).session('a')
    patch('open', (call) => (file: string, ...args: unknown[]) => {
      if (path.dirname(file) === lock) throw unnamed(116)
      return call(file, ...args)
    })
    expect(await codeOf(session.append(message('1')))).toBe('ERR_LOCKED')
    expect(fs.readdirSync(lock)).toEqual(['0123456789abcdef'])
  })

  test('of a waiter that comes or goes counts as a waiter, and throws nowhere', async () => {
    const waiting = path.join(tempFolder(), '.waiting')
    fs.mkdirSync(path.join(waiting, 'a.0123456789abcdef'), { recursive: true })
    const stale = () => () => {
      throw unnamed(116)
    }
    const names = await during('open', stale, () => waitedFor(waiting, new LockOwners()))
    expect([...names]).toEqual([['a', 1]])
  })
})

describe('an outage of the drive', () => {
  test('rejects calls and takes the lease from no process: it is held when the drive is back', async () => {
    const folder = tempFolder()
    const session = (await openLeased(folder)).session('a')
    await session.append(message('1'))
    const held = locksIn(folder)
    // the sidecar is written behind, which looks at the lease; a second later the next call does
    await until(() => fs.existsSync(session.sidecarPath))
    await sleep(1_100)
    const gone = () => () => {
      throw unnamed(107)
    }
    const code = await during('readdir', gone, () => codeOf(session.append(message('2'))))
    expect(code).toBe('Unknown system error -107')
    await session.append(message('3'))
    expect(await contents(session)).toEqual(['1', '3'])
    expect(locksIn(folder)).toEqual(held)
  })

  test('a lock that comes back with its volume is taken over by the process that held it', async () => {
    const folder = tempFolder()
    const session = (await openLeased(folder, { lockTimeout: 2_000 })).session('a')
    await session.append(message('1'))
    const locks = path.join(folder, '.locks')
    fs.renameSync(locks, `${locks}-away`)
    await sleep(1_100)
    await codeOf(session.append(message('2')))
    fs.rmSync(locks, { recursive: true, force: true })
    fs.renameSync(`${locks}-away`, locks)
    const codes: unknown[] = []
    for (let i = 3; i < 8; i++) codes.push(await codeOf(session.append(message(String(i)))))
    expect(codes.slice(1)).toEqual([undefined, undefined, undefined, undefined])
  })

  test('after signs of life that failed for too long, the lease is given back and taken anew', async () => {
    const folder = tempFolder()
    const session = (await openLeased(folder)).session('a')
    await session.append(message('1'))
    const [, before] = locksIn(folder)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20_000 })
    try {
      const failing =
        (call: (...args: unknown[]) => unknown) =>
        (file: unknown, ...args: unknown[]) => {
          if (path.basename(path.dirname(String(file))) === 'a') throw unnamed(107)
          return call(file, ...args)
        }
      // the next sign of life comes after 2.5 s; meanwhile the session stays in use
      await during('open', failing, async () => {
        for (let i = 0; i < 36; i++) {
          await codeOf(session.append(message('x')))
          await sleep(100)
        }
      })
    } finally {
      vi.useRealTimers()
    }
    await session.append(message('2'))
    expect(locksIn(folder)).toHaveLength(2)
    expect(locksIn(folder)[1]).not.toBe(before)
  })
})

test('a sign of life is a change of the time of the lock by the clock of the drive', async () => {
  const folder = tempFolder()
  const session = (await open(folder, { appends: 'leased', now: () => 0 })).session('a')
  await session.append(message('1'))
  const file = path.join(folder, '.locks', locksIn(folder)[1] as string)
  fs.utimesSync(file, 1, 1)
  for (let i = 0; i < 40 && fs.statSync(file).mtimeMs === 1_000; i++) {
    await session.append(message('x'))
    await sleep(100)
  }
  expect(Math.abs(fs.statSync(file).mtimeMs - Date.now())).toBeLessThan(60_000)
})
