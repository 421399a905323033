/**
 * A file of JSON values that can be made again: lines of a hash and an array of them. Who finds a line that is not what
 * was written, for whatever reason, does without it.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../errors.js'
import type { Json } from '../json.js'
import { breatheIfDue } from './breath.js'
import { ensureFolder, openRegular, read, refuseLink, removeOwnFile } from './files.js'
import { replaceWithChunks } from './replace.js'

/** Values of one line: few enough to be read at a stretch. */
const VALUES = 256
const HASH_LENGTH = 16
/** Larger files are not ours. */
const MAX_BYTES = 512 * 1024 * 1024

/** Calls `take` with each value, in slices. A link, a folder or something unreadable in the file's place holds none. */
export async function readValues(file: string, take: (value: Json) => void): Promise<void> {
  for (const line of linesOf(await bytesOf(file))) {
    for (const value of valuesIn(line)) take(value)
    await breatheIfDue()
  }
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    refuseLink(path.dirname(file))
    const opened = openRegular(file)
    if (opened === undefined) return Buffer.alloc(0)
    try {
      return opened.stat.size > MAX_BYTES ? Buffer.alloc(0) : await read(opened.fd, 0, opened.stat.size)
    } finally {
      fs.closeSync(opened.fd)
    }
  } catch (error) {
    if (errno(error) === undefined) throw error
    return Buffer.alloc(0)
  }
}

function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0, end: number; start < bytes.length; start = end + 1) {
    end = bytes.indexOf(0x0a, start)
    if (end === -1) return
    yield bytes.subarray(start, end)
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
