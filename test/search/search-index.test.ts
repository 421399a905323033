/** With any number of sessions and any damage to the index, a search finds what reading every message finds. */
import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openStore, type SessionStore } from '../../src/index.js'
import { RemoteStore } from '../helpers/child.js'
import { during, following, patch, systemError } from '../helpers/file-calls.js'
import { bareLine, fill, message, open, SOAK, tempFolder, until } from '../helpers/store.js'

/** More than those of a store that needs no index. */
const MANY = 300
const INDEX = '.index/search-3'
/** A word that is in no message. */
const NOWHERE = 'quixotic'

/** A folder of so many sessions, the first of which speak of themselves by number. */
function manySessions(count = MANY): string {
  const folder = tempFolder()
  for (let i = 0; i < count; i++) fs.writeFileSync(`${folder}/many${i}.jsonl`, bareLine(`here speaks number ${i}.`))
  age(folder)
  return folder
}

const FLIPS = SOAK ? 200 : 4

let past = 0

/** Gives each log that was written just now a time of its own in the past, which saves waiting. */
function age(folder: string): void {
  for (const file of fs.readdirSync(folder)) {
    if (!file.endsWith('.jsonl') || fs.statSync(path.join(folder, file)).mtimeMs < Date.now() - 60_000) continue
    const time = Date.now() / 1000 - 100_000 + past++ + 0.5
    fs.utimesSync(path.join(folder, file), time, time)
  }
}

/** The keys that a search finds, and how many logs it opened. */
async function found(store: SessionStore, words: string): Promise<{ keys: string[]; opened: number }> {
  const opened = new Set<string>()
  const keys = await during(
    'open',
    (original) =>
      (file, ...rest) => {
        if (String(file).endsWith('.jsonl')) opened.add(file)
        return original.call(fs, file, ...rest)
      },
    async () => (await store.search(words, { limit: 10_000 })).map(({ key }) => key),
  )
  return { keys, opened: opened.size }
}

/** A store that has listed once. */
async function opened(folder: string): Promise<SessionStore> {
  const store = await open(folder)
  await store.search(NOWHERE)
  await store.list()
  return store
}

/** Searches once and waits until the index is written. */
async function indexed(folder: string): Promise<void> {
  const store = await open(folder)
  await store.search(NOWHERE)
  await until(async () => (await found(store, NOWHERE)).opened === 0)
  await store.close()
  expect(fs.existsSync(`${folder}/${INDEX}`)).toBe(true)
}

