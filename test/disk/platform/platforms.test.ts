/** Systems that the tests do not run on, each as what it reports: recorded outputs, and file calls that fail as theirs do. */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fstat, lstat } from '../../../src/disk/platform/calls.js'
import { System, thisSystem } from '../../../src/disk/platform/system.js'
import { livenessOf, type Owner, ownIdentity } from '../../../src/disk/process-identity.js'
import { ended, RemoteStore } from '../../helpers/child.js'
import { type Call, during, following, patch, systemError } from '../../helpers/file-calls.js'
import { codeOf, contents, fill, message, open, tempFolder } from '../../helpers/store.js'

const BEGAN = Date.parse('2026-11-28T22:30:53Z')

/** A system without /proc, whose programs print `output`; `asked` is what was run. */
function fake(platform: NodeJS.Platform, output: string | Error): { system: System; asked: string[] } {
  const asked: string[] = []
  const hidden = () => {
    throw systemError('ENOENT')
  }
  const run = (file: string, args: readonly string[]) => {
    asked.push([file, ...args].join(' '))
    if (output instanceof Error) throw output
    return output
  }
  return { system: Object.assign(new System(), { platform, read: hidden, link: hidden, run }), asked }
}

/** A process that lives, as one that began at `began` by its own clock would name itself. */
function living(system: System, began: number): { here: Owner; owner: Owner } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const here = ownIdentity(system)
  return { here, owner: { ...here, pid: child.pid as number, instance: 'another', start: String(began) } }
}

describe('the start of a process, where there is no /proc', () => {
  const mac = 'S+   Sat Nov 28 22:30:53 2026\n'
  const windows = '2026-11-28T22:30:53.1234567Z\r\n'
  test.each<[string, NodeJS.Platform, string | Error, number, string]>([
    ['the owner', 'darwin', mac, BEGAN + 700, 'alive'],
    ['the owner, whose start was slow', 'darwin', mac, BEGAN + 20_000, 'alive'],
    ['a later process with its number', 'darwin', mac, BEGAN - 5_000, 'dead'],
    ['one that was not waited for', 'darwin', 'Z    Sat Nov 28 22:30:53 2026\n', BEGAN + 700, 'dead'],
    ['an output that nobody knows', 'darwin', 'STAT STARTED\n', BEGAN, 'unknown'],
    ['a program that fails', 'darwin', systemError('ENOENT'), BEGAN, 'unknown'],
    ['the owner', 'win32', windows, BEGAN + 300, 'alive'],
    ['a later process with its number', 'win32', windows, BEGAN - 5_000, 'dead'],
    ['a process of another user', 'win32', systemError('EPERM'), BEGAN, 'unknown'],
    ['/proc that is hidden', 'linux', mac, BEGAN + 700, 'unknown'],
  ])('%s (%s)', (_, platform, output, began, expected) => {
    const { system } = fake(platform, output)
    const { here, owner } = living(system, began)
    expect(livenessOf(owner, here, system)).toBe(expected)
  })

  test('is asked for only when a living process must be judged, and not again at once', () => {
    const { system, asked } = fake('darwin', mac)
    const { here, owner } = living(system, BEGAN)
    expect(livenessOf(here, here, system)).toBe('alive')
    expect(livenessOf({ ...owner, host: 'elsewhere' }, here, system)).toBe('unknown')
    expect(livenessOf({ ...owner, boot: 'of a container' }, here, system)).toBe('unknown')
    expect(livenessOf({ ...owner, pid: 2 ** 22 - 1 }, here, system)).toBe('dead')
    expect(asked).toEqual([])
    for (let i = 0; i < 3; i++) expect(livenessOf(owner, here, system)).toBe('alive')
    expect(asked).toEqual([`/bin/ps -o stat= -o lstart= -p ${owner.pid}`])
  })

  test('a process that has the number of a zombie is not taken for that', () => {
    const { system } = fake('darwin', 'Z    Sat Nov 28 22:30:53 2026\n')
    const { here, owner } = living(system, BEGAN)
    expect(livenessOf(owner, here, system)).toBe('dead')
    system.run = () => mac
    expect(livenessOf(owner, here, system)).toBe('alive')
  })

  test('a worker thread there is judged by its silence', () => {
    const { system } = fake('darwin', mac)
    const here = ownIdentity(system)
    const worker = { ...here, instance: 'of a worker', thread: '?' }
    expect(livenessOf(worker, here, system)).toBe('unknown')
    expect(livenessOf(worker, worker, system)).toBe('alive')
  })

  test('Windows is asked by PowerShell', () => {
    const { system, asked } = fake('win32', windows)
    expect(system.startOf(12)).toBe(BEGAN + 123)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/powershell\.exe -NoProfile -NonInteractive -Command \(Get-Process -Id 12\)\.StartTime/)
  })
})

