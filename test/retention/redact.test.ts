/** `store.redact` and `jsonl-sessions redact`: a text is taken out of what is written already. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import { openStore, type SessionStore } from '../../src/index.js'
import { run } from '../cli/run.js'
import { codeOf, contents, filesIn, message, open, tempFolder } from '../helpers/store.js'

const SECRET = /sk-\d+/
const TEXT = 'the key is sk-4711, keep it'

function bytesIn(folder: string): string {
  return filesIn(folder)
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .map((name) => fs.readFileSync(path.join(folder, name), 'latin1'))
    .join('\n')
}

/** A store with the text in every place that `redact` reaches. */
async function fill(store: SessionStore): Promise<void> {
  const a = store.session('a')
  await a.append([message(TEXT), message('2'), message(TEXT)])
  await a.removeLast()
  await a.setName(TEXT)
  await a.setMetadata('k', { deep: [TEXT] })
  await a.setValue('v', TEXT)
  fs.appendFileSync(a.path, `{"role":"user","content":"by hand ${TEXT}"}\n{"broken ${TEXT}\n`)
  await a.append({ ...message('after'), id: 'own', usage: { promptTokens: 3 } })
  const b = store.session('b')
  await b.append(message(TEXT))
  fs.appendFileSync(b.path, `damage ${TEXT}\n`)
  await b.removeLast()
  await b.rewrite()
  const persistence = new JsonlPersistence(store)
  const id = await persistence.createSession('main', '/p')
  await persistence.insertMessage(id, { role: 'user', content: 'x' })
  await persistence.compactSession(id, TEXT, 0)
  await store.session('gone').append(message(TEXT))
  await store.session('gone').setName(TEXT)
  await store.session('gone').trash()
  await store.search('key')
  await store.list()
}

async function answers(store: SessionStore) {
  const session = store.session('a')
  const [messages, info, usage] = [await session.messages(), await session.info(), await session.usage()]
  const removed = (await session.removed()).map(({ id }) => id)
  return { ids: messages.map(({ id, at, role }) => [id, at, role]), messages: info?.messages, usage, removed }
}

describe('redact', () => {
  test('leaves it in no byte of log, quarantine, trash and index, and every line in its place', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    await fill(store)
    const before = await answers(store)
    const dry = await store.redact({ pattern: SECRET, dryRun: true })
    expect(bytesIn(folder)).toContain('sk-4711')
    const { sessions, ...rest } = await store.redact({ pattern: SECRET })
    expect(dry).toEqual({ sessions, ...rest })
    expect(rest).toEqual({ quarantined: 1, trashed: 1, blobs: 0, failed: [] })
    expect(sessions.find(({ key }) => key === 'a')).toEqual({ key: 'a', lines: 7, left: 0 })
    expect(await answers(store)).toEqual(before)
    expect((await store.session('a').info())?.name).toBe('the key is [redacted], keep it')
    expect(await store.session('a').getValue('v')).toBe('the key is [redacted], keep it')
    const [removed] = await store.session('a').removed()
    expect(JSON.stringify(removed)).toContain('[redacted]')
    const [gone] = await store.trash()
    await store.restore(gone!.id)
    expect(await contents(store.session('gone'))).toEqual(['the key is [redacted], keep it'])
    await store.close()
    expect(bytesIn(folder)).not.toContain('sk-4711')
    const again = await open(folder)
    expect(await again.redact({ pattern: SECRET })).toMatchObject({ sessions: [], quarantined: 0, trashed: 0 })
    expect(await answers(again)).toEqual(before)
  })

  test('goes on beside what is no folder in quarantine', async () => {
    const store = await open()
    await store.session('a').append(message(TEXT))
    fs.mkdirSync(`${store.dir}/.quarantine`, { mode: 0o700 })
    fs.writeFileSync(`${store.dir}/.quarantine/stray`, TEXT)
    const { sessions, failed } = await store.redact({ pattern: SECRET })
    expect([sessions.length, failed]).toEqual([1, []])
  })

  test('counts where it cannot replace it, and leaves other sessions alone', async () => {
    const store = await open()
    await store.session('sk-1').append(message('x'))
    await store.session('other').append(message(TEXT))
    await store.session('n').append({ ...message('x'), card: 4711 })
    const { sessions } = await store.redact({ pattern: /sk-\d+|4711/, keys: ['sk-1', 'n'] })
    expect(sessions).toEqual([
      { key: 'sk-1', lines: 0, left: 1 },
      { key: 'n', lines: 0, left: 1 },
    ])
    expect(await contents(store.session('other'))).toEqual([TEXT])
  })

  test('loses no message that comes meanwhile', async () => {
    const store = await open()
    const session = store.session('a')
    for (let n = 0; n < 200; n++) await session.append(message(`${n} ${TEXT}`))
    const appended = Array.from({ length: 50 }, (_, n) => session.append(message(`beside ${n}`)))
    await store.redact({ pattern: SECRET })
    await Promise.all(appended)
    expect(await contents(session)).toHaveLength(250)
  })

  test('refuses what is no pattern, or matches nothing at all', async () => {
    const store = await open()
    for (const options of [{ pattern: 'x' }, { pattern: /x*/ }, { pattern: /x/, unknown: 1 }])
      await expect(store.redact(options as never)).rejects.toThrow(TypeError)
    expect(await codeOf(store.redact({ pattern: /x/, keys: ['none'] }))).toBe(undefined)
  })
})

test('the command says what it changed, and what it cannot reach', async () => {
  const folder = tempFolder()
  const store = await openStore(folder)
  await fill(store)
  await store.session('sk-4711').append(message('x'))
  await store.close()
  fs.mkdirSync(path.join(folder, '.git'))
  const dry = await run(['--root', folder, 'redact', '--all', '--pattern', 'sk-\\d+', '--dry-run'])
  expect(dry.out).toContain('a: 7 lines would be changed')
  expect(bytesIn(folder)).toContain('the key is sk-4711')
  const { code, out, err } = await run(['--root', folder, 'redact', '--all', '--pattern', 'sk-\\d+'])
  expect(out).toContain('a: 7 lines changed')
  expect(err).toContain('sk-4711: it stands in 1 line')
  expect(err).toContain('history of git')
  expect(code).toBe(1)
  expect(bytesIn(folder)).not.toContain('the key is sk-4711')
  expect((await run(['--root', folder, 'redact', '--pattern', 'x'])).code).toBe(2)
  expect((await run(['--root', folder, 'redact', 'a', '--pattern', '('])).code).toBe(2)
})
