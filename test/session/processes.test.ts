import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { ended, RemoteStore, start } from '../helpers/child.js'
import { plainLog } from '../helpers/plain-log.mjs'
import { contents, locksIn, message, open, randomOf, SOAK, sleep, tempFolder, until } from '../helpers/store.js'

const WRITERS = 8
/** Appends of each writer: `COUNT=10000 SOAK=1` for the longest form. */
const COUNT = Number(process.env.COUNT ?? (SOAK ? 2_500 : 30))
/** How often one of the processes is killed, about, ms. */
const KILL_MS = SOAK ? 3_000 : 300

/** What a process has reported of its work. */
interface Account {
  name: string
  /** Acknowledgements, one a line. */
  file: string
  /** Messages that it was about to write when it was killed. */
  cut: string[]
}

/** A process that is started again when it is killed. */
interface Player extends Account {
  run(): ReturnType<typeof start>
  child: ReturnType<typeof start>
}

function linesOf(file: string): string[] {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}

function acknowledgedBy({ file }: { file: string }): string[] {
  return linesOf(file).map((line) => line.split(' ')[0]!)
}

function waitsOf({ file }: { file: string }): number[] {
  return linesOf(file).map((line) => Number(line.split(' ')[1]))
}

function player(name: string, file: string, run: (made: Player) => ReturnType<typeof start>): Player {
  const made = { name, file, cut: [] as string[], run: () => run(made as Player) } as unknown as Player
  made.child = made.run()
  return made
}

/** A writer continues behind the message at which it was killed, which may have been written or not. */
function writer(folder: string, name: string, count: number, keys: readonly string[]): Player {
  return player(name, `${folder}/../${name}`, ({ file, cut }) => {
    const first = linesOf(file).length + cut.length
    return start('writer.mjs', [folder, file, name, String(count), JSON.stringify(keys), String(first)])
  })
}

function helper(folder: string, role: string, keys: readonly string[], seed: number): Player {
  return player(role, `${folder}/../${role}-${seed}`, ({ file }) =>
    start('beside.mjs', [folder, file, role, JSON.stringify(keys), String(seed)]),
  )
}

const hasEnded = ({ child }: Player) => child.exitCode !== null || child.signalCode !== null

/** Kills one of the players now and then, and starts it again, until all writers are done; returns how often. */
async function killUntilDone(writers: Player[], helpers: Player[], seed: number): Promise<number> {
  const random = randomOf(seed)
  let kills = 0
  for (;;) {
    await sleep(KILL_MS * (0.5 + random()))
    if (writers.every(hasEnded)) return kills
    const all = [...writers, ...helpers]
    const victim = all[Math.floor(random() * all.length)]!
    if (hasEnded(victim)) continue
    victim.child.kill('SIGKILL')
    if ((await ended(victim.child)).signal !== 'SIGKILL') continue
    kills++
    const next = linesOf(victim.file).length + victim.cut.length
    if (writers.includes(victim) && next < COUNT) victim.cut.push(`${victim.name}-${next}`)
    victim.child = victim.run()
  }
}

/** A purge as its process announced it; `count` is what it said to have deleted, null when it was killed in it. */
interface Purge {
  at: number
  key: string
  texts: string[]
  count: number | null
}

function purgesIn(files: readonly string[]): Purge[] {
  const purges: Purge[] = []
  for (const file of files) {
    let open: Purge | undefined
    for (const line of linesOf(file)) {
      const entry = JSON.parse(line)
      if (entry.texts !== undefined) {
        open = { ...entry, count: null } as Purge
        purges.push(open)
      } else if (open !== undefined && entry.purged !== undefined) open.count = entry.purged
    }
  }
  return purges
}

const isOurs = (text: string) => /^w\d+-\d+$/.test(text)

/**
 * All messages ever written under a key, in order: purged ones, those in the trash, and those in the log. A purge
 * that was cut off, or that came too late for what went into the trash, may have left all that it was about to delete.
 */
function saidUnder(key: string, purges: readonly Purge[], lives: Array<{ at: number; texts: string[] }>): string[] {
  const there = new Set(lives.flatMap(({ texts }) => texts))
  const own = purges.filter((purge) => purge.key === key).sort((a, b) => a.at - b.at)
  const done = own.filter((purge, i) => {
    const texts = purge.texts.filter(isOurs)
    const next = own.slice(i + 1).find((later) => later.texts.includes(texts[0]!))
    const left = texts.filter((text) => there.has(text) || next?.texts.includes(text))
    if (purge.count !== null && purge.count >= purge.texts.length) expect(left).toEqual([])
    expect([0, texts.length]).toContain(left.length)
    return left.length === 0
  })
  return [...done, ...lives].sort((a, b) => a.at - b.at).flatMap(({ texts }) => texts.filter(isOurs))
}

