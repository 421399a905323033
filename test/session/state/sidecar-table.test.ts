/** Every field of a sidecar x every wrong value: no result but the run state is another one. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { isObject, type Json, type JsonObject } from '../../../src/base/json.js'
import { sidecarFromText } from '../../../src/disk/sidecar/sidecar-file.js'
import { openStore, type SessionStore } from '../../../src/index.js'
import { withCache } from '../../helpers/sidecar.js'
import { message, open, tempFolder } from '../../helpers/store.js'

const FILE_TIME = new Date('2026-11-24T12:00:00.000Z')
const id = (n: number) => `019aa1b2-c000-7000-8000-${String(n).padStart(12, '0')}`
const at = (n: number) => `2026-11-21T07:00:${String(n).padStart(2, '0')}.000Z`
const usage = { promptTokens: 412, completionTokens: 9 }

/** A log that has something to say in every field. */
function logOf(key: string): string {
  const lines: JsonObject[] = [
    { type: 'session', version: 1, key, forkedFrom: 'other', at: at(1), id: id(1) },
    { role: 'user', content: 'what is on today?', at: at(2), id: id(2) },
    { role: 'assistant', content: 'Two meetings.', usage, at: at(3), id: id(3) },
    { role: 'user', content: 'mvoe the second', at: at(4), id: id(4) },
    { type: 'remove', ids: [id(4)], at: at(5), id: id(5) },
    { type: 'compaction', summary: 'Two meetings.', through: id(3), at: at(6), id: id(6) },
    { type: 'meta', set: { name: "Ann's calendar", tags: ['work'], turnCount: 3 }, at: at(7), id: id(7) },
    {
      type: 'meta',
      set: { metadata: { k: 'v' }, carriedUsage: { coder: { thinkingTokens: 5 } } },
      at: at(8),
      id: id(8),
    },
    { role: 'user', content: 'needle', agent: 'coder', usage, at: at(9), id: id(9) },
  ]
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** A value that stands for one that `JSON.stringify` cannot write. */
const INFINITE = '\u0000 1e999'
const MISSING = Symbol('missing')

const WRONG: Record<string, (value: Json) => Json | typeof MISSING> = {
  missing: () => MISSING,
  null: () => null,
  'of another type': (value) => (typeof value === 'string' ? 7 : 'x'),
  '-1': () => -1,
  '1.5': () => 1.5,
  '1e999': () => INFINITE,
  '2^53': () => 2 ** 53,
  'a huge string': () => 'x'.repeat(100_000),
}

/** The way to each field, those of objects inside objects too. */
function fieldsOf(value: JsonObject, way: string[] = []): string[][] {
  return Object.entries(value).flatMap(([field, inner]) => [
    [...way, field],
    ...(isObject(inner) ? fieldsOf(inner, [...way, field]) : []),
  ])
}

function valueAt(value: JsonObject, way: readonly string[]): Json {
  return way.reduce((inner: Json, field) => (inner as JsonObject)[field] as Json, value)
}

function changed(value: JsonObject, [field, ...rest]: readonly string[], to: Json | typeof MISSING): JsonObject {
  const entries = Object.entries(value).flatMap(([name, inner]): Array<[string, Json]> => {
    if (name !== field) return [[name, inner as Json]]
    if (rest.length > 0) return [[name, changed(inner as JsonObject, rest, to)]]
    return to === MISSING ? [] : [[name, to]]
  })
  return Object.fromEntries(entries)
}

/** The text of a sidecar, spelled as the library spells it. */
function textOf({ cache, ...head }: JsonObject, sign = false): string {
  const people = JSON.stringify(head, null, 2).replaceAll(JSON.stringify(INFINITE), '1e999')
  if (!isObject(cache)) return `${people.slice(0, -2)},\n  "cache": ${JSON.stringify(cache ?? null)}\n}\n`
  const { checksum, ...rest } = cache
  const body = JSON.stringify(rest).replaceAll(JSON.stringify(INFINITE), '1e999').slice(0, -1)
  const signed = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const before = people === '{}' ? '{' : `${people.slice(0, -2)},`
  const text = withCache(before, body, sign ? signed : String(checksum))
  return checksum === undefined ? text.replace(/,"checksum":"[^"]*"/, '') : text
}

/** A folder of sessions that all say the same, each with its sidecar. */
async function fillStore(folder: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    fs.writeFileSync(path.join(folder, `${key}.jsonl`), logOf(key))
    fs.utimesSync(path.join(folder, `${key}.jsonl`), FILE_TIME, FILE_TIME)
  }
  const store = await openStore(folder)
  for (const key of keys) await store.session(key).setState('error', 't7')
  await store.close()
}

