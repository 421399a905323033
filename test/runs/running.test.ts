import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore, type Session, type SessionStore } from '../../src/index.js'
import { ended, RemoteStore } from '../helpers/child.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, fill, message, open, tempFolder } from '../helpers/store.js'

/** Names of markers, and apart from them what else comes and goes in their folder. */
function markersIn(folder: string): { markers: string[]; others: string[] } {
  const place = path.join(folder, '.running')
  const names = fs.existsSync(place) ? fs.readdirSync(place).sort() : []
  return {
    markers: names.filter((name) => name[0] !== '.'),
    others: names.filter((name) => name[0] === '.' && name !== '.clock'),
  }
}

const heartbeats = (folder: string) => markersIn(folder).others.filter((name) => name.startsWith('.alive-'))

async function running(store: SessionStore): Promise<string[]> {
  return (await store.running()).map(({ key }) => key)
}

/** What `list` says, which looks at every sidecar. */
async function runningInList(store: SessionStore): Promise<string[]> {
  return (await store.list()).filter(({ state }) => state === 'running').map(({ key }) => key)
}

async function start(store: SessionStore, key: string): Promise<Session> {
  const session = await fill(store, key, ['1'])
  await session.setState('running', 't')
  return session
}

describe('a marker', () => {
  test('is there exactly while a session runs, names turn and owner, and is private', async () => {
    const store = await open()
    const session = await fill(store, 'An odd key', ['1'])
    expect(markersIn(store.dir)).toEqual({ markers: [], others: [] })
    await session.setState('running', 'turn-1')
    const [name] = markersIn(store.dir).markers
    const file = path.join(store.dir, '.running', name!)
    expect(path.basename(session.path)).toBe(`${name}.jsonl`)
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({
      key: 'An odd key',
      turnId: 'turn-1',
      owner: { pid: process.pid },
    })
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700)
    await session.setState('running', 'turn-2')
    expect(JSON.parse(fs.readFileSync(file, 'utf8')).turnId).toBe('turn-2')
    await session.setState('error')
    expect(markersIn(store.dir)).toEqual({ markers: [], others: [] })
  })

  test.each<[string, (store: SessionStore, session: Session) => Promise<unknown>]>([
    ['idle', (_, session) => session.setState('idle')],
    ['delete', (_, session) => session.delete()],
    ['another process that ends the turn', async (store) => (await open(store.dir)).session('a').setState('idle')],
  ])('goes away by %s', async (_, end) => {
    const store = await open()
    const session = await start(store, 'a')
    await end(store, session)
    expect(markersIn(store.dir).markers).toEqual([])
    expect(await running(store)).toEqual([])
  })

  test('whose sidecar does not say so means nothing, and is swept at open', async () => {
    const store = await open()
    const session = await start(store, 'a')
    const file = path.join(store.dir, '.running', 'a')
    const marker = fs.readFileSync(file)
    await session.setState('idle')
    fs.writeFileSync(file, marker)
    fs.writeFileSync(path.join(store.dir, '.running', 'never-there'), marker)
    fs.writeFileSync(path.join(store.dir, '.running', '.a.0123456789abcdef.tmp'), 'half')
    expect(await running(store)).toEqual([])
    await store.close()
    expect(await running(await open(store.dir))).toEqual([])
    expect(markersIn(store.dir)).toEqual({ markers: [], others: [] })
  })

  test('that cannot be written leaves the old state', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    const fail = (rename: (...args: unknown[]) => unknown) => (from: unknown, to: unknown) => {
      if (String(to).endsWith(path.join('.running', 'a'))) throw systemError('ENOSPC')
      return rename(from, to)
    }
    expect(await codeOf(during('rename', fail, () => session.setState('running', 't')))).toBe('ENOSPC')
    expect(await session.state()).toMatchObject({ state: 'idle' })
    expect(markersIn(store.dir)).toEqual({ markers: [], others: [] })
    await session.setState('running', 't')
    expect(await running(store)).toEqual(['a'])
  })

  test('goes away again when the sidecar cannot be written', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    const fail = (rename: (...args: unknown[]) => unknown) => (from: unknown, to: unknown) => {
      if (String(to).endsWith('a.meta.json')) throw systemError('EIO')
      return rename(from, to)
    }
    expect(await codeOf(during('rename', fail, () => session.setState('running', 't')))).toBe('EIO')
    expect(await session.state()).toMatchObject({ state: 'idle' })
    expect(markersIn(store.dir)).toEqual({ markers: [], others: [] })
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
})

describe('a session that runs without a marker', () => {
  test('is found at open when there are no markers at all', async () => {
    const folder = tempFolder()
    const store = await openStore(folder)
    for (const key of ['a', 'An odd key']) await start(store, key)
    await fill(store, 'idle', ['1'])
    await store.close()
    fs.rmSync(path.join(folder, '.running'), { recursive: true })
    const again = await open(folder)
    expect((await running(again)).sort()).toEqual(['An odd key', 'a'])
    expect(markersIn(folder).markers).toHaveLength(2)
  })

  test('is found by list, and from then on', async () => {
    const store = await open()
    await start(store, 'a')
    await start(store, 'b')
    fs.rmSync(path.join(store.dir, '.running', 'b'))
    expect(await running(store)).toEqual(['a'])
    expect((await runningInList(store)).sort()).toEqual(['a', 'b'])
    expect((await running(store)).sort()).toEqual(['a', 'b'])
  })

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
    expect(markersIn(store.dir).markers).toEqual([])
    expect(await running(store)).toEqual([])
    await store.restore((await store.trash())[0]!.id)
    expect(await running(store)).toEqual(['a'])
  })
})

describe('running()', () => {
  test('says what list says, through any order of starts and ends in two stores', async () => {
    const store = await open()
    const other = await open(store.dir)
    for (let i = 0; i < 60; i++) {
      const session = (i % 3 ? store : other).session(`s${(i * 7) % 11}`)
      await session.setState(i % 4 === 3 ? 'idle' : i % 7 === 6 ? 'error' : 'running')
      if (i % 10 === 9) await session.delete()
      const now = await running(i % 2 ? store : other)
      expect([...now].sort()).toEqual((await runningInList(store)).sort())
      expect([...now].sort()).toEqual(markersIn(store.dir).markers)
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

  test('reads nothing of the sessions that do not run', async () => {
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

describe('the heartbeat', () => {
  test('is one file of a process while it runs any turn, whatever the number of turns and stores', async () => {
    const store = await open()
    const other = await open(store.dir)
    const a = await start(store, 'a')
    const b = await start(other, 'b')
    expect(heartbeats(store.dir)).toHaveLength(1)
    await a.setState('idle')
    expect(heartbeats(store.dir)).toHaveLength(1)
    await b.setState('idle')
    expect(heartbeats(store.dir)).toEqual([])
  })

  test('of a killed process is swept at open, that of a living one stays', async () => {
    const store = await open()
    await start(store, 'a')
    const remote = await RemoteStore.open(store.dir)
    await remote.call('setState', 'b', 'running', 't')
    expect(heartbeats(store.dir)).toHaveLength(2)
    await open(store.dir)
    expect(heartbeats(store.dir)).toHaveLength(2)
    remote.kill('SIGKILL')
    await ended(remote.child)
    await open(store.dir)
    expect(heartbeats(store.dir)).toHaveLength(1)
    expect((await running(store)).sort()).toEqual(['a', 'b'])
  })

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
