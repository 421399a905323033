import fs from 'node:fs'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { thisProcess } from '../../../src/disk/process-identity.js'
import type { Session } from '../../../src/index.js'
import { internalsOf } from '../../../src/store/store.js'
import { ended, RemoteStore } from '../../helpers/child.js'
import { type Call, during, patch } from '../../helpers/file-calls.js'
import {
  bareLine,
  codeOf,
  contents,
  locksIn,
  message,
  open,
  openLeased,
  SOAK,
  sleep,
  tempFolder,
  until,
} from '../../helpers/store.js'

/** How long an owner on another host may be silent, ms. */
const SILENCE_MS = 10_000
const NONCE = '0123456789abcdef'

/** Makes a lock whose owner file has the given content. */
function forge(folder: string, key: string, content: string, nonce = NONCE): void {
  const lock = path.join(folder, '.locks', key)
  fs.mkdirSync(lock, { recursive: true })
  fs.writeFileSync(path.join(lock, nonce), content)
}

async function timed(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work
  return performance.now() - start
}

describe('a holder in another process', () => {
  test('that is killed loses the lease at once', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('a', 'theirs')
    holder.kill('SIGKILL')
    await ended(holder.child)
    const store = await openLeased(folder)
    expect(await timed(store.session('a').append(message('ours')))).toBeLessThan(2_000)
    expect(await contents(store.session('a'))).toEqual(['theirs', 'ours'])
  })

  test('that is killed while others wait for it', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('a', 'theirs')
    holder.kill('SIGSTOP')
    const store = await openLeased(folder)
    const waiting = store.session('a').append(message('ours'))
    await until(() => locksIn(folder).some((name) => name.startsWith('.waiting')))
    holder.kill('SIGKILL')
    expect(await timed(waiting)).toBeLessThan(2_000)
  })

  test('that is a worker thread keeps it while it is blocked, and loses it at once when it is terminated', async () => {
    const folder = tempFolder()
    const worker = new Worker(new URL('../../processes/lease-in-thread.mjs', import.meta.url), {
      workerData: { folder, blocks: 30_000 },
    })
    await new Promise((resolve) => worker.once('message', resolve))
    const impatient = await open(folder, { lockTimeout: 300 })
    expect(await codeOf(impatient.session('a').setName('ours'))).toBe('ERR_LOCKED')
    const remote = await RemoteStore.open(folder)
    await worker.terminate()
    // for this process, whose pid the lock names, and for others
    await impatient.session('a').setName('ours')
    await remote.call('setName', 'a', 'theirs')
    expect((await impatient.session('a').info())?.name).toBe('theirs')
  })

  test('that is stopped keeps it, and continues without an error', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('a', 'theirs')
    holder.kill('SIGSTOP')
    const store = await openLeased(folder, { lockTimeout: 1_500 })
    expect(await codeOf(store.session('a').append(message('ours')))).toBe('ERR_LOCKED')
    expect(await contents(store.session('a'))).toEqual(['theirs'])
    holder.kill('SIGCONT')
    await holder.append('a', 'theirs again')
    await store.session('a').append(message('ours'))
    expect(await contents(store.session('a'))).toEqual(['theirs', 'theirs again', 'ours'])
  })

  test('whose event loop is blocked keeps it', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('a', 'theirs')
    const stall = holder.call('stall', SOAK ? 60_000 : 1_500)
    await sleep(50)
    const store = await openLeased(folder, { lockTimeout: SOAK ? 30_000 : 500 })
    expect(await codeOf(store.session('a').append(message('ours')))).toBe('ERR_LOCKED')
    await stall
    await holder.append('a', 'theirs again')
    expect(await contents(store.session('a'))).toEqual(['theirs', 'theirs again'])
  }, 90_000)

  test.each([3_600_000, -3_600_000])(
    'keeps it, and loses it when killed, also for a waiter whose clock is %i ms off',
    async (off) => {
      const folder = tempFolder()
      const holder = await RemoteStore.openLeased(folder)
      await holder.append('a', 'theirs')
      holder.kill('SIGSTOP')
      const { now } = Date
      vi.spyOn(Date, 'now').mockImplementation(() => now() + off)
      onTestFinished(() => void vi.restoreAllMocks())
      const store = await openLeased(folder, { lockTimeout: 500 })
      expect(await codeOf(store.session('a').append(message('ours')))).toBe('ERR_LOCKED')
      holder.kill('SIGKILL')
      await ended(holder.child)
      expect(await timed(store.session('a').append(message('ours')))).toBeLessThan(2_000)
      expect(await contents(store.session('a'))).toEqual(['theirs', 'ours'])
    },
  )

  test('hands it over to a waiter, though it never stops writing', async () => {
    const folder = tempFolder()
    const [flooder, other] = await Promise.all([RemoteStore.openLeased(folder), RemoteStore.openLeased(folder)])
    await other.append('b', 'warm')
    const flood = flooder.call('flood', 'a')
    await sleep(100)
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      times.push(await timed(other.append('a', `turn ${i}`)))
      await sleep(20)
    }
    await flooder.call('stop')
    const count = await flood
    times.sort((a, b) => a - b)
    expect(times[10]).toBeLessThan(200)
    expect(times[19]).toBeLessThan(1_000)
    const texts = (await contents((await openLeased(folder)).session('a'))) as string[]
    expect(texts.filter((text) => text.startsWith('flood'))).toHaveLength(count)
    expect(texts.filter((text) => text.startsWith('turn'))).toEqual(Array.from({ length: 20 }, (_, i) => `turn ${i}`))
  })

  test('leaves nothing behind when it closes, exits or gets a signal to end', async () => {
    const folder = tempFolder()
    for (const end of ['close', 'exit', 'SIGTERM', 'SIGINT'] as const) {
      const remote = await RemoteStore.openLeased(folder)
      await remote.append('a', end)
      expect(locksIn(folder)).not.toEqual([])
      if (end === 'close') await remote.call('close')
      else {
        if (end === 'exit') void remote.call('exit').catch(() => {})
        else remote.kill(end)
        await ended(remote.child)
      }
      expect(locksIn(folder), end).toEqual([])
    }
  })

  test('looks for no waiter while it rests, or while long work runs under it; one that comes gets it', async () => {
    const folder = tempFolder()
    const store = await openLeased(folder)
    const log = internalsOf(store).log('a')
    const other = await RemoteStore.openLeased(folder)
    for (const [i, work] of [() => sleep(1_000), () => log.hold(() => sleep(1_000))].entries()) {
      await store.session('a').append(message(`own ${i}`))
      // it is in use for a while yet
      await sleep(200)
      let looks = 0
      const counting =
        (call: Call) =>
        (...args: unknown[]) => {
          looks++
          return call(...args)
        }
      await during('readdir', counting, work)
      expect(looks).toBeLessThan(20)
      await other.append('a', `other ${i}`)
    }
    const texts = await contents((await openLeased(folder)).session('a'))
    expect(texts).toEqual(['own 0', 'other 0', 'own 1', 'other 1'])
  })

  test('releases it when it is idle', async () => {
    const folder = tempFolder()
    const remote = await RemoteStore.openLeased(folder)
    await remote.append('a', 'one')
    await until(() => locksIn(folder).length === 0, 10_000)
    expect(await remote.append('a', 'two')).toBeTypeOf('string')
  })
})

