/**
 * A file of JSON values that can be made again: lines of a hash and an array of them. Who finds a line that is not what
 * was written, for whatever reason, does without it.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { breatheIfDue } from '../base/event-loop.js'
import type { Json } from '../base/json.js'
import { replaceWithChunks } from './atomic-replace.js'
import { ensureFolder, openRegular, readInto, refuseLink, removeOwnFile } from './files.js'

/** Values of one line: few enough to be read at a stretch. */
const VALUES = 256
const HASH_LENGTH = 16
const BLOCK_BYTES = 256 * 1024
/** Larger files are not ours. */
const MAX_BYTES = 512 * 1024 * 1024

/** Calls `take` with each value, in slices. A link, a folder or something unreadable in the file's place holds none. */
export async function readValues(file: string, take: (value: Json) => void): Promise<void> {
  try {
    refuseLink(path.dirname(file))
    const opened = openRegular(file)
    if (opened === undefined) return
    try {
      if (opened.stat.size <= MAX_BYTES) await readLines(opened.fd, (line) => valuesIn(line).forEach(take))
    } finally {
      fs.closeSync(opened.fd)
    }
  } catch (error) {
    if (errno(error) === undefined) throw error
  }
}

/** Reads block by block into one buffer: the whole file would be as much memory again as what is made of it. */
async function readLines(fd: number, take: (line: Buffer) => void): Promise<void> {
  let buffer = Buffer.allocUnsafe(BLOCK_BYTES)
  for (let begun = 0, position = 0; ; ) {
    const count = await readInto(buffer.subarray(begun), fd, position)
    if (count === 0) return
    position += count
    const bytes = buffer.subarray(0, begun + count)
    let start = 0
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      take(bytes.subarray(start, end))
      start = end + 1
      await breatheIfDue()
    }
    begun = bytes.length - start
    // a line that is longer needs a larger one
    const next = begun > buffer.length / 2 ? Buffer.allocUnsafe(2 * buffer.length) : buffer
    bytes.copy(next, 0, start)
    buffer = next
  }
}

function valuesIn(line: Buffer): Json[] {
  const bytes = line.subarray(HASH_LENGTH)
  return hashOf(bytes) === line.toString('latin1', 0, HASH_LENGTH) ? JSON.parse(bytes.toString()) : []
}

/** Puts a new file in the place of whatever is there. */
export async function writeValues(file: string, values: Iterable<Json>): Promise<void> {
  const folder = path.dirname(file)
  refuseLink(folder)
  ensureFolder(folder)
  await replaceWithChunks(file, chunksOf(values))
}

/** Removes the file; what lies behind a link is not ours. */
export function removeValues(file: string): void {
  try {
    refuseLink(path.dirname(file))
    removeOwnFile(file)
  } catch (error) {
    // no folder is in its place
    if (errno(error) !== 'ENOTDIR') throw error
  }
}

function* chunksOf(values: Iterable<Json>): Generator<Buffer> {
  let some: Json[] = []
  for (const value of values) {
    some.push(value)
    if (some.length === VALUES) {
      yield chunkOf(some)
      some = []
    }
  }
  if (some.length > 0) yield chunkOf(some)
}

function chunkOf(values: Json[]): Buffer {
  const bytes = Buffer.from(JSON.stringify(values))
  return Buffer.concat([Buffer.from(hashOf(bytes)), bytes, Buffer.from('\n')])
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, HASH_LENGTH)
}