/** Every acknowledged text once, each writer's own in its order, and no more than one line damaged by each kill. */
async function expectWhole(folder: string, keys: string[], writers: Account[], helpers: Account[], kills: number) {
  const store = await openStore(folder)
  const purges = purgesIn(helpers.filter(({ name }) => name === 'purge').map(({ file }) => file))
  const trash = await store.trash()
  const trashed = fs.existsSync(`${folder}/.trash`) ? fs.readdirSync(`${folder}/.trash`) : []
  const all: string[] = []
  let damaged = 0
  for (const key of keys) {
    const session = store.session(key)
    await session.append(message('after'))
    const texts = plainLog(session.path).texts
    expect((await contents(session)).map((text) => String(text).split(' ')[0])).toEqual(texts)
    const { damage = [], ...report } = (await session.check()) ?? {}
    expect(report).toMatchObject({ torn: null, duplicates: 0, contradictions: [] })
    // the system may end a write between two pages when it kills the process
    const bytes = fs.readFileSync(session.path)
    damaged += damage.length
    for (const { offset, length } of damage) {
      const [, text] = /"content":"(w\d+-\d+) /.exec(bytes.toString('utf8', offset, offset + length)) ?? []
      if (text !== undefined) expect(writers.flatMap(({ cut }) => cut)).toContain(text)
    }
    expect((await session.info())?.messages).toBe(texts.length)
    const lives = trash.flatMap((entry) => {
      if (entry.key !== key) return []
      const place = path.join(folder, '.trash', trashed.find((name) => name.endsWith(entry.id))!)
      const log = fs.readdirSync(place).find((name) => name.endsWith('.jsonl'))!
      return [{ at: entry.at.getTime(), texts: plainLog(path.join(place, log)).texts }]
    })
    const said = saidUnder(key, purges, [...lives, { at: Number.POSITIVE_INFINITY, texts }])
    for (const { name } of writers) {
      const own = said.filter((text) => text.startsWith(`${name}-`)).map((text) => Number(text.split('-')[1]))
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
    for (const text of said) all.push(text)
  }
  await store.close()
  expect(damaged).toBeLessThanOrEqual(kills)
  const there = new Set(all)
  expect(there.size).toBe(all.length)
  const acknowledged = writers.flatMap(acknowledgedBy)
  expect(acknowledged.filter((text) => !there.has(text))).toEqual([])
  const known = new Set([...acknowledged, ...writers.flatMap(({ cut }) => cut)])
  expect(all.filter((text) => !known.has(text))).toEqual([])
  return {
    messages: all.length,
    trashed: trash.length,
    purged: purges.reduce((sum, { count }) => sum + (count ?? 0), 0),
  }
}

/** What a killed process left of locks goes when the store is opened, at the latest when it has been silent for a second. */
async function leavesNoLock(folder: string): Promise<boolean> {
  await (await openStore(folder)).close()
  return locksIn(folder).length === 0
}

function tally(helpers: Player[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of helpers.flatMap(({ file }) => linesOf(file))) {
    const { op, purged } = JSON.parse(line)
    const name = op ?? (purged === undefined ? undefined : 'purge')
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

describe(`${WRITERS} processes, ${COUNT} appends of 10 bytes to 1 MB each, killed at random and started again`, () => {
  test.each([1, SOAK ? 500 : 50])(
    'on %i sessions, with rewrites, purges, forks, labels, states, lists and cleanups beside them',
    async (sessions) => {
      const folder = `${tempFolder()}/sessions`
      const keys = Array.from({ length: sessions }, (_, i) => `key ${i}`)
      fs.mkdirSync(folder)
      const begin = performance.now()
      const writers = Array.from({ length: WRITERS }, (_, i) => writer(folder, `w${i}`, COUNT, keys))
      const helpers = ['purge', 'labels', 'others'].map((role, i) => helper(folder, role, keys, i))
      const kills = await killUntilDone(writers, helpers, sessions)
      for (const { child } of writers) expect(await ended(child)).toEqual({ code: 0, signal: null })
      for (const { child } of helpers) child.connected && child.send('end')
      for (const { child } of helpers) expect(await ended(child)).toEqual({ code: 0, signal: null })
      const seconds = (performance.now() - begin) / 1_000
      for (const each of writers) expect(linesOf(each.file).length + each.cut.length).toBe(COUNT)
      const outcome = await expectWhole(folder, keys, writers, helpers, kills)
      const waits = writers.flatMap(waitsOf).sort((a, b) => a - b)
      const at = (share: number) => waits[Math.floor(waits.length * share)]
      if (SOAK) {
        console.log(`${sessions} sessions, ${seconds.toFixed(1)} s, ${kills} kills`, outcome, tally(helpers))
        console.log(`waits: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, worst ${waits.at(-1)} ms`)
      }
      await until(() => leavesNoLock(folder))
    },
    3_600_000,
  )
})

/** What may have happened to the lines of a log, each of one message of `w0` or `w1` in turn. */
const HARMS: Record<string, (lines: string[]) => string[]> = {
  'a lost line': (lines) => lines.toSpliced(5, 1),
  'a lost last line': (lines) => lines.slice(0, -1),
  'a line twice': (lines) => lines.toSpliced(5, 0, lines[4]!),
  'a message twice, under two ids': (lines) => lines.toSpliced(5, 0, lines[4]!.replace(/"id":"0/, '"id":"1')),
  'a line spliced into another': (lines) =>
    lines.toSpliced(5, 2, lines[5]!.slice(0, 40) + lines[6]! + lines[5]!.slice(40)),
  'a line without its end': (lines) => lines.with(5, lines[5]!.slice(0, -10)),
  'two lines without a line feed between them': (lines) => lines.toSpliced(5, 2, lines[5]! + lines[6]!),
  'another order of one writer': (lines) => lines.with(3, lines[5]!).with(5, lines[3]!),
  'a message that no writer wrote': (lines) => lines.toSpliced(5, 0, lines[5]!.replaceAll(/w\d-\d/g, 'w0-9')),
}

describe('the judge of what these processes leave', () => {
  test.each([['nothing', (lines: string[]) => lines] as const, ...Object.entries(HARMS)])(
    'passes or fails as it must: %s',
    async (what, harm) => {
      const folder = `${tempFolder()}/sessions`
      const store = await openStore(folder)
      const writers = [0, 1].map((i) => ({ name: `w${i}`, file: `${folder}/../w${i}`, cut: [] }))
      for (let i = 0; i < 5; i++) {
        for (const { name, file } of writers) {
          await store.session('a').append(message(`${name}-${i} and more`))
          fs.appendFileSync(file, `${name}-${i} 0\n`)
        }
      }
      await store.close()
      const log = store.session('a').path
      const lines = fs.readFileSync(log, 'utf8').trimEnd().split('\n')
      fs.writeFileSync(log, `${harm(lines).join('\n')}\n`)
      const verdict = expectWhole(folder, ['a'], writers, [], 0)
      if (what === 'nothing') expect(await verdict).toMatchObject({ messages: 10 })
      else await expect(verdict).rejects.toThrow()
    },
  )
})

test('a lock that is taken away again and again costs no message', async () => {
  const folder = `${tempFolder()}/sessions`
  fs.mkdirSync(folder)
  const writers = Array.from({ length: 3 }, (_, i) => writer(folder, `w${i}`, SOAK ? 500 : 40, ['a']))
  let breaking = true
  const breaks = (async () => {
    while (breaking) {
      // a process that takes it meanwhile puts another file into the folder
      await fs.promises.rm(`${folder}/.locks/a`, { recursive: true, force: true }).catch(() => {})
      await sleep(15)
    }
  })()
  for (const { child } of writers) expect(await ended(child)).toEqual({ code: 0, signal: null })
  breaking = false
  await breaks
  const store = await open(folder)
  const there = new Set((await contents(store.session('a'))).map((text) => String(text).split(' ')[0]!))
  const lost = writers.flatMap(acknowledgedBy).filter((text) => !there.has(text))
  expect(lost).toEqual([])
}, 300_000)

test('every read sees what another process has acknowledged', async () => {
  const folder = tempFolder()
  const remote = await RemoteStore.open(folder)
  const store = await open(folder)
  const session = store.session('a')
  for (let i = 0; i < 40; i++) {
    await (i % 3 === 0 ? session.append(message(`${i}`)) : remote.append('a', `${i}`))
    expect((await session.info())?.messages).toBe(i + 1)
    expect((await session.tail(1))[0]?.content).toBe(`${i}`)
    expect((await store.list())[0]?.messages).toBe(i + 1)
    expect((await remote.call('info', 'a')).messages).toBe(i + 1)
  }
  await remote.call('setName', 'a', 'theirs')
  expect(await session.name()).toBe('theirs')
  await remote.call('setState', 'a', 'running', 't')
  expect(await session.state()).toMatchObject({ state: 'running', turnId: 't' })
  await remote.call('removeLast', 'a')
  await remote.call('rewrite', 'a')
  expect(await contents(session)).toHaveLength(39)
  await remote.call('delete', 'a')
  expect(await session.info()).toBe(null)
})
