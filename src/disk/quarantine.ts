/**
 * Where bytes go that no reader understands: `.quarantine/<name>/<offset>-<hash>.bin`, byte for byte.
 * The hash in the name makes it idempotent: the same bytes from the same place are kept once.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { randomNonce } from '../base/ids.js'
import type { Range } from '../log/line.js'
import { createPrivate, read, removeFile, statFile, sync, writeAll } from './files.js'
import { ensureSyncedFolder, isFolder, listFolder, refuseLink, syncFolder } from './folders.js'
import { entriesIn } from './inspect.js'
import type { Layout } from './layout.js'
import { rename } from './platform/calls.js'

const BLOCK_BYTES = 1024 * 1024
/** How often lines are copied again whose file was swept away before it was whole. */
const MAX_ATTEMPTS = 5
const TEMPORARY = /^\.[0-9a-f]{16}\.tmp$/

/** A file in quarantine; `name` is that of its session's files. */
export interface Quarantined {
  name: string
  file: string
  path: string
  bytes: number
  /** When it was changed last, Unix milliseconds. */
  changed: number
}

/** All files in quarantine; anything else in its folder is left out. */
export function quarantinedIn({ quarantines }: Layout): Quarantined[] {
  const folders = entriesIn(quarantines).filter(({ kind }) => kind === 'folder')
  return folders.flatMap(({ name, file: folder }) =>
    entriesIn(folder).flatMap(({ name: file, file: place, kind, changed }) => {
      const stat = kind === 'file' ? statFile(place) : undefined
      return stat === undefined || stat === 'other' ? [] : [{ name, file, path: place, bytes: stat.size, changed }]
    }),
  )
}

/** Makes the folder of one session's quarantine, and follows no link to it. */
function ensureFolderOf(folder: string): void {
  refuseLink(path.dirname(folder))
  ensureSyncedFolder(folder)
  refuseLink(folder)
}

/** Copies ranges of an open file into the folder and syncs them; only then may the caller remove them from the file. */
export async function setAside(folder: string, fd: number, ranges: readonly Range[]): Promise<string[]> {
  if (ranges.length === 0) return []
  ensureFolderOf(folder)
  const files: string[] = []
  for (const range of ranges) files.push(await copyOut(folder, fd, range))
  syncFolder(folder)
  return files
}

/** Keeps lines that a log lost, as a log of their own; the same lines once. */
export async function keepLines(folder: string, bytes: Buffer): Promise<string> {
  ensureFolderOf(folder)
  const name = `lost-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.jsonl`
  const write = (out: number) => {
    writeAll(out, bytes)
    return name
  }
  for (let attempt = 1; ; attempt++) {
    try {
      const file = await writeWhole(folder, write)
      syncFolder(folder)
      return file
    } catch (error) {
      // a store that opens now sweeps what is unfinished
      if (errno(error) !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error
      ensureSyncedFolder(folder)
    }
  }
}

/** Puts a file in the folder, synced and whole or not at all, under the name that `write` returns. */
async function writeWhole(folder: string, write: (out: number) => string | Promise<string>): Promise<string> {
  const temporary = path.join(folder, `.${randomNonce()}.tmp`)
  const out = createPrivate(temporary)
  let name: string
  try {
    name = await write(out)
    await sync(out)
  } catch (error) {
    removeFile(temporary)
    throw error
  } finally {
    fs.closeSync(out)
  }
  const file = path.join(folder, name)
  rename(temporary, file)
  return file
}

/** Moves a whole file in, under its own name, or with a number behind it where that is taken; returns its path. */
export function moveAside(folder: string, file: string, as = path.basename(file)): string {
  ensureFolderOf(folder)
  const taken = new Set(listFolder(folder))
  let name = as
  for (let n = 1; taken.has(name); n++) name = `${as}.${n}`
  const place = path.join(folder, name)
  rename(file, place)
  syncFolder(folder)
  syncFolder(path.dirname(file))
  return place
}

/** Files that a crash left half copied, or that are being copied now. */
export function unfinishedIn(folder: string): string[] {
  if (!isFolder(path.dirname(folder)) || !isFolder(folder)) return []
  return listFolder(folder).flatMap((file) => (TEMPORARY.test(file) ? path.join(folder, file) : []))
}

function copyOut(folder: string, fd: number, { offset, end }: Range): Promise<string> {
  const hash = createHash('sha256')
  return writeWhole(folder, async (out) => {
    for (let position = offset; position < end; ) {
      const bytes = await read(fd, position, Math.min(BLOCK_BYTES, end - position))
      if (bytes.length === 0)
        throw Object.assign(new Error('the file ends before its bytes were saved'), { code: 'EIO' })
      hash.update(bytes)
      writeAll(out, bytes)
      position += bytes.length
    }
    return `${offset}-${hash.digest('hex').slice(0, 16)}.bin`
  })
}
