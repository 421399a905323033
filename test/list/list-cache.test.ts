/** The list that is kept on disk makes lists faster, and changes none of their results. */
import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Json } from '../../src/base/json.js'
import { readValues, writeValues } from '../../src/disk/list-cache-file.js'
import { openStore, type SessionInfo, type SessionStore } from '../../src/index.js'
import { internalsOf } from '../../src/store/store.js'
import { RemoteStore } from '../helpers/child.js'
import { during, filesOpened } from '../helpers/file-calls.js'
import { bareLine, filesIn, message, open, sleep, tempFolder } from '../helpers/store.js'

/** Enough that a list is kept. */
const SESSIONS = 70
const keyOf = (i: number) => `s${String(i).padStart(3, '0')}`
const fileOf = (dir: string) => path.join(dir, '.index', 'list-2')
const logOf = (dir: string, key: string) => path.join(dir, `${key}.jsonl`)
const sidecarOf = (dir: string, key: string) => path.join(dir, `${key}.meta.json`)

/** Sessions with names, tags, usage, states and archived messages, and one whose key is not its name. */
async function fillMany(store: SessionStore): Promise<void> {
  for (let i = 0; i < SESSIONS; i++) {
    const session = store.session(keyOf(i))
    await session.append([message(`hello ${i}`), { role: 'assistant', content: 'hi', usage: { promptTokens: i } }])
    if (i % 7 === 0) await session.setName(`Name "${i}" of 🦊`)
    if (i % 11 === 0) await session.tag(['work', `n${i}`])
    if (i % 13 === 0) await session.setState(i % 2 === 0 ? 'running' : 'error', `turn-${i}`)
  }
  await store.session('Ann / München').append(message('grüß dich'))
}

/** A folder with a list kept of it, made when all files were settled. */
async function kept(): Promise<string> {
  const dir = tempFolder()
  const store = await openStore(dir)
  await fillMany(store)
  await store.close()
  await sleep(150)
  await listIn(dir)
  expect(fs.existsSync(fileOf(dir))).toBe(true)
  return dir
}

/** A list of a store that is opened for it. */
async function listIn(dir: string): Promise<SessionInfo[]> {
  const store = await openStore(dir)
  try {
    return await store.list({ previews: SESSIONS })
  } finally {
    await store.close()
  }
}

/** What a store returns without a list cache. */
async function listWithout(dir: string): Promise<SessionInfo[]> {
  const copy = `${fileOf(dir)}-aside`
  const isThere = fs.existsSync(fileOf(dir))
  if (isThere) fs.renameSync(fileOf(dir), copy)
  const store = await openStore(dir, { readOnly: true })
  try {
    return await store.list({ previews: SESSIONS })
  } finally {
    await store.close()
    if (isThere) fs.renameSync(copy, fileOf(dir))
  }
}

async function expectSame(dir: string): Promise<SessionInfo[]> {
  const expected = await listWithout(dir)
  const rows = await listIn(dir)
  expect(rows).toEqual(expected)
  return rows
}

/** How many sessions are said to run by the run logs. */
function runningIn(dir: string): number {
  const logs = fs.readdirSync(path.join(dir, '.running')).map((name) => path.join(dir, '.running', name))
  return logs.join('') === '' ? 0 : fs.readFileSync(logs[0]!, 'utf8').split('"state":"running"').length - 1
}

/** How many sidecars were opened for `work`. */
function sidecarsRead(work: () => Promise<unknown>): Promise<number> {
  return filesOpened(work, '.meta.json')
}

