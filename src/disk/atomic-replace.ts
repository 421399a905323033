/**
 * Replacing a file as a whole. Small files that can be rebuilt are written and renamed, without a sync; logs, which
 * cannot, are copied range by range into a file that is checked and synced before it takes its place.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { sleep, yieldIfDue } from '../base/event-loop.js'
import { randomNonce } from '../base/ids.js'
import { createPrivate, isOlderThan, removeFile, statFile, sync, writeAll } from './files.js'
import { ensureFolder, isShared, listFolder, syncFolderOf, syncFolders } from './folders.js'
import type { Layout } from './layout.js'
import { type FileMark, markOf, sameFile } from './log/file-mark.js'
import { linkFormer } from './log/formers.js'
import { copyLate, wholeLines } from './log/late-copy.js'
import type { LogReader } from './log/log-reader.js'
import { type Part, PartWriter } from './log/range-copier.js'
import { fstat, rename } from './platform/calls.js'

/**
 * Replaces a small private file, unsynced by default, and returns what the new one is known by. The old one stays where anything fails, and a
 * process that is killed leaves a file that `nameOfTemporary` recognises. A link under the name is replaced, not
 * followed. A new one belongs to the owner of the file `beside`, so that what root makes there stays the bot's.
 */
export function replaceSmall(
  file: string,
  bytes: Buffer,
  { temporary = `${file}.${randomNonce()}`, isSynced = false, beside = file } = {},
): FileMark {
  const former = statFile(file) ?? statFile(beside)
  const out = createPrivate(temporary)
  try {
    const mark = fill(out, bytes, former)
    if (isSynced) fs.fsyncSync(out)
    rename(temporary, file)
    if (isSynced) syncFolderOf(file)
    return mark
  } catch (error) {
    removeFile(temporary)
    throw error
  } finally {
    fs.closeSync(out)
  }
}

/**
 * Makes a small private file in its place, where there is none; undefined where there is one. Readers must take what is
 * not whole for nothing: a process that is killed here leaves an empty file.
 */
export function createSmall(file: string, bytes: Buffer, beside = file): FileMark | undefined {
  const like = statFile(beside)
  let out: number
  try {
    out = createPrivate(file)
  } catch (error) {
    if (errno(error) === 'EEXIST') return undefined
    throw error
  }
  try {
    return fill(out, bytes, like)
  } catch (error) {
    removeFile(file)
    throw error
  } finally {
    fs.closeSync(out)
  }
}

/** Writes all of a new file, which gets the owner of that one. */
function fill(out: number, bytes: Buffer, like: ReturnType<typeof statFile>): FileMark {
  if (like !== undefined && like !== 'other') keepOwner(like, out)
  writeAll(out, bytes)
  return markOf(fstat(out))
}

/** Older temporary files are left-overs, ms. */
const ABANDONED_MS = 10 * 60_000

/**
 * Replaces a private file that can be made again, however large: not synced, and the event loop is not held for long.
 * Takes away what crashes left of earlier ones. The folder must be there.
 */
export async function replaceWithChunks(file: string, chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
  const folder = path.dirname(file)
  const start = `.${path.basename(file)}.`
  for (const name of listFolder(folder)) {
    const left = path.join(folder, name)
    if (name.startsWith(start) && isOlderThan(left, ABANDONED_MS)) removeFile(left)
  }
  const temporary = path.join(folder, `${start}${randomNonce()}.tmp`)
  const out = createPrivate(temporary)
  try {
    for await (const chunk of chunks) {
      writeAll(out, chunk)
      await yieldIfDue()
    }
    rename(temporary, file)
  } catch (error) {
    removeFile(temporary)
    throw error
  } finally {
    fs.closeSync(out)
  }
}

/** A new file for a log, made of parts of the present one. */
export interface Replacement {
  layout: Layout
  name: string
  /** The log when the parts were made, of which they cover `size` bytes. */
  from: LogReader
  size: number
  parts: Iterable<Part>
  /** @throws SessionError ERR_LOCK_LOST */
  checkLease: () => void
  /** Leaves out the sync between link and rename, during which busy appenders prevent the rename. */
  hurries?: boolean
  /** Fails where lines were added since the parts were made. */
  isStrict?: boolean
}

/**
 * Puts a new file in the place of a log, in constant memory, under its lease, while other processes append without one:
 * copies, links the former (formers.ts), copies once more, renames, and copies what came late. `'replaced'`, with
 * nothing changed, when another file is in the place of the log or a writer has prevented the rename.
 */
