import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.js'
import { type Sidecar, sidecarFromText } from '../../../src/disk/sidecar/sidecar-file.js'
import { openStore, type SessionStore } from '../../../src/index.js'
import { internalsOf } from '../../../src/store/store.js'
import { following, patch } from '../../helpers/file-calls.js'
import { changeCache } from '../../helpers/sidecar.js'
import { bareLine, contents, fill, message, open, sleep, tempFolder, until } from '../../helpers/store.js'

/** All answers of a store but the run states. */
async function answers(folder: string): Promise<unknown> {
  const store = await openStore(folder)
  const rows = (await store.list()).map(({ state, turnId, turnStartedAt, ...row }) => row)
  const each = await Promise.all(
    rows.map(async ({ key }) => {
      const { state, turnId, turnStartedAt, ...info } = (await store.session(key).info())!
      const session = store.session(key)
      return {
        info,
        name: await session.name(),
        tags: await session.tags(),
        last: await session.tail(2),
        all: await session.messages(),
      }
    }),
  )
  const found = await store.search('needle')
  // not closed: closing writes sidecars
  return { keys: await store.keys(), rows, each, found: found.map(({ key }) => key) }
}

async function makeStore(): Promise<string> {
  const folder = tempFolder()
  const store = await openStore(folder)
  for (const key of ['a', 'b', 'An encoded key', '🙂']) {
    const session = await fill(store, key, ['1', `needle in ${key}`, '3', '4'])
    await session.setName(`name of ${key}`)
    await session.tag(['t', key])
    await session.setMetadata('k', key)
    await session.removeLast()
    await session.setState('running', 'turn')
  }
  fs.appendFileSync(store.session('b').path, `damage\n${bareLine('by hand')}`)
  await store.session('b').append(message('5'))
  await store.close()
  return folder
}

/** As version 1 had it, with sums that are wrong. */
function formerSidecar(file: string): JsonObject {
  const { key, session, run, watermark, summary } = sidecarFromText(fs.readFileSync(file, 'utf8')) as Sidecar
  const maps = { usage: {}, carriedUsage: {} }
  const former = { version: 1, key, session, run, watermark, summary: { ...summary, ...maps, messages: 77 } }
  return former as unknown as JsonObject
}

function sidecarsOf(folder: string): string[] {
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.meta.json'))
    .map((name) => `${folder}/${name}`)
}

const MISHAPS: Record<string, (file: string, all: string[]) => void> = {
  deleted: (file) => fs.rmSync(file),
  emptied: (file) => fs.truncateSync(file),
  'cut in the middle': (file) => fs.truncateSync(file, fs.statSync(file).size >> 1),
  'made of NUL bytes': (file) => fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size)),
  garbage: (file) => fs.writeFileSync(file, 'garbage'),
  'an array': (file) => fs.writeFileSync(file, '[]'),
  null: (file) => fs.writeFileSync(file, 'null'),
  'two objects long': (file) => fs.appendFileSync(file, fs.readFileSync(file)),
  'that of another session': (file, all) => fs.copyFileSync(all.find((other) => other !== file)!, file),
  'of an unknown version': (file) => changeCache(file, (cache) => ({ ...cache, version: 99 })),
  'with wrong types': (file) =>
    changeCache(file, ({ summary, ...cache }) => {
      const wrong = Object.entries(summary as JsonObject).map(([field, value]) => [
        field,
        typeof value === 'number' ? 'x' : 7,
      ])
      return { ...cache, summary: Object.fromEntries(wrong) }
    }),
  'with a watermark beyond the end': (file) =>
    changeCache(file, (cache) => {
      const [watermark, summary] = [cache.watermark as JsonObject, cache.summary as JsonObject]
      const far = { size: (watermark.size as number) + 1_000 }
      return { ...cache, watermark: { ...watermark, ...far }, summary: { ...summary, bytes: far.size } }
    }),
  'of the version before': (file) => fs.writeFileSync(file, JSON.stringify(formerSidecar(file))),
  'indented by a person': (file) =>
    fs.writeFileSync(file, JSON.stringify(JSON.parse(fs.readFileSync(file, 'utf8')), null, 2)),
}

