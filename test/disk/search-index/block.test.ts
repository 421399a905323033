/** Blocks of signatures in their file. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Block, copyOfBlock, encodeBlock, namesIn, signaturesIn } from '../../../src/disk/search-index/block.js'
import { addText, probesOf } from '../../../src/disk/search-index/bloom-filter.js'
import { appendBatches, batchesOf, openSignatures, readSignatures } from '../../../src/disk/search-index/file.js'
import type { Signature } from '../../../src/disk/search-index/record.js'
import { tempFolder } from '../../helpers/store.js'

function signature(name: string, text: string): Signature {
  const bits = Buffer.alloc(128)
  addText(bits, text)
  const mark = { dev: 1, ino: name.length, size: text.length, mtimeMs: 0.5 }
  return { name, mark, covered: text.length, print: { length: 1, hash: '0123456789abcdef' }, length: 128, bits }
}

const texts = Array.from({ length: 70 }, (_, i) => `here speaks number ${i}.`)
const signatures = texts.map((text, i) => signature(`many${i}`, text))

/** A file with these pieces, as opened for reading. */
async function fileOf(...pieces: Buffer[]): Promise<{ file: string; fd: number }> {
  const file = path.join(tempFolder(), '.index', 'search-1')
  await appendBatches(
    file,
    (async function* () {
      yield* pieces
    })(),
  )
  const { fd, close } = openSignatures(file)!
  onTestFinished(close)
  return { file, fd }
}

async function blockIn(file: string): Promise<Block> {
  const { records, isWhole } = (await readSignatures(file))!
  expect(isWhole).toBe(true)
  return records.find((record) => record instanceof Block)!
}

test('a block and records beside it come back as they were', async () => {
  const loose = signature('loose', 'a zither')
  const records = [...batchesOf([loose])]
  const { file, fd } = await fileOf(...records, await encodeBlock(signatures), ...records)
  const found = (await readSignatures(file))!
  expect(found).toMatchObject({ isWhole: true, records: [loose, {}, loose] })
  const block = found.records[1] as Block
  expect(block.count).toBe(70)
  const back = await signaturesIn(fd, block, [0, 69])
  expect(back).toEqual([signatures[0], signatures[69]].map((one) => ({ ...one, bits: new Uint8Array(one!.bits) })))
  expect(block.isOf(69, signatures[69]!.mark)).toBe(true)
  expect(block.isOf(69, signatures[0]!.mark)).toBe(false)
})

test('a block names all that hold one of the words', async () => {
  const { file, fd } = await fileOf(await encodeBlock(signatures))
  const block = await blockIn(file)
  expect(namesIn(fd, block, [probesOf('number 69.')])).toEqual(['many69'])
  expect(namesIn(fd, block, [probesOf('zither'), probesOf('number 3.')])).toEqual(['many3'])
  expect(namesIn(fd, block, [probesOf('zither')])).toEqual([])
  expect(namesIn(fd, block, [probesOf('9.')])).toHaveLength(70)
})

test('a copy has nothing of signatures that count no more', async () => {
  const { file, fd } = await fileOf(await encodeBlock(signatures))
  const block = await blockIn(file)
  for (let column = 0; column < 70; column++) if (column !== 5) block.drop(column)
  const copied = await fileOf((await copyOfBlock(fd, block))!)
  const copy = await blockIn(copied.file)
  expect(copy.names.filter((name) => name !== '')).toEqual(['many5'])
  expect(fs.readFileSync(copied.file).includes('many6')).toBe(false)
  const [gone, stays] = (await signaturesIn(copied.fd, copy, [6, 5]))!
  expect(gone!.bits).toEqual(new Uint8Array(128))
  expect(stays!.bits).toEqual(new Uint8Array(signatures[5]!.bits))
})

test('rows that are damaged or cut off say nothing', async () => {
  const word = [probesOf('number 69.')]
  const record = await encodeBlock(signatures)
  for (const damage of [
    (file: string) => fs.truncateSync(file, record.length - 1_000),
    (file: string) => fs.writeFileSync(file, Buffer.concat([record.subarray(0, 8_000), Buffer.alloc(20_000)])),
  ]) {
    const { file, fd } = await fileOf(record)
    const block = await blockIn(file)
    damage(file)
    expect([await signaturesIn(fd, block, [0]), await copyOfBlock(fd, block)]).toEqual([undefined, undefined])
    expect(namesIn(fd, block, word)).toBe(undefined)
  }
})
