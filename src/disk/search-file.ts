/**
 * The file that keeps the signatures of logs: records one after the other, the last one of a name counts. It never leaves
 * the machine, so numbers stand in the order of its processor. Any process adds to it; whatever cannot be read in it is
 * made again from the logs.
 */
import fs from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { errno } from '../errors.js'
import { breatheIfDue } from './breath.js'
import { createPrivate, type FileMark, look, openRegular, read, refuseLink, writeAll } from './files.js'
import { replaceWithChunks } from './replace.js'

/** What the texts of a log are made of, and of which bytes of which file that is known. */
export interface Signature {
  name: string
  /** The log as it was then. */
  mark: FileMark
  /** Its whole lines up to here are in the bits. */
  covered: number
  /** The last bytes below: a file that still has them there has only grown. */
  print: { length: number; hash: string }
  /** The bits are `length` bytes from `at` on: a power of two. */
  bytes: Buffer
  at: number
  length: number
}

/** Which format this is, and in which order its numbers stand. */
const MAGIC = 0x31_49_53_4a
const HEAD_BYTES = 80
const HASH_BYTES = 16
/** No such file is larger: what is, is not ours. */
const MAX_FILE_BYTES = 512 * 1024 * 1024
const BATCH_BYTES = 1024 * 1024
const FORGOTTEN_MS = 30 * 24 * 3_600_000
const { O_APPEND, O_WRONLY } = fs.constants

export interface SignatureFile {
  signatures: Map<string, Signature>
  /** False when there was something that cannot be read. */
  isWhole: boolean
  /** When it was last written, Unix milliseconds. */
  mtimeMs: number
}

/** What the file holds; undefined when there is none. A link or a folder in its place holds nothing. */
export async function readSignatures(file: string): Promise<SignatureFile | undefined> {
  refuseLink(path.dirname(file))
  const opened = openRegular(file)
  if (opened === undefined) {
    return look(file) === undefined ? undefined : { signatures: new Map(), isWhole: false, mtimeMs: 0 }
  }
  try {
    const { size, mtimeMs } = opened.stat
    if (size > MAX_FILE_BYTES) return { signatures: new Map(), isWhole: false, mtimeMs }
    return { ...(await decode(await read(opened.fd, 0, size))), mtimeMs }
  } finally {
    fs.closeSync(opened.fd)
  }
}

async function decode(bytes: Buffer): Promise<Omit<SignatureFile, 'mtimeMs'>> {
  const signatures = new Map<string, Signature>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = 0
  while (offset < bytes.length) {
    const end = endOfRecord(view, offset)
    if (end === undefined || numberAt(view, offset + 8) !== crc32(bytes.subarray(offset + 12, end))) break
    const signature = signatureAt(bytes, view, offset, end)
    signatures.set(signature.name, signature)
    offset = end
    if (signatures.size % 64 === 0) await breatheIfDue()
  }
  return { signatures, isWhole: offset === bytes.length }
}

const IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

function numberAt(view: DataView, offset: number): number {
  return view.getUint32(offset, IS_LITTLE)
}

/** Where the record at `offset` ends; undefined when none can be there. */
function endOfRecord(view: DataView, offset: number): number | undefined {
  if (offset + HEAD_BYTES > view.byteLength || numberAt(view, offset) !== MAGIC) return undefined
  const end = offset + numberAt(view, offset + 4)
  const length = numberAt(view, offset + 72)
  const isPower = length > 0 && (length & (length - 1)) === 0
  return isPower && end <= view.byteLength && end - offset === sizeOf(view.getUint16(offset + 12, IS_LITTLE), length)
    ? end
    : undefined
}