describe('every answer but the run state is the same when the sidecars are', () => {
  test.each(Object.entries(MISHAPS))('%s', async (_, mishap) => {
    const folder = await makeStore()
    const before = await answers(folder)
    const all = sidecarsOf(folder)
    expect(all).toHaveLength(4)
    for (const file of all) mishap(file, all)
    expect(await answers(folder)).toEqual(before)
    const store = await open(folder)
    await store.session('b').append(message('6'))
    expect((await store.session('b').info())?.messages).toBe(6)
    expect((await store.list()).find(({ key }) => key === 'b')?.messages).toBe(6)
  })

  test('older copies', async () => {
    const folder = await makeStore()
    const old = sidecarsOf(folder).map((file) => [file, fs.readFileSync(file)] as const)
    const store = await openStore(folder)
    for (const key of await store.keys()) {
      await store.session(key).append(message('later'))
      await store.session(key).removeLast()
      await store.session(key).removeLast()
      await store.session(key).setName('later')
    }
    await store.close()
    const before = await answers(folder)
    for (const [file, bytes] of old) fs.writeFileSync(file, bytes)
    expect(await answers(folder)).toEqual(before)
  })

  test('copies of a former life of the key', async () => {
    const folder = await makeStore()
    const old = sidecarsOf(folder).map((file) => [file, fs.readFileSync(file)] as const)
    const store = await openStore(folder)
    for (const key of await store.keys()) {
      await store.session(key).delete()
      await store.session(key).append(message('new life'))
    }
    await store.close()
    const before = await answers(folder)
    for (const [file, bytes] of old) fs.writeFileSync(file, bytes)
    expect(await answers(folder)).toEqual(before)
    const again = await open(folder)
    for (const row of await again.list())
      expect(row).toMatchObject({ name: null, tags: [], state: 'idle', messages: 1 })
  })
})

describe('a log that changed behind the sidecar', () => {
  type Change = (file: string) => void
  const CHANGES: Record<string, Change> = {
    'grew by a line': (file) => fs.appendFileSync(file, bareLine('more')),
    'grew by many lines': (file) => fs.appendFileSync(file, bareLine('more').repeat(2_000)),
    'lost its last line': (file) =>
      fs.truncateSync(file, fs.readFileSync(file).lastIndexOf('\n', fs.statSync(file).size - 2) + 1),
    'was edited in the middle, same length': (file) =>
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"role"', '"rolf"')),
    'was edited in the middle and grew': (file) =>
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"role"', '"a much longer field that is no role"')),
    'was edited in the middle and grew by whole lines': (file) => {
      const lines = fs.readFileSync(file, 'utf8').split('\n')
      fs.writeFileSync(file, [...lines.slice(0, 2), lines[3], ...lines.slice(2)].join('\n'))
    },
    'was replaced by one of the same length': (file) => {
      fs.writeFileSync(`${file}.new`, fs.readFileSync(file, 'utf8').replace('"role"', '"rolf"'))
      fs.renameSync(`${file}.new`, file)
    },
    'got a removal': (file) => {
      const id = JSON.parse(fs.readFileSync(file, 'utf8').split('\n')[1]!).id
      fs.appendFileSync(file, `${JSON.stringify({ type: 'remove', ids: [id] })}\n`)
    },
    'got a line that was there before': (file) =>
      fs.appendFileSync(file, `${fs.readFileSync(file, 'utf8').split('\n')[1]}\n`),
    'lost its header': (file) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').split('\n').slice(1).join('\n')),
    'was sorted the other way round': (file) =>
      fs.writeFileSync(file, `${fs.readFileSync(file, 'utf8').trimEnd().split('\n').reverse().join('\n')}\n`),
  }

  /** What a store that has never seen the folder says, without sidecars. */
  async function truth(folder: string): Promise<{ messages: number; texts: unknown[] }> {
    const copy = tempFolder()
    fs.copyFileSync(`${folder}/a.jsonl`, `${copy}/a.jsonl`)
    const store = await openStore(copy)
    const texts = await contents(store.session('a'))
    return { messages: (await store.session('a').info())!.messages, texts }
  }

  async function expectTruth(store: SessionStore, where: string): Promise<void> {
    const { messages, texts } = await truth(store.dir)
    expect(messages, where).toBe(texts.length)
    expect((await store.session('a').info())?.messages, where).toBe(messages)
    expect((await store.list())[0]?.messages, where).toBe(messages)
    expect(await contents(store.session('a')), where).toEqual(texts)
    expect(
      (await store.session('a').tail(2)).map(({ content }) => content),
      where,
    ).toEqual(texts.slice(-2))
  }

  test.each(Object.entries(CHANGES))('%s', async (_, change) => {
    const folder = tempFolder()
    const first = await openStore(folder)
    await (await fill(first, 'a', ['1', '2', '3', '4'])).setState('idle')
    await first.close()
    const open1 = await open(folder)
    await expectTruth(open1, 'as it was')
    await sleep(15)
    change(`${folder}/a.jsonl`)
    await expectTruth(open1, 'an open store')
    await expectTruth(await openStore(folder), 'a store opened after')
    await open1.session('a').append(message('appended'))
    await expectTruth(open1, 'after an append')
    await open1.session('a').setState('error')
    await internalsOf(open1).log('a').writeSidecar()
    await expectTruth(await openStore(folder), 'after the sidecar was written')
    await open1.close()
    await expectTruth(await open(folder), 'after closing')
  })

  test.each(Object.entries(CHANGES))('%s, right before an append', async (_, change) => {
    const folder = tempFolder()
    const store = await open(folder)
    const session = await fill(store, 'a', ['1', '2', '3', '4'])
    await sleep(15)
    change(session.path)
    await session.append(message('appended'))
    await expectTruth(store, 'after an append')
    await session.setState('error')
    await internalsOf(store).log('a').writeSidecar()
    await expectTruth(await openStore(folder), 'after the sidecar was written')
  })
})