describe('a search in many sessions', () => {
  test('opens only logs that may contain the words', async () => {
    const folder = manySessions()
    await indexed(folder)
    expect(await found(await open(folder), '"NUMBER 217."')).toEqual({ keys: ['many217'], opened: 1 })
    const store = await opened(folder)
    expect(await found(store, '"number 217."')).toEqual({ keys: ['many217'], opened: 1 })
    expect((await found(store, 'zither xylophone')).opened).toBe(0)
    expect((await found(store, '.')).keys).toHaveLength(MANY)
  })

  test('ends when nothing better can come', async () => {
    const folder = manySessions()
    await indexed(folder)
    const store = await opened(folder)
    const all = (await store.list()).map(({ key }) => key)
    expect((await store.search('speaks', { limit: 3 })).map(({ key }) => key)).toEqual(all.slice(0, 3))
    const best = await store.search('speaks "number 9."', { limit: 2 })
    expect(best.map(({ key }) => key)).toEqual(['many9', all[0]])
  })

  test('reads of a log that has grown only what is new', async () => {
    const folder = manySessions()
    const log = `${folder}/many5.jsonl`
    fs.writeFileSync(log, bareLine('a long story. '.repeat(10_000)))
    age(folder)
    await indexed(folder)
    const store = await opened(folder)
    fs.appendFileSync(log, bareLine('a zither'))
    age(folder)
    await store.list()
    let bytes = 0
    const restore = patch('read', (original) => (...args) => {
      return following(original(...args), (count) => {
        bytes += count
        return count
      })
    })
    expect(await store.search('xylophone')).toEqual([])
    restore()
    expect(bytes).toBeLessThan(5_000)
    expect((await store.search('zither')).map(({ key }) => key)).toEqual(['many5'])
  })

  test.each([
    ['written in two halves', '{"role":"user","content":"a zi', '{"role":"user","content":"a zither"}\n'],
    [
      'completed later',
      '{"role":"user","content":"a lute"}',
      '{"role":"user","content":"a lute"}\n{"role":"user","content":"a zither"}\n',
    ],
    ['edited in place, and longer', bareLine('a lute') + bareLine('b'), bareLine('a zither') + bareLine('b')],
    ['edited in place, as long', bareLine('a guitar') + bareLine('b'), bareLine('a zither') + bareLine('b')],
    ['edited in place, and shorter', bareLine('a grand piano') + bareLine('b'), bareLine('a zither') + bareLine('b')],
  ])('finds the text of a log that was %s', async (_, before, after) => {
    const folder = manySessions()
    fs.writeFileSync(`${folder}/many5.jsonl`, before)
    age(folder)
    await indexed(folder)
    const store = await opened(folder)
    fs.writeFileSync(`${folder}/many5.jsonl`, after)
    age(folder)
    for (const again of [false, true]) {
      expect((await (again ? await open(folder) : store).search('zither')).map(({ key }) => key)).toEqual(['many5'])
      expect(await store.search('guitar piano')).toEqual([])
    }
  })

  test('sees at once what others write', async () => {
    const folder = manySessions()
    await indexed(folder)
    const store = await open(folder)
    await store.search('zither')
    const other = await RemoteStore.open(folder)
    for (let i = 0; i < 20; i++) {
      await other.append(`many${i}`, `zither ${i}!`)
      expect((await store.search(`"zither ${i}!"`)).map(({ key }) => key)).toEqual([`many${i}`])
    }
    await other.call('removeLast', 'many19')
    expect(await store.search('"zither 19!"')).toEqual([])
    await other.call('rewrite', 'many19')
    expect(await store.search('"zither 19!"')).toEqual([])
    await other.call('close')
  })

  test('may be made by several stores at once', async () => {
    const folder = manySessions()
    const stores = await Promise.all([1, 2, 3].map(() => open(folder)))
    const remote = await RemoteStore.open(folder)
    await Promise.all([...stores.map((store) => store.search('number')), remote.call('search', 'number')])
    await fill(stores[0] as SessionStore, 'new', ['a zither'])
    age(folder)
    await Promise.all([...stores.map((store) => store.search('zither')), remote.call('search', 'zither')])
    await Promise.all([...stores.map((store) => store.close()), remote.call('close')])
    const store = await open(folder)
    expect(await found(store, 'zither')).toEqual({ keys: ['new'], opened: 1 })
    expect((await found(store, 'number')).keys).toHaveLength(MANY)
  })

  test('finds the same in a read-only store, which writes nothing', async () => {
    const folder = manySessions()
    const store = await openStore(folder, { readOnly: true })
    expect((await store.search('217.')).map(({ key }) => key)).toEqual(['many217'])
    await store.list()
    expect((await found(store, '"number 217."')).opened).toBe(1)
    await store.close()
    expect(fs.readdirSync(folder).filter((name) => !name.endsWith('.jsonl'))).toEqual([])
  })

  test('needs no index when they are few, and leaves none of a time when they were many', async () => {
    const folder = manySessions()
    await indexed(folder)
    for (let i = 0; i < 200; i++) fs.rmSync(`${folder}/many${i}.jsonl`)
    const store = await open(folder)
    expect((await store.search('217.')).map(({ key }) => key)).toEqual(['many217'])
    expect(fs.existsSync(`${folder}/${INDEX}`)).toBe(false)
  })

  test('continues when the store is closed in the middle', async () => {
    const folder = manySessions()
    const store = await open(folder)
    const answer = store.search('217.')
    await store.close()
    await expect(answer.then((rows) => rows.length)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    const again = await open(folder)
    await again.search('x')
    const second = again.search('217.')
    await new Promise((resolve) => setImmediate(resolve))
    await again.close()
    expect((await second).map(({ key }) => key)).toEqual(['many217'])
  })
})

test('the index is private, and keeps nothing of removed sessions', async () => {
  const folder = manySessions()
  await indexed(folder)
  expect(fs.statSync(`${folder}/.index`).mode & 0o777).toBe(0o700)
  expect(fs.statSync(`${folder}/${INDEX}`).mode & 0o777).toBe(0o600)
  expect(fs.readFileSync(`${folder}/${INDEX}`).includes('many217')).toBe(true)
  const store = await open(folder)
  await store.session('many217').delete()
  await store.search('zither')
  await store.close()
  expect(fs.readFileSync(`${folder}/${INDEX}`).includes('many217')).toBe(false)
  expect(fs.readFileSync(`${folder}/${INDEX}`).includes('many218')).toBe(true)
})

test('a store that was removed as a whole stays removed', async () => {
  const folder = manySessions()
  const errors: unknown[] = []
  const store = await open(folder, { onError: (error) => errors.push(error) })
  await store.search(NOWHERE)
  fs.rmSync(folder, { recursive: true })
  await store.close()
  expect(fs.existsSync(folder)).toBe(false)
  expect(errors).toEqual([])
})

test('an index that no search has written for a month is removed; one in use is written now and then', async () => {
  const folder = manySessions()
  await indexed(folder)
  const daysAgo = (days: number) => {
    const time = Date.now() / 1000 - days * 24 * 3600
    fs.utimesSync(`${folder}/${INDEX}`, time, time)
  }
  daysAgo(29)
  await (await opened(folder)).close()
  expect(Date.now() - fs.statSync(`${folder}/${INDEX}`).mtimeMs).toBeLessThan(60_000)
  daysAgo(31)
  await (await open(folder)).close()
  expect(fs.existsSync(`${folder}/${INDEX}`)).toBe(false)
})

test('a file that is mostly of no use is replaced', async () => {
  const folder = manySessions()
  await indexed(folder)
  const before = fs.statSync(`${folder}/${INDEX}`).size
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < MANY; i++) fs.appendFileSync(`${folder}/many${i}.jsonl`, bareLine(`round ${round}.`))
    age(folder)
    await indexed(folder)
  }
  expect(fs.statSync(`${folder}/${INDEX}`).size).toBeLessThan(before * 12)
  expect(fs.readdirSync(`${folder}/.index`).sort()).toEqual(['list-2', 'search-3'])
})

