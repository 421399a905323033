/** What happens to the file of signatures while a store searches by them changes no result. */

import fs from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.js'
import { searchIndexOf } from '../../src/search/search-index.js'
import { internalsOf } from '../../src/store/store.js'
import { during } from '../helpers/file-calls.js'
import { bareLine, open, tempFolder } from '../helpers/store.js'

const MANY = 700
/** A text of which some logs consist. */
const STORY = 'once upon a time there was. '.repeat(20)

let folder: string
let index: string
let past = 0

beforeEach(() => {
  folder = tempFolder()
  index = `${folder}/.index/search-3`
  for (let i = 0; i < MANY; i++) write(i, `here speaks number ${i}. ${i % 3 === 0 ? STORY : ''}`)
})

/** Gives a log a text, at a time of its own in the past. */
function write(number: number, text: string): void {
  const file = `${folder}/many${number}.jsonl`
  fs.writeFileSync(file, bareLine(text))
  const time = Date.now() / 1_000 - 100_000 + past++ + 0.5
  fs.utimesSync(file, time, time)
}

async function keysOf(store: SessionStore, words: string): Promise<string[]> {
  return (await store.search(words, { limit: 10_000 })).map(({ key }) => key)
}

/** A store that has all signatures in the file, and has read them from there. */
async function indexed(): Promise<SessionStore> {
  const maker = await open(folder)
  await searchIndexOf(internalsOf(maker)).makeAll()
  await maker.close()
  const store = await open(folder)
  expect(await keysOf(store, 'zither')).toEqual([])
  return store
}

/** How many logs `work` opens. */
async function logsOpened(work: () => Promise<unknown>): Promise<number> {
  const logs = new Set<string>()
  await during(
    'open',
    (original) =>
      (file, ...rest) => {
        if (String(file).endsWith('.jsonl')) logs.add(file)
        return original.call(fs, file, ...rest)
      },
    work,
  )
  return logs.size
}

async function expectRight(store: SessionStore): Promise<void> {
  for (const number of [0, 1, 350, MANY - 1]) {
    expect(await keysOf(store, `"number ${number}."`)).toEqual([`many${number}`])
  }
  expect(await keysOf(store, 'speaks')).toHaveLength(MANY)
}

test('a first search opens the logs that have the words only', async () => {
  await (await indexed()).close()
  const store = await open(folder)
  expect(await logsOpened(() => store.search('"number 217."'))).toBe(1)
})

describe('under a store that has read it, an index that', () => {
  const CASES: Record<string, () => void> = {
    'is gone': () => fs.rmSync(index),
    'is cut off': () => fs.truncateSync(index, fs.statSync(index).size >> 1),
    'is empty': () => fs.truncateSync(index, 0),
    'has zeros instead of records': () => {
      const bytes = fs.readFileSync(index)
      fs.writeFileSync(index, bytes.fill(0, bytes.length >> 1))
    },
    'has wrong bits all over': () => {
      const bytes = fs.readFileSync(index)
      for (let i = 11; i < bytes.length; i += 13) bytes[i]! ^= 1 << (i & 7)
      fs.writeFileSync(index, bytes)
    },
    'is another file of the same bytes, with some left out': () => {
      const bytes = fs.readFileSync(index)
      fs.rmSync(index)
      fs.writeFileSync(index, Buffer.concat([bytes.subarray(0, bytes.length - 800), bytes.subarray(-400)]))
    },
    'is a folder': () => {
      fs.rmSync(index)
      fs.mkdirSync(index)
    },
  }
  for (const [name, damage] of Object.entries(CASES)) {
    test(`${name} changes no result, and is made again`, async () => {
      const store = await indexed()
      damage()
      await expectRight(store)
      await store.close()
      if (fs.statSync(index).isDirectory()) fs.rmdirSync(index)
      const later = await indexed()
      expect(await logsOpened(() => later.search('"number 217."'))).toBe(1)
      await expectRight(later)
    })
  }
})

test('an older index that was put back is not used for logs that changed since', async () => {
  await (await indexed()).close()
  const older = fs.readFileSync(index)
  write(5, 'a zither')
  write(6, 'a lute')
  const store = await open(folder)
  await searchIndexOf(internalsOf(store)).makeAll()
  expect(await keysOf(store, 'zither')).toEqual(['many5'])
  fs.rmSync(index)
  fs.writeFileSync(index, older)
  expect(await keysOf(store, 'zither')).toEqual(['many5'])
  expect(await keysOf(await open(folder), 'lute')).toEqual(['many6'])
})

test('a log of the same size that is written again within the same clock tick is found', async () => {
  const store = await indexed()
  const file = `${folder}/many9.jsonl`
  const time = new Date(Date.now() + 60_000)
  const writeAt = (text: string) => {
    fs.writeFileSync(file, bareLine(text))
    fs.utimesSync(file, time, time)
  }
  writeAt('a guitar')
  expect(await keysOf(store, 'guitar')).toEqual(['many9'])
  expect(await keysOf(await open(folder), 'guitar')).toEqual(['many9'])
  writeAt('a zither')
  for (const one of [store, await open(folder)]) {
    expect(await keysOf(one, 'zither')).toEqual(['many9'])
    expect(await keysOf(one, 'guitar')).toEqual([])
  }
})

test('a log that came or went between the opening and the first search is known', async () => {
  for (let i = MANY; i < 1_100; i++) write(i, `here speaks number ${i}.`)
  await (await indexed()).close()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const store = await open(folder)
  write(2_000, 'a zither')
  fs.rmSync(`${folder}/many7.jsonl`)
  expect(await keysOf(store, 'zither "number 7."')).toEqual(['many2000'])
})

test('sessions that change one after the other are all found', async () => {
  let store = await indexed()
  const size = fs.statSync(index).size
  for (let round = 0; round < 4; round++) {
    for (let i = round * 150; i < round * 150 + 150; i++) write(i, `now speaks number ${i}.`)
    await searchIndexOf(internalsOf(store)).makeAll()
    expect(await keysOf(store, 'now')).toHaveLength(round * 150 + 150)
    expect(await keysOf(store, 'here')).toHaveLength(MANY - round * 150 - 150)
    await store.close()
    store = await open(folder)
  }
  expect(await logsOpened(() => store.search('"now speaks number 217."'))).toBe(1)
  expect(fs.statSync(index).size).toBeLessThan(3 * size + 256 * 1024)
})

test('what two stores make at once counts for both', async () => {
  const first = await indexed()
  const second = await open(folder)
  await second.search('zither')
  write(3, 'a zither')
  await searchIndexOf(internalsOf(second)).makeAll()
  await second.session('many4').delete()
  await second.search('zither')
  await second.close()
  expect(fs.readFileSync(index).includes('many4\0')).toBe(false)
  expect(await keysOf(first, 'zither "number 4."')).toEqual(['many3'])
  write(8, 'another zither')
  expect((await keysOf(first, 'zither')).sort()).toEqual(['many3', 'many8'])
})
