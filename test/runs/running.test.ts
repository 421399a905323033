import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore, type Session, type SessionStore } from '../../src/index.js'
import { ended, RemoteStore } from '../helpers/child.js'
import { type Call, during, systemError } from '../helpers/file-calls.js'
import { codeOf, fill, message, open, tempFolder } from '../helpers/store.js'

/** The run logs in a folder, line by line. */
function runLogsIn(folder: string): Array<Array<Record<string, unknown>>> {
  const place = path.join(folder, '.running')
  const names = fs.existsSync(place) ? fs.readdirSync(place).sort() : []
  return names.map((name) =>
    fs
      .readFileSync(path.join(place, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
  )
}

async function running(store: SessionStore): Promise<string[]> {
  return (await store.running()).map(({ key }) => key)
}

/** The running sessions of `list`, which reads every sidecar. */
async function runningInList(store: SessionStore): Promise<string[]> {
  return (await store.list()).filter(({ state }) => state === 'running').map(({ key }) => key)
}

async function start(store: SessionStore, key: string): Promise<Session> {
  const session = await fill(store, key, ['1'])
  await session.setState('running', 't')
  return session
}

describe('a run log', () => {
  test('names its owner and has a line for each change, is private, and goes at close', async () => {
    const store = await openStore(tempFolder())
    const session = await fill(store, 'An odd key', ['1'])
    expect(runLogsIn(store.dir)).toEqual([])
    await session.setState('running', 'turn-1')
    await session.setState('running', 'turn-2')
    await session.setState('error')
    const [header] = fs.readFileSync(session.path, 'utf8').split('\n')
    const line = { key: 'An odd key', session: JSON.parse(header!).id, at: expect.any(String) }
    expect(runLogsIn(store.dir)).toEqual([
      [
        { owner: expect.objectContaining({ pid: process.pid }), at: expect.any(String), uptime: expect.any(Number) },
        { ...line, state: 'running', turnId: 'turn-1', n: 1 },
        { ...line, state: 'running', turnId: 'turn-2', n: 2 },
        { ...line, state: 'error', turnId: 'turn-2', n: 3 },
      ],
    ])
    const [name] = fs.readdirSync(path.join(store.dir, '.running'))
    expect(name).toMatch(new RegExp(`-${process.pid}-[0-9a-f]{16}\\.jsonl$`))
    expect(fs.statSync(path.join(store.dir, '.running', name!)).mode & 0o777).toBe(0o600)
    expect(fs.statSync(path.join(store.dir, '.running')).mode & 0o777).toBe(0o700)
    await store.close()
    expect(runLogsIn(store.dir)).toEqual([])
    expect(await (await open(store.dir)).session('An odd key').state()).toMatchObject({
      state: 'error',
      turnId: 'turn-2',
    })
  })

  test('is one of all stores of a process on a folder, and goes with the last of them', async () => {
    const store = await openStore(tempFolder())
    const other = await openStore(store.dir)
    await (await start(store, 'a')).setState('idle')
    await (await start(other, 'b')).setState('idle')
    expect(runLogsIn(store.dir)).toHaveLength(1)
    await store.close()
    expect(runLogsIn(store.dir)).toHaveLength(1)
    await other.close()
    expect(runLogsIn(store.dir)).toEqual([])
  })

  test('of a closed store only names the sessions to read: the sidecar decides', async () => {
    const store = await openStore(tempFolder())
    const { sidecarPath } = await start(store, 'a')
    await store.close()
    expect(await running(await open(store.dir))).toEqual(['a'])
    fs.rmSync(sidecarPath)
    const again = await openStore(store.dir)
    expect(await running(again)).toEqual([])
    expect((await again.session('a').state())?.state).toBe('idle')
    await again.close()
    await (await openStore(store.dir)).close()
    expect(runLogsIn(store.dir)).toEqual([])
  })

  test.each<[string, (store: SessionStore, session: Session) => Promise<unknown>]>([
    ['idle', (_, session) => session.setState('idle')],
    ['delete', (_, session) => session.delete()],
    ['another process that ends the turn', async (store) => (await open(store.dir)).session('a').setState('idle')],
  ])('says that a turn is over by %s', async (_, end) => {
    const store = await open()
    const session = await start(store, 'a')
    await end(store, session)
    expect(await running(store)).toEqual([])
    expect(await running(await open(store.dir))).toEqual([])
  })

  test('leaves nothing of a session that was deleted', async () => {
    const store = await open()
    const remote = await RemoteStore.open(store.dir)
    for (const key of ['private', 'public']) await remote.call('setState', key, 'running', `turn of ${key}`)
    remote.kill('SIGKILL')
    await ended(remote.child)
    for (const key of ['private', 'public']) await store.session(key).setState('running', `second of ${key}`)
    expect(await store.session('private').delete()).toBe(true)
    const left = runLogsIn(store.dir).flat()
    expect(left.filter(({ key }) => key === 'private')).toEqual([])
    expect(left.filter(({ key }) => key === 'public')).toHaveLength(2)
    expect(await running(store)).toEqual(['public'])
  })

  test('that cannot be written leaves the old state', async () => {
    const store = await open()
    const session = await start(store, 'a')
    const fail =
      (write: Call): Call =>
      (fd, bytes, ...rest) => {
        if (!bytes.includes('"state"')) return write(fd, bytes, ...rest)
        // half a line, and the disk is full
        write(fd, bytes, 0, bytes.length >> 1)
        throw systemError('ENOSPC')
      }
    expect(await codeOf(during('write', fail, () => session.setState('idle', 't')))).toBe('ENOSPC')
    expect(await session.state()).toMatchObject({ state: 'running' })
    expect(await running(await open(store.dir))).toEqual(['a'])
    await session.setState('idle', 't')
    expect(await running(await open(store.dir))).toEqual([])
    const other = store.session('new')
    expect(await codeOf(during('write', fail, () => other.setState('running', 't')))).toBe('ENOSPC')
    expect(await store.keys()).toEqual(['a'])
    expect(await other.state()).toBe(null)
  })

  test('is not written through a link', async () => {
    const outside = tempFolder()
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    fs.symlinkSync(outside, path.join(store.dir, '.running'))
    expect(await codeOf(session.setState('running', 't'))).toBe('ENOTDIR')
    expect(fs.readdirSync(outside)).toEqual([])
    expect(await session.state()).toMatchObject({ state: 'idle' })
  })

  test('that was removed under its owner is made again with what it should say', async () => {
    const store = await open()
    const a = await start(store, 'a')
    const b = await start(store, 'b')
    fs.rmSync(path.join(store.dir, '.running'), { recursive: true })
    expect((await running(store)).sort()).toEqual(['a', 'b'])
    await b.setState('idle')
    const other = await RemoteStore.open(store.dir)
    expect((await other.call('state', 'a')).state).toBe('running')
    expect((await other.call('state', 'b')).state).toBe('idle')
    await a.setState('idle')
    expect((await other.call('state', 'a')).state).toBe('idle')
  })

  test('is replaced when most of it is over, and readers begin anew', async () => {
    const store = await open()
    const other = await RemoteStore.open(store.dir)
    await start(store, 'long')
    const session = await fill(store, 'a', ['1'])
    const [name] = fs.readdirSync(path.join(store.dir, '.running'))
    const file = path.join(store.dir, '.running', name!)
    const { ino } = fs.statSync(file)
    for (let i = 0; fs.statSync(file).ino === ino; i++) {
      await session.setState(i % 2 === 0 ? 'running' : 'idle', `turn ${i >> 1} ${'x'.repeat(2_000)}`)
      if (i % 100 === 0) expect((await other.call('state', 'a')).state).toBe(i % 2 === 0 ? 'running' : 'idle')
      expect(i).toBeLessThan(5_000)
    }
    expect(fs.statSync(file).size).toBeLessThan(10_000)
    expect((await other.call('state', 'long')).state).toBe('running')
    await session.setState('idle')
    await session.setState('error', 'last')
    expect(await other.call('state', 'a')).toMatchObject({ state: 'error', turnId: 'last' })
  })

  test('of a killed process goes once the sidecars say what it did', async () => {
    const store = await openStore(tempFolder())
    const remote = await RemoteStore.open(store.dir)
    await remote.call('setState', 'a', 'running', 't')
    await remote.call('setState', 'b', 'running', 't')
    await remote.call('setState', 'b', 'error', 't')
    await (await openStore(store.dir)).close()
    expect(runLogsIn(store.dir)).toHaveLength(1)
    remote.kill('SIGKILL')
    await ended(remote.child)
    expect(await store.session('b').state()).toMatchObject({ state: 'error' })
    await store.close()
    // the run is still to be recovered, and the error to be written down
    await (await openStore(store.dir)).close()
    expect(runLogsIn(store.dir)).toHaveLength(1)
    const again = await openStore(store.dir)
    await again.recover({ action: 'idle' })
    await again.close()
    await (await openStore(store.dir)).close()
    expect(runLogsIn(store.dir)).toEqual([])
    const last = await open(store.dir)
    expect(await last.session('a').state()).toMatchObject({ state: 'idle' })
    expect(await last.session('b').state()).toMatchObject({ state: 'error', turnId: 't' })
  })
})

describe('a folder of a version that marked what runs', () => {
  test.each(['markers', 'nothing'])('with %s beside the sidecars is read once and converted', async (what) => {
    const folder = tempFolder()
    const store = await openStore(folder)
    for (const key of ['a', 'An odd key']) await start(store, key)
    await fill(store, 'idle', ['1'])
    await store.close()
    const running1 = path.join(folder, '.running')
    fs.rmSync(running1, { recursive: true })
    for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.meta.json'))) {
      const sidecar = JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'))
      for (const one of [sidecar, sidecar.run, sidecar.cache?.run]) delete one?.n
      fs.writeFileSync(path.join(folder, name), JSON.stringify(sidecar))
    }
    if (what === 'markers') {
      fs.mkdirSync(running1)
      const names = fs.readdirSync(folder).filter((file) => file.endsWith('.jsonl'))
      const markers = names.map((file) => path.basename(file, '.jsonl'))
      for (const name of [...markers, '.clock', '.changed', '.alive-0123456789abcdef']) {
        fs.writeFileSync(path.join(running1, name), '{}\n')
      }
    }
    const again = await open(folder)
    expect((await running(again)).sort()).toEqual(['An odd key', 'a'])
    expect(runLogsIn(folder)).toHaveLength(1)
    await again.session('a').setState('idle')
    expect(await running(again)).toEqual(['An odd key'])
  })
})

describe('a session that runs', () => {
  test('is found when it comes back from the trash', async () => {
    const clock = { now: Date.now() }
    const store = await open(tempFolder(), { now: () => clock.now })
    const remote = await RemoteStore.open(store.dir)
    await remote.append('a', '1')
    await remote.call('setState', 'a', 'running', 't')
    remote.kill('SIGKILL')
    await ended(remote.child)
    clock.now += 3_600_000
    expect((await store.cleanup({ olderThan: 1_000 })).removed).toEqual(['a'])
    expect(await running(store)).toEqual([])
    await open(store.dir)
    expect(runLogsIn(store.dir)).toEqual([])
    await store.restore((await store.trash())[0]!.id)
    expect(await running(store)).toEqual(['a'])
  })
})

describe('running()', () => {
  test('agrees with list, for any order of starts and ends in two stores', async () => {
    const store = await open()
    const other = await open(store.dir)
    for (let i = 0; i < 60; i++) {
      const session = (i % 3 ? store : other).session(`s${(i * 7) % 11}`)
      await session.setState(i % 4 === 3 ? 'idle' : i % 7 === 6 ? 'error' : 'running')
      if (i % 10 === 9) await session.delete()
      const now = await running(i % 2 ? store : other)
      expect([...now].sort()).toEqual((await runningInList(store)).sort())
    }
  })

  test('names the owner and whether it lives', async () => {
    const store = await open()
    await start(store, 'mine')
    const remote = await RemoteStore.open(store.dir)
    await remote.append('other', '1')
    await remote.call('setState', 'other', 'running', 't')
    const pid = remote.child.pid
    expect(await store.running()).toMatchObject([
      { key: 'other', turnId: 't', messages: 1, owner: { pid, liveness: 'alive' } },
      { key: 'mine', owner: { pid: process.pid, liveness: 'alive' } },
    ])
    remote.kill('SIGKILL')
    await ended(remote.child)
    expect(await store.running()).toMatchObject([
      { key: 'other', owner: { pid, liveness: 'dead' } },
      { key: 'mine', owner: { liveness: 'alive' } },
    ])
  })

  test('reads no file of the sessions that do not run', async () => {
    const store = await open()
    for (let i = 0; i < 20; i++) await fill(store, `idle${i}`, ['1'])
    await start(store, 'a')
    await store.close()
    const again = await open(store.dir)
    const opened: string[] = []
    const watch =
      (openSync: (...args: unknown[]) => unknown) =>
      (file: unknown, ...rest: unknown[]) => {
        opened.push(path.basename(String(file)))
        return openSync(file, ...rest)
      }
    expect(await during('open', watch, () => running(again))).toEqual(['a'])
    expect(opened.filter((name) => name.startsWith('idle'))).toEqual([])
  })
})

describe('the sign of life of a run log', () => {
  test('keeps no process alive', async () => {
    const folder = tempFolder()
    const remote = await RemoteStore.open(folder)
    await remote.call('setState', 'a', 'running', 't')
    remote.child.disconnect()
    expect(await ended(remote.child)).toEqual({ code: 0, signal: null })
  })
})

test('a run keeps its start through messages and reports, and a later turn has its own', async () => {
  const clock = { now: Date.now() }
  const store = await open(tempFolder(), { now: () => clock.now })
  const session = await start(store, 'a')
  clock.now += 5_000
  await session.append(message('2'))
  await session.setState('running', 't')
  expect(await store.running()).toMatchObject([{ runningMs: 5_000 }])
  await session.setState('running', 'u')
  clock.now += 1
  expect(await store.running()).toMatchObject([{ runningMs: 1 }])
  clock.now -= 3_600_000
  expect(await store.running()).toMatchObject([{ runningMs: 0 }])
})

test('a session whose run stands in a sidecar that may not be read is reported, and left out of what runs', async () => {
  const dir = tempFolder()
  const before = await openStore(dir)
  for (const key of ['a', 'b']) await start(before, key)
  await before.close()
  const errors: Array<[unknown, string]> = []
  const store = await open(dir, { onError: (error, key) => errors.push([(error as { code: string }).code, key]) })
  const forbid =
    (call: Call): Call =>
    (...args) => {
      if (String(args[0]).endsWith('a.meta.json')) throw systemError('EACCES')
      return call(...args)
    }
  expect(await during('open', forbid, () => during('lstat', forbid, () => running(store)))).toEqual(['b'])
  expect(errors).toContainEqual(['EACCES', 'a'])
  expect((await running(store)).sort()).toEqual(['a', 'b'])
})