describe('an index that', () => {
  const index = (folder: string) => `${folder}/${INDEX}`
  const change = (folder: string, make: (bytes: Buffer) => Buffer) =>
    fs.writeFileSync(index(folder), make(fs.readFileSync(index(folder))))
  const flipped = (bytes: Buffer, place: number) => {
    const bit = Math.floor(place * bytes.length * 8)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    return bytes
  }
  const CASES: Record<string, (folder: string) => void> = {
    'is gone': (folder) => fs.rmSync(index(folder)),
    'is gone with its folder': (folder) => fs.rmSync(`${folder}/.index`, { recursive: true }),
    'is empty': (folder) => change(folder, () => Buffer.alloc(0)),
    'is cut off': (folder) => change(folder, (bytes) => bytes.subarray(0, bytes.length * 0.6)),
    'is cut off in its head': (folder) => change(folder, (bytes) => bytes.subarray(0, 40)),
    'has a wrong bit at its start': (folder) => change(folder, (bytes) => flipped(bytes, 0)),
    'is of another version': (folder) =>
      change(folder, (bytes) => Buffer.concat([bytes.subarray(0, 3), Buffer.from('2'), bytes.subarray(4)])),
    'is of another program': (folder) => change(folder, () => Buffer.from('SQLite format 3\0 and so on'.repeat(99))),
    'has a half record in its middle': (folder) =>
      change(folder, (bytes) => Buffer.concat([bytes.subarray(0, 1_000), bytes])),
    'is a link': (folder) => {
      fs.renameSync(index(folder), `${folder}/elsewhere`)
      fs.symlinkSync('../elsewhere', index(folder))
    },
    ...Object.fromEntries(
      Array.from({ length: FLIPS }, (_, i) => [
        `has a wrong bit, ${i}`,
        (folder: string) => change(folder, (bytes) => flipped(bytes, (i + 0.37) / FLIPS)),
      ]),
    ),
  }
  for (const [name, damage] of Object.entries(CASES)) {
    test(`${name} is made again`, async () => {
      const folder = manySessions()
      await indexed(folder)
      damage(folder)
      const errors: unknown[] = []
      const store = await open(folder, { onError: (error) => errors.push(error) })
      for (const number of [0, 1, 150, 299]) {
        expect((await found(store, `"number ${number}."`)).keys).toEqual([`many${number}`])
      }
      await store.close()
      expect(errors).toEqual([])
      await indexed(folder)
      expect(fs.lstatSync(index(folder)).isFile()).toBe(true)
      const later = await open(folder)
      expect(await found(later, '"number 150."')).toEqual({ keys: ['many150'], opened: 1 })
    })
  }

  const OUTAGES: Record<string, (folder: string) => void> = {
    'is a folder': (folder) => {
      fs.rmSync(index(folder))
      fs.mkdirSync(`${index(folder)}/inside`, { recursive: true })
    },
    'is behind a link': (folder) => {
      fs.renameSync(`${folder}/.index`, `${folder}/elsewhere`)
      fs.symlinkSync('elsewhere', `${folder}/.index`)
    },
    'has a file for its folder': (folder) => {
      fs.rmSync(`${folder}/.index`, { recursive: true })
      fs.writeFileSync(`${folder}/.index`, 'mine')
    },
    'cannot be read': (folder) => {
      patch('open', (original) => (file, ...rest) => {
        if (file === index(folder)) throw systemError('EACCES')
        return original.call(fs, file, ...rest)
      })
    },
    'cannot be written': (folder) => {
      fs.rmSync(`${folder}/.index`, { recursive: true })
      patch('write', (original) => (...args) => {
        if (Buffer.isBuffer(args[1]) && args[1].length > 10_000) throw systemError('ENOSPC')
        return original.apply(fs, args)
      })
    },
  }
  for (const [name, breaks] of Object.entries(OUTAGES)) {
    test(`${name} is reported once, left alone, and changes no result`, async () => {
      const folder = manySessions()
      await indexed(folder)
      breaks(folder)
      const before = fs.readdirSync(folder).sort()
      const errors: Error[] = []
      const store = await open(folder, { onError: (error) => errors.push(error as Error) })
      for (const number of [0, 1, 150, 299]) {
        expect((await found(store, `"number ${number}."`)).keys).toEqual([`many${number}`])
      }
      await store.close()
      // the list cache in the same folder, and the sweep at open, report errors of their own
      expect(errors.filter(({ stack }) => !/list-cache|sweep/.test(stack ?? ''))).toHaveLength(1)
      expect(fs.readdirSync(folder).filter((file) => file !== '.index')).toEqual(
        before.filter((file) => file !== '.index'),
      )
      expect(fs.existsSync(`${folder}/.index`) ? fs.readdirSync(folder).includes('.index') : true).toBe(true)
    })
  }
})

