/**
 * The file that keeps the signatures of logs: records and blocks of them one after the other, the last one of a name
 * counts. Any process adds to it; whatever cannot be read in it is made again from the logs.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { breatheIfDue } from '../../base/event-loop.js'
import { replaceWithChunks } from '../atomic-replace.js'
import { createPrivate, type FileMark, look, markOf, openRegular, readSync, refuseLink, writeAll } from '../files.js'
import { BLOCK, BLOCK_HEAD_BYTES, type Block, decodeBlock, headSizeOf } from './block.js'
import { decodeSignature, encodeSignature, IS_LITTLE, SIGNATURE, type Signature, viewOf } from './record.js'

/** No such file is larger: what is, is not ours. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024
/** So much is read at once: most blocks' heads and tables are not larger. */
const WINDOW_BYTES = 64 * 1024
const BATCH_BYTES = 1024 * 1024
const FORGOTTEN_MS = 30 * 24 * 3_600_000
const { O_APPEND, O_WRONLY } = fs.constants

export interface SignatureFile {
  /** As they stand in the file. */
  records: Array<Signature | Block>
  /** False when there was something that cannot be read. */
  isWhole: boolean
  /** Which file it was; undefined for none that can be used. */
  mark: FileMark | undefined
}

/** What the file holds, without the rows of blocks; undefined when there is none. A link or a folder holds nothing. */
export async function readSignatures(file: string): Promise<SignatureFile | undefined> {
  const opened = openSignatures(file)
  if (opened === undefined) {
    return look(file) === undefined ? undefined : { records: [], isWhole: false, mark: undefined }
  }
  const { fd, mark } = opened
  try {
    return { ...(mark.size > MAX_FILE_BYTES ? { records: [], isWhole: false } : await recordsIn(fd, mark.size)), mark }
  } finally {
    opened.close()
  }
}

/** The file for reading, and which one it is; undefined if there is none. */
export function openSignatures(file: string): { fd: number; mark: FileMark; close(): void } | undefined {
  refuseLink(path.dirname(file))
  const opened = openRegular(file)
  return opened && { fd: opened.fd, mark: markOf(opened.stat), close: () => fs.closeSync(opened.fd) }
}

async function recordsIn(fd: number, size: number): Promise<Pick<SignatureFile, 'records' | 'isWhole'>> {
  const window = new Window(fd)
  const records: Array<Signature | Block> = []
  let offset = 0
  while (offset < size) {
    const found = recordAt(window, offset, size)
    if (found === undefined) break
    records.push(found.record)
    offset = found.end
    await breatheIfDue()
  }
  return { records, isWhole: offset === size }
}

/** A stretch of a file that moves along with what is read. */
class Window {
  readonly #fd: number
  #start = 0
  #bytes: Buffer = Buffer.alloc(0)

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Fewer bytes only where the file ends. */
  at(offset: number, length: number): Buffer {
    if (offset < this.#start || offset + length > this.#start + this.#bytes.length) {
      this.#start = offset
      this.#bytes = readSync(this.#fd, offset, Math.max(length, WINDOW_BYTES))
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length)
  }
}

function recordAt(
  window: Window,
  offset: number,
  size: number,
): { record: Signature | Block; end: number } | undefined {
  const head = window.at(offset, BLOCK_HEAD_BYTES)
  if (head.length < BLOCK_HEAD_BYTES) return undefined
  const kind = viewOf(head).getUint32(0, IS_LITTLE)
  const end = offset + viewOf(head).getUint32(4, IS_LITTLE)
  if (end > size || end % 8 !== 0) return undefined
  let record: Signature | Block | undefined
  if (kind === SIGNATURE) record = decodeSignature(window.at(offset, end - offset))
  else if (kind === BLOCK) record = blockAt(window, offset, headSizeOf(head))
  return record && { record, end }
}

function blockAt(window: Window, offset: number, headSize: number | undefined): Block | undefined {
  return headSize === undefined ? undefined : decodeBlock(window.at(offset, headSize), offset)
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

/** Adds what `batchesOf` and the like made, each in a write that no other process's come into. */
export async function appendBatches(file: string, batches: AsyncIterable<Buffer>): Promise<void> {
  const fd = openToAppend(file)
  try {
    for await (const batch of batches) {
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
export async function replaceBatches(file: string, batches: AsyncIterable<Buffer>): Promise<void> {
  makeFolder(path.dirname(file))
  await replaceWithChunks(file, batches)
}

/** Records of some size. */
export function* batchesOf(signatures: Iterable<Signature>): Generator<Buffer> {
  let records: Buffer[] = []
  let size = 0
  for (const signature of signatures) {
    const record = encodeSignature(signature)
    records.push(record)
    size += record.length
    if (size < BATCH_BYTES) continue
    yield Buffer.concat(records)
    records = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(records)
}
