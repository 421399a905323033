import fs from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { LockFolder, waitedFor } from '../../../src/disk/lock/lock-folder.js'
import { LockOwners } from '../../../src/disk/lock/lock-owner.js'
import { sweepLocks } from '../../../src/disk/lock/sweep.js'
import { thisProcess } from '../../../src/disk/process-identity.js'
import { ended, messageOf, start } from '../../helpers/child.js'
import { patch } from '../../helpers/file-calls.js'
import { SOAK, tempFolder } from '../../helpers/store.js'

const NONCE = '0123456789abcdef'
const owners = new LockOwners()
const DEAD = JSON.stringify({ ...thisProcess(), pid: 2 ** 22 - 1 })

/** The calls of the lock folder, whose callbacks come at once, as proper-lockfile makes them. */
function call(lock: LockFolder, name: 'mkdir' | 'rmdir' | 'stat'): string | Date | undefined {
  let answer: string | Date | undefined
  lock[name]('', (error: NodeJS.ErrnoException | null, value?: unknown) => {
    answer = error ? error.code : (value as { mtime?: Date } | undefined)?.mtime
  })
  return answer
}

/** One round of what proper-lockfile does to take a lock. */
function take(lock: LockFolder): boolean {
  if (call(lock, 'mkdir') === undefined) return true
  const time = call(lock, 'stat')
  if (time === 'ENOENT') return call(lock, 'mkdir') === undefined
  if (!(time instanceof Date) || time.getTime() > 0) return false
  call(lock, 'rmdir')
  return call(lock, 'mkdir') === undefined
}

function staleLock(): { lock: string; waiting: string } {
  const locks = path.join(tempFolder(), '.locks')
  const lock = path.join(locks, 's')
  fs.mkdirSync(lock, { recursive: true })
  fs.writeFileSync(path.join(lock, NONCE), DEAD)
  return { lock, waiting: path.join(locks, '.waiting') }
}

test('two processes that break one stale lock, one slow between its check and its removal: one owner', () => {
  const { lock, waiting } = staleLock()
  const slow = new LockFolder(lock, waiting, owners)
  const fast = new LockFolder(lock, waiting, owners)
  expect(call(slow, 'mkdir')).toBe('EEXIST')
  expect(call(slow, 'stat')).toEqual(new Date((call(slow, 'stat') as Date).getTime()))
  expect(take(fast)).toBe(true)
  call(slow, 'rmdir')
  expect(fast.held).toBe(true)
  expect(call(slow, 'mkdir')).toBe('EEXIST')
  expect(slow.held).toBe(false)
})

test('every interleaving of two breakers, step by step: never two owners', () => {
  const steps = ['mkdir', 'stat', 'rmdir', 'mkdir'] as const
  for (let order = 0; order < 256; order++) {
    const bits = Array.from({ length: 8 }, (_, i) => (order >> i) & 1)
    if (bits.filter((bit) => bit === 1).length !== 4) continue
    const { lock, waiting } = staleLock()
    const both = [new LockFolder(lock, waiting, owners), new LockFolder(lock, waiting, owners)]
    const next = [0, 0]
    for (const who of bits) {
      const at = both[who]!
      if (!at.held) call(at, steps[next[who]!++ % 4]!)
      expect(both.filter(({ held }) => held).length, `order ${order}`).toBeLessThan(2)
    }
  }
})

test('a former owner that gives back what it has lost does not hit the next one', () => {
  const { lock, waiting } = staleLock()
  const [first, second, third] = [1, 2, 3].map(() => new LockFolder(lock, waiting, owners)) as [
    LockFolder,
    LockFolder,
    LockFolder,
  ]
  expect(take(first)).toBe(true)
  fs.rmSync(lock, { recursive: true })
  expect(take(second)).toBe(true)
  call(first, 'rmdir')
  expect([first.held, second.held]).toEqual([false, true])
  expect(take(third)).toBe(false)
})

