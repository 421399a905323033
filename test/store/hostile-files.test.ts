import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore, type SessionStore } from '../../src/index.js'
import { internalsOf } from '../../src/store/store.js'
import { messageOf, start } from '../helpers/child.js'
import { type Call, during } from '../helpers/file-calls.js'
import { bareLine, codeOf, contents, filesIn, fill, message, open, sleep, tempFolder } from '../helpers/store.js'

/** Whether this process may make devices: root outside of most containers. */
const MAKES_DEVICES = (() => {
  const place = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-')), 'device')
  const { status } = spawnSync('mknod', [place, 'c', '1', '5'], { stdio: 'ignore' })
  fs.rmSync(path.dirname(place), { recursive: true })
  return status === 0
})()

/** What is no regular file. `outside` is a regular file elsewhere. */
const THINGS: Record<string, (place: string, outside: string) => void> = {
  'a folder': (place) => {
    fs.mkdirSync(place)
    fs.writeFileSync(path.join(place, 'inside'), 'kept')
  },
  'a symbolic link': (place, outside) => fs.symlinkSync(outside, place),
  'a dangling symbolic link': (place, outside) => fs.symlinkSync(`${outside}.nowhere`, place),
  'a symbolic link to itself': (place) => fs.symlinkSync(path.basename(place), place),
  'a named pipe': (place) => {
    execFileSync('mkfifo', [place])
  },
  'a socket': (place) => {
    const make = `require('net').createServer().listen(${JSON.stringify(place)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', make], { timeout: 10_000 })
    if (!fs.lstatSync(place).isSocket()) throw new Error('no socket')
  },
  // an endless one: reading it to its end would never return
  ...(MAKES_DEVICES ? { 'a device': (place) => void execFileSync('mknod', [place, 'c', '1', '5']) } : {}),
}

test.skipIf(MAKES_DEVICES)('devices (skipped: this process may make none)', () => {})

function makeOutside(): { folder: string; outside: string } {
  const top = tempFolder()
  const outside = path.join(top, 'outside.jsonl')
  fs.writeFileSync(outside, bareLine('outside'))
  return { folder: path.join(top, 'sessions'), outside }
}

describe("in the log's place", () => {
  test.each(Object.entries(THINGS))(
    '%s is no session but an error for every verb, is not followed and stays',
    async (_, make) => {
      const { folder, outside } = makeOutside()
      const errors: unknown[] = []
      const store = await open(folder, { onError: (error) => errors.push(error) })
      await fill(store, 'real', ['1'])
      const session = store.session('a')
      make(session.path, outside)
      const before = fs.lstatSync(session.path)
      const stream = async () => {
        for await (const _ of session.stream()) return
      }
      const calls: Array<() => Promise<unknown>> = [
        ...[() => session.messages(), () => session.tail(5), () => session.info(), () => session.check(), stream],
        ...[() => session.name(), () => session.state(), () => session.context(), () => session.waiting()],
        ...[() => session.removed(), () => session.rewrite(), () => session.removeLast(), () => session.remove('x')],
        ...[() => session.rewind({ keep: 0 }), () => session.delete(), () => session.append(message('1'))],
        ...[() => session.setName('n'), () => session.setState('running'), () => store.fork('a')],
        ...[() => store.fork('real', { as: 'a' }), () => session.receive(message('1'), { ref: 'r' })],
      ]
      for (const call of calls) expect(await codeOf(call()), String(call)).toBe('ERR_NOT_A_LOG')
      expect(await store.keys()).toEqual(['real'])
      expect(await store.list()).toHaveLength(1)
      expect(await store.search('outside')).toEqual([])
      // told once, by the first list that met it
      expect(errors.map((error) => (error as { code: string }).code)).toEqual(['ERR_NOT_A_LOG'])
      expect((await store.cleanup({ olderThan: Number.POSITIVE_INFINITY })).failed).toEqual([])
      expect(fs.lstatSync(session.path).ino).toBe(before.ino)
      expect(fs.readFileSync(outside, 'utf8')).toBe(bareLine('outside'))
      expect(fs.readdirSync(path.dirname(outside)).sort()).toEqual(['outside.jsonl', 'sessions'])
    },
  )

  test('that was a log before, and is written to', async () => {
    for (const make of Object.values(THINGS)) {
      const { folder, outside } = makeOutside()
      const session = await fill(await open(folder), 'a', ['1'])
      fs.rmSync(session.path)
      make(session.path, outside)
      expect(await codeOf(session.append(message('2')))).toBe('ERR_NOT_A_LOG')
      expect(fs.readFileSync(outside, 'utf8')).toBe(bareLine('outside'))
    }
  })

  test('ten pipes block no call', async () => {
    const folder = tempFolder()
    for (let i = 0; i < 10; i++) execFileSync('mkfifo', [path.join(folder, `pipe${i}.jsonl`)])
    const store = await open(folder)
    const start = performance.now()
    expect(await store.list()).toEqual([])
    await Promise.all(Array.from({ length: 10 }, (_, i) => codeOf(store.session(`pipe${i}`).messages())))
    await fs.promises.readFile('/proc/self/stat')
    expect(performance.now() - start).toBeLessThan(2_000)
  })
})

describe("in the sidecar's place", () => {
  test.each(Object.entries(THINGS))('%s is not followed, and hinders no message', async (_, make) => {
    const { folder, outside } = makeOutside()
    const errors: unknown[] = []
    const store = await openStore(folder, { onError: (error) => errors.push(error) })
    const session = store.session('a')
    fs.mkdirSync(folder, { recursive: true })
    make(session.sidecarPath, outside)
    await session.append(message('1'))
    expect(await session.info()).toMatchObject({ messages: 1, state: 'idle' })
    expect(await store.list()).toHaveLength(1)
    await store.close()
    expect(fs.readFileSync(outside, 'utf8')).toBe(bareLine('outside'))
    const again = await open(folder)
    expect(await again.list()).toMatchObject([{ key: 'a', messages: 1 }])
    expect(await again.session('a').delete()).toBe(true)
    expect(await again.keys()).toEqual([])
    expect(fs.readdirSync(path.dirname(outside)).sort()).toEqual(['outside.jsonl', 'sessions'])
  })

  test('a symbolic link appears under a session in use', async () => {
    const { folder, outside } = makeOutside()
    const store = await open(folder)
    const session = await fill(store, 'a', ['1'])
    await session.setState('running', 't')
    await writeSidecar(store, 'a')
    fs.rmSync(session.sidecarPath)
    fs.symlinkSync(outside, session.sidecarPath)
    expect((await session.state())?.state).toBe('running')
    await writeSidecar(store, 'a')
    await session.setState('running', 't')
    expect((await session.state())?.state).toBe('running')
    expect(fs.readFileSync(outside, 'utf8')).toBe(bareLine('outside'))
  })
})

test('links planted under temporary names are not followed', async () => {
  const { folder, outside } = makeOutside()
  const session = await fill(await open(folder), 'a', ['1', '2'])
  await session.removeLast()
  const planted: string[] = []
  const planting = (openFile: Call) => (file: string, flags: number, mode?: number) => {
    if (/\.tmp$/.test(file) && !planted.includes(file)) {
      planted.push(file)
      fs.symlinkSync(outside, file)
    }
    return openFile(file, flags, mode)
  }
  expect(await during('open', planting, () => codeOf(session.rewrite()))).toBe('EEXIST')
  expect(planted).toHaveLength(1)
  expect(fs.readFileSync(outside, 'utf8')).toBe(bareLine('outside'))
  expect(await contents(session)).toEqual(['1'])
})

describe.each([0o000, 0o077, 0o022])('modes under umask %o', (umask) => {
  test('files are 0600 and folders 0700, all of them', async () => {
    const former = process.umask(umask)
    try {
      const folder = path.join(tempFolder(), 'deep', 'sessions')
      const store = await openStore(folder, { lockTimeout: 100 })
      const session = await fill(store, 'a', ['1', '2'])
      fs.appendFileSync(session.path, 'damage\n{"torn')
      await session.append(message('3'))
      await session.removeLast()
      const seen: string[] = []
      const noting = (rename: Call) => (from: string, to: string) => {
        if (fs.lstatSync(from).isFile()) seen.push(modeOf(from))
        return rename(from, to)
      }
      await during('rename', noting, async () => {
        await session.rewrite()
        await session.setState('running', 't')
        await writeSidecar(store, 'a')
        await session.setName('n')
        await session.rewrite()
      })
      expect(seen.length).toBeGreaterThan(2)
      expect(new Set(seen)).toEqual(new Set(['600']))
      await fill(store, 'gone', ['1'])
      await session.setState('running', 't')
      await new Promise((resolve) => setTimeout(resolve, 2))
      await store.cleanup({ olderThan: 0 })
      const modes = fs
        .readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((name) => [name, modeOf(path.join(folder, name))] as const)
      expect(modes.length).toBeGreaterThan(8)
      for (const [name, mode] of modes) {
        expect(mode, name).toBe(fs.statSync(path.join(folder, name)).isDirectory() ? '700' : '600')
      }
      for (const place of [folder, path.dirname(folder)]) expect(modeOf(place), place).toBe('700')
      await store.close()
    } finally {
      process.umask(former)
    }
  })
})

test('every operation of every contract leaves files of 0600 and folders of 0700 under umask 000', async () => {
  const child = start('open-modes.mjs', [tempFolder()])
  const result = await messageOf<{ open: string[]; operations: number; entries: number }>(child)
  expect(result).toMatchObject({ open: [] })
  expect(result.operations).toBeGreaterThan(60)
  expect(result.entries).toBeGreaterThan(1_000)
})

function writeSidecar(store: SessionStore, key: string): Promise<void> {
  return internalsOf(store).log(key).writeSidecar()
}

function modeOf(file: string): string {
  return (fs.lstatSync(file).mode & 0o777).toString(8)
}

/** Does everything that writes somewhere in a store; returns the codes of what failed. */
async function workThrough(folder: string): Promise<string[]> {
  let store: SessionStore
  try {
    store = await openStore(folder)
  } catch (error) {
    return [`open: ${(error as NodeJS.ErrnoException).code}`]
  }
  const session = store.session('a')
  const codes: Array<string | undefined> = []
  fs.appendFileSync(session.path, 'damage\n{"torn')
  codes.push(await codeOf(session.append(message('2'))))
  codes.push(await codeOf(session.setState('running', 't')))
  codes.push(await codeOf(session.rewrite()))
  codes.push(await codeOf(session.setState('idle')))
  codes.push(await codeOf(store.fork('a', { as: 'b' })))
  codes.push(await codeOf(store.session('b').delete()))
  await sleep(2)
  const { failed } = await store.cleanup({ olderThan: 0 })
  codes.push(...failed.map(({ error }) => (error as NodeJS.ErrnoException).code), await codeOf(store.close()))
  return codes.flatMap((code) => code ?? [])
}

describe('folders of the store that are links', () => {
  test.each([
    ['.quarantine', ['ENOTDIR']],
    ['.quarantine/a', ['ENOTDIR']],
    ['.trash', ['ENOTDIR']],
    ['.running', ['ENOTDIR', 'ENOTDIR']],
    ['.locks', ['ENOTDIR', 'ENOTDIR', 'ENOTDIR']],
    ['.locks/.waiting', ['ENOTDIR', 'ENOTDIR', 'ENOTDIR']],
    ['.locks/.rewrites', ['ENOTDIR', 'ENOTDIR', 'ENOTDIR']],
    ['.locks/.holds', ['ENOTDIR', 'ENOTDIR', 'ENOTDIR']],
    ['.locks/b', []],
    ['a.blobs', []],
  ])('%s: nothing is written to or removed from its target', async (name, codes) => {
    const { folder, outside } = makeOutside()
    const elsewhere = path.join(path.dirname(outside), 'elsewhere')
    const theirs = ['0123456789abcdef', '0123456789abcdef/0123456789abcdef', 'a', 'a~0123456789abcdef.tmp', 'notes']
    fs.mkdirSync(path.join(elsewhere, '0123456789abcdef'), { recursive: true })
    for (const file of theirs.slice(1)) fs.writeFileSync(path.join(elsewhere, file), 'theirs')
    const former = await openStore(folder)
    await fill(former, 'a', ['1'])
    await former.close()
    const place = path.join(folder, name)
    fs.rmSync(place, { recursive: true, force: true })
    fs.mkdirSync(path.dirname(place), { recursive: true })
    fs.symlinkSync(elsewhere, place)
    expect(await workThrough(folder)).toEqual(codes)
    expect(filesIn(elsewhere)).toEqual(theirs)
    for (const file of theirs.slice(1)) expect(fs.readFileSync(path.join(elsewhere, file), 'utf8')).toBe('theirs')
    const logs = filesIn(folder).filter((file) => path.basename(file) === 'a.jsonl')
    expect(logs).toHaveLength(1)
    expect(fs.readFileSync(path.join(folder, logs[0]!), 'utf8')).toContain('"content":"1"')
  })
})

describe('folders of the store that are links', () => {
  test.each(['.quarantine', '.trash'])('%s: nothing is written outside', async (name) => {
    const { folder, outside } = makeOutside()
    const elsewhere = path.join(path.dirname(outside), 'elsewhere')
    fs.mkdirSync(elsewhere)
    const store = await open(folder)
    const session = await fill(store, 'a', ['1'])
    fs.appendFileSync(session.path, 'damage\n')
    fs.symlinkSync(elsewhere, path.join(folder, name))
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (name === '.trash') expect((await store.cleanup({ olderThan: 0 })).failed).toHaveLength(1)
    else expect(await codeOf(session.rewrite())).not.toBe(undefined)
    expect(fs.readdirSync(elsewhere)).toEqual([])
    expect(await contents(session)).toEqual(['1'])
    expect(filesIn(folder)).toContain('a.jsonl')
  })
})

test('a log with a second hard link is an ordinary log: neither name loses a message', async () => {
  const { folder, outside } = makeOutside()
  fs.mkdirSync(folder)
  const session = (await open(folder)).session('a')
  fs.linkSync(outside, session.path)
  await session.append(message('2'))
  expect(fs.readFileSync(outside)).toEqual(fs.readFileSync(session.path))
  await session.removeLast()
  await session.append(message('3'))
  const before = fs.readFileSync(outside)
  await session.rewrite()
  await session.append(message('4'))
  expect(fs.readFileSync(outside)).toEqual(before)
  expect(await contents(session)).toEqual(['outside', '3', '4'])
  expect(await session.delete()).toBe(true)
  expect(fs.readFileSync(outside)).toEqual(before)
})