describe.runIf(fs.existsSync('/bin/ps'))('processes of such a system, with the ps of this machine', () => {
  const asOther = [
    'env',
    `NODE_OPTIONS=--import=${fileURLToPath(new URL('../../processes/other-system.mjs', import.meta.url))}`,
  ]

  test('a killed owner loses its lease at once, one that is stopped keeps it', async () => {
    const folder = tempFolder()
    const [first, second] = await Promise.all([
      RemoteStore.openLeased(folder, {}, asOther),
      RemoteStore.openLeased(folder, { lockTimeout: 2_000 }, asOther),
    ])
    await first.append('a', '1')
    first.kill('SIGSTOP')
    expect(await codeOf(second.append('a', 'refused'))).toBe('ERR_LOCKED')
    first.kill('SIGCONT')
    await first.append('a', '2')
    first.kill('SIGKILL')
    await ended(first.child)
    await second.append('a', '3')
    expect((await second.call('messages', 'a')).map(({ content }: { content: string }) => content)).toEqual([
      '1',
      '2',
      '3',
    ])
    const [lock] = fs.readdirSync(path.join(folder, '.locks', 'a'))
    const owner = JSON.parse(fs.readFileSync(path.join(folder, '.locks', 'a', lock as string), 'utf8'))
    expect(owner).toMatchObject({ boot: '', pidns: '', start: expect.stringMatching(/^\d{13}$/) })
  })
})

describe('files whose numbers are above 2^53', () => {
  /** Numbers as NTFS has them: neighbours, which a double cannot tell from each other. */
  const large = (ino: number | bigint) => 0x8123_0000_0000_0000n + BigInt(ino)
  const standIn = (call: Call) => (place: unknown, options?: { bigint?: boolean }) =>
    following(call(place, options), (stat?: fs.Stats | fs.BigIntStats) => {
      if (stat === undefined) return stat
      const ino = large(stat.ino)
      return Object.assign(stat, { ino: options?.bigint ? ino : Number(ino) })
    })
  const withLargeNumbers = () => {
    for (const name of ['lstat', 'stat', 'fstat']) patch(name, standIn)
  }

  test('stay different, and are the same by path and descriptor', () => {
    const folder = tempFolder()
    const files = Array.from({ length: 40 }, (_, i) => path.join(folder, `${i}`))
    for (const file of files) fs.writeFileSync(file, 'text')
    withLargeNumbers()
    expect(new Set(files.map((file) => fs.lstatSync(file).ino)).size).toBeLessThan(files.length)
    expect(new Set(files.map((file) => lstat(file)?.ino)).size).toBe(files.length)
    const fd = fs.openSync(files[0] as string, 'r')
    onTestFinished(() => fs.closeSync(fd))
    const found = fstat(fd)
    expect(found).toEqual(lstat(files[0] as string))
    expect(found.isFile()).toBe(true)
    expect(found).toMatchObject({ size: 4, nlink: 1, mode: expect.any(Number), mtimeMs: expect.any(Number) })
  })

  test('a message whose log another program replaces at that moment is not lost', async () => {
    const folder = tempFolder()
    withLargeNumbers()
    const session = await fill(await open(folder), 'a', ['1'])
    const file = path.join(folder, 'a.jsonl')
    const replacing =
      (call: Call) =>
      (fd: number, ...args: unknown[]) => {
        if (String(args[0]).includes('"2"') && !fs.existsSync(`${file}.done`)) {
          fs.copyFileSync(file, `${file}.done`)
          fs.copyFileSync(file, `${file}.new`)
          fs.renameSync(`${file}.new`, file)
        }
        return call(fd, ...args)
      }
    await during('write', replacing, () => session.append(message('2')))
    expect(await contents(session)).toEqual(['1', '2'])
    await session.removeLast()
    await session.rewrite()
    expect(await contents(session)).toEqual(['1'])
  })
})

/** This process takes itself for one on another system. */
function as(platform: NodeJS.Platform): void {
  const former = thisSystem.platform
  thisSystem.platform = platform
  onTestFinished(() => {
    thisSystem.platform = former
  })
}