function signatureAt(bytes: Buffer, view: DataView, offset: number, end: number): Signature {
  const double = (place: number) => view.getFloat64(offset + place, IS_LITTLE)
  const length = numberAt(view, offset + 72)
  const name = offset + HEAD_BYTES
  return {
    name: bytes.toString('latin1', name, name + view.getUint16(offset + 12, IS_LITTLE)),
    mark: { dev: double(16), ino: double(24), size: double(32), mtimeMs: double(40) },
    covered: double(48),
    print: {
      length: view.getUint16(offset + 14, IS_LITTLE),
      hash: bytes.toString('latin1', offset + 56, offset + 56 + HASH_BYTES),
    },
    bytes,
    at: end - length,
    length,
  }
}

function sizeOf(nameLength: number, length: number): number {
  return HEAD_BYTES + ((nameLength + 7) & ~7) + length
}

/** How many bytes a signature takes in the file. */
export function bytesOnDisk({ name, length }: Signature): number {
  return sizeOf(name.length, length)
}

function encode({ name, mark, covered, print, bytes, at, length }: Signature): Buffer {
  const record = Buffer.alloc(sizeOf(name.length, length))
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  view.setUint32(0, MAGIC, IS_LITTLE)
  view.setUint32(4, record.length, IS_LITTLE)
  view.setUint16(12, name.length, IS_LITTLE)
  view.setUint16(14, print.length, IS_LITTLE)
  const numbers = [mark.dev, mark.ino, mark.size, mark.mtimeMs, covered]
  numbers.forEach((number, i) => {
    view.setFloat64(16 + 8 * i, number, IS_LITTLE)
  })
  record.write(print.hash, 56, HASH_BYTES, 'latin1')
  view.setUint32(72, length, IS_LITTLE)
  record.write(name, HEAD_BYTES, 'latin1')
  record.set(bytes.subarray(at, at + length), record.length - length)
  view.setUint32(8, crc32(record.subarray(12)), IS_LITTLE)
  return record
}

/** The size of the file, whatever stands in its place; undefined for nothing. */
export function sizeOnDisk(file: string): number | undefined {
  const stat = look(file)
  return stat === 'other' ? 0 : stat?.size
}

/** True when no search has written the file for so long that none may be coming: those write it once a week. */
export function isForgotten(file: string): boolean {
  const stat = look(file)
  return stat !== undefined && stat !== 'other' && Date.now() - stat.mtimeMs > FORGOTTEN_MS
}

/** Adds records, in writes that no other process's come into. */
export async function appendSignatures(file: string, signatures: Iterable<Signature>): Promise<void> {
  const fd = openToAppend(file)
  try {
    for (const batch of batchesOf(signatures)) {
      writeAll(fd, batch)
      await breatheIfDue()
    }
  } finally {
    fs.closeSync(fd)
  }
}

function openToAppend(file: string): number {
  makeFolder(path.dirname(file))
  const opened = openRegular(file, O_WRONLY | O_APPEND)
  if (opened !== undefined) return opened.fd
  try {
    return createPrivate(file)
  } catch (error) {
    const other = errno(error) === 'EEXIST' ? openRegular(file, O_WRONLY | O_APPEND) : undefined
    if (other === undefined) throw error
    return other.fd
  }
}

/** Not the folders above: a store that was removed stays removed. */
function makeFolder(folder: string): void {
  refuseLink(folder)
  try {
    fs.mkdirSync(folder, { mode: 0o700 })
    fs.chmodSync(folder, 0o700)
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error
  }
}

/** Puts a new file with these in the place of whatever is there. */
export async function replaceSignatures(file: string, signatures: Iterable<Signature>): Promise<void> {
  makeFolder(path.dirname(file))
  await replaceWithChunks(file, batchesOf(signatures))
}

function* batchesOf(signatures: Iterable<Signature>): Generator<Buffer> {
  let records: Buffer[] = []
  let size = 0
  for (const signature of signatures) {
    const record = encode(signature)
    records.push(record)
    size += record.length
    if (size < BATCH_BYTES) continue
    yield Buffer.concat(records)
    records = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(records)
}
