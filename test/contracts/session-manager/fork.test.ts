/** Forks of whole sessions, whose labels may lie far apart in the log. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonlSessionManager, type Session } from '../../../src/contracts/session-manager/index.js'
import { openStore, type SessionStore } from '../../../src/index.js'
import { message, open, tempFolder } from '../../helpers/store.js'
import { RUNS, SEED } from './histories.js'

/** More than what is read of a log at a time. */
const FAR = 'a long answer '.repeat(60_000)

test('a state that was cleared far behind where it was set stays cleared in the copy', async () => {
  const manager = new JsonlSessionManager(await open(tempFolder()))
  const session: Session = {
    metadata: { id: 's', name: '', createdAt: 0, updatedAt: 0, tags: [], agentName: '', turnCount: 0, totalTokens: 0 },
    messages: [{ role: 'user', content: 'hi' }],
    state: { files: ['a.ts'] },
  }
  await manager.save(session)
  const longer = { ...session, messages: [...session.messages, { role: 'assistant', content: FAR }] }
  await manager.save(longer)
  await manager.save({ ...longer, state: null })

  const copy = await manager.fork('s')

  expect((await manager.resume(copy.id)).state).toBeNull()
})

const AT = '2026-01-01T00:00:00.000Z'
const idOf = (n: number) => `019b76da-a800-7000-8000-${n.toString(16).padStart(12, '0')}`
const HEADER = JSON.stringify({ type: 'session', version: 1, key: 's', id: idOf(0), at: AT })
const meta = (n: number, set: unknown) => JSON.stringify({ type: 'meta', id: idOf(n), at: AT, set })
const chat = (n: number, more = {}) => JSON.stringify({ id: idOf(n), at: AT, role: 'user', content: 'c', ...more })

type LineAt = (n: number) => string
const USAGE = { promptTokens: 3, completionTokens: 4 }
const plainLine = fc.constantFrom<LineAt>(
  ...[(n: number) => chat(n), (n: number) => chat(n, { usage: USAGE, agent: 'coder' })],
  ...[(n: number) => chat(n, { at: '2026-01-02T00:00:00Z', content: '\n{"type":"meta","id":"' })],
  (n) => `  {"type":"message", "id":"${idOf(n)}","at":"${AT}","value":1.0}\r`,
  ...[null, 1, 2].map((back) => (n: number) => {
    const through = back === null ? null : idOf(Math.max(n - back, 0))
    return JSON.stringify({ type: 'compaction', id: idOf(n), at: AT, summary: 's', through })
  }),
  ...[{ name: 'n' }, { name: null }, { state: { a: [1] } }, { state: null }, { tags: ['x'], turnCount: 3 }].map(
    (set) => (n: number) => meta(n, set),
  ),
  (n) => meta(n, { metadata: { k: 'v' }, projectRoot: '/p', agent: 'coder', totalTokens: 5, other: 1 }),
  (n) => meta(n, { carriedUsage: { coder: { promptTokens: 1, apiCalls: 2 }, none: {} } }),
)
const otherLine = fc.constantFrom<LineAt>(
  ...[() => '', () => 'damage', () => '[1]', () => HEADER],
  ...[(n: number) => chat(n, { at: undefined }), (n: number) => chat(n, { id: undefined }), () => chat(1)],
  (n) => JSON.stringify({ type: 'remove', id: idOf(n), at: AT, ids: [idOf(n - 1), idOf(1)] }),
  (n) => JSON.stringify({ type: 'compaction', id: idOf(n), summary: 's', through: '#20-00000000' }),
  (n) => JSON.stringify({ type: 'commit', id: idOf(n), at: AT, revision: 1 }),
  (n) => JSON.stringify({ type: 'later', id: idOf(n), at: AT }),
  (n) => JSON.stringify({ id: idOf(n), type: 'meta', at: AT, set: { name: 'o', state: 1 } }),
  (n) => `{"type":"meta","id":"${idOf(n)}","at":"${AT}","set":{},"type":"message","role":"user"}`,
  (n) => meta(n, { lastActivity: '2026-11-25T00:00:00.000Z', createdAt: '2020-01-01T00:00:00.000Z' }),
)

