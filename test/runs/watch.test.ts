import { EventEmitter, once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  openStore,
  type SessionStore,
  type StoreOptions,
  type WatchEvent,
  type Watcher,
  type WatchOptions,
} from '../../src/index.js'
import { ended, messageOf, RemoteStore, start } from '../helpers/child.js'
import { patch, systemError } from '../helpers/file-calls.js'
import { fill, locksIn, open, SOAK, sleep, tempFolder, until } from '../helpers/store.js'

interface Watched {
  store: SessionStore
  watcher: Watcher
  events: WatchEvent[]
  /** `type key`, with the reason or state. */
  told: () => string[]
}

const label = (event: WatchEvent) =>
  [event.type, event.key, 'reason' in event ? event.reason : undefined, 'state' in event ? event.state : undefined]
    .filter((part) => part !== undefined)
    .join(' ')

/** A watch of chokidar to which the file system says nothing. */
function silentWatch(): EventEmitter & { close(): Promise<void> } {
  const watch = Object.assign(new EventEmitter(), { close: async () => {} })
  setImmediate(() => watch.emit('ready'))
  return watch
}

async function watched(folder: string, options: WatchOptions = {}, storeOptions?: StoreOptions): Promise<Watched> {
  const store = await open(folder, storeOptions)
  const watcher = store.watch({ rescanMs: 60_000, ...options })
  const events: WatchEvent[] = []
  for (const type of ['started', 'finished', 'stuck', 'recovered'] as const)
    watcher.on(type, (event: WatchEvent) => events.push(event))
  await watcher.ready
  return { store, watcher, events, told: () => events.map(label) }
}

/** Another process that runs these sessions. */
async function runner(folder: string, keys: readonly string[]): Promise<RemoteStore> {
  const remote = await RemoteStore.open(folder)
  for (const key of keys) await remote.call('setState', key, 'running', `turn of ${key}`)
  return remote
}

async function kill(remote: RemoteStore): Promise<void> {
  remote.kill('SIGKILL')
  await ended(remote.child)
}

describe('a watcher reports', () => {
  test('the running turns when it starts, and every start and end of a turn after that', async () => {
    const folder = tempFolder()
    const remote = await runner(folder, ['before'])
    const { events, told, store } = await watched(folder)
    expect(told()).toEqual(['started before'])
    expect(events[0]).toMatchObject({ turnId: 'turn of before', owner: { pid: remote.child.pid, liveness: 'alive' } })
    await remote.call('setState', 'An odd key', 'running', 't')
    await until(() => told().includes('started An odd key'))
    await remote.call('setState', 'before', 'idle')
    await until(() => told().includes('finished before idle'))
    await remote.call('setState', 'An odd key', 'error')
    await until(() => told().includes('finished An odd key error'))
    await store.session('mine').setState('running', 't')
    await until(() => told().includes('started mine'))
    await store.session('mine').delete()
    await until(() => told().includes('finished mine gone'))
    expect(told()).toHaveLength(6)
  })

  test('a turn that takes over from another', async () => {
    const { store, told, events } = await watched(tempFolder())
    await store.session('a').setState('running', 'one')
    await until(() => told().length === 1)
    await store.session('a').setState('running', 'two')
    await until(() => told().length === 3)
    expect(told()).toEqual(['started a', 'finished a running', 'started a'])
    expect(events.map(({ turnId }) => turnId)).toEqual(['one', 'one', 'two'])
  })

  test('a turn that runs for too long, once, and its end', async () => {
    const { store, told } = await watched(tempFolder(), { stuckAfterMs: 300 })
    await store.session('a').setState('running', 't')
    await store.session('quick').setState('running', 't')
    await store.session('quick').setState('idle')
    await until(() => told().includes('stuck a too-long'))
    await sleep(900)
    await store.session('a').setState('idle')
    await until(() => told().includes('finished a idle'))
    expect(told().filter((one) => one.startsWith('stuck'))).toEqual(['stuck a too-long'])
  })

  test('a turn whose process was killed, within two seconds', async () => {
    const folder = tempFolder()
    const remote = await runner(folder, ['a', 'b'])
    const { told } = await watched(folder)
    await remote.call('setState', 'c', 'running', 't')
    await until(() => told().length === 3)
    const killed = performance.now()
    await kill(remote)
    await until(() => told().length === 6, 2_000 - (performance.now() - killed))
    expect(told().slice(3).sort()).toEqual(['stuck a owner-dead', 'stuck b owner-dead', 'stuck c owner-dead'])
  })

  test('no stuck turn of a process that ended its turns and then died', async () => {
    const folder = tempFolder()
    const { told } = await watched(folder)
    const remote = await runner(folder, ['a'])
    await until(() => told().length === 1)
    await Promise.all([remote.call('setState', 'a', 'idle'), kill(remote)]).catch(() => {})
    await sleep(1_000)
    const state = (await (await open(folder)).session('a').state())?.state
    expect(told().at(-1)).toBe(state === 'idle' ? 'finished a idle' : 'stuck a owner-dead')
    expect(told()).toHaveLength(2)
  })

  test('of a stopped process only that its turn takes too long', async () => {
    const folder = tempFolder()
    const remote = await runner(folder, ['a'])
    const { told } = await watched(folder, { stuckAfterMs: 600, silentAfterMs: 100 })
    remote.kill('SIGSTOP')
    await until(() => told().length === 2)
    await sleep(SOAK ? 20_000 : 500)
    expect(told()).toEqual(['started a', 'stuck a too-long'])
    remote.kill('SIGCONT')
    await remote.call('setState', 'a', 'idle')
    await until(() => told().at(-1) === 'finished a idle')
  })

  test('of a process on another host when it is silent', async () => {
    const folder = tempFolder()
    const remote = await runner(folder, ['a'])
    // as if it were on another host
    const boot = 'another-kernel'
    const [name] = fs.readdirSync(path.join(folder, '.running'))
    const file = path.join(folder, '.running', name!)
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/"boot":"[^"]*"/, `"boot":"${boot}"`))
    const { told, events } = await watched(folder, { silentAfterMs: 500 })
    await until(() => told().includes('stuck a heartbeat-lost'))
    expect(events[0]).toMatchObject({ owner: { liveness: 'unknown' } })
    await kill(remote)
    await sleep(600)
    expect(told()).toEqual(['started a', 'stuck a heartbeat-lost'])
  })

  test('as an async iterator too, which ends with the watcher', async () => {
    const { store, watcher } = await watched(tempFolder())
    const seen: string[] = []
    const reading = (async () => {
      for await (const event of watcher) seen.push(label(event))
    })()
    await store.session('a').setState('running', 't')
    await until(() => seen.length === 1)
    await store.session('a').setState('idle')
    await until(() => seen.length === 2)
    await watcher.close()
    await reading
    expect(seen).toEqual(['started a', 'finished a idle'])
    for await (const _ of watcher) throw new Error('a closed watcher has no events')
  })
})

