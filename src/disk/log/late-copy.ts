/**
 * Lines that reached a log while a rewrite took its place: they are copied to the new log, as a writer would append
 * them. Also finishes what a process that died during a rewrite or a move to the trash has left.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { isLine, type Piece, type Range } from '../../log/line.js'
import { withFields } from '../../log/rewrite/mended-line.js'
import { finishDeletions } from '../deletion.js'
import { readSync, removeFile, statFile } from '../files.js'
import { refuseLink } from '../folders.js'
import type { Layout } from '../layout.js'
import { keepLines, setAside } from '../quarantine.js'
import { finishMove } from '../trash.js'
import { FdCache } from './fd-cache.js'
import { sameFile } from './file-mark.js'
import { type Former, formersOf, preventRename, removeNewFiles, unlinkHeld } from './formers.js'
import { LogReader } from './log-reader.js'
import { LogWriter } from './log-writer.js'
import type { Part } from './range-copier.js'

/** The whole lines from `start` to the current end of the file, as parts of a new file. */
export async function wholeLines(reader: LogReader, start: number): Promise<{ parts: Part[]; end: number }> {
  const parts: Part[] = []
  let end = start
  for await (const pieces of reader.blocks(start, fs.fstatSync(reader.fd).size)) {
    for (const piece of pieces) {
      // what has no line feed yet may be half of a write
      if (piece.kind === 'torn' || piece.open) return { parts, end }
      parts.push(...copyOf(reader, piece))
      end = piece.end
    }
  }
  return { parts, end }
}

/** A line as it stands; with the id that stood in for a missing one, which its place decided. */
function copyOf(reader: LogReader, piece: Piece): Part[] {
  const { offset, end } = piece
  if (!isLine(piece) || !piece.bare) return [{ offset, end }]
  return [Buffer.from(textOf(reader, piece))]
}

function textOf(reader: LogReader, piece: Piece): string {
  const raw = readSync(reader.fd, piece.offset, piece.end - piece.offset)
    .toString()
    .trimEnd()
  return `${isLine(piece) && piece.bare ? withFields(raw, piece, { id: piece.id }) : raw}\n`
}

interface LateCopy {
  layout: Layout
  name: string
  /** The file that lost the log's name. */
  former: LogReader
  /** From where on it is not known to be copied. */
  from: number
  /** From where on the new log may hold lines of it. */
  since: number
}

/** Appends the lines of the former that the new log lacks; bytes that are no line go to quarantine. */
export async function copyLate({ layout, name, former, from, since }: LateCopy): Promise<void> {
  waitForWrite(former.fd)
  let position = from
  for (;;) {
    const end = fs.fstatSync(former.fd).size
    if (end <= position) return
    const pieces: Piece[] = []
    for await (const block of former.blocks(position, end)) pieces.push(...block)
    const unreadable = pieces.filter(({ kind }) => kind === 'torn' || kind === 'damage')
    await setAside(layout.quarantine(name), former.fd, unreadable as Range[])
    const lines = pieces.filter(isLine)
    const known = await idsIn(layout.log(name), since)
    const missing = lines.filter(({ id }) => !known.has(id)).map((line) => textOf(former, line))
    if (missing.length > 0) await append(layout, name, missing)
    position = end
  }
}

async function append(layout: Layout, name: string, lines: readonly string[]): Promise<void> {
  const writer = new LogWriter(layout, name, new FdCache())
  try {
    for (const line of lines) {
      const bytes = Buffer.from(line)
      const end = writer.end()
      const outcome = end === undefined ? 'absent' : await writer.append(bytes, end, { id: '', at: undefined })
      // deleted or moved away meanwhile
      if (outcome === 'absent') await keepLines(layout.quarantine(name), bytes)
    }
    await writer.sync()
  } finally {
    writer.closeFd()
  }
}

async function idsIn(log: string, since: number): Promise<Set<string>> {
  const ids = new Set<string>()
  await LogReader.using(log, async (reader) => {
    for await (const pieces of reader.blocks(Math.min(since, reader.size))) {
      for (const piece of pieces) if (isLine(piece)) ids.add(piece.id)
    }
  })
  return ids
}

/** Returns when no process is in the middle of a write to the file: a change of the mode has to wait for that. */
function waitForWrite(fd: number): void {
  try {
    fs.fchmodSync(fd, fs.fstatSync(fd).mode & 0o7777)
  } catch (error) {
    // stale, or gone with its name: a drive of another machine or program, where appends take the lease
    if (!['EPERM', 'EROFS', 'ESTALE', 'ENOENT'].includes(errno(error) ?? '')) throw error
  }
}

/** Finishes what rewrites, moves, deletions and holds that died have left of a session. For work under its lease. */
export async function finishDeadRewrites(layout: Layout, name: string): Promise<void> {
  for (const folder of [layout.rewrites, layout.holds]) refuseLink(folder)
  unlinkHeld(layout, name)
  for (const former of formersOf(layout, name)) await finish(layout, name, former)
  finishDeletions(layout, name)
  removeNewFiles(layout, name)
}

async function finish(layout: Layout, name: string, { file, nonce, size, stat }: Former): Promise<void> {
  preventRename(layout, name, nonce)
  const log = statFile(layout.log(name))
  if (log !== undefined && log !== 'other' && sameFile(log, stat)) {
    removeFile(file)
    return
  }
  const moved = statFile(path.join(layout.trashed(name, nonce), path.basename(layout.log(name))))
  if (moved !== undefined && moved !== 'other' && sameFile(moved, stat)) finishMove(layout, name, nonce)
  // an editor that saves by renaming leaves the path empty for a moment: the next owner of the lease checks again
  else if (log === undefined || log === 'other') return
  else {
    await LogReader.using(file, async (former) => {
      if (isOfOneLife(former, layout.log(name))) {
        await copyLate({ layout, name, former, from: size, since: 0 })
      } else await keepLines(layout.quarantine(name), readSync(former.fd, size, former.size - size))
    })
  }
  removeFile(file)
}

/** False when the log has another header: it was deleted and made again. */
function isOfOneLife(former: LogReader, log: string): boolean {
  const reader = LogReader.open(log)
  try {
    const [left, right] = [former.header(), reader?.header()]
    return left === undefined || right === undefined || left === right
  } finally {
    reader?.close()
  }
}
