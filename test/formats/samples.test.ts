/** The laws of imports and exports on sample files of other tools, which are beside the repository. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { importFile } from '../../src/formats/index.js'
import { openStore } from '../../src/index.js'
import { open, randomOf, tempFolder } from '../helpers/store.js'
import { DATA, entries, isThere } from './expected.js'
import {
  bytesIn,
  contentOf,
  fileWith,
  flat,
  importInto,
  rawLinesIn,
  seenIn,
  type Turn,
  textOf,
  turnsOf,
} from './seen.js'

const names = Object.keys(entries)
const CUTS = 3
/** Sessions of a source that are exported. */
const MOST = 30

/** Sources of lines, with the format that they are read as: a part of a file may not tell any more. */
function lineSources(): Array<[name: string, format: string]> {
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => [name, (entries[name] as { format: string }).format])
}

/** The bytes of a sample in a folder of its own; its name may be that of the session. */
const partOf = (name: string, bytes: Buffer, dir: string) => fileWith(bytes, dir, path.basename(name))

/** Lines with their ends, as bytes. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, start)
    const end = feed === -1 ? bytes.length : feed + 1
    lines.push(bytes.subarray(start, end))
    start = end
  }
  return lines
}

test.skipIf(isThere)('skipped: there is no ../shared/data/formats beside the repository', () => {})

describe.skipIf(!isThere)('an export of ours comes back', () => {
  test.each(names)('%s', async (name) => {
    const [from, to] = [tempFolder(), tempFolder()]
    const { sessions } = await importInto(from, path.join(DATA, name), { final: true })
    const store = await openStore(from)
    const some = sessions.slice(0, MOST)
    for (const { key } of some) await importInto(to, fileWith(await textOf(store.session(key), 'jsonl')))
    await store.close()
    const [before, after] = [await open(from), await open(to)]
    for (const { key } of some) expect(await contentOf(after, key)).toEqual(await contentOf(before, key))
  })
})

/** ShareGPT names no calls: a result is that of the oldest one that is open, which not every tool keeps to. */
const unpaired = (turns: Turn[]) => flat(turns).map(({ answers: _, ...turn }) => turn)

describe.skipIf(!isThere).each(['openai', 'sharegpt'] as const)('an export as %s comes back', (format) => {
  test.each(names)('%s', async (name) => {
    const [from, to] = [await open(), await open()]
    const { sessions } = await importFile(from, path.join(DATA, name), { final: true })
    for (const { key } of sessions.slice(0, MOST)) {
      const session = from.session(key)
      const exported = fileWith(await textOf(session, format))
      const options = { format: format === 'openai' ? 'openai-chat' : format, key: `again/${key}` }
      const [again] = (await importFile(to, exported, options)).sessions
      const before = await turnsOf(session)
      const after = await turnsOf(to.session(again!.key))
      const callsOf = (turns: Turn[]) => turns.flatMap(({ calls }) => calls)
      // content that is no text has another shape there, or no place
      if (before.some(({ content }) => content === undefined)) expect(callsOf(after)).toEqual(callsOf(before))
      else if (format === 'openai') expect(after).toEqual(before)
      else expect(unpaired(after)).toEqual(unpaired(before))
    }
  })
})

test.skipIf(!isThere)('a line of openai is the same value when it is exported again', async () => {
  for (const name of names.filter((one) => entries[one]?.format === 'openai-chat')) {
    const store = await open()
    const { sessions } = await importFile(store, path.join(DATA, name))
    const back = []
    for (const { key } of sessions) back.push(JSON.parse(await textOf(store.session(key), 'openai')))
    const lines = fs.readFileSync(path.join(DATA, name), 'utf8').split('\n')
    const values = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line))
    expect(back).toEqual(values.filter(({ messages, input }) => input !== undefined || Array.isArray(messages)))
  }
})

describe.skipIf(!isThere)('a file cut after any byte, then the whole, is the whole', () => {
  // in this one all ids were cut to the same text when it was made: its answers never end
  test.each(lineSources().filter(([name]) => name !== 'claude-code/catalogue.jsonl'))('%s', async (name, format) => {
    const bytes = fs.readFileSync(path.join(DATA, name))
    const next = randomOf(bytes.length)
    const dir = tempFolder()
    const [whole, parts] = [tempFolder(), tempFolder()]
    await importInto(whole, partOf(name, bytes, dir), { format, final: true })
    // the first line tells which session it is
    const first = bytes.indexOf(0x0a) + 1
    const cuts = Array.from({ length: CUTS }, () => first + Math.floor(next() * (bytes.length - first)))
    for (const cut of cuts.sort((a, b) => a - b))
      await importInto(parts, partOf(name, bytes.subarray(0, cut), dir), { format, final: false })
    await importInto(parts, partOf(name, bytes, dir), { format, final: true })
    expect(await seenIn(parts)).toEqual(await seenIn(whole))
    const before = bytesIn(parts)
    await importInto(parts, partOf(name, bytes, dir), { format, final: true })
    expect(bytesIn(parts)).toEqual(before)
  })
})

describe.skipIf(!isThere)('damaged lines cost themselves only', () => {
  test.each(lineSources())('%s', async (name, format) => {
    const lines = linesOf(fs.readFileSync(path.join(DATA, name)))
    const next = randomOf(lines.length)
    const damaged = new Set(lines.map((_, i) => i).filter((i) => i > 0 && next() < 0.2))
    const bad = Buffer.from('{"\xff\x00": \n', 'latin1')
    const dir = tempFolder()
    const [clean, mended] = [tempFolder(), tempFolder()]
    const without = lines.filter((_, i) => !damaged.has(i))
    const before = await importInto(clean, partOf(name, Buffer.concat(without), dir), { format, final: true })
    const given = lines.map((line, i) => (damaged.has(i) ? bad : line))
    const after = await importInto(mended, partOf(name, Buffer.concat(given), dir), { format, final: true })
    expect(await seenIn(mended)).toEqual(await seenIn(clean))
    expect(after.files[0]!.bad.length - before.files[0]!.bad.length).toBe(damaged.size)
    expect(after.files[0]!.bad.map(({ line }) => line - 1)).toEqual(expect.arrayContaining([...damaged]))
  })
})

test.skipIf(!isThere)('the order of files does not matter', async () => {
  const [one, other] = [tempFolder(), tempFolder()]
  for (const name of names) await importInto(one, path.join(DATA, name), { final: true })
  for (const name of [...names].reverse()) await importInto(other, path.join(DATA, name), { final: true })
  expect(await seenIn(other)).toEqual(await seenIn(one))
})

describe.skipIf(!isThere)('with raw, the lines of the source can be put together again', () => {
  test.each(lineSources())('%s', async (name, format) => {
    const store = await open()
    const file = path.join(DATA, name)
    const { sessions, files } = await importFile(store, file, { format, raw: true, final: true })
    const found = rawLinesIn(sessions.map(({ key }) => store.session(key)))
    const unread = new Set(files[0]!.bad.map(({ line }) => line))
    for (const [index, line] of linesOf(fs.readFileSync(file)).entries()) {
      const text = line.toString().replace(/^\uFEFF/, '')
      if (unread.has(index + 1) || text.trim() === '' || !text.endsWith('\n')) continue
      expect([index + 1, found.get(index + 1)]).toEqual([index + 1, JSON.parse(text)])
    }
  })
})