/** What a store says of a session, but for its run state. */
async function answersOf(store: SessionStore, key: string, row: object | undefined): Promise<string> {
  const session = store.session(key)
  const info = await session.info()
  const rest = {
    messages: await session.messages(),
    name: await session.name(),
    tags: await session.tags(),
    metadata: await session.getMetadata('k'),
  }
  const withoutRun = (one: object | null | undefined) => ({ ...one, state: 0, turnId: 0, turnStartedAt: 0 })
  const all = { row: withoutRun(row), info: withoutRun(info), ...rest }
  return JSON.stringify(all).replaceAll(key, 'KEY')
}

/** The session that has no sidecar. */
const PLAIN = 'splain'
const keyOf = (n: number) => `s${String(n).padStart(5, '0')}`
const example = await (async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-example-'))
  try {
    await fillStore(folder, ['s'])
    return fs.readFileSync(path.join(folder, 's.meta.json'), 'utf8')
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})()
const fields = fieldsOf(JSON.parse(example))
const cases = fields.flatMap((way) => Object.keys(WRONG).map((wrong) => ({ way, wrong, name: way.join('.') })))

describe('a sidecar with a wrong field', () => {
  test('is spelled here as the library spells it, and has every field', () => {
    expect(textOf(JSON.parse(example))).toBe(example)
    expect(textOf(JSON.parse(example), true)).toBe(example)
    expect(fields.length).toBeGreaterThan(60)
    expect(sidecarFromText(example)?.summary?.messages).toBe(3)
  })

  test(`changes no result but the run state: ${cases.length} cases`, async () => {
    const keys = cases.map((_, n) => keyOf(n))
    const folder = tempFolder()
    await fillStore(folder, [...keys, PLAIN])
    fs.rmSync(path.join(folder, `${PLAIN}.meta.json`))
    for (const [n, { way, wrong }] of cases.entries()) {
      const file = path.join(folder, `${keyOf(n)}.meta.json`)
      const value = JSON.parse(fs.readFileSync(file, 'utf8')) as JsonObject
      fs.writeFileSync(file, textOf(changed(value, way, (WRONG[wrong] as (value: Json) => Json)(valueAt(value, way)))))
    }
    const store = await open(folder)
    const rows = new Map((await store.list()).map((row) => [row.key, row]))
    expect([...rows.keys()].sort()).toEqual([...keys, PLAIN])
    expect((await store.search('needle', { limit: cases.length + 1 })).length).toBe(keys.length + 1)
    const expected = await answersOf(store, PLAIN, rows.get(PLAIN))
    const others: string[] = []
    for (const [n, { name, wrong }] of cases.entries()) {
      const answers = await answersOf(store, keyOf(n), rows.get(keyOf(n)))
      if (answers !== expected) others.push(`${name}: ${wrong}`)
      if (n % 3 > 0) continue
      const session = store.session(keyOf(n))
      await session.append(message('more'))
      await session.setState('idle', null)
      expect(await session.info()).toMatchObject({ messages: 4, damaged: 0, state: 'idle' })
    }
    expect(others).toEqual([])
  }, 120_000)

  const cached = fields.filter(
    ([first, field, inner]) => first === 'cache' && field !== 'checksum' && inner !== 'labels',
  )
  const inexact = /\.(dev|ino|mtimeMs)$|summary\.version$/

  test.each(cached.map((way) => [way.join('.'), way] as const))(
    'is not believed, with any checksum: %s',
    (name, way) => {
      const value = JSON.parse(example) as JsonObject
      const given = valueAt(value, way)
      const wrongs = Object.entries(WRONG).filter(([wrong]) => {
        // no other field implies the agents
        if (wrong === 'missing') return !/[uU]sage\.\w+$/.test(name)
        if (wrong === 'of another type' || wrong === '1e999') return true
        if (typeof given !== 'number') return false
        return !(inexact.test(name) && ['-1', '1.5', '2^53'].includes(wrong))
      })
      for (const [wrong, make] of wrongs) {
        const { summary, watermark, run } = sidecarFromText(textOf(changed(value, way, make(given)), true)) ?? {}
        expect([wrong, summary, watermark, run?.turnId]).toEqual([wrong, null, null, 't7'])
      }
    },
  )
})
