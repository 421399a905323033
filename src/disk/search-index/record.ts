/** The signature of a log, and its record in the signature file: a head, the name of the session, the bits. */
import { crc32 } from 'node:zlib'
import type { FileMark } from '../log/file-mark.js'

export interface Signature {
  /** Of the session. */
  name: string
  /** The log at that time. */
  mark: FileMark
  /** The bits hold its whole lines up to here. */
  covered: number
  /** The last bytes below: a log that still has them there has only grown. */
  print: { length: number; hash: string }
  /** Its length is a power of two. */
  bits: Uint8Array
}

/** The first bytes of a record: the format, and the byte order of its numbers. */
const SIGNATURE = 0x33_49_53_4a
const HASH_BYTES = 16
const HEAD_BYTES = 80

/** The file never leaves the machine, so numbers have the byte order of its processor. */
const IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function isPowerOfTwo(length: number): boolean {
  return length > 0 && (length & (length - 1)) === 0
}

function sizeOf(nameLength: number, length: number): number {
  return HEAD_BYTES + ((nameLength + 7) & ~7) + length
}

/** How many bytes a signature takes in the file. */
export function bytesOnDisk({ name, bits }: Signature): number {
  return sizeOf(name.length, bits.length)
}

export function encodeSignature({ name, mark, covered, print, bits }: Signature): Buffer {
  const { length } = bits
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

/** The record at an offset of the file, and where it ends; undefined when it is damaged. `view` is of the same bytes. */
export function decodeSignature(
  file: Buffer,
  view: DataView,
  offset: number,
): { signature: Signature; end: number } | undefined {
  if (offset + HEAD_BYTES > file.length || view.getUint32(offset, IS_LITTLE) !== SIGNATURE) return undefined
  const size = view.getUint32(offset + 4, IS_LITTLE)
  const end = offset + size
  const nameLength = view.getUint16(offset + 12, IS_LITTLE)
  const length = view.getUint32(offset + 72, IS_LITTLE)
  if (end > file.length || !isPowerOfTwo(length) || size !== sizeOf(nameLength, length)) return undefined
  // arrays of this kind are made three times as fast as buffers
  const part = (from: number, to: number) => new Uint8Array(file.buffer, file.byteOffset + from, to - from)
  if (view.getUint32(offset + 8, IS_LITTLE) !== crc32(part(offset + 12, end))) return undefined
  const double = (place: number) => view.getFloat64(offset + place, IS_LITTLE)
  const name = offset + HEAD_BYTES
  const signature = {
    name: file.toString('latin1', name, name + nameLength),
    mark: { dev: double(16), ino: double(24), size: double(32), mtimeMs: double(40) },
    covered: double(48),
    print: {
      length: view.getUint16(offset + 14, IS_LITTLE),
      hash: file.toString('latin1', offset + 56, offset + 56 + HASH_BYTES),
    },
    bits: part(end - length, end),
  }
  return { signature, end }
}