/** A log of these lines with a message at its end. */
function logOf(lines: readonly LineAt[], end = '\n'): string {
  const texts = lines.map((line, place) => line(place + 1))
  return [HEADER, ...texts, chat(lines.length + 1)].join('\n') + end
}

/** The bytes of a log; of header and labels, less what is new with each copy. */
function withoutStamps(file: string): string[] {
  const lines = fs.readFileSync(file, 'utf8').split('\n')
  const neutral = (line: string) => ({ ...JSON.parse(line), id: '', at: '', key: '' })
  return [JSON.stringify(neutral(lines[0]!)), ...lines.slice(1, -2), JSON.stringify(neutral(lines.at(-2)!))]
}

/** Forks the log whole, and up to its last message: both copies are the same. */
async function forkBothWays(store: SessionStore, text: string, lastId: string): Promise<void> {
  const file = store.session('s').path
  fs.writeFileSync(file, text, { mode: 0o600 })
  const copy = await store.fork('s')
  const upToLast = await store.fork('s', { at: lastId })
  expect(withoutStamps(copy.path)).toEqual(withoutStamps(upToLast.path))
  expect(fs.statSync(copy.path).mode & 0o777).toBe(0o600)
  expect(fs.readFileSync(file, 'utf8')).toBe(text)
}

describe('a fork of a whole session', () => {
  test('is the same as one up to the last message', async () => {
    const lines = fc.array(fc.oneof({ weight: 3, arbitrary: plainLine }, otherLine), { maxLength: 12 })
    const law = fc.asyncProperty(lines, async (list) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-'))
      const store = await openStore(folder)
      try {
        await forkBothWays(store, logOf(list), idOf(list.length + 1))
      } finally {
        await store.close()
        fs.rmSync(folder, { recursive: true, force: true })
      }
    })
    await fc.assert(law, { seed: SEED, numRuns: 2 * RUNS })
  })

  test('is the same when the last line lacks its line feed, and when a line was torn', async () => {
    const lines: LineAt[] = [(n) => chat(n), (n) => meta(n, { name: 'n' })]
    for (const end of ['', '\n{"role":"us']) await forkBothWays(await open(), logOf(lines, end), idOf(3))
  })

  test('takes over every byte of short and long lines between many labels', async () => {
    const store = await open()
    const lengths = fc.sample(fc.oneof(fc.nat(300), fc.nat(70_000), fc.constantFrom(32_600, 262_000, 300_000)), {
      seed: SEED,
      numRuns: 300,
    })
    const lines = lengths.map(
      (length, place): LineAt =>
        (n) =>
          place % 3 === 0 ? meta(n, { state: 'y'.repeat(length) }) : chat(n, { content: 'x'.repeat(length) }),
    )
    const text = logOf(lines)
    await forkBothWays(store, text, idOf(lines.length + 1))
    const [copy] = (await store.keys()).filter((key) => key !== 's')
    const kept = text.split('\n').filter((line) => line.includes('"role"'))
    expect(withoutStamps(store.session(copy!).path).slice(1, -1)).toEqual(kept)
  })

  test('of a rewritten log carries the usage from before, and gives the same info as a reading of the copy', async () => {
    const store = await open()
    const session = store.session('s')
    await session.append([message('1'), message('2'), { ...message('3'), usage: USAGE }])
    await session.removeLast()
    await session.rewrite()
    const copy = await store.fork('s')
    const again = await open(store.dir)
    expect(await copy.info()).toEqual(await again.session(copy.key).info())
    expect(fs.readFileSync(copy.path, 'utf8')).toContain('"carriedUsage"')
    expect(fs.readFileSync(copy.path, 'utf8')).not.toContain('"remove"')
  })

  test('is a session of its own', async () => {
    const store = await open()
    await store.session('s').append([message('1'), message('2')])
    const copy = await store.fork('s')
    const id = await copy.append(message('3'))
    await copy.setName('mine')
    expect((await copy.messages()).map(({ content }) => content)).toEqual(['1', '2', '3'])
    expect(id > ((await copy.messages())[1]!.id as string)).toBe(true)
    await store.close()
    const again = await open(store.dir)
    expect(await again.session(copy.key).info()).toMatchObject({ messages: 3, name: 'mine' })
    expect((await again.session('s').messages()).length).toBe(2)
  })
})