/** Does one thing before each of the file calls from the given one on; `end` returns how many calls there were. */
function atCall(moment: number, things: Array<() => unknown>): { end: () => number } {
  let count = 0
  let busy = false
  const names = ['lstat', 'stat', 'readdir', 'open', 'exists', 'unlink', 'rmdir', 'rm']
  const restores = names.map((name) =>
    patch(name, (original) => (...args) => {
      if (!busy) {
        count++
        busy = true
        things[count - moment]?.()
        busy = false
      }
      return original(...args)
    }),
  )
  return {
    end: () => {
      for (const restore of restores) restore()
      return count
    },
  }
}

test('a lock that changes its owner while a waiter reads it is no error, and stays valid', () => {
  for (let moment = 1; moment < 30; moment++) {
    const { lock, waiting } = staleLock()
    const [holder, next, waiter] = [1, 2, 3].map(() => new LockFolder(lock, waiting, owners)) as [
      LockFolder,
      LockFolder,
      LockFolder,
    ]
    expect(take(holder)).toBe(true)
    expect(call(next, 'mkdir')).toBe('EEXIST')
    const steps = atCall(moment, [() => call(holder, 'rmdir'), () => take(next)])
    const outcome = call(waiter, 'stat')
    const count = steps.end()
    expect(outcome === 'ENOENT' || outcome instanceof Date, `${outcome} at ${moment}`).toBe(true)
    if (count <= moment) break
    expect(next.held, `at ${moment}`).toBe(true)
  }
})

test('a lock that was moved away during its release, and moved back, locks no writer out', () => {
  const { lock, waiting } = staleLock()
  const [first, second] = [new LockFolder(lock, waiting, owners), new LockFolder(lock, waiting, owners)]
  expect(take(first)).toBe(true)
  fs.renameSync(lock, `${lock}-away`)
  call(first, 'rmdir')
  fs.renameSync(`${lock}-away`, lock)
  expect(take(second)).toBe(true)
  expect([first.held, second.held]).toEqual([false, true])
})

test('a lock whose store closed while the folder was away is taken by the next store of the same process', () => {
  const { lock, waiting } = staleLock()
  const locks = path.dirname(lock)
  const first = new LockFolder(lock, waiting, new LockOwners())
  // the store's own view of its locks: `take` removes the stale one first
  expect(take(first)).toBe(true)
  fs.renameSync(locks, `${locks}-away`)
  call(first, 'rmdir')
  fs.renameSync(`${locks}-away`, locks)
  const second = new LockFolder(lock, waiting, new LockOwners())
  expect(take(second)).toBe(true)
})

test('a lock of this process on another path to the folder stays', () => {
  const { lock, waiting } = staleLock()
  const folder = path.dirname(path.dirname(lock))
  const other = path.join(tempFolder(), 'link')
  fs.symlinkSync(folder, other)
  const first = new LockFolder(lock, waiting, new LockOwners())
  expect(take(first)).toBe(true)
  const seen = path.join(other, '.locks', 's')
  expect(take(new LockFolder(seen, path.join(other, '.locks', '.waiting'), new LockOwners()))).toBe(false)
  expect(first.held).toBe(true)
})

test('a lock that is taken while its dead owner is removed stays with the one that took it', async () => {
  let moment = 1
  for (; ; moment++) {
    const { lock, waiting } = staleLock()
    const taker = new LockFolder(lock, waiting, owners)
    const steps = atCall(moment, [() => take(taker)])
    await sweepLocks(path.dirname(lock))
    const count = steps.end()
    if (count < moment) break
    expect(taker.held, `at ${moment}`).toBe(true)
    expect(fs.readdirSync(lock), `at ${moment}`).toHaveLength(1)
  }
  expect(moment).toBeGreaterThan(5)
})

