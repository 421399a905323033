/**
 * Many signatures of one length as they stand in the file of signatures: a head and a table of which logs they are, which
 * are read first, and their bits in rows, of which a search reads those that it needs.
 */
import { crc32 } from 'node:zlib'
import { breatheIfDue } from '../../base/event-loop.js'
import { type FileMark, read, readIntoSync } from '../files.js'
import { addColumn, columnOf, isSealed, keepColumns, rowWidth, seal } from './bit-slices.js'
import { type Basis, HASH_BYTES, IS_LITTLE, isPowerOfTwo, type Signature, viewOf } from './record.js'

/** As `SIGNATURE`, of a block. */
export const BLOCK = 0x33_42_53_4a
export const BLOCK_HEAD_BYTES = 24
export const MAX_COLUMNS = 512
/** A few more bytes than that are held while a block is made. */
const MAX_BYTES = 4 * 1024 * 1024
/** Of fewer columns than this, checksums would be the most. */
export const MIN_COLUMNS = 64
/** Device, inode, size, time, covered bytes. */
const NUMBERS = 5

/** How many signatures of so many bytes a block has at most. */
export function capacityOf(length: number): number {
  return Math.min(Math.max(MAX_BYTES / length, MIN_COLUMNS), MAX_COLUMNS)
}

export class Block {
  readonly columns: number
  /** Of each signature, bytes. */
  readonly length: number
  /** By columns; '' where none counts. */
  readonly names: string[]
  readonly seed: number
  /** Where the rows begin in the file, and how many bytes the whole block takes there. */
  readonly rowsAt: number
  readonly size: number
  readonly #table: Buffer
  readonly #numbers: Float64Array
  #count = 0

  /** `head` is the head and the table, whose offset in memory is a multiple of 8. */
  constructor(head: Buffer, offset: number) {
    const view = viewOf(head)
    this.columns = view.getUint32(12, IS_LITTLE)
    this.length = view.getUint32(16, IS_LITTLE)
    this.seed = view.getUint32(8, IS_LITTLE)
    this.size = view.getUint32(4, IS_LITTLE)
    this.rowsAt = offset + head.length
    this.#table = head.subarray(BLOCK_HEAD_BYTES)
    this.#numbers = new Float64Array(this.#table.buffer, this.#table.byteOffset, NUMBERS * this.columns)
    const { names } = placesIn(this.columns)
    this.names = this.#table.toString('latin1', names, this.#table.lastIndexOf('\n')).split('\n')
    for (const name of this.names) if (name !== '') this.#count++
  }

  /** How many signatures count. */
  get count(): number {
    return this.#count
  }

  drop(column: number): void {
    this.names[column] = ''
    this.#count--
  }

  /** True when the signature is of the log as it is now. */
  isOf(column: number, { dev, ino, size, mtimeMs }: FileMark): boolean {
    const numbers = this.#numbers
    const at = NUMBERS * column
    return numbers[at] === dev && numbers[at + 1] === ino && numbers[at + 2] === size && numbers[at + 3] === mtimeMs
  }