/** What can happen to a store; `who` is one of a few sessions, `what` one of a few texts. */
const WORDS = [
  'zither',
  'Zit',
  'the',
  'Kelvin \u212a',
  '\u0130stanbul',
  'STRASSE',
  'straße',
  'ΣΑΣ',
  'σας',
  '日本語',
  'a\\"b',
]
const word = fc.oneof(
  fc.constantFrom(...WORDS),
  fc
    .tuple(fc.constantFrom(...WORDS), fc.nat(3), fc.integer({ min: 1, max: 5 }))
    .map(([text, from, length]) => text.slice(from, from + length) || text),
)
const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '))
const who = fc.nat(4)
const STEPS = [
  'append',
  'removeLast',
  'rewrite',
  'delete',
  'restore',
  'replaced',
  'edited',
  'grown',
  'torn',
  'moved',
] as const
const step = fc.record({
  kind: fc.constantFrom(...STEPS, 'append', 'other', 'reopen', 'unindexed', 'flipped', 'nothing'),
  who,
  text,
  waits: fc.boolean(),
})

class World {
  readonly folder = manySessions(260)
  store!: SessionStore
  other!: SessionStore

  async open(): Promise<void> {
    this.store = await open(this.folder)
    this.other = await open(this.folder)
  }

  async close(): Promise<void> {
    await this.store.close()
    await this.other.close()
  }