describe('a run state', () => {
  test('is kept on a log of more than a megabyte, with any first line', async () => {
    for (const first of [
      '',
      '\n',
      bareLine('by hand'),
      '\ufeff',
      `${JSON.stringify({ type: 'meta', set: { name: 'n' } })}\n`,
    ]) {
      const folder = tempFolder()
      const store = await openStore(folder)
      await fill(store, 'a', ['x'.repeat(1_200_000)])
      await store.close()
      fs.writeFileSync(`${folder}/a.jsonl`, first + fs.readFileSync(`${folder}/a.jsonl`, 'utf8'))
      const again = await open(folder)
      await again.session('a').setState('running', 't')
      expect(await again.session('a').state(), JSON.stringify(first)).toMatchObject({ state: 'running', turnId: 't' })
      expect((await again.list())[0]?.state).toBe('running')
    }
  })

  test('does not pass to a new life of the key', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    await session.setState('running', 't')
    await internalsOf(store).log('a').writeSidecar()
    const sidecar = fs.readFileSync(session.sidecarPath)
    fs.rmSync(session.path)
    fs.writeFileSync(session.sidecarPath, sidecar)
    expect(await session.state()).toBe(null)
    await session.append(message('new'))
    expect(await session.state()).toMatchObject({ state: 'idle', turnId: null })
  })

  test('of a session without any header is kept too', async () => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/a.jsonl`, bareLine('1'))
    const store = await open(folder)
    await store.session('a').setState('running', 't')
    await store.session('a').append(message('2'))
    expect(await store.session('a').state()).toMatchObject({ state: 'running', turnId: 't' })
  })
})

describe('calls at the same time in one process', () => {
  test('info, list and append give right counts throughout', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['0'])
    // large enough for reads that let others in between
    fs.appendFileSync(session.path, bareLine('y'.repeat(2_000)).repeat(600))
    let appended = 601
    const work: Array<Promise<unknown>> = []
    for (let i = 0; i < 60; i++) {
      const least = appended
      work.push(session.append(message(`${i}`)).then(() => appended++))
      work.push(session.info().then((info) => expect(info!.messages).toBeGreaterThanOrEqual(least - 60)))
      if (i % 3 === 0) work.push(store.list().then((rows) => expect(rows[0]!.messages).toBeGreaterThanOrEqual(601)))
      if (i % 5 === 0) work.push(session.messages())
      if (i % 7 === 0) await sleep(1)
    }
    await Promise.all(work)
    expect((await session.info())?.messages).toBe(661)
    expect((await store.list())[0]?.messages).toBe(661)
    await session.setState('idle')
    expect((await (await open(store.dir)).list())[0]?.messages).toBe(661)
  })

  test('two removeLast remove two, and a read after an append sees it', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1', '2', '3', '4', '5'])
    expect(await Promise.all([session.removeLast(), session.removeLast()])).toEqual([true, true])
    const other = (await open(store.dir)).session('a')
    for (let i = 0; i < 50; i++) {
      await (i % 2 ? session : other).append(message(`${i}`))
      expect((await (i % 3 ? session : other).info())?.messages).toBe(4 + i)
    }
  })
})

test('a sidecar of the version before is believed as to the run state', async () => {
  const folder = await makeStore()
  const states = async () => {
    const store = await open(folder)
    return [await store.session('a').state(), await store.session('An encoded key').state()]
  }
  const before = await states()
  for (const file of sidecarsOf(folder)) fs.writeFileSync(file, JSON.stringify(formerSidecar(file)))
  expect(await states()).toEqual(before)
  expect(before).toMatchObject([{ state: 'running', turnId: 'turn' }, { state: 'running' }])
})

test('a sidecar says first what a person wants to know', async () => {
  const store = await open()
  const session = await fill(store, 'a', ['1', '2'])
  await session.append({ role: 'assistant', content: '3', usage: { promptTokens: 412, completionTokens: 9 } })
  await session.setName("Ann's calendar")
  await session.tag(['work'])
  await session.setState('running', 't7')
  // soon, while a turn goes on, so that an editor shows that it runs
  await until(() => fs.existsSync(session.sidecarPath), 5_000)
  const { run, cache, ...shown } = JSON.parse(fs.readFileSync(session.sidecarPath, 'utf8'))
  const since = (await session.state())?.turnStartedAt?.toISOString()
  const lastActivity = (await session.info())?.lastActivity.toISOString()
  const usage = { promptTokens: 412, completionTokens: 9, apiCalls: 1 }
  expect(JSON.stringify(shown)).toBe(
    JSON.stringify({
      ...{ key: 'a', name: "Ann's calendar", tags: ['work'], state: 'running', turn: 't7', since },
      ...{ messages: 3, lastActivity, usage },
    }),
  )
  expect(Object.keys(run)).toEqual(['session', 'owner', 'n', 'uptime'])
  expect(Object.keys(cache)).toEqual(['version', 'watermark', 'summary', 'checksum'])
})

test('a turn ends with a sidecar that says everything, which is not written again for nothing', async () => {
  const store = await open()
  const session = store.session('a')
  await session.setState('running', 't')
  await session.append(message('question'))
  await session.append(message('answer'))
  await session.setState('idle', 't')
  await until(() => fs.existsSync(session.sidecarPath))
  const { ino } = fs.statSync(session.sidecarPath)
  await store.close()
  expect(fs.statSync(session.sidecarPath).ino).toBe(ino)
  expect(sidecarFromText(fs.readFileSync(session.sidecarPath, 'utf8'))?.summary?.messages).toBe(2)
})

test('appends do not wait for what the sidecar has to read of the lines of other processes', async () => {
  const folder = tempFolder()
  const store = await open(folder)
  const session = await fill(store, 'a', ['1'])
  fs.appendFileSync(session.path, bareLine('x'.repeat(1000)).repeat(20_000))
  await session.append(message('2'))
  let read = 0
  const counting = patch(
    'read',
    (call) =>
      (...args) =>
        following(call(...args), (count: number) => {
          read += count
          return count
        }),
  )
  let isWritten = false
  const writing = internalsOf(store)
    .log('a')
    .writeSidecar()
    .then(() => {
      isWritten = true
    })
  await until(() => read > 1_000_000)
  for (let i = 0; i < 300; i++) await session.append(message('3'))
  expect(isWritten).toBe(false)
  await writing
  counting()
  expect(sidecarFromText(fs.readFileSync(session.sidecarPath, 'utf8'))).toMatchObject({ summary: { messages: 20_302 } })
})