describe('a list kept on disk', () => {
  test('saves the next store from reading sidecars, and gives the same rows', async () => {
    const dir = await kept()
    expect(await sidecarsRead(() => listWithout(dir))).toBe(SESSIONS + 1)
    // the sidecars of running sessions are read whenever a store is opened
    const running = runningIn(dir)
    expect(await sidecarsRead(() => listIn(dir))).toBe(running)
    expect((await expectSame(dir)).find(({ key }) => key === 'Ann / München')?.messages).toBe(1)
  })

  test('gives the same rows to the contracts', async () => {
    const dir = await kept()
    const withList = await open(dir)
    const rows = await internalsOf(withList).index.sessions()
    const without = await openStore(dir, { readOnly: true })
    fs.rmSync(fileOf(dir))
    const expected = await internalsOf(without).index.sessions()
    await without.close()
    const facts = ({ info, details, run }: (typeof rows)[number]) => ({ info, details, run })
    expect(rows.map(facts)).toEqual(expected.map(facts))
  })

  test('may be longer than what is read of it at once', async () => {
    const dir = await kept()
    const store = await openStore(dir)
    for (let i = 0; i < SESSIONS; i++) await store.session(keyOf(i)).setName(`${i} `.repeat(4_000))
    await store.close()
    await sleep(150)
    await listIn(dir)
    expect(fs.statSync(fileOf(dir)).size).toBeGreaterThan(600_000)
    const running = runningIn(dir)
    expect(await sidecarsRead(() => listIn(dir))).toBe(running)
    await expectSame(dir)
  })

  test('is private, and of one file', async () => {
    const dir = await kept()
    expect(filesIn(path.join(dir, '.index'))).toEqual(['list-2'])
    expect(fs.statSync(fileOf(dir)).mode & 0o777).toBe(0o600)
    expect(fs.statSync(path.dirname(fileOf(dir))).mode & 0o777).toBe(0o700)
  })

  test('is written in the background too', async () => {
    const dir = await kept()
    fs.rmSync(fileOf(dir))
    const store = await open(dir)
    await store.list()
    await expect.poll(() => fs.existsSync(fileOf(dir)), { timeout: 20_000 }).toBe(true)
  })

  test('is not made for few sessions, nor by a read-only store', async () => {
    const dir = await kept()
    fs.rmSync(path.dirname(fileOf(dir)), { recursive: true })
    const looking = await openStore(dir, { readOnly: true })
    await looking.list()
    await looking.close()
    const few = tempFolder()
    const store = await openStore(few)
    await store.session('a').append(message('one'))
    await store.list()
    await store.close()
    expect([dir, few].map((folder) => fs.existsSync(path.join(folder, '.index')))).toEqual([false, false])
  })

  test('goes when few sessions are left', async () => {
    const dir = await kept()
    for (let i = 10; i < SESSIONS; i++) {
      fs.rmSync(logOf(dir, keyOf(i)))
      fs.rmSync(sidecarOf(dir, keyOf(i)))
    }
    expect(await expectSame(dir)).toHaveLength(11)
    await listIn(dir)
    expect(fs.existsSync(fileOf(dir))).toBe(false)
  })

  test('keeps nothing of a session that was deleted', async () => {
    const dir = await kept()
    const store = await open(dir)
    await store.list()
    await store.session('Ann / München').delete()
    expect(fs.existsSync(fileOf(dir))).toBe(false)
    await store.close()
    await listIn(dir)
    expect(fs.readFileSync(fileOf(dir), 'utf8')).not.toContain('Ann')
  })

  test('holds no row of a session whose files were removed', async () => {
    const dir = await kept()
    fs.rmSync(logOf(dir, keyOf(7)))
    await listIn(dir)
    expect(fs.readFileSync(fileOf(dir), 'utf8')).not.toContain(keyOf(7))
  })

  test('leaves out what may still change without another time', async () => {
    const dir = await kept()
    fs.rmSync(fileOf(dir))
    const now = new Date()
    const ahead = new Date(now.getTime() + 3_600_000)
    fs.utimesSync(logOf(dir, keyOf(3)), ahead, ahead)
    await listIn(dir)
    const text = fs.readFileSync(fileOf(dir), 'utf8')
    expect([text.includes(keyOf(2)), text.includes(keyOf(3))]).toEqual([true, false])
  })
})

/** What `list` of the command does. */
async function lookIn(dir: string, onError: (error: unknown) => void = () => {}): Promise<SessionInfo[]> {
  const store = await openStore(dir, { readOnly: true, onError })
  try {
    return await store.list({ previews: SESSIONS, save: true })
  } finally {
    await store.close()
  }
}

describe('a list that a read-only store was told to save', () => {
  test('saves the next one from reading sidecars, and logs for all but the line of a preview', async () => {
    const dir = await kept()
    fs.rmSync(path.dirname(fileOf(dir)), { recursive: true })
    const first = await lookIn(dir)
    expect(fs.readFileSync(fileOf(dir), 'utf8')).not.toContain('hello')
    let again: SessionInfo[] = []
    expect(await sidecarsRead(async () => (again = await lookIn(dir)))).toBe(0)
    expect(again).toEqual(first)
    expect(again.find(({ key }) => key === keyOf(1))?.preview).toBe('hello 1')
    const { mtimeMs } = fs.statSync(fileOf(dir))
    await lookIn(dir)
    expect(fs.statSync(fileOf(dir)).mtimeMs).toBe(mtimeMs)
  })

  test('takes previews into a list that was saved without them', async () => {
    const dir = await kept()
    fs.rmSync(fileOf(dir))
    const store = await openStore(dir)
    await store.list()
    await store.close()
    expect(fs.readFileSync(fileOf(dir), 'utf8')).not.toContain('"first"')
    await lookIn(dir)
    expect(fs.readFileSync(fileOf(dir), 'utf8')).toContain('"first"')
  })

  test('shows no text that a place in the log no longer holds', async () => {
    const dir = await kept()
    // as after a change within one tick of the clock: the marks are right, the place is not
    await damageRows(dir, (row) => ({ ...row, first: { offset: 3, end: 40 } }))
    expect(await lookIn(dir)).toEqual(await listWithout(dir))
  })

  test('is not saved in the folder of another user', async () => {
    const dir = await kept()
    fs.rmSync(path.dirname(fileOf(dir)), { recursive: true })
    const user = vi.spyOn(process, 'geteuid').mockReturnValue(12_345)
    onTestFinished(() => user.mockRestore())
    expect(await lookIn(dir)).toHaveLength(SESSIONS + 1)
    expect(fs.existsSync(path.dirname(fileOf(dir)))).toBe(false)
  })

  test('reports nothing where it cannot be saved', async () => {
    const dir = await kept()
    fs.rmSync(path.dirname(fileOf(dir)), { recursive: true })
    fs.writeFileSync(path.dirname(fileOf(dir)), '')
    const errors: unknown[] = []
    expect(await lookIn(dir, (error) => errors.push(error))).toHaveLength(SESSIONS + 1)
    expect(errors).toEqual([])
  })
})

