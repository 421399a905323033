import fs from 'node:fs'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { type Call, during, systemError } from '../helpers/file-calls.js'
import { codeOf, contents, filesIn, fill, message, open, tempFolder } from '../helpers/store.js'

const fails =
  (only: (file: string) => boolean) =>
  (call: (...args: unknown[]) => unknown) =>
  (...args: unknown[]) => {
    if (only(String(args[0]))) throw systemError('EIO')
    return call.apply(fs, args)
  }

/** Runs `work` while such files can be neither removed nor moved. */
const withoutRemoval = <T>(only: (file: string) => boolean, work: () => Promise<T>) =>
  during('rename', fails(only), () => during('unlink', fails(only), work))

/** Files of the folder that this process has open. */
function openFilesIn(folder: string): string[] {
  const files = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return files.filter((file) => file.startsWith(folder))
}

test('a lock that could not be removed does not lock its own process out', async () => {
  const folder = tempFolder()
  const store = await openStore(folder, { appends: 'leased' })
  await fill(store, 'a', ['1'])
  const isLock = (file: string) => file.includes('.locks')
  expect(await withoutRemoval(isLock, () => codeOf(store.close()))).toBe('EIO')
  const session = (await open(folder, { lockTimeout: 1_000, appends: 'leased' })).session('a')
  await session.append(message('2'))
  expect(await contents(session)).toEqual(['1', '2'])
})

test('closing continues with the other sessions when one lease cannot be released', async () => {
  const folder = tempFolder()
  const store = await openStore(folder, { appends: 'leased' })
  for (const key of ['a', 'b', 'c']) await fill(store, key, ['1'])
  const isLockOfA = (file: string) => /\.locks\/a(\/|$)/.test(file)
  expect(await withoutRemoval(isLockOfA, () => codeOf(store.close()))).toBe('EIO')
  expect(openFilesIn(folder)).toEqual([])
})

test('a state that cannot be written makes no session', async () => {
  const folder = tempFolder()
  const session = (await open(folder)).session('new')
  const isLog = (file: string) => file.endsWith('.tmp')
  expect(await during('link', fails(isLog), () => codeOf(session.setState('running', 't')))).toBe('EIO')
  expect(await session.info()).toBe(null)
  await session.setState('running', 't')
  expect(await session.info()).toMatchObject({ state: 'running', turnId: 't', messages: 0 })
})

test('a rewrite succeeds on drives that change no mode of a file that lost its name', async () => {
  const session = await fill(await open(), 'a', ['1', '2'])
  await session.removeLast()
  const { ino } = fs.statSync(session.path)
  const refuse = (fchmod: Call) => (fd: number, mode: number) => {
    if (fs.fstatSync(fd).ino === ino && fs.statSync(session.path).ino !== ino) throw systemError('ENOENT')
    return fchmod(fd, mode)
  }
  await during('fchmod', refuse, () => session.rewrite())
  expect(await contents(session)).toEqual(['1'])
  expect(fs.readFileSync(session.path, 'utf8')).not.toContain('"2"')
})

test('a file whose mode cannot be set is not left behind', async () => {
  const folder = tempFolder()
  const session = (await open(folder)).session('a')
  await session.append(message('1'))
  await session.removeLast()
  const refuse = () => () => {
    throw systemError('EACCES')
  }
  expect(await during('fchmod', refuse, () => codeOf(session.rewrite()))).toBe('EACCES')
  expect(filesIn(folder).filter((file) => file.endsWith('.tmp'))).toEqual([])
  expect(openFilesIn(folder)).toEqual([])
})
