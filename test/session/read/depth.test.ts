/** One limit of depth for all paths: what nests deeper is not written, and is damage to every reader. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { JsonlRuntimePersistence } from '../../../src/contracts/runtime-persistence/index.js'
import { JsonlSessionManager } from '../../../src/contracts/session-manager/index.js'
import { openStore } from '../../../src/index.js'
import { internalsOf } from '../../../src/store/store.js'
import { codeOf, contents, fill, message, open, tempFolder } from '../../helpers/store.js'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

function deepValue(depth: number): never {
  let value: unknown = 'bottom'
  for (let i = 0; i < depth; i++) value = [value]
  return value as never
}

describe.each([1_001, 3_600, 10_000, 100_000])('a line that nests %i deep', (depth) => {
  const LINES: Record<string, string> = {
    message: `{"role":"user","content":${nested(depth)}}`,
    call: `{"role":"assistant","toolCalls":${nested(depth)}}`,
    commit: `{"type":"commit","session":"a","revision":2,"nodes":[{"nodeId":"x","timestamp":"2026-11-21T07:11:00Z","kind":"event","event":${nested(depth)}}],"leaf":"x"}`,
    compaction: `{"type":"compaction","summary":"s","through":null,"more":${nested(depth)}}`,
  }

  test.each(Object.entries(LINES))('a %s, stops nothing', async (kind, line) => {
    const folder = tempFolder()
    const store = await open(folder)
    await fill(store, 'a', ['one', 'two'])
    await fill(store, 'b', ['two'])
    fs.appendFileSync(store.session('a').path, `${line}\n`)
    await store.session('a').append(message('three'))
    const persistence = new JsonlPersistence(store)
    const manager = new JsonlSessionManager(store)
    expect(await contents(store.session('a'))).toEqual(['one', 'two', 'three'])
    expect((await store.search('two')).map(({ key }) => key).sort()).toEqual(['a', 'b'])
    expect(await persistence.loadContext('a')).toHaveLength(3)
    expect(await persistence.compactSession('a', 'summary', 1)).toBe(2)
    expect((await store.list()).map(({ key, damaged }) => [key, damaged]).sort()).toEqual([
      ['a', 1],
      ['b', 0],
    ])
    expect((await store.cleanup({ olderThan: 3_600_000 })).failed).toEqual([])
    expect((await persistence.compactedStats()).messageCount).toBe(2)
    expect(await persistence.purgeCompacted(0)).toBe(2)
    expect((await manager.resume('a')).messages).toHaveLength(1)
    const runtime = new JsonlRuntimePersistence(store, 'a')
    expect(await codeOf(runtime.loadSession({ kind: 'fullGraph' }))).toBe(undefined)
    expect((await store.session('a').check())?.damage).toEqual([])
    expect(fs.readdirSync(`${folder}/.quarantine/a`)).toHaveLength(1)
    expect(kind).toBeDefined()
  })
})

test('what nests deeper is refused by every verb, and nothing is written', async () => {
  const store = await open()
  const session = await fill(store, 'a', ['one'])
  await session.append({ role: 'user', content: deepValue(1_000) })
  const before = fs.readFileSync(session.path)
  const manager = new JsonlSessionManager(store)
  const saved = await manager.resume('a')
  for (const depth of [1_001, 3_600]) {
    const deep = deepValue(depth)
    expect(await codeOf(session.append({ role: 'user', content: deep }))).toBe('ERR_TOO_LARGE')
    expect(await codeOf(session.receive({ role: 'user', content: deep }, { ref: 'r' }))).toBe('ERR_TOO_LARGE')
    expect(await codeOf(manager.save({ ...saved, messages: [...saved.messages, deep] }))).toBe('ERR_TOO_LARGE')
    expect(await codeOf(manager.save({ ...saved, state: deep }))).toBe('ERR_TOO_LARGE')
  }
  expect(fs.readFileSync(session.path)).toEqual(before)
})

test('a list of a process that has just begun reads past it', async () => {
  const folder = tempFolder()
  fs.writeFileSync(`${folder}/a.jsonl`, `{"role":"user","content":${nested(20_000)}}\n{"role":"user","content":"x"}\n`)
  const store = await openStore(folder)
  expect(await store.list()).toMatchObject([{ key: 'a', messages: 1, damaged: 1 }])
  await internalsOf(store).log('a').writeSidecar()
  await store.close()
})