test('a lock with a living owner, and what is no lock, is not cleared away', async () => {
  const { lock, waiting } = staleLock()
  const locks = path.dirname(lock)
  fs.mkdirSync(path.join(locks, 'no~session'))
  fs.writeFileSync(path.join(locks, 'no~session', NONCE), DEAD)
  fs.symlinkSync(lock, path.join(locks, 'link'))
  const owner = new LockFolder(lock, waiting, owners)
  expect(take(owner)).toBe(true)
  fs.writeFileSync(path.join(lock, NONCE), DEAD)
  await sweepLocks(locks)
  expect(owner.held).toBe(true)
  expect(fs.readdirSync(lock)).toHaveLength(1)
  expect(fs.readdirSync(path.join(locks, 'no~session'))).toEqual([NONCE])
})

test('waiters are announced until they give up or get it', () => {
  const { lock, waiting } = staleLock()
  const [holder, waiter] = [new LockFolder(lock, waiting, owners), new LockFolder(lock, waiting, owners)]
  expect(take(holder)).toBe(true)
  expect([...waitedFor(waiting, owners)]).toEqual([])
  expect(take(waiter)).toBe(false)
  expect([...waitedFor(waiting, owners)]).toEqual([['s', 1]])
  waiter.withdraw()
  expect([...waitedFor(waiting, owners)]).toEqual([])
})

// 50 of them in a few processes would not contend on one file system call: each is a process of its own in the long form
test('many contenders for one stale lock, again and again: never two owners', async () => {
  const [processes, rounds] = SOAK ? [50, 100] : [6, 8]
  const folder = tempFolder()
  const lock = path.join(folder, '.locks', 's')
  fs.mkdirSync(lock, { recursive: true })
  const children = Array.from({ length: processes }, () => start('contender.mjs', [folder, String(rounds)]))
  await Promise.all(children.map((child) => messageOf(child)))
  fs.writeFileSync(path.join(lock, NONCE), DEAD)
  const results = children.map((child) => messageOf<{ entered: number; violations: number }>(child))
  const begin = Date.now() + 100
  for (const child of children) child.send(begin)
  for (const result of await Promise.all(results)) expect(result).toEqual({ entered: rounds, violations: 0 })
  for (const child of children) expect(await ended(child)).toEqual({ code: 0, signal: null })
  expect(fs.readdirSync(path.join(folder, '.locks', '.waiting'))).toEqual([])
  expect(fs.existsSync(lock)).toBe(false)
}, 120_000)

test('a holder that has given no sign of life for a while gives one before it goes on', () => {
  const { lock, waiting } = staleLock()
  const holder = new LockFolder(lock, waiting, owners)
  expect(take(holder)).toBe(true)
  const [nonce] = fs.readdirSync(lock)
  const file = path.join(lock, nonce as string)
  const text = fs.readFileSync(file, 'utf8')
  fs.utimesSync(file, 1, 1)
  expect(holder.isKept()).toBe(true)
  expect(fs.statSync(file).mtimeMs).toBe(1_000)
  const { now } = performance
  onTestFinished(() => {
    performance.now = now
  })
  performance.now = () => now.call(performance) + 6_000
  expect(holder.isKept()).toBe(true)
  expect(fs.statSync(file).mtimeMs).toBeGreaterThan(1_000)
  expect(fs.readFileSync(file, 'utf8')).toBe(text)
  performance.now = () => now.call(performance) + 12_000
  fs.rmSync(file)
  expect(holder.isKept()).toBe(false)
})

test.each([-5_000, 5_000])('an announcement without a name that was made %i ms from now was cut off', (ms) => {
  const { waiting } = staleLock()
  const time = new Date(Date.now() + ms)
  for (const [name, at] of [
    ['cut.0123456789abcdef', time],
    ['new.0123456789abcdef', new Date()],
  ] as const) {
    const folder = path.join(waiting, name)
    fs.mkdirSync(folder, { recursive: true })
    fs.writeFileSync(path.join(folder, '0123456789abcdef'), '')
    fs.utimesSync(folder, at, at)
  }
  expect([...waitedFor(waiting, new LockOwners()).keys()]).toEqual(['new'])
  expect(fs.readdirSync(waiting)).toEqual(['new.0123456789abcdef'])
})