  async does({ kind, who, text, waits }: { kind: string; who: number; text: string; waits: boolean }): Promise<void> {
    const log = `${this.folder}/s${who}.jsonl`
    const session = this.store.session(`s${who}`)
    const bytes = fs.existsSync(log) ? fs.readFileSync(log) : Buffer.alloc(0)
    if (kind === 'append') await session.append(message(text))
    if (kind === 'other') await this.other.session(`s${who}`).append({ role: 'user', content: [{ text }] })
    if (kind === 'removeLast') await session.removeLast()
    if (kind === 'rewrite') await session.rewrite()
    if (kind === 'delete') await session.delete()
    if (kind === 'restore') for (const { id } of (await session.removed()).slice(-1)) await session.restore(id)
    if (kind === 'grown') fs.appendFileSync(log, `${feed(bytes)}${bareLine(text).replace('i', '\\u0069')}`)
    if (kind === 'torn') fs.appendFileSync(log, `${feed(bytes)}${bareLine(text).slice(0, -1)}`)
    if (kind === 'edited') fs.writeFileSync(log, bytes.toString('latin1').replaceAll('the', text), 'latin1')
    if (kind === 'replaced') fs.writeFileSync(log, bareLine(text))
    if (kind === 'moved') {
      fs.writeFileSync(`${log}.new`, Buffer.concat([bytes, Buffer.from(feed(bytes) + bareLine(text))]))
      fs.renameSync(`${log}.new`, log)
    }
    if (kind === 'unindexed') fs.rmSync(`${this.folder}/.index`, { recursive: true, force: true })
    if (kind === 'flipped' && fs.existsSync(`${this.folder}/${INDEX}`)) {
      const index = fs.readFileSync(`${this.folder}/${INDEX}`)
      index[(text.length * 7_919) % index.length]! ^= 1 << who
      fs.writeFileSync(`${this.folder}/${INDEX}`, index)
    }
    if (waits) age(this.folder)
    if (kind === 'reopen') {
      await this.close()
      await this.open()
    }
  }

  /** By reading every message. */
  async expected(words: string[]): Promise<string[]> {
    const reader = await openStore(this.folder, { readOnly: true })
    const counts = new Map<string, number>()
    const all = (await reader.list()).map(({ key }) => key)
    for (const key of all) {
      const texts = (await reader.session(key).messages()).map(({ content }) => textOf(content).toLowerCase())
      counts.set(key, words.filter((word) => texts.some((one) => one.includes(word.toLowerCase()))).length)
    }
    await reader.close()
    const hits = all.filter((key) => counts.get(key)! > 0)
    return hits.sort((a, b) => counts.get(b)! - counts.get(a)!)
  }
}

function feed(bytes: Buffer): string {
  return bytes.length === 0 || bytes.at(-1) === 0x0a ? '' : '\n'
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : (content as Array<{ text: string }>)[0]!.text
}

test('after any history, a search finds what reading every message finds', { timeout: 600_000 }, async () => {
  const query = fc.array(word, { minLength: 1, maxLength: 2 })
  const history = fc.array(fc.tuple(step, query), { minLength: 1, maxLength: 14 })
  const property = fc.asyncProperty(history, async (steps) => {
    const world = new World()
    await world.open()
    try {
      for (const [what, words] of steps) {
        await world.does(what)
        const wanted = [...new Set(words.map((one) => one.trim().replaceAll('"', '').toLowerCase()))].filter(Boolean)
        if (wanted.length === 0) continue
        const rows = await world.store.search(wanted.map((one) => `"${one}"`).join(' '), { limit: 10_000 })
        expect(rows.map(({ key }) => key)).toEqual(await world.expected(wanted))
      }
    } finally {
      await world.close()
      fs.rmSync(world.folder, { recursive: true, force: true })
    }
  })
  await fc.assert(property, { numRuns: SOAK ? 1_000 : 12 })
})
