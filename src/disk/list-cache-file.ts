/**
 * A file of JSON values that can be made again: lines of a hash and an array of values. A line that is not as it was
 * written holds none.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { yieldIfDue } from '../base/event-loop.js'
import type { Json } from '../base/json.js'
import { replaceWithChunks } from './atomic-replace.js'
import { openRegular, read, removeOwnFile } from './files.js'
import { ensureFolder, refuseLink } from './folders.js'

/** Values of one line: few enough to be parsed without a pause. */
const VALUES = 256
const HASH_LENGTH = 16
/** A larger file was not written by a store. */
const MAX_BYTES = 512 * 1024 * 1024

/** Calls `take` with each value. A link, a folder or something unreadable in the place of the file holds none. */
export async function readValues(file: string, take: (value: Json) => void): Promise<void> {
  try {
    const bytes = await bytesOf(file)
    let start = 0
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      for (const value of valuesIn(bytes.subarray(start, end))) take(value)
      start = end + 1
      await yieldIfDue()
    }
  } catch (error) {
    if (errno(error) === undefined) throw error
  }
}

async function bytesOf(file: string): Promise<Buffer> {
  refuseLink(path.dirname(file))
  const opened = openRegular(file)
  if (opened === undefined) return Buffer.alloc(0)
  try {
    return await read(opened.fd, 0, opened.stat.size > MAX_BYTES ? 0 : opened.stat.size)
  } finally {
    fs.closeSync(opened.fd)
  }
}

function valuesIn(line: Buffer): Json[] {
  const bytes = line.subarray(HASH_LENGTH)
  return hashOf(bytes) === line.toString('latin1', 0, HASH_LENGTH) ? JSON.parse(bytes.toString()) : []
}

export function hasFile(file: string): boolean {
  return fs.existsSync(file)
}

/** Replaces the file by a new one. */
export async function writeValues(file: string, values: readonly Json[]): Promise<void> {
  const folder = path.dirname(file)
  refuseLink(folder)
  ensureFolder(folder)
  await replaceWithChunks(file, linesOf(values))
}

/** Removes the file, but nothing behind a link. */
export function removeValues(file: string): void {
  try {
    refuseLink(path.dirname(file))
    removeOwnFile(file)
  } catch (error) {
    // no folder is in its place
    if (errno(error) !== 'ENOTDIR') throw error
  }
}

function* linesOf(values: readonly Json[]): Generator<Buffer> {
  for (let i = 0; i < values.length; i += VALUES) {
    const bytes = Buffer.from(JSON.stringify(values.slice(i, i + VALUES)))
    yield Buffer.concat([Buffer.from(hashOf(bytes)), bytes, Buffer.from('\n')])
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, HASH_LENGTH)
}