describe('a watcher does not depend on events', () => {
  test('it finds everything by scans, when the file system reports no changes', async () => {
    const folder = tempFolder()
    vi.doMock('chokidar', () => ({ watch: () => silentWatch() }))
    onTestFinished(() => void vi.doUnmock('chokidar'))
    const { store, told } = await watched(folder, { rescanMs: 100, stuckAfterMs: 200 })
    await store.session('a').setState('running', 't')
    await until(() => told().includes('stuck a too-long'))
    await store.session('a').setState('idle')
    await until(() => told().includes('finished a idle'))
  })

  test('it finds all by polling', async () => {
    const { store, told } = await watched(tempFolder(), { poll: true })
    await store.session('a').setState('running', 't')
    await until(() => told().includes('started a'))
    await store.session('a').setState('error', 't')
    await until(() => told().includes('finished a error'))
  })

  test('it continues when the folder of run logs was removed', async () => {
    const folder = tempFolder()
    const { store, told } = await watched(folder, { rescanMs: 200 })
    await store.session('a').setState('running', 't')
    await until(() => told().length === 1)
    fs.rmSync(path.join(folder, '.running'), { recursive: true })
    await sleep(700)
    expect(told()).toEqual(['started a'])
    await store.session('b').setState('running', 't')
    await until(() => told().includes('started b'))
    await store.session('a').setState('idle')
    await until(() => told().includes('finished a idle'))
  })

  test('an I/O error ends no turn, is reported, and watching continues after it', async () => {
    const folder = tempFolder()
    const { store, watcher, told } = await watched(folder, { rescanMs: 50 })
    const errors: unknown[] = []
    watcher.on('error', (error) => errors.push(error))
    await store.session('a').setState('running', 't')
    await until(() => told().length === 1)
    const repair = patch('opendir', () => () => {
      throw systemError('EIO')
    })
    await until(() => errors.length > 0)
    // a lease that is still held would be released in a folder that was moved
    await until(() => locksIn(folder).every((name) => !name.startsWith(`a${path.sep}`)))
    repair()
    fs.renameSync(folder, `${folder}-away`)
    await sleep(900)
    expect(told()).toEqual(['started a'])
    expect(fs.existsSync(folder)).toBe(false)
    fs.renameSync(`${folder}-away`, folder)
    await store.session('a').setState('idle')
    await until(() => told().includes('finished a idle'))
    expect(errors.length).toBeLessThan(5)
  })

  test('10,000 changes in a burst: no stuck turn is missed (fewer in the short form)', async () => {
    const folder = tempFolder()
    const { events } = await watched(folder, { stuckAfterMs: 1_000, rescanMs: 5_000 })
    const changes = SOAK ? 10_000 : 400
    const child = start('burst.mjs', [folder, String(changes), '40'])
    const stuck = await messageOf<string[]>(child)
    expect(stuck).toHaveLength(40)
    const found = (reason: string) => {
      const ofThese = events.filter((event) => event.type === 'stuck' && event.turnId === 'stuck')
      return ofThese.filter((event) => label(event).endsWith(reason)).map(({ key }) => key)
    }
    await until(() => found('too-long').length >= 40, 30_000)
    expect(found('too-long').sort()).toEqual([...stuck].sort())
    child.kill('SIGKILL')
    await until(() => found('owner-dead').length === 40)
  })
})