/** Changes the rows of the file, as one with the right hash. */
async function damageRows(dir: string, change: (row: object) => object): Promise<void> {
  const rows: object[] = []
  await readValues(fileOf(dir), (row) => rows.push(change(row as object)))
  await writeValues(fileOf(dir), rows as Json[])
}

describe('the next list shows', () => {
  test('what another process appended', async () => {
    const dir = await kept()
    const other = await RemoteStore.open(dir)
    await other.call('append', keyOf(5), message('from elsewhere'))
    const rows = await expectSame(dir)
    expect(rows[0]).toMatchObject({ key: keyOf(5), messages: 3 })
    await other.call('close')
    await expectSame(dir)
  })

  test('a log that was edited, replaced, cut or renewed', async () => {
    const dir = await kept()
    fs.appendFileSync(logOf(dir, keyOf(1)), bareLine('by hand'))
    fs.writeFileSync(`${logOf(dir, keyOf(2))}.new`, bareLine('another'))
    fs.renameSync(`${logOf(dir, keyOf(2))}.new`, logOf(dir, keyOf(2)))
    fs.truncateSync(logOf(dir, keyOf(3)), 0)
    const store = await openStore(dir)
    await store.session(keyOf(4)).delete()
    await store.session(keyOf(4)).append(message('a new life'))
    await store.close()
    const counts = new Map((await expectSame(dir)).map(({ key, messages }) => [key, messages]))
    expect([1, 2, 3, 4].map((i) => counts.get(keyOf(i)))).toEqual([3, 1, 0, 1])
  })

  test('a log that was changed in place at its size', async () => {
    const dir = await kept()
    const file = logOf(dir, keyOf(1))
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"role":"assistant"', '"rale":"assistant"'))
    const row = (await expectSame(dir)).find(({ key }) => key === keyOf(1))
    expect(row).toMatchObject({ messages: 1 })
  })

  test('a state that another store set, and a sidecar that is gone', async () => {
    const dir = await kept()
    const store = await openStore(dir)
    await store.session(keyOf(2)).setState('error', 't')
    await store.close()
    fs.rmSync(sidecarOf(dir, keyOf(13)))
    const states = new Map((await expectSame(dir)).map(({ key, state }) => [key, state]))
    expect([2, 13].map((i) => states.get(keyOf(i)))).toEqual(['error', 'idle'])
  })

  test('what this store wrote after the list before', async () => {
    const dir = await kept()
    const store = await open(dir)
    await store.list()
    await store.session(keyOf(6)).append(message('more'))
    await store.session(keyOf(6)).setState('running', 'turn')
    expect((await store.list())[0]).toMatchObject({ key: keyOf(6), messages: 3, state: 'running' })
    expect(await store.list({ previews: SESSIONS })).toEqual(await listWithout(dir))
  })
})

