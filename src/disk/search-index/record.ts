/** A signature as it stands in the file of signatures: a head, the name of the session, the bits. */
import { crc32 } from 'node:zlib'
import type { FileMark } from '../files.js'

/** Of which bytes of which file a signature was made. */
export interface Basis {
  name: string
  /** The log as it was then. */
  mark: FileMark
  /** Its whole lines up to here are in the bits. */
  covered: number
  /** The last bytes below: a file that still has them there has only grown. */
  print: { length: number; hash: string }
  /** How many bytes the bits take: a power of two. */
  length: number
}

/** What the texts of a log are made of, and of which bytes of which file that is known. */
export interface Signature extends Basis {
  bits: Uint8Array
}

/** Which format this is, and in which order its numbers stand. */
export const SIGNATURE = 0x33_49_53_4a
export const HASH_BYTES = 16
const HEAD_BYTES = 80

/** It never leaves the machine, so numbers stand in the order of its processor. */
export const IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function isPowerOfTwo(length: number): boolean {
  return length > 0 && (length & (length - 1)) === 0
}

function sizeOf(nameLength: number, length: number): number {
  return HEAD_BYTES + ((nameLength + 7) & ~7) + length
}

/** How many bytes a signature takes in the file. */
export function bytesOnDisk({ name, length }: Basis): number {
  return sizeOf(name.length, length)
}

export function encodeSignature({ name, mark, covered, print, bits, length }: Signature): Buffer {
  const record = Buffer.alloc(sizeOf(name.length, length))
  const view = viewOf(record)
  view.setUint32(0, SIGNATURE, IS_LITTLE)
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
  record.set(bits, record.length - length)
  view.setUint32(8, crc32(record.subarray(12)), IS_LITTLE)
  return record
}

/** The signature that a record holds; undefined when that cannot be read. */
export function decodeSignature(record: Buffer): Signature | undefined {
  if (record.length < HEAD_BYTES) return undefined
  const view = viewOf(record)
  const double = (place: number) => view.getFloat64(place, IS_LITTLE)
  const nameLength = view.getUint16(12, IS_LITTLE)
  const length = view.getUint32(72, IS_LITTLE)
  if (!isPowerOfTwo(length) || record.length !== sizeOf(nameLength, length)) return undefined
  if (view.getUint32(8, IS_LITTLE) !== crc32(record.subarray(12))) return undefined
  return {
    name: record.toString('latin1', HEAD_BYTES, HEAD_BYTES + nameLength),
    mark: { dev: double(16), ino: double(24), size: double(32), mtimeMs: double(40) },
    covered: double(48),
    print: { length: view.getUint16(14, IS_LITTLE), hash: record.toString('latin1', 56, 56 + HASH_BYTES) },
    bits: record.subarray(record.length - length),
    length,
  }
}