describe('a lock whose owner', () => {
  const here = thisProcess()
  const dead = { ...here, pid: 2 ** 22 - 1 }

  test.each([
    ['is dead', dead],
    ['has a number that another process has by now', { ...here, pid: process.ppid, start: '1' }],
    ['has the number of this process, but began earlier', { ...here, start: '1' }],
  ])('%s is taken over at once', async (_, owner) => {
    const folder = tempFolder()
    forge(folder, 'a', JSON.stringify(owner))
    const store = await openLeased(folder)
    expect(await timed(store.session('a').append(message('ours')))).toBeLessThan(2_000)
  })

  test('is alive in another process keeps it, though that process does not use the session', async () => {
    const folder = tempFolder()
    const other = await RemoteStore.openLeased(folder)
    await other.append('b', 'theirs')
    const [nonce] = fs.readdirSync(path.join(folder, '.locks', 'b'))
    forge(folder, 'a', fs.readFileSync(path.join(folder, '.locks', 'b', nonce!), 'utf8'))
    const store = await openLeased(folder, { lockTimeout: 300 })
    expect(await codeOf(store.session('a').append(message('ours')))).toBe('ERR_LOCKED')
    expect(fs.existsSync(store.session('a').path)).toBe(false)
    other.kill('SIGKILL')
    await ended(other.child)
    await store.session('a').append(message('ours'))
  })

  test('moved with its folder keeps it', async () => {
    const top = tempFolder()
    const holder = await RemoteStore.openLeased(path.join(top, 'one'))
    await holder.append('a', 'theirs')
    holder.kill('SIGSTOP')
    fs.renameSync(path.join(top, 'one'), path.join(top, 'two'))
    const store = await openLeased(path.join(top, 'two'), { lockTimeout: 300 })
    expect(await codeOf(store.session('a').append(message('ours')))).toBe('ERR_LOCKED')
  })

  // all in one test, since each takes as long as the limit
  test('is on another host keeps it until it was silent for the limit, and no longer', async () => {
    const unseen: Array<[string, string]> = [
      ['host', JSON.stringify({ ...here, boot: 'another', host: 'another' })],
      ['container', JSON.stringify({ ...dead, pidns: 'pid:[1]' })],
      ['empty', ''],
      ['garbage', 'not an owner'],
      ['huge', JSON.stringify({ ...here, pid: 1e15 })],
    ]
    const folder = tempFolder()
    for (const [key, content] of unseen) forge(folder, key, content)
    const alive = JSON.stringify({ ...here, boot: 'another', host: 'beating' })
    forge(folder, 'beating', alive)
    const beat = setInterval(() => fs.writeFileSync(path.join(folder, '.locks', 'beating', NONCE), alive), 1_000)
    const store = await openLeased(folder, { lockTimeout: SILENCE_MS + 3_000 })
    try {
      const beating = codeOf(store.session('beating').append(message('ours')))
      await Promise.all(
        unseen.map(async ([key]) => {
          const ms = await timed(store.session(key).append(message('ours')))
          expect(ms, key).toBeGreaterThan(SILENCE_MS - 100)
          expect(await contents(store.session(key)), key).toEqual(['ours'])
        }),
      )
      expect(await beating).toBe('ERR_LOCKED')
    } finally {
      clearInterval(beat)
    }
  }, 30_000)
})

