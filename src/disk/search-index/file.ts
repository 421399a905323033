/**
 * The file of signatures: records one after the other, of which the last of a name counts. Any process appends to it;
 * damaged records are made again from the logs.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { isLoopHeld, yieldIfDue, yieldToLoop } from '../../base/event-loop.js'
import { replaceWithChunks } from '../atomic-replace.js'
import { createPrivate, isOlderThan, openRegular, read, statFile, writeAll } from '../files.js'
import { makeFolder, refuseLink } from '../folders.js'
import { type FileMark, markOf } from '../log/file-mark.js'
import { decodeSignature, encodeSignature, type Signature, viewOf } from './record.js'

/** A larger file was not written by a store. */
const MAX_FILE_BYTES = 512 * 1024 * 1024
const BATCH_BYTES = 1024 * 1024
const ABANDONED_MS = 30 * 24 * 3_600_000
const { O_APPEND, O_WRONLY } = fs.constants

export interface SignatureFile {
  /** As they stand in the file. */
  signatures: Signature[]
  /** False when a part of the file is damaged. */
  isWhole: boolean
  /** Undefined for a link or a folder, which holds no signatures. */
  mark: FileMark | undefined
}

/** Undefined when there is no file. */
export async function readSignatures(file: string): Promise<SignatureFile | undefined> {
  refuseLink(path.dirname(file))
  const opened = openRegular(file)
  if (opened === undefined) {
    return statFile(file) === undefined ? undefined : { signatures: [], isWhole: false, mark: undefined }
  }
  const mark = markOf(opened.stat)
  try {
    if (mark.size > MAX_FILE_BYTES) return { signatures: [], isWhole: false, mark }
    return { ...(await decode(await read(opened.fd, 0, mark.size))), mark }
  } finally {
    fs.closeSync(opened.fd)
  }
}

async function decode(bytes: Buffer): Promise<Pick<SignatureFile, 'signatures' | 'isWhole'>> {
  const signatures: Signature[] = []
  const view = viewOf(bytes)
  let offset = 0
  for (;;) {
    const found = decodeSignature(bytes, view, offset)
    if (found === undefined) return { signatures, isWhole: offset === bytes.length }
    signatures.push(found.signature)
    offset = found.end
    if (isLoopHeld(performance.now())) await yieldToLoop()
  }
}

/** Undefined when there is no file that can be read. */
export function signatureFileMark(file: string): FileMark | undefined {
  const stat = statFile(file)
  return stat === 'other' ? undefined : stat
}

/** True when no search has written the file for a month: a store that is searched writes it once a week. */
export function isAbandoned(file: string): boolean {
  return isOlderThan(file, ABANDONED_MS)
}

/** Appends records in batches, each in one write, so that those of two processes do not mix. */
export async function appendSignatures(file: string, signatures: Iterable<Signature>): Promise<void> {
  const fd = openToAppend(file)
  try {
    for (const batch of batchesOf(signatures)) {
      writeAll(fd, batch)
      await yieldIfDue()
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

/** Replaces the file by a new one. */
export async function replaceSignatures(file: string, signatures: Iterable<Signature>): Promise<void> {
  makeFolder(path.dirname(file))
  await replaceWithChunks(file, batchesOf(signatures))
}

function* batchesOf(signatures: Iterable<Signature>): Generator<Buffer> {
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
