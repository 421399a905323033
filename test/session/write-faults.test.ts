import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { openStore, type SessionStore } from '../../src/index.js'
import { type Call, during, failCall, systemError } from '../helpers/file-calls.js'
import { codeOf, contents, filesIn, fill, message, open, SOAK, sleep, tempFolder } from '../helpers/store.js'

describe('an append that fails', () => {
  test('a short write leaves a damaged line, and the next one goes well', async () => {
    const session = await fill(await open(), 'a', ['1'])
    const before = fs.readFileSync(session.path)
    let calls = 0
    const short = (write: Call) => (fd: number, bytes: Buffer, at: number, length: number) => {
      if (++calls > 1) throw systemError('ENOSPC')
      return write(fd, bytes, at, Math.trunc(length / 2))
    }
    expect(await during('write', short, () => codeOf(session.append(message('2'))))).toBe('ENOSPC')
    expect(fs.readFileSync(session.path).subarray(0, before.length)).toEqual(before)
    expect(await contents(session)).toEqual(['1'])
    await session.append(message('2'))
    expect(await contents(session)).toEqual(['1', '2'])
    expect(await session.info()).toMatchObject({ messages: 2, damaged: 1 })
  })

  test('a short write that is continued is whole', async () => {
    const session = await fill(await open(), 'a', ['1'])
    const bits = (write: Call) => (fd: number, bytes: Buffer, at: number, length: number, position?: number) =>
      write(fd, bytes, at, Math.min(length, 7), position)
    await during('write', bits, () => session.append(message('2')))
    expect(await contents(session)).toEqual(['1', '2'])
  })

  test('several messages go together or are taken back', async () => {
    const session = await fill(await open(), 'a', ['1'])
    let calls = 0
    const short = (write: Call) => (fd: number, bytes: Buffer, at: number, length: number) => {
      if (++calls === 2) throw systemError('ENOSPC')
      return write(fd, bytes, at, calls > 1 ? length : Math.trunc(length * 0.6))
    }
    const batch = ['2', '3', '4'].map(message)
    expect(await during('write', short, () => codeOf(session.append(batch)))).toBe('ENOSPC')
    expect(await contents(session)).toEqual(['1'])
    await session.append(batch)
    expect(await contents(session)).toEqual(['1', '2', '3', '4'])
  })

  test('several messages that cannot be taken back are named by the error, and taken back by the next call', async () => {
    const session = await fill(await open(), 'a', ['1'])
    let calls = 0
    const full = (write: Call) => (fd: number, bytes: Buffer, at: number, length: number) => {
      if (++calls > 1) throw systemError('ENOSPC')
      return write(fd, bytes, at, Math.trunc(length * 0.6))
    }
    const failed = await during('write', full, () =>
      session.append(['2', '3', '4'].map(message)).catch((error: unknown) => error),
    )
    expect(failed).toMatchObject({ code: 'ENOSPC', written: { length: 3 } })
    expect(fs.readFileSync(session.path, 'utf8')).toContain('"content":"2"')
    expect(await contents(session)).toEqual(['1'])
  })

  test.each(['unleased', 'leased'])(
    'a real limit of the system, %s: 30 of 35 bytes are written "without error"',
    async (appends) => {
      const folder = tempFolder()
      const script = new URL('../processes/limited-writer.mjs', import.meta.url).pathname
      const limit = ['--fsize=4000', process.execPath, script, folder, appends]
      const { acknowledged, code } = JSON.parse(execFileSync('prlimit', limit, { encoding: 'utf8', timeout: 30_000 }))
      expect(code).toBe('EFBIG')
      expect(acknowledged.length).toBeGreaterThan(5)
      const session = (await open(folder)).session('a')
      expect(await contents(session)).toEqual(acknowledged)
      expect(await session.check()).toMatchObject({ damage: [] })
      await session.append(message('more'))
      expect(await contents(session)).toEqual([...acknowledged, 'more'])
    },
  )
})