describe('foreign files', () => {
  test('in the lock folder lock no writer out', async () => {
    const folder = tempFolder()
    const lock = path.join(folder, '.locks', 'a')
    fs.mkdirSync(path.join(lock, 'folder', 'deep'), { recursive: true })
    for (const name of ['.DS_Store', 'Thumbs.db', '0123456789ABCDEF', '0123456789abcdef.tmp']) {
      fs.writeFileSync(path.join(lock, name), 'litter')
    }
    fs.symlinkSync('/nowhere', path.join(lock, 'link'))
    const store = await openLeased(folder)
    expect(await timed(store.session('a').append(message('ours')))).toBeLessThan(2_000)
  })

  test('beside a holder do not end its lease', async () => {
    const folder = tempFolder()
    const holder = await RemoteStore.openLeased(folder)
    await holder.append('a', 'theirs')
    holder.kill('SIGSTOP')
    fs.writeFileSync(path.join(folder, '.locks', 'a', '.DS_Store'), '')
    const store = await openLeased(folder, { lockTimeout: 300 })
    expect(await codeOf(store.session('a').append(message('ours')))).toBe('ERR_LOCKED')
    holder.kill('SIGCONT')
    await holder.append('a', 'theirs again')
    await holder.call('close')
    await store.session('a').append(message('ours'))
    expect(locksIn(folder).filter((name) => name.includes('.DS_Store'))).toEqual([])
  })

  test('in the place of the lock folder lock no writer out', async () => {
    const folder = tempFolder()
    fs.mkdirSync(path.join(folder, '.locks'))
    fs.writeFileSync(path.join(folder, '.locks', 'a'), 'litter')
    fs.symlinkSync('/nowhere', path.join(folder, '.locks', 'b'))
    const store = await openLeased(folder)
    await store.session('a').append(message('ours'))
    await store.session('b').append(message('ours'))
  })

  test('of waiters that are dead are removed', async () => {
    const folder = tempFolder()
    const waiting = path.join(folder, '.locks', '.waiting', `a.${NONCE}`)
    fs.mkdirSync(waiting, { recursive: true })
    fs.writeFileSync(path.join(waiting, NONCE), JSON.stringify({ ...thisProcess(), pid: 2 ** 22 - 1 }))
    const store = await openLeased(folder)
    await store.session('a').append(message('ours'))
    await store.close()
    expect(locksIn(folder)).toEqual([])
  })

  test('of killed holders are removed when a store is opened, though their sessions are not used', async () => {
    const folder = tempFolder()
    const [killed, stopped] = await Promise.all([RemoteStore.openLeased(folder), RemoteStore.openLeased(folder)])
    for (const key of ['a', 'An encoded key']) await killed.append(key, 'theirs')
    await stopped.append('b', 'theirs')
    forge(folder, 'unseen', JSON.stringify({ ...thisProcess(), boot: 'another', host: 'another' }))
    stopped.kill('SIGSTOP')
    killed.kill('SIGKILL')
    await ended(killed.child)
    expect(locksIn(folder)).toContain('a')
    const store = await openLeased(folder)
    expect(locksIn(folder).filter((name) => !name.includes('/'))).toEqual(['b', 'unseen'])
    stopped.kill('SIGCONT')
    await stopped.append('b', 'theirs again')
    expect(await contents(store.session('b'))).toEqual(['theirs', 'theirs again'])
  })

  test('a copy of a folder in use can be written at once', async () => {
    const folder = tempFolder()
    const store = await openLeased(path.join(folder, 'one'))
    await store.session('a').append(message('before'))
    fs.cpSync(path.join(folder, 'one'), path.join(folder, 'two'), { recursive: true })
    const copy = await openLeased(path.join(folder, 'two'), { lockTimeout: 2_000 })
    await copy.session('a').append(message('after'))
    expect(await contents(copy.session('a'))).toEqual(['before', 'after'])
  })
})