describe('a watcher ends', () => {
  test('with its signal, with close, and with its store', async () => {
    const store = await openStore(tempFolder())
    const stop = new AbortController()
    const gone: string[] = []
    const watchers = {
      signal: store.watch({ signal: stop.signal }),
      close: store.watch(),
      store: store.watch(),
      early: store.watch({ signal: AbortSignal.abort() }),
    }
    for (const [name, watcher] of Object.entries(watchers)) watcher.on('close', () => gone.push(name))
    await watchers.close.close()
    await until(() => gone.length === 2)
    stop.abort()
    await until(() => gone.includes('signal'))
    await store.close()
    expect(gone.sort()).toEqual(['close', 'early', 'signal', 'store'])
    expect(() => store.watch()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('with the process, when it is not persistent', async () => {
    const child = start('watching.mjs', [tempFolder(), JSON.stringify({ persistent: false })])
    expect(await ended(child)).toEqual({ code: 0, signal: null })
  })

  test('and keeps the process alive until then, by default', async () => {
    const child = start('watching.mjs', [tempFolder(), '{}'])
    await once(child, 'disconnect')
    await sleep(500)
    expect(child.exitCode).toBe(null)
  })
})

describe('errors of a watcher', () => {
  test('a listener that throws or rejects neither stops the watcher nor hides events from others', async () => {
    const errors: unknown[] = []
    const { store, watcher, told } = await watched(tempFolder(), {}, { onError: (error) => errors.push(error) })
    watcher.prependListener('started', () => {
      throw new Error('thrown')
    })
    watcher.prependListener('started', async () => {
      throw new Error('rejected')
    })
    await store.session('a').setState('running', 't')
    await until(() => errors.length === 2)
    expect(told()).toEqual(['started a'])
    watcher.on('error', () => {
      throw new Error('thrown by the listener of errors')
    })
    await store.session('b').setState('running', 't')
    await until(() => errors.length > 2)
    expect(told()).toEqual(['started a', 'started b'])
  })

  test('a folder that may not be written to is watched by scans', async () => {
    const store = await open()
    await fill(store, 'a', ['1'])
    const restore = patch('mkdir', (mkdir) => (folder: string, ...rest: unknown[]) => {
      if (folder.endsWith('.running')) throw systemError('EROFS')
      return mkdir(folder, ...rest)
    })
    onTestFinished(restore)
    const watcher = store.watch({ rescanMs: 100 })
    const told: string[] = []
    watcher.on('started', ({ key }) => told.push(key))
    const errors: unknown[] = []
    watcher.on('error', (error) => errors.push(error))
    await watcher.ready
    expect(errors).toMatchObject([{ code: 'EROFS' }])
    restore()
    await store.session('a').setState('running', 't')
    await store.session('b').setState('running', 't')
    await until(() => told.length === 2)
    expect(told).toEqual(['a', 'b'])
    await watcher.close()
  })

  test('every turn is emitted in order, also those of less than a millisecond and of a process that ends at once', async () => {
    const folder = tempFolder()
    const { store, events } = await watched(folder)
    const expected: string[] = []
    for (let i = 0; i < 200; i++) {
      await store.session('a').setState('running', `t${i}`)
      await store.session('a').setState('idle', `t${i}`)
      expected.push(`started t${i}`, `finished t${i}`)
    }
    const remote = await RemoteStore.open(folder)
    for (let i = 200; i < 210; i++) {
      await remote.call('setState', 'a', 'running', `t${i}`)
      await remote.call('setState', 'a', 'error', `t${i}`)
      expected.push(`started t${i}`, `finished t${i}`)
    }
    await remote.call('close')
    await until(() => events.length >= expected.length)
    expect(events.map(({ type, turnId }) => `${type} ${turnId}`)).toEqual(expected)
  })

  test.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['no object', 5, TypeError],
    ['an unknown option', { stuckAfter: 5 }, TypeError],
    ['a text', { stuckAfterMs: '5' }, TypeError],
    ['a negative time', { stuckAfterMs: -1 }, RangeError],
    ['NaN', { silentAfterMs: Number.NaN }, RangeError],
    ['no time between scans', { rescanMs: 0 }, RangeError],
    ['a number for poll', { poll: 1 }, TypeError],
    ['a signal that is none', { signal: {} }, TypeError],
  ])('refuses %s', async (_, options, kind) => {
    const store = await open()
    expect(() => store.watch(options as WatchOptions)).toThrow(kind)
  })
})

describe('setting the clock by a year', () => {
  test.each(['forward', 'back'])('%s makes nothing stuck, before or after', async (way) => {
    const folder = tempFolder()
    const year = 365 * 24 * 3_600_000 * (way === 'forward' ? 1 : -1)
    const child = start('clock-set.mjs', [folder, String(year)])
    expect(await messageOf(child)).toEqual({
      told: ['started before', 'started after'],
      late: ['stuck after too-long', 'stuck before too-long'],
      older: 0,
      moved: true,
    })
  })
})
