import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ended, RemoteStore, start } from '../helpers/child.js'
import { contents, locksIn, message, open, SOAK, sleep, tempFolder } from '../helpers/store.js'

const WRITERS = SOAK ? 4 : 3
const COUNT = SOAK ? 500 : 40

interface Report {
  writer: string
  /** Texts in the order in which they were acknowledged. */
  acknowledged: string[]
  slowest: number
}

/** Starts writers; `acks` holds what each acknowledged, also when it is killed. */
function startWriters(folder: string, keys: string[], count = COUNT) {
  return Array.from({ length: WRITERS }, (_, i) => {
    const acks = `${folder}/../acks-${i}`
    const child = start('writer.mjs', [folder, acks, `w${i}`, String(count), JSON.stringify(keys)])
    return { writer: `w${i}`, acks, child }
  })
}

function reportOf({ writer, acks }: { writer: string; acks: string }): Report {
  const lines = fs.readFileSync(acks, 'utf8').split('\n').slice(0, -1)
  const times = lines.map((line) => Number(line.split(' ')[1]))
  return { writer, acknowledged: lines.map((line) => line.split(' ')[0]!), slowest: Math.max(0, ...times) }
}

/** Every acknowledged text once, each writer's own in its order, nothing but whole lines. */
async function expectWhole(folder: string, keys: string[], reports: Report[]): Promise<void> {
  const store = await open(folder)
  const all: string[] = []
  for (const key of keys) {
    const session = store.session(key)
    const texts = (await contents(session)).map((text) => String(text).split(' ')[0]!)
    expect((await session.check()) ?? { damage: [], torn: null, duplicates: 0 }).toMatchObject({
      damage: [],
      torn: null,
      duplicates: 0,
      contradictions: [],
      divergences: [],
      graph: null,
    })
    expect((await session.info())?.messages).toBe(texts.length)
    for (const { writer } of reports) {
      const own = texts.filter((text) => text.startsWith(`${writer}-`)).map((text) => Number(text.split('-')[1]))
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
    all.push(...texts.filter((text) => text.startsWith('w')))
  }
  expect(new Set(all).size).toBe(all.length)
  const there = new Set(all)
  const lost = reports.flatMap(({ acknowledged }) => acknowledged.filter((text) => !there.has(text)))
  expect(lost).toEqual([])
  const written = new Set(reports.flatMap(({ acknowledged }) => acknowledged))
  expect(all.filter((text) => !written.has(text))).toEqual([])
}

describe(`${WRITERS} processes, ${COUNT} appends of 10 bytes to 300 KB each`, () => {
  test.each([1, 20])(
    'on %i sessions, with rewrites, names, states and lists beside them',
    async (sessions) => {
      const folder = `${tempFolder()}/sessions`
      const keys = Array.from({ length: sessions }, (_, i) => `key ${i}`)
      fs.mkdirSync(folder)
      const writers = startWriters(folder, keys)
      const store = await open(folder)
      let running = true
      const beside = (async () => {
        for (let i = 0; running; i++) {
          const session = store.session(keys[i % keys.length]!)
          await session.setName(`name ${i}`)
          await session.setState(i % 2 ? 'running' : 'idle', 'turn')
          await session.remove(await session.append(message('extra')))
          await session.rewrite()
          for (const row of await store.list()) expect(row.messages).toBeGreaterThanOrEqual(0)
          await sleep(20)
        }
      })()
      for (const { child } of writers) expect(await ended(child)).toEqual({ code: 0, signal: null })
      running = false
      await beside
      const reports = writers.map(reportOf)
      for (const { acknowledged } of reports) expect(acknowledged).toHaveLength(COUNT)
      await expectWhole(folder, keys, reports)
      await store.close()
      expect(locksIn(folder)).toEqual([])
      if (SOAK) console.log(`slowest append beside others: ${Math.max(...reports.map(({ slowest }) => slowest))} ms`)
    },
    300_000,
  )
})

test('one of them is killed, again and again', async () => {
  const folder = `${tempFolder()}/sessions`
  fs.mkdirSync(folder)
  const keys = ['a', 'b']
  const writers = startWriters(folder, keys)
  const victims = SOAK ? 40 : 3
  const reports: Report[] = []
  for (let i = 0; i < victims; i++) {
    const acks = `${folder}/../victim-${i}`
    const victim = start('writer.mjs', [folder, acks, `v${i}`, '100000', JSON.stringify(keys)])
    while (!fs.existsSync(acks) || fs.statSync(acks).size === 0) await sleep(5)
    await sleep((i * 31) % 80)
    victim.kill('SIGKILL')
    await ended(victim)
    reports.push(reportOf({ writer: `v${i}`, acks }))
  }
  for (const { child } of writers) expect(await ended(child)).toEqual({ code: 0, signal: null })
  reports.push(...writers.map(reportOf))
  const store = await open(folder)
  const there = new Map<string, number>()
  for (const key of keys) {
    // what a victim was writing when it died is a torn tail, put aside, or a whole line
    await store.session(key).append(message('after'))
    for (const text of await contents(store.session(key))) {
      const name = String(text).split(' ')[0]!
      there.set(name, (there.get(name) ?? 0) + 1)
    }
    expect(await store.session(key).check()).toMatchObject({ damage: [], torn: null, duplicates: 0 })
  }
  there.delete('after')
  expect([...there].filter(([, count]) => count !== 1)).toEqual([])
  expect(reports.flatMap(({ acknowledged }) => acknowledged.filter((text) => !there.has(text)))).toEqual([])
}, 300_000)

test('a lock that is taken away again and again costs no message', async () => {
  const folder = `${tempFolder()}/sessions`
  fs.mkdirSync(folder)
  const writers = startWriters(folder, ['a'], COUNT)
  let breaking = true
  const breaks = (async () => {
    while (breaking) {
      fs.rmSync(`${folder}/.locks/a`, { recursive: true, force: true })
      await sleep(15)
    }
  })()
  for (const { child } of writers) expect(await ended(child)).toEqual({ code: 0, signal: null })
  breaking = false
  await breaks
  const store = await open(folder)
  const there = new Set((await contents(store.session('a'))).map((text) => String(text).split(' ')[0]!))
  const lost = writers.map(reportOf).flatMap(({ acknowledged }) => acknowledged.filter((text) => !there.has(text)))
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