describe('within one process', () => {
  test('two stores on one folder share the lease', async () => {
    const folder = tempFolder()
    const [one, two] = [await openLeased(folder), await openLeased(folder)]
    for (let i = 0; i < 50; i++) {
      await one.session('a').append(message(`one ${i}`))
      await two.session('a').append(message(`two ${i}`))
    }
    const all = await contents(one.session('a'))
    expect(all).toEqual(Array.from({ length: 100 }, (_, i) => `${i % 2 ? 'two' : 'one'} ${i >> 1}`))
    expect(locksIn(folder)).toHaveLength(2)
    await one.close()
    await two.session('a').append(message('still'))
    await two.close()
    expect(locksIn(folder)).toEqual([])
  })

  test('closing one store while the other writes', async () => {
    const folder = tempFolder()
    const two = await openLeased(folder)
    for (let i = 0; i < 20; i++) {
      const one = await openLeased(folder)
      await Promise.all([
        one.session('a').append(message(`one ${i}`)),
        two.session('a').append(message(`two ${i}`)),
        one.close(),
      ])
    }
    expect(await contents(two.session('a'))).toHaveLength(40)
  })

  /** Appends until it fails; returns what was acknowledged, and the code of the failure. */
  async function appendUntilFailure(session: Session): Promise<{ done: string[]; code: string | undefined }> {
    const done: string[] = []
    for (let i = 0; i < 300; i++) {
      const code = await codeOf(session.append(message(`${i}`)))
      if (code !== undefined) return { done, code }
      done.push(`${i}`)
      await sleep(20)
    }
    return { done, code: undefined }
  }

  test('a lease that was taken away is a typed error once, and nothing is written then', async () => {
    const folder = tempFolder()
    const session = (await openLeased(folder)).session('a')
    await session.append(message('before'))
    fs.rmSync(path.join(folder, '.locks', 'a'), { recursive: true })
    const { done, code } = await appendUntilFailure(session)
    expect(code).toBe('ERR_LOCK_LOST')
    expect(await contents(session)).toEqual(['before', ...done])
    await session.append(message('after'))
    expect(await contents(session)).toEqual(['before', ...done, 'after'])
  })

  test('a lease that is taken away while it is being taken is taken again', async () => {
    const folder = tempFolder()
    const session = (await openLeased(folder)).session('a')
    const lock = path.join(folder, '.locks', 'a')
    let left = 1
    // the first sign of life
    patch('open', (original) => (file: string, ...args: unknown[]) => {
      if (path.dirname(file) === lock && left-- > 0) fs.rmSync(lock, { recursive: true })
      return original(file, ...args)
    })
    await session.append(message('1'))
    expect(await contents(session)).toEqual(['1'])
    expect(left).toBeLessThan(1)
  })

  test('a waiter whose announcement was cleared away while it was stopped makes another', async () => {
    const folder = tempFolder()
    const session = (await openLeased(folder)).session('a')
    let left = 1
    patch('rename', (original) => (from: string, to: string) => {
      if (path.dirname(from).endsWith('.waiting') && left-- > 0) fs.rmSync(from, { recursive: true })
      return original(from, to)
    })
    await session.append(message('1'))
    expect(await contents(session)).toEqual(['1'])
    expect(left).toBeLessThan(1)
  })

  test('a lease that another host has taken over is not released by its former holder', async () => {
    const folder = tempFolder()
    const store = await openLeased(folder, { lockTimeout: 300 })
    const session = store.session('a')
    await session.append(message('before'))
    fs.rmSync(path.join(folder, '.locks', 'a'), { recursive: true })
    forge(folder, 'a', JSON.stringify({ ...thisProcess(), boot: 'another' }))
    expect((await appendUntilFailure(session)).code).toBe('ERR_LOCK_LOST')
    expect(await codeOf(session.append(message('locked')))).toBe('ERR_LOCKED')
    await store.close()
    expect(locksIn(folder)).toEqual(['a', `a/${NONCE}`])
  })

  test('a rewrite does not replace the log when its lease was taken over meanwhile', async () => {
    const folder = tempFolder()
    const store = await openLeased(folder, { lockTimeout: 300 })
    const session = store.session('a')
    const id = await session.append(message('gone'))
    await session.append(message('stays'))
    await session.remove(id)
    const before = fs.readFileSync(session.path)
    const takingOver = (fsync: Call) => (fd: number) => {
      fs.rmSync(path.join(folder, '.locks', 'a'), { recursive: true })
      forge(folder, 'a', JSON.stringify({ ...thisProcess(), boot: 'another' }))
      return fsync(fd)
    }
    expect(await during('fsync', takingOver, () => codeOf(session.rewrite()))).toBe('ERR_LOCK_LOST')
    expect(fs.readFileSync(session.path)).toEqual(before)
    expect(fs.readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('a lost lock costs no message: what is appended without it is found', async () => {
    const folder = tempFolder()
    const store = await openLeased(folder)
    const session = store.session('a')
    await session.append(message('1'))
    fs.rmSync(path.join(folder, '.locks', 'a'), { recursive: true })
    fs.appendFileSync(session.path, bareLine('2'))
    await session.append(message('3'))
    expect(await contents(session)).toEqual(['1', '2', '3'])
  })
})
