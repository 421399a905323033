/**
 * Replacing a file as a whole. Small files that can be rebuilt go through write-file-atomic, whose door this is;
 * logs, which cannot, are copied range by range into a file that is checked and synced before it takes its place.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { breatheIfDue } from '../base/event-loop.js'
import { randomNonce } from '../base/ids.js'
import { type FileMark, markOf } from './file-mark.js'
import { createPrivate, isOlderThan, look, removeFile, writeAll } from './files.js'
import { listFolder } from './folders.js'
import { type Part, PartWriter } from './range-copier.js'

type ReplaceSync = (file: string, data: null, options: Record<string, unknown>) => void

let replaceSync: ReplaceSync | undefined

/** Must be awaited once before `replaceSmall`: the package is loaded when it is first needed. */
export async function loadReplace(): Promise<void> {
  if (replaceSync !== undefined) return
  const { default: writeFileAtomic } = await import('write-file-atomic')
  replaceSync = (writeFileAtomic as unknown as { sync: ReplaceSync }).sync
}

/**
 * Replaces a small private file. The bytes are written in the package's hook, in a loop that notices a full disk:
 * the package's own single write does not, and puts the cut file into place. Answers what the new file is known by.
 */
export function replaceSmall(file: string, bytes: Buffer): FileMark {
  // a link planted here would be followed
  if (look(file) === 'other') fs.unlinkSync(file)
  let mark!: FileMark
  replaceSync!(file, null, {
    mode: 0o600,
    fsync: false,
    tmpfileCreated: (temporary: string) => {
      const fd = fs.openSync(temporary, 'r+')
      try {
        writeAll(fd, bytes, 0)
        mark = markOf(fs.fstatSync(fd))
      } finally {
        fs.closeSync(fd)
      }
    },
  })
  return mark
}

/** Nobody writes a temporary file for so long, ms. */
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
      await breatheIfDue()
    }
    fs.renameSync(temporary, file)
  } catch (error) {
    removeFile(temporary)
    throw error
  } finally {
    fs.closeSync(out)
  }
}

/** Temporary file names come from the caller, who knows them again when a crash has left one. */
export interface Replacement {
  file: string
  temporary: (nonce: string) => string
  /** The open former file, and its size when the parts were made. */
  from: number
  size: number
  parts: Iterable<Part>
  /** Called when all is on disk and the new file is about to take its place. Throws to leave the old one. */
  before: () => void
}

/**
 * Puts a file made of parts of the former one in its place, in constant memory: the old file stays whole until the
 * new one is. What programs without a lease added to the old file meanwhile, behind `size`, is copied over after it.
 * Answers what the new file is known by.
 */
export async function replaceLog({ file, temporary, from, size, parts, before }: Replacement): Promise<FileMark> {
  // to replace a file the system asks for no right to write to it: who made it read-only would be surprised
  fs.accessSync(file, fs.constants.W_OK)
  const made = temporary(randomNonce())
  const out = createPrivate(made)
  try {
    try {
      keepOwner(from, out)
      const expected = await writeParts(out, from, parts)
      if (fs.fstatSync(out).size !== expected) throw notWhole('the new log')
      await sync(out)
      before()
      fs.renameSync(made, file)
    } catch (error) {
      removeFile(made)
      throw error
    }
    await copyLate(from, out, size)
    await syncFolderAround(file)
    return markOf(fs.fstatSync(out))
  } finally {
    fs.closeSync(out)
  }
}

/** Writes a new file of parts of another, synced if wanted; nothing is left of it when that fails. Answers its size. */
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

/** A log that root rewrites must stay the bot's. */
function keepOwner(from: number, to: number): void {
  const { uid, gid } = fs.fstatSync(from)
  const now = fs.fstatSync(to)
  if (now.uid === uid && now.gid === gid) return
  try {
    fs.fchownSync(to, uid, gid)
  } catch (error) {
    if (errno(error) !== 'EPERM') throw error
  }
}

async function copyLate(from: number, out: number, size: number): Promise<void> {
  for (let offset = size; ; ) {
    const end = fs.fstatSync(from).size
    if (end <= offset) return
    await writeParts(out, from, [{ offset, end }])
    await sync(out)
    offset = end
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

/** Makes a rename outlast a power cut, without holding the event loop. Where folders cannot be synced, that is that. */
async function syncFolderAround(file: string): Promise<void> {
  if (process.platform === 'win32') return
  const fd = fs.openSync(path.dirname(file), fs.constants.O_RDONLY)
  try {
    await sync(fd)
  } catch (error) {
    if (errno(error) !== 'EINVAL') throw error
  } finally {
    fs.closeSync(fd)
  }
}

/** As fs.fsync, without holding the event loop. */
export function sync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fs.fsync(fd, (error) => (error ? reject(error) : resolve())))
}
