import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { ended, RemoteStore } from '../helpers/child.js'
import { type Call, during, failCall, systemError } from '../helpers/file-calls.js'
import { codeOf, contents, filesIn, fill, message, open, tempFolder } from '../helpers/store.js'

const fails =
  (only: (file: string) => boolean, code = 'EIO') =>
  (call: (...args: unknown[]) => unknown) =>
  (...args: unknown[]) => {
    if (only(String(args[0]))) throw systemError(code)
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

const isSidecar = (file: string) => file.endsWith('.meta.json')

/** Fails as `fails` does, once and after the call was done. */
function failsLate(only: (file: string) => boolean) {
  let isDue = true
  return (call: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      const result = call.apply(fs, args)
      if (!isDue || !only(String(args.at(-1)))) return result
      isDue = false
      throw systemError('EIO')
    }
}

test('a new session whose log was linked although the link failed has its state', async () => {
  const folder = tempFolder()
  const session = (await open(folder)).session('new')
  const isLog = (file: string) => file.endsWith('new.jsonl')
  expect(await during('link', failsLate(isLog), () => codeOf(session.setState('running', 't')))).toBe('EIO')
  expect(await session.info()).toMatchObject({ state: 'running', turnId: 't', messages: 0 })
  expect(await session.state()).toMatchObject({ state: 'running', turnId: 't' })
})

test('a sidecar that may not be read is not replaced by one without its run state', async () => {
  const folder = tempFolder()
  const former = await openStore(folder)
  await fill(former, 'a', ['1'])
  await former.session('a').setState('error', 't')
  await former.close()
  const errors: unknown[] = []
  const store = await openStore(folder, { onError: (error) => errors.push(error) })
  await store.session('a').append(message('2'))
  const refuse = fails(isSidecar, 'EACCES')
  await during('stat', refuse, () => during('open', refuse, () => store.close()))
  expect(errors).toMatchObject([{ code: 'EACCES' }])
  const session = (await open(folder)).session('a')
  expect(await session.state()).toMatchObject({ state: 'error', turnId: 't' })
  expect(await contents(session)).toEqual(['1', '2'])
})

test.each([{}, { exclusive: true }])(
  'a state is not counted below that of a sidecar that cannot be read: %j',
  async (how) => {
    const folder = tempFolder()
    const former = await openStore(folder)
    for (const state of ['running', 'idle', 'error'] as const) await former.session('a').setState(state, 't')
    await former.close()
    const session = (await open(folder)).session('a')
    const refuse = fails(isSidecar, 'EACCES')
    const set = () => codeOf(session.setState('running', 'u', how))
    expect(await during('stat', refuse, () => during('open', refuse, set))).toBe('EACCES')
    expect(await session.state()).toMatchObject({ state: 'error', turnId: 't' })
    await session.setState('running', 'u', how)
    expect(await session.state()).toMatchObject({ state: 'running', turnId: 'u' })
  },
)

test.each(['killed', 'closed'])(
  'a run log of a process that was %s stays while what it says may be in no sidecar',
  async (how) => {
    const folder = tempFolder()
    const remote = await RemoteStore.open(folder)
    await remote.call('setState', 'a', 'running', 't')
    if (how === 'closed') await remote.call('close')
    remote.child.kill('SIGKILL')
    await ended(remote.child)
    const [name = ''] = fs.readdirSync(path.join(folder, '.running'))
    fs.utimesSync(path.join(folder, '.running', name), 0, 0)
    const refuse = fails(how === 'closed' ? isSidecar : (file) => file.endsWith(name), 'EACCES')
    await during('open', refuse, async () => (await openStore(folder, { onError: () => {} })).close())
    expect(fs.readdirSync(path.join(folder, '.running'))).toEqual([name])
    const { runs } = await (await open(folder)).recover()
    expect(runs).toMatchObject([{ key: 'a', turnId: 't' }])
  },
)

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

test('an opening that fails leaves nothing open when the other stores of the folder close', async () => {
  const folder = tempFolder()
  const store = await openStore(folder)
  await fill(store, 'a', ['1'])
  await store.session('a').setState('running')
  const isFolder = (file: string) => file === folder
  const failing = () => during('stat', fails(isFolder), () => during('lstat', fails(isFolder), () => openStore(folder)))
  expect(await codeOf(failing())).toBe('EIO')
  await store.close()
  expect(openFilesIn(folder)).toEqual([])
})

test.each(['ENOSPC', 'EDQUOT'])('what is deleted or trashed is said to be gone when %s comes late', async (code) => {
  const gone = { delete: true, trash: expect.any(String) }
  for (const verb of ['delete', 'trash'] as const) {
    let resolved = 0
    for (let nth = 1; ; nth++) {
      const store = await openStore(tempFolder())
      const session = await fill(store, 'a', ['1'])
      fs.mkdirSync(path.join(store.dir, '.quarantine', 'a'), { recursive: true, mode: 0o700 })
      const faults = failCall(nth, { code, only: (name) => ['unlink', 'rename', 'rmdir'].includes(name) })
      const result = await session[verb]().catch((error: unknown) => (error as { code: string }).code)
      faults.stop()
      if (result !== code) {
        expect(result, `${verb} ${nth}`).toEqual(gone[verb])
        expect(await store.keys()).toEqual([])
        expect(await store.trash()).toHaveLength(verb === 'trash' ? 1 : 0)
        resolved++
      }
      await store.close()
      if (faults.failed.length === 0) break
    }
    expect(resolved).toBeGreaterThan(1)
  }
})