export async function replaceLog(replacement: Replacement): Promise<FileMark | 'replaced'> {
  const { layout, name, from } = replacement
  // replacing a file needs no right to write to it: its owner made it read-only on purpose
  fs.accessSync(layout.log(name), fs.constants.W_OK)
  const nonce = randomNonce()
  ensureFolder(layout.rewrites)
  const made = layout.rewriting(name, nonce)
  const out = createPrivate(made)
  try {
    const copied = await fillAndRename(replacement, out, nonce)
    if (copied === undefined) return 'replaced'
    const since = fs.fstatSync(out).size
    // before the folder is synced, which may fail: what came late would be out of sight
    await copyLate({ layout, name, former: from, from: copied.end, since })
    // the sync that was left out between link and rename
    if (replacement.hurries) await sync(out)
    // a rename from one folder to another lasts when both are synced
    await syncFolders([path.dirname(layout.log(name)), path.dirname(made)])
    removeFile(copied.former)
    // what came in the instant before its last name went
    await copyLate({ layout, name, former: from, from: copied.end, since })
    return markOf(fstat(out))
  } finally {
    fs.closeSync(out)
  }
}

/** Fills the new file and renames it; where the rename did not happen, all links but the log's own are gone. */
async function fillAndRename(
  { layout, name, from, size, parts, checkLease, hurries, isStrict }: Replacement,
  out: number,
  nonce: string,
): Promise<{ former: string; end: number } | undefined> {
  const file = layout.log(name)
  const made = layout.rewriting(name, nonce)
  const isSame = () => {
    const now = statFile(file)
    return now !== undefined && now !== 'other' && sameFile(now, from.stat) && now.size >= from.size
  }
  let former: string | undefined
  try {
    const { mode, ...owner } = fs.fstatSync(from.fd)
    keepOwner(owner, out)
    // one that the group may read, in a folder of the group, stays so
    if ((mode & 0o040) !== 0 && (layout.isGroup || isShared(layout.root))) fs.fchmodSync(out, 0o640)
    const expected = await writeParts(out, from.fd, parts)
    if (fs.fstatSync(out).size !== expected) throw notWhole('the new log')
    await sync(out)
    let end = await copyFrom(from, out, size)
    checkLease()
    former = isSame() ? linkFormer(layout, name, nonce, { ...from.stat, size: end }) : undefined
    if (former === undefined) {
      removeFile(made)
      return undefined
    }
    end = await copyFrom(from, out, end, hurries)
    const mayGo = isSame() && (end === size || !isStrict)
    if (mayGo && renameUnlessPrevented(made, file)) return { former, end }
  } catch (error) {
    removeFile(made)
    if (former !== undefined) removeFile(former)
    throw error
  }
  removeFile(made)
  removeFile(former)
  await sleep(5 + Math.random() * 20)
  return undefined
}

/** Copies the whole lines behind `start`, synced; returns where they end. */
async function copyFrom(from: LogReader, out: number, start: number, hurries = false): Promise<number> {
  const { parts, end } = await wholeLines(from, start)
  if (end === start) return start
  await writeParts(out, from.fd, parts)
  if (!hurries) await sync(out)
  return end
}

/** False when a writer has removed the new file, so that the old one stays. */
function renameUnlessPrevented(made: string, file: string): boolean {
  try {
    rename(made, file)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT') return false
    throw error
  }
}

/** Writes a new file of parts of another, synced if wanted; nothing is left of it when that fails. Returns its size. */
export async function writeTemporary(
  file: string,
  { from, parts, synced }: { from: number; parts: Iterable<Part>; synced: boolean },
): Promise<number> {
  const out = createPrivate(file)
  try {
    const expected = await writeParts(out, from, parts)
    if (fs.fstatSync(out).size !== expected) throw notWhole('the new log')
    if (synced) await sync(out)
    return expected
  } catch (error) {
    removeFile(file)
    throw error
  } finally {
    fs.closeSync(out)
  }
}

/** A file that root replaces must stay the bot's. */
function keepOwner({ uid, gid }: { uid: number; gid: number }, to: number): void {
  const now = fs.fstatSync(to)
  if (now.uid === uid && now.gid === gid) return
  try {
    fs.fchownSync(to, uid, gid)
  } catch (error) {
    if (errno(error) !== 'EPERM') throw error
  }
}

function notWhole(what: string): Error {
  return Object.assign(new Error(`${what} is not whole`), { code: 'EIO' })
}

async function writeParts(out: number, from: number, parts: Iterable<Part>): Promise<number> {
  const writer = new PartWriter(out, from)
  for (const part of parts) await writer.add(part)
  writer.flush()
  return writer.size
}
