/** A listing is not made twice, and is never of a folder as it was before. */
import fs from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import { Listing } from '../../src/disk/listing.js'
import { patch } from '../helpers/faults.js'
import { tempFolder } from '../helpers/store.js'

let folder: string
let listed: number

beforeEach(() => {
  folder = tempFolder()
  for (let i = 0; i < 1_200; i++) fs.writeFileSync(`${folder}/file${i}`, '')
  listed = 0
  patch('opendirSync', (original) => (...args) => {
    listed++
    return original(...args)
  })
})

const settle = () => new Promise((resolve) => setTimeout(resolve, 50))

test('the next reading takes the names that were kept, the one after it looks again', async () => {
  await settle()
  const listing = new Listing(folder)
  const names = await listing.read()
  expect(names).toHaveLength(1_200)
  expect([await listing.pick((name) => name), listed]).toEqual([names, 1])
  expect([await listing.pick((name) => name), listed]).toEqual([names, 2])
})

test('what was made, removed or renamed meanwhile is noticed, whatever the folder says of its time', async () => {
  const { atimeMs, mtimeMs } = fs.statSync(folder)
  const changes = {
    made: () => fs.writeFileSync(`${folder}/new`, ''),
    removed: () => fs.rmSync(`${folder}/file7`),
    renamed: () => fs.renameSync(`${folder}/file8`, `${folder}/file9999`),
  }
  for (const [what, change] of Object.entries(changes)) {
    await settle()
    const listing = new Listing(folder)
    await listing.read()
    change()
    fs.utimesSync(folder, atimeMs / 1_000, mtimeMs / 1_000)
    expect([what, (await listing.pick((name) => name)).sort()]).toEqual([what, fs.readdirSync(folder).sort()])
  }
})

test('nothing is kept of a folder that was changed just now', async () => {
  const listing = new Listing(folder)
  fs.writeFileSync(`${folder}/new`, '')
  await listing.read()
  await listing.pick((name) => name)
  expect(listed).toBe(2)
})

test('nothing is kept for long', async () => {
  await settle()
  const listing = new Listing(folder)
  await listing.read()
  await new Promise((resolve) => setTimeout(resolve, 700))
  await listing.pick((name) => name)
  expect(listed).toBe(2)
})
