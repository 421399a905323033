/** A store on a network drive: what other machines wrote is looked for, what is written here is synced for them. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { RemoteStore } from '../helpers/child.js'
import { patch, systemError } from '../helpers/file-calls.js'
import { codeOf, contents, fill, message, open, tempFolder, until } from '../helpers/store.js'

/** The names of the calls on the files of `a`, in order, while `work` runs. */
async function callsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = []
  const restores = ['fdatasync', 'readdir', 'unlink', 'open'].map((name) =>
    patch(name, (call) => (first, ...args) => {
      seen.push(`${name} ${typeof first === 'string' ? path.basename(first) : ''}`.trim())
      return call(first, ...args)
    }),
  )
  await work()
  for (const restore of restores) restore()
  return seen
}

describe('the lease on a network drive', () => {
  test('the folder is listed and the log opened anew when it is taken, and not while it is kept', async () => {
    const folder = tempFolder()
    const store = await open(folder, { network: true })
    const session = await fill(store, 'a', ['1'])
    await store.session('a').append(message('2'))
    const root = path.basename(folder)
    const kept = await callsDuring(() => session.append(message('3')))
    expect(kept.filter((call) => call === `readdir ${root}` || call === 'open a.jsonl')).toEqual([])
    await until(() => !fs.existsSync(path.join(folder, '.locks', 'a')))
    const taken = await callsDuring(() => session.append(message('4')))
    expect(taken).toContain(`readdir ${root}`)
    expect(taken).toContain('open a.jsonl')
    expect(await contents(session)).toEqual(['1', '2', '3', '4'])
  })

  test('what was written is synced before the lease goes', async () => {
    const folder = tempFolder()
    const store = await open(folder, { network: true })
    const lock = () => fs.readdirSync(path.join(folder, '.locks', 'a'))
    await fill(store, 'a', ['1', '2'])
    const [nonce] = lock()
    const calls = await callsDuring(async () => {
      await store.close()
    })
    expect(calls.indexOf('fdatasync')).toBeGreaterThan(-1)
    expect(calls.indexOf('fdatasync')).toBeLessThan(calls.indexOf(`unlink ${nonce}`))
  })

  test('a process that exits syncs what it wrote before its lease goes', async () => {
    const folder = tempFolder()
    const script = `
      import fs from 'node:fs'
      const seen = []
      for (const name of ['fdatasyncSync', 'unlinkSync']) {
        const call = fs[name]
        fs[name] = (...args) => (seen.push(name), call(...args))
      }
      const { openStore } = await import(${JSON.stringify(fileURLToPath(new URL('../../dist/lib/index.js', import.meta.url)))})
      const store = await openStore(process.argv[1], { network: true })
      await store.session('a').append({ role: 'user', content: '1' })
      await store.session('a').append({ role: 'user', content: '2' })
      seen.length = 0
      process.on('exit', () => process.stdout.write(seen.join(' ')))
      process.exit()`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, folder], { encoding: 'utf8' })
    expect(out).toMatch(/^fdatasyncSync unlinkSync/)
    expect(fs.readdirSync(path.join(folder, '.locks'))).not.toContain('a')
  })

  test('two processes see each other: nothing that was acknowledged is dropped by a rewrite or a removeLast', async () => {
    const folder = tempFolder()
    const here = (await open(folder, { network: true })).session('a')
    const there = await RemoteStore.open(folder, { network: true })
    const gone = await here.append(message('gone'))
    await here.append(message('keep'))
    await here.remove(gone)
    await there.call('messages', 'a')
    for (let i = 0; i < 20; i++) await here.append(message(`m${i}`))
    await there.call('rewrite', 'a')
    expect(await contents(here)).toHaveLength(21)
    await here.append(message('last'))
    await there.call('removeLast', 'a')
    expect((await contents(here)).at(-1)).toBe('m19')
  })
})