describe("fsync: 'always'", () => {
  test('concurrent appends share a few syncs', async () => {
    const store = await open(tempFolder(), { fsync: 'always' })
    const session = await fill(store, 'a', ['first'])
    let syncs = 0
    const counting = (sync: Call) => (fd: number) => {
      syncs++
      return sync(fd)
    }
    const texts = Array.from({ length: 64 }, (_, i) => `${i}`)
    await during('fdatasync', counting, () => Promise.all(texts.map((text) => session.append(message(text)))))
    expect(syncs).toBeGreaterThan(0)
    expect(syncs).toBeLessThan(8)
    expect(await contents(session)).toEqual(['first', ...texts])
  })

  test('an append resolves only after a sync that began after its write', async () => {
    const store = await open(tempFolder(), { fsync: 'always' })
    const session = await fill(store, 'a', ['first'])
    const log: string[] = []
    const slow = (sync: Call) => async (fd: number) => {
      const size = fs.fstatSync(fd).size
      await sleep(20)
      log.push(`synced ${size}`)
      await sync(fd)
    }
    await during('fdatasync', slow, async () => {
      const one = session.append(message('1')).then(() => log.push('one'))
      await sleep(5)
      const two = session.append(message('2')).then(() => log.push('two'))
      await Promise.all([one, two])
    })
    const size = fs.statSync(session.path).size
    expect(log.indexOf(`synced ${size}`)).toBeGreaterThan(-1)
    expect(log.indexOf('two')).toBeGreaterThan(log.indexOf(`synced ${size}`))
  })

  test('a failed sync rejects all appends that it might have lost, and is not repeated', async () => {
    const store = await open(tempFolder(), { fsync: 'always' })
    const session = await fill(store, 'a', ['first'])
    let calls = 0
    const failing = (sync: Call) => async (fd: number) => {
      if (++calls > 1) return sync(fd)
      await sleep(20)
      throw systemError('EIO')
    }
    const results = await during('fdatasync', failing, async () => {
      const one = codeOf(session.append(message('1')))
      await sleep(5)
      return Promise.all([one, codeOf(session.append(message('2'))), codeOf(session.append(message('3')))])
    })
    expect(results).toEqual(['EIO', 'EIO', 'EIO'])
    await session.append(message('4'))
    expect((await contents(session)).at(-1)).toBe('4')
  })

  test.each(['no', 'everysec'] as const)("with '%s' no append waits for a sync", async (fsync) => {
    const store = await openStore(tempFolder(), { fsync })
    let syncs = 0
    const counting = (sync: Call) => (fd: number) => {
      syncs++
      return sync(fd)
    }
    await during('fdatasync', counting, async () => {
      await fill(store, 'a', ['1', '2', '3'])
      expect(syncs).toBe(0)
      await store.close()
    })
    expect(syncs).toBe(fsync === 'no' ? 0 : 1)
  })
})

describe('syncs', () => {
  test("a cleanup with 'no' makes none, nor do trash, restore and deletion", async () => {
    const store = await open(tempFolder(), { fsync: 'no' })
    for (let i = 0; i < 20; i++) await fill(store, `s${i}`, ['x'])
    let syncs = 0
    const counting = (sync: Call) => (fd: number) => {
      syncs++
      return sync(fd)
    }
    await during('fsync', counting, async () => {
      await sleep(3)
      expect((await store.cleanup({ olderThan: 0 })).removed).toHaveLength(20)
      for (const { id, key } of await store.trash()) {
        await store.restore(id)
        await store.session(key).delete()
      }
    })
    expect(syncs).toBe(0)
  })

  test.each(['everysec', 'always'] as const)(
    "those of '%s' run beside the event loop, of new sessions too",
    async (fsync) => {
      const store = await openStore(tempFolder(), { fsync })
      let [running, most, blocking] = [0, 0, 0]
      const slow = (sync: Call) => async (fd: number) => {
        most = Math.max(most, ++running)
        await sleep(20)
        await sync(fd)
        running--
      }
      const counting = (sync: Call) => (fd: number) => {
        blocking++
        return sync(fd)
      }
      const work = async () => {
        const sessions = Array.from({ length: 30 }, (_, i) => store.session(`s${i}`))
        // the state makes the first ten, a message the others
        await Promise.all(sessions.slice(0, 10).map((session) => session.setState('idle')))
        await Promise.all(sessions.map((session) => session.append(message('x'))))
        await store.fork('s0')
        await store.close()
      }
      await during('fdatasync', slow, () => during('fsyncSync', counting, work))
      // on a slow machine the timer cuts them into several rounds
      expect(most).toBeGreaterThan(1)
      expect(blocking).toBe(0)
    },
  )
})

/**
 * What readers return for a store: all that a failed call must not change. A list goes on without what it cannot read,
 * and reports it: here that is a rejection.
 */
async function answers(folder: string): Promise<unknown> {
  const errors: unknown[] = []
  const store = await openStore(folder, { onError: (error) => errors.push(error) })
  try {
    const rows = await store.list()
    const sessions = await Promise.all(
      rows.map(async ({ key, name, tags, messages, damaged, state, turnId }) => {
        const texts = (await store.session(key).messages()).map(({ content }) => content)
        return { key, name, tags, messages, damaged, state, turnId, texts }
      }),
    )
    const trash = (await store.trash()).map(({ key }) => key)
    if (errors.length > 0) throw errors[0]
    return { sessions: sessions.sort((a, b) => (a.key < b.key ? -1 : 1)), trash: trash.sort() }
  } finally {
    await store.close()
  }
}

type Operation = (store: SessionStore) => Promise<unknown>