  basisOf(column: number): Basis {
    const [dev, ino, size, mtimeMs, covered] = this.#numbers.subarray(NUMBERS * column) as unknown as number[]
    const { hashes, lengths } = placesIn(this.columns)
    const hash = this.#table.toString('latin1', hashes + HASH_BYTES * column, hashes + HASH_BYTES * (column + 1))
    return {
      name: this.names[column]!,
      mark: { dev: dev!, ino: ino!, size: size!, mtimeMs: mtimeMs! },
      covered: covered!,
      print: { length: viewOf(this.#table).getUint16(lengths + 2 * column, IS_LITTLE), hash },
      length: this.length,
    }
  }
}

/** Where what stands in a table. */
function placesIn(columns: number) {
  const hashes = 8 * NUMBERS * columns
  const lengths = hashes + HASH_BYTES * columns
  return { hashes, lengths, names: lengths + 2 * columns }
}

/** How many bytes head and table take, by the head; undefined when no block begins with it. */
export function headSizeOf(head: Buffer): number | undefined {
  const view = viewOf(head)
  const [size, , columns, length, table] = [4, 8, 12, 16, 20].map((place) => view.getUint32(place, IS_LITTLE))
  if (columns === 0 || columns! % 32 !== 0 || columns! > MAX_COLUMNS || !isPowerOfTwo(length!)) return undefined
  if (table! % 8 !== 0 || table! < placesIn(columns!).names) return undefined
  const bytes = BLOCK_HEAD_BYTES + table!
  return size === bytes + rowBytes(columns!, length!) ? bytes : undefined
}

function rowBytes(columns: number, length: number): number {
  return 8 * length * rowWidth(columns) * 4
}

/** The block of a head with its table; undefined when they are not what was written. */
export function decodeBlock(head: Buffer, offset: number): Block | undefined {
  if (viewOf(head).getUint32(8, IS_LITTLE) !== crc32(head.subarray(12))) return undefined
  return new Block(head, offset)
}

/** Some signatures, of one length, as a block. */
export async function encodeBlock(signatures: readonly Signature[]): Promise<Buffer> {
  const { length } = signatures[0]!
  const { record, rows, columns, seed } = frameOf(signatures, signatures.length, length)
  for (const [column, { bits }] of signatures.entries()) {
    addColumn(rows, columns, column, bits)
    await breatheIfDue()
  }
  seal(rows, columns, seed)
  return record
}

/** The block as it counts now; undefined when it cannot be read. */
export async function copyOfBlock(fd: number, block: Block): Promise<Buffer | undefined> {
  const former = await rowsOf(fd, block)
  if (former === undefined) return undefined
  const bases = block.names.map((name, column) => (name === '' ? undefined : block.basisOf(column)))
  const { record, rows, columns, seed } = frameOf(bases, block.columns, block.length)
  const mask = new Uint32Array(columns / 32)
  for (const [column, basis] of bases.entries()) if (basis !== undefined) mask[column >>> 5]! |= 1 << (column & 31)
  rows.set(former)
  keepColumns(rows, mask)
  seal(rows, columns, seed)
  return record
}

/** A block whose rows are still to be filled and sealed. */
function frameOf(bases: ReadonlyArray<Basis | undefined>, count: number, length: number) {
  const columns = (count + 31) & ~31
  const places = placesIn(columns)
  const names = Array.from({ length: columns }, (_, column) => `${bases[column]?.name ?? ''}\n`).join('')
  const table = (places.names + names.length + 7) & ~7
  const headSize = BLOCK_HEAD_BYTES + table
  const record = Buffer.from(new ArrayBuffer(headSize + rowBytes(columns, length)))
  const view = viewOf(record)
  const heads = [BLOCK, record.length, 0, columns, length, table]
  heads.forEach((number, i) => {
    view.setUint32(4 * i, number, IS_LITTLE)
  })
  for (const [column, basis] of bases.entries()) {
    if (basis === undefined) continue
    const { mark, covered, print } = basis
    const numbers = [mark.dev, mark.ino, mark.size, mark.mtimeMs, covered]
    numbers.forEach((number, i) => {
      view.setFloat64(BLOCK_HEAD_BYTES + 8 * (NUMBERS * column + i), number, IS_LITTLE)
    })
    record.write(print.hash, BLOCK_HEAD_BYTES + places.hashes + HASH_BYTES * column, HASH_BYTES, 'latin1')
    view.setUint16(BLOCK_HEAD_BYTES + places.lengths + 2 * column, print.length, IS_LITTLE)
  }
  record.write(names, BLOCK_HEAD_BYTES + places.names, 'latin1')
  const seed = crc32(record.subarray(12, headSize))
  view.setUint32(8, seed, IS_LITTLE)
  return { record, rows: new Uint32Array(record.buffer, headSize), columns, seed }
}

/** All rows of a block; undefined when one is not what was written. */
async function rowsOf(fd: number, { columns, length, rowsAt, seed }: Block): Promise<Uint32Array | undefined> {
  const size = rowBytes(columns, length)
  const bytes = await read(fd, rowsAt, size)
  if (bytes.length < size) return undefined
  const rows = new Uint32Array(bytes.buffer, bytes.byteOffset, size / 4)
  const width = rowWidth(columns)
  for (let place = 0; place < 8 * length; place++) {
    if (!isSealed(rows, place * width, columns, seed, place)) return undefined
  }
  return rows
}

/** The signatures in some columns of a block; undefined when it cannot be read. */
export async function signaturesIn(fd: number, block: Block, columns: number[]): Promise<Signature[] | undefined> {
  const rows = await rowsOf(fd, block)
  if (rows === undefined) return undefined
  const signatures: Signature[] = []
  for (const column of columns) {
    signatures.push({ ...block.basisOf(column), bits: columnOf(rows, block.columns, column) })
    await breatheIfDue()
  }
  return signatures
}

/**
 * The names of those that may say one of the words, each given by what must be set for it; undefined when a row is not
 * what was written.
 */
export function namesIn(fd: number, block: Block, words: readonly number[][]): string[] | undefined {
  const { columns, rowsAt, seed } = block
  const row = new Uint32Array(rowWidth(columns))
  const bytes = Buffer.from(row.buffer)
  const found = new Uint32Array(columns / 32)
  for (const probes of words) {
    const all = new Uint32Array(columns / 32).fill(0xffff_ffff)
    for (const probe of probes) {
      const place = probe & (8 * block.length - 1)
      if (readIntoSync(bytes, fd, rowsAt + place * bytes.length) < bytes.length) return undefined
      if (!isSealed(row, 0, columns, seed, place)) return undefined
      let some = 0
      for (let i = 0; i < all.length; i++) some |= all[i]! &= row[i]!
      if (some === 0) break
    }
    for (let i = 0; i < all.length; i++) found[i]! |= all[i]!
  }
  if (found.every((some) => some === 0)) return []
  return block.names.filter((name, column) => name !== '' && (found[column >>> 5]! & (1 << (column & 31))) !== 0)
}