describe('a size without its data', () => {
  /** The last bytes of the log are NUL bytes, or not there, for the first `times` looks. */
  function late(file: string, times: number, how: 'nul' | 'short'): () => number {
    const fds = new Set<number>()
    let left = times
    let looks = 0
    patch('openSync', (call) => (name, ...args) => {
      const fd = call(name, ...args)
      if (name === file) fds.add(fd)
      else fds.delete(fd)
      return fd
    })
    patch('readSync', (call) => (fd, buffer, offset, length, position) => {
      const count = call(fd, buffer, offset, length, position)
      if (!fds.has(fd) || position + count < fs.fstatSync(fd).size || left <= 0) return count
      left--
      looks++
      const lost = Math.min(20, count)
      if (how === 'short') return count - lost
      buffer.fill(0, offset + count - lost, offset + count)
      return count
    })
    return () => looks
  }

  test.each(['nul', 'short'] as const)('is waited for: %s', async (how) => {
    const folder = tempFolder()
    const writer = await open(folder, { network: true })
    await fill(writer, 'a', ['1', '2'])
    await writer.close()
    const damage: unknown[] = []
    const store = await open(folder, { network: true, onDamage: (report) => damage.push(report) })
    const looks = late(path.join(folder, 'a.jsonl'), 2, how)
    expect(await contents(store.session('a'))).toEqual(['1', '2'])
    expect(looks()).toBe(2)
    await store.session('a').append(message('3'))
    expect(await contents(store.session('a'))).toEqual(['1', '2', '3'])
    expect(damage).toEqual([])
    expect((await store.session('a').info())?.damaged).toBe(0)
  })

  test('that stays is damage, which is waited for once', async () => {
    const folder = tempFolder()
    const store = await open(folder, { network: true })
    const session = await fill(store, 'a', ['1'])
    fs.appendFileSync(session.path, '\0\0\0\n')
    await session.append(message('2'))
    expect(await contents(session)).toEqual(['1', '2'])
    const began = performance.now()
    for (let i = 0; i < 5; i++) expect(await contents(session)).toEqual(['1', '2'])
    expect(performance.now() - began).toBeLessThan(5_000)
    expect((await session.info())?.damaged).toBe(1)
  })
})

describe('a failure that comes after the write', () => {
  /** The look at the log after the next write fails. */
  function failingLook(file: string, code = 'ENOSPC'): void {
    let written = false
    let left = 1
    patch('writeSync', (call) => (...args) => {
      written ||= String(args[1]).includes('"late"')
      return call(...args)
    })
    patch('lstatSync', (call) => (name, ...args) => {
      if (name !== file || !written || left-- <= 0) return call(name, ...args)
      throw systemError(code)
    })
  }

  test.each([{}, { network: true }])('is no failure where the line is there: %j', async (options) => {
    const store = await open(tempFolder(), options)
    const session = await fill(store, 'a', ['1'])
    failingLook(session.path)
    const id = await session.append(message('late'))
    expect((await session.messages()).map((one) => [one.id, one.content]).at(-1)).toEqual([id, 'late'])
    await session.append(message('3'))
    expect(await contents(session)).toEqual(['1', 'late', '3'])
  })

  test('is one where the line is not there', async () => {
    const store = await open(tempFolder(), { network: true })
    const session = await fill(store, 'a', ['1'])
    patch('writeSync', (call) => (fd, bytes, ...rest) => {
      if (!String(bytes).includes('"late"')) return call(fd, bytes, ...rest)
      throw systemError('ENOSPC')
    })
    expect(await codeOf(session.append(message('late')))).toBe('ENOSPC')
    expect(await contents(session)).toEqual(['1'])
  })

  test('where nothing can be known, the error names the line, and the next call takes it back', async () => {
    const store = await open(tempFolder(), { network: true })
    const session = await fill(store, 'a', ['1'])
    failingLook(session.path)
    const restore = patch('fdatasync', () => () => {
      throw systemError('EIO')
    })
    const error = await session.append(message('late')).catch((failed: unknown) => failed)
    restore()
    expect(error).toMatchObject({ code: 'ENOSPC', written: [expect.any(String)] })
    await session.append(message('2'))
    expect(await contents(session)).toEqual(['1', '2'])
  })
})