const OPERATIONS: Record<string, Operation> = {
  create: (store) => store.session('new').append(message('n')),
  'create of an encoded key': (store) => store.session('New Key').append(message('n')),
  append: (store) => store.session('a').append(message('4')),
  'append of several': (store) => store.session('a').append(['4', '5'].map(message)),
  'append behind a torn tail': (store) => store.session('torn').append(message('4')),
  removeLast: (store) => store.session('a').removeLast(),
  setName: (store) => store.session('a').setName('other'),
  tag: (store) => store.session('a').tag(['t']),
  setState: (store) => store.session('a').setState('error', 'turn'),
  'setState running': (store) => store.session('torn').setState('running', 'another'),
  rewrite: (store) => store.session('b').rewrite(),
  delete: (store) => store.session('a').delete(),
  cleanup: (store) => store.cleanup({ olderThan: 0 }),
  purgeTrash: (store) => store.purgeTrash({ olderThan: 0 }),
  restore: async (store) => store.restore((await store.trash())[0]?.id ?? ''),
}

const TEMPLATE = await makeTemplate()

/** The files that every round begins with. */
async function makeTemplate(): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-template-'))
  const long = new Date(Date.now() - 1_000_000)
  const store = await openStore(folder, { now: () => long })
  await (await fill(store, 'a', ['1', '2', '3'])).setName('name')
  const b = await fill(store, 'b', ['1', '2', '3'])
  await b.removeLast()
  fs.appendFileSync(b.path, 'damage\n')
  await fill(store, 'gone', ['1'])
  await b.setState('running', 'turn')
  const now = await openStore(folder)
  await (await fill(now, 'torn', ['1'])).setState('running', 'x')
  fs.appendFileSync(now.session('torn').path, '{"torn')
  for (const key of ['a', 'b']) await store.session(key).setState('running', 'turn')
  await now.cleanup({ olderThan: 500_000 })
  await fill(now, 'idle', ['1'])
  await store.close()
  await now.close()
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

function copyOfTemplate(): string {
  const folder = tempFolder()
  fs.cpSync(TEMPLATE, folder, { recursive: true })
  return folder
}

/** In the short form only the calls that change something fail; in the long one all of them. */
const only = SOAK ? () => true : (name: string) => !/^(lstat|fstat|read|readdir)/.test(name)

describe('every file call of every operation fails once', () => {
  const codes = SOAK ? ['EIO', 'ENOSPC', 'EACCES', 'EMFILE', 'EROFS'] : ['EIO']

  for (const [name, operate] of Object.entries(OPERATIONS)) {
    test(`${name}: the old state or the new one, a typed error, and the next call works`, async () => {
      const before = await answers(copyOfTemplate())
      const done = copyOfTemplate()
      const reference = await openStore(done)
      const counting = failCall(Number.POSITIVE_INFINITY, { only })
      await operate(reference)
      counting.stop()
      await reference.close()
      const after = await answers(done)
      expect(counting.count).toBeGreaterThan(0)
      expect(after).not.toEqual(before)
      for (const code of codes) {
        for (const lasting of SOAK ? [false, true] : [false]) {
          for (let nth = 1; nth <= counting.count; nth++) {
            const folder = copyOfTemplate()
            const store = await openStore(folder, { lockTimeout: 1_000 })
            const faults = failCall(nth, { code, lasting, only })
            const outcome = await codeOf(operate(store))
            faults.stop()
            const where = `${code} at call ${nth}, ${faults.failed[0]}, ${outcome}`
            if (outcome !== undefined) expect(outcome, where).toMatch(/^E[A-Z_]+$/)
            const found = await answers(folder)
            // these report what they could not take away, and do not reject
            const mayBeOld = outcome !== undefined || /^(cleanup|purgeTrash)$/.test(name)
            if (!mayBeOld || isDeepStrictEqual(found, after)) expect(found, where).toEqual(after)
            else expect(found, where).toEqual(before)
            await store.session('a').append(message('next'))
            expect((await contents(store.session('a'))).at(-1), where).toBe('next')
            await store.close()
            expect(
              filesIn(folder).filter((file) => /tmp$|json\.\d+$/.test(file)),
              where,
            ).toEqual([])
            fs.rmSync(folder, { recursive: true, force: true })
          }
        }
      }
    })
  }

  test('reading: the right answer or an error, never "empty"', async () => {
    const folder = copyOfTemplate()
    const right = await answers(folder)
    let tried = 0
    for (; tried < 300; tried++) {
      const faults = failCall(tried + 1)
      const found = await answers(folder).catch((error) => error.code)
      faults.stop()
      if (faults.failed.length === 0) break
      if (found !== 'EIO') expect(found, `call ${tried + 1}, ${faults.failed[0]}`).toEqual(right)
    }
    expect(tried).toBeGreaterThan(30)
    expect(tried).toBeLessThan(300)
  })
})