describe('a rename that Windows refuses', () => {
  /** Refuses the renames of files, the first `times` of them, as Windows does while a virus scanner reads them. */
  const refuse = (code: string, times: number) => {
    let count = 0
    patch('rename', (call) => (from, to) => {
      if (fs.lstatSync(from).isFile() && count++ < times) throw systemError(code)
      return call(from, to)
    })
    return () => count
  }

  test.each(['EPERM', 'EACCES', 'EBUSY'])('for a moment, by %s, is made again', async (code) => {
    const store = await open(tempFolder())
    const session = await fill(store, 'a', ['1', '2'])
    await session.removeLast()
    as('win32')
    const count = refuse(code, 3)
    expect(await session.rewrite()).not.toBeNull()
    expect(await contents(session)).toEqual(['1'])
    expect(count()).toBeGreaterThan(3)
  })

  test('for good fails with its code, and the log stays', async () => {
    const store = await open(tempFolder())
    const session = await fill(store, 'a', ['1', '2'])
    await session.removeLast()
    as('win32')
    refuse('EPERM', Number.POSITIVE_INFINITY)
    expect(await codeOf(session.rewrite())).toBe('EPERM')
    expect(await contents(session)).toEqual(['1'])
    await session.append(message('3'))
    expect(await contents(session)).toEqual(['1', '3'])
  })

  test('on other systems fails at once', async () => {
    const store = await open(tempFolder())
    const session = await fill(store, 'a', ['1', '2'])
    await session.removeLast()
    as('linux')
    const count = refuse('EPERM', 1)
    expect(await codeOf(session.rewrite())).toBe('EPERM')
    expect(count()).toBe(1)
  })

  test('over an empty folder takes the lease all the same', async () => {
    const folder = tempFolder()
    as('win32')
    patch('rename', (call) => (from, to) => {
      if (fs.existsSync(to) && fs.lstatSync(to).isDirectory()) throw systemError('EPERM')
      return call(from, to)
    })
    fs.mkdirSync(path.join(folder, '.locks', 'a'), { recursive: true })
    const session = await fill(await open(folder, { appends: 'leased' }), 'a', ['1'])
    expect(await session.removeLast()).toBe(true)
  })
})

test('a link is not followed on Windows, which has no flag for it', async () => {
  const folder = tempFolder()
  const outside = path.join(tempFolder(), 'outside.jsonl')
  fs.writeFileSync(outside, '{"role":"user","content":"outside"}\n')
  as('win32')
  const { O_NOFOLLOW } = fs.constants
  patch(
    'open',
    (call) =>
      (file, flags, ...args) =>
        call(file, typeof flags === 'number' ? flags & ~O_NOFOLLOW : flags, ...args),
  )
  const session = (await open(folder)).session('a')
  fs.symlinkSync(outside, session.path)
  expect(await codeOf(session.append(message('1')))).toBe('ERR_NOT_A_LOG')
  expect(await codeOf(session.messages())).toBe('ERR_NOT_A_LOG')
  expect(fs.readFileSync(outside, 'utf8')).not.toContain('"1"')
})

describe('folders that cannot be synced', () => {
  test.each(['EPERM', 'EISDIR', 'EINVAL'])('by %s: all calls work with fsync', async (code) => {
    const folder = tempFolder()
    patch('fsync', (call) => (fd) => {
      if (fs.fstatSync(fd).isDirectory()) throw systemError(code)
      return call(fd)
    })
    await works(folder)
  })

  test.each(['EPERM', 'EISDIR'])('which cannot even be opened: %s', async (code) => {
    const folder = tempFolder()
    patch('open', (call) => (file, ...args) => {
      if (fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory()) throw systemError(code)
      return call(file, ...args)
    })
    await works(folder)
  })

  test('a sync that fails for another reason is reported', async () => {
    const session = await fill(await open(tempFolder(), { fsync: 'always' }), 'a', ['1'])
    await session.append(message('2'))
    await session.removeLast()
    const failing = during(
      'fsync',
      (call) => (fd) => {
        if (fs.fstatSync(fd).isDirectory()) throw systemError('EIO')
        return call(fd)
      },
      () => codeOf(session.rewrite()),
    )
    expect(await failing).toBe('EIO')
  })

  async function works(folder: string): Promise<void> {
    const store = await open(folder, { fsync: 'always' })
    const session = await fill(store, 'a', ['1', '2'])
    await session.setName('A name')
    await session.removeLast()
    await session.rewrite()
    await store.restore((await session.trash()) as string)
    expect(await contents(session)).toEqual(['1'])
  }
})