test('the sync of a rewrite comes before it reads', async () => {
  const store = await open(tempFolder(), { network: true })
  const session = await fill(store, 'a', ['1', '2'])
  await session.removeLast()
  const syncs: string[] = []
  for (const name of ['fdatasync', 'rename']) {
    patch(name, (call) => (...args) => {
      syncs.push(name)
      return call(...args)
    })
  }
  await session.rewrite()
  expect(syncs[0]).toBe('fdatasync')
  expect(await contents(session)).toEqual(['1'])
})

describe('a log that another machine replaces at that moment', () => {
  /** The next `times` looks at files with this ending find a stale handle, as Node reports it. */
  function stale(ending: string, operation: 'open' | 'lstat', times: number): () => number {
    let count = 0
    patch(operation, (call) => (file, ...args) => {
      if (!String(file).endsWith(ending) || ++count > times) return call(file, ...args)
      throw Object.assign(new Error('Unknown system error -116'), { code: 'Unknown system error -116', errno: -116 })
    })
    return () => count
  }

  test.each([
    ['a.jsonl', 'open'],
    ['a.jsonl', 'lstat'],
    ['a.meta.json', 'lstat'],
  ] as const)('is in lists and found by searches all the same: %s, %s', async (ending, operation) => {
    const folder = tempFolder()
    const writer = await open(folder, { network: true })
    await fill(writer, 'a', ['some words'])
    await fill(writer, 'An encoded key', ['other words'])
    await writer.close()
    // with its sidecar, a list need not open a log
    if (ending === 'a.jsonl') fs.rmSync(path.join(folder, 'a.meta.json'))
    const errors: unknown[] = []
    const store = await open(folder, { network: true, onError: (error) => errors.push(error) })
    const count = stale(ending, operation, 2)
    expect((await store.list()).map(({ key }) => key).sort()).toEqual(['An encoded key', 'a'])
    expect((await store.keys()).sort()).toEqual(['An encoded key', 'a'])
    expect(count()).toBeGreaterThan(2)
    stale(ending, operation, 2)
    expect((await store.search('some')).map(({ key }) => key)).toEqual(['a'])
    expect(errors).toEqual([])
  })

  test('without network mode is reported at once', async () => {
    const errors: unknown[] = []
    const store = await open(tempFolder(), { onError: (error) => errors.push(error) })
    await fill(store, 'a', ['some words'])
    stale('a.jsonl', 'open', 1)
    expect(await store.search('some')).toEqual([])
    expect(errors).toHaveLength(1)
  })
})

describe('a host that is stopped between its check and its write', () => {
  /** Stands for a host that takes over while this one is about to write, and replaces the log: this one sees the old log. */
  function takenOver(folder: string, session: { path: string }): void {
    let isOver = false
    patch('writeSync', (call) => (fd, bytes, ...rest) => {
      if (isOver || !String(bytes).includes('"late"')) return call(fd, bytes, ...rest)
      isOver = true
      const old = fs.lstatSync(session.path)
      const lock = path.join(folder, '.locks', 'a')
      for (const name of fs.readdirSync(lock)) fs.renameSync(path.join(lock, name), path.join(lock, '0123456789abcdef'))
      fs.copyFileSync(session.path, `${session.path}.new`)
      fs.renameSync(`${session.path}.new`, session.path)
      const count = call(fd, bytes, ...rest)
      // what this machine knows of the name is out of date until it lists the folder
      let isListed = false
      patch('readdirSync', (list) => (...args) => {
        isListed ||= args[0] === folder
        return list(...args)
      })
      patch('lstatSync', (look) => (file, ...args) => {
        const now = look(file, ...args)
        if (file !== session.path || isListed) return now
        return Object.assign(now, { ino: old.ino, nlink: 1, size: old.size + count })
      })
      const { now } = performance
      performance.now = () => now.call(performance) + 11_000
      onTestFinished(() => {
        performance.now = now
      })
      return count
    })
  }

  test('has lost the lease: its message is rejected, and is not there', async () => {
    const folder = tempFolder()
    const store = await open(folder, { network: true, lockTimeout: 100 })
    const session = await fill(store, 'a', ['1'])
    takenOver(folder, session)
    expect(await codeOf(session.append(message('late')))).toBe('ERR_LOCK_LOST')
    expect(await contents(session)).toEqual(['1'])
  })
})