describe('of no matter is a list that', () => {
  const damages: Record<string, (file: string) => void> = {
    'is cut': (file) => fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2)),
    'is empty': (file) => fs.truncateSync(file, 0),
    'has another number in it': (file) => {
      const text = fs.readFileSync(file, 'utf8')
      fs.writeFileSync(file, text.replace('"messages":2', '"messages":9'))
    },
    'is of something else': (file) => fs.writeFileSync(file, 'PK\u0003\u0004\n{"version":99}\n[]\n'),
    'is a folder': (file) => {
      fs.rmSync(file)
      fs.mkdirSync(file)
    },
    'is a link': (file) => {
      fs.renameSync(file, `${file}-elsewhere`)
      fs.symlinkSync(`${file}-elsewhere`, file)
    },
    'is in a folder that is a link': (file) => {
      const folder = path.dirname(file)
      fs.renameSync(folder, `${folder}-elsewhere`)
      fs.symlinkSync(`${folder}-elsewhere`, folder)
    },
    'has a file in the place of its folder': (file) => {
      fs.rmSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(path.dirname(file), '')
    },
  }

  test.each(Object.entries(damages))('%s', async (_, damage) => {
    const dir = await kept()
    damage(fileOf(dir))
    expect(await expectSame(dir)).toHaveLength(SESSIONS + 1)
    expect(await expectSame(dir)).toHaveLength(SESSIONS + 1)
  })

  test('cannot be read', async () => {
    const dir = await kept()
    const refuse =
      (original: (...args: unknown[]) => unknown) =>
      (...args: unknown[]) => {
        if (args[0] === fileOf(dir)) throw Object.assign(new Error('planted'), { code: 'EACCES' })
        return original(...args)
      }
    const expected = await listWithout(dir)
    await during('open', refuse, async () => {
      expect(await listIn(dir)).toEqual(expected)
    })
  })
})

test('a list cache that cannot be written is reported, and changes no result', async () => {
  const dir = await kept()
  fs.rmSync(path.dirname(fileOf(dir)), { recursive: true })
  fs.writeFileSync(path.dirname(fileOf(dir)), '')
  const errors: unknown[] = []
  const store = await openStore(dir, { onError: (error) => errors.push(error) })
  expect(await store.list()).toHaveLength(SESSIONS + 1)
  await store.close()
  expect(errors).toMatchObject([{ code: 'EEXIST' }])
})

test.each([
  ['a link', (index: string, elsewhere: string) => fs.symlinkSync(elsewhere, index)],
  ['a file', (index: string) => fs.writeFileSync(index, '')],
])('with %s in the place of its folder a small store works, and nothing beyond is touched', async (_, plant) => {
  const [dir, elsewhere] = [tempFolder(), tempFolder()]
  fs.writeFileSync(path.join(elsewhere, 'list-2'), 'mine')
  plant(path.join(dir, '.index'), elsewhere)
  const store = await openStore(dir, { onError: () => {} })
  await store.session('a').append(message('one'))
  await store.session('b').append(message('two'))
  expect(await store.session('a').delete()).toBe(true)
  expect((await store.list()).map(({ key }) => key)).toEqual(['b'])
  await store.close()
  expect(fs.readFileSync(path.join(elsewhere, 'list-2'), 'utf8')).toBe('mine')
})

test('after any changes between two lists, they are as without a cache', async () => {
  const acts: Record<string, (dir: string, key: string, store: SessionStore) => unknown> = {
    append: (_, key, store) => store.session(key).append(message('more')),
    removeFirst: async (_, key, store) => {
      const [first] = await store.session(key).messages()
      if (first !== undefined) await store.session(key).remove(first.id)
    },
    redact: (_, key, store) => store.redact({ pattern: /hello/, keys: [key] }),
    removeLast: (_, key, store) => store.session(key).removeLast(),
    name: (_, key, store) => store.session(key).setName('a name'),
    state: (_, key, store) => store.session(key).setState('running', 't'),
    idle: (_, key, store) => store.session(key).setState('error'),
    rewrite: (_, key, store) => store.session(key).rewrite(),
    delete: (_, key, store) => store.session(key).delete(),
    'by hand': (dir, key) => fs.appendFileSync(logOf(dir, key), bareLine('by hand')),
    'half a line': (dir, key) => fs.appendFileSync(logOf(dir, key), '{"role":"us'),
    'without sidecar': (dir, key) => fs.rmSync(sidecarOf(dir, key), { force: true }),
    'without log': (dir, key) => fs.rmSync(logOf(dir, key), { force: true }),
    'sidecar of another': (dir, key) => {
      if (fs.existsSync(sidecarOf(dir, keyOf(0)))) fs.copyFileSync(sidecarOf(dir, keyOf(0)), sidecarOf(dir, key))
    },
    'list damaged': (dir) => {
      if (fs.existsSync(fileOf(dir))) fs.truncateSync(fileOf(dir), fs.statSync(fileOf(dir)).size >> 1)
    },
    settle: () => sleep(120),
    list: (dir) => listIn(dir),
  }
  const dir = await kept()
  const step = fc.record({ act: fc.constantFrom(...Object.keys(acts)), i: fc.nat(SESSIONS - 1) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const store = await openStore(dir)
      for (const { act, i } of steps) await acts[act]?.(dir, keyOf(i), store)
      await store.close()
      await expectSame(dir)
    }),
    { seed: 20261125, numRuns: 30 },
  )
})
