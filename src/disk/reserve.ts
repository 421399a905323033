/**
 * Room that is kept for what frees space: a few small files, which are removed when a deletion or a move to the trash
 * meets a full disk. Each needs a name or two (the lease, the folder in the trash) before it frees anything.
 */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { createPrivate, writeAll } from './files.js'
import { isThere, makeFolder, refuseLink, removeTree } from './folders.js'
import type { Layout } from './layout.js'

/** Enough for a dozen sessions, each of which keeps a folder in the trash. */
const FILES = 16
const FILE_BYTES = 4 * 1024

/** Makes it where there is none, and there is room. */
export function keepReserve(layout: Layout): void {
  const { reserve } = layout
  try {
    refuseLink(layout.locks)
    if (isThere(reserve)) return
    for (const folder of [layout.locks, reserve]) makeFolder(folder)
    for (let i = 0; i < FILES; i++) {
      const fd = createPrivate(path.join(reserve, String(i)))
      try {
        // what is all the same takes no room on some file systems
        writeAll(fd, randomBytes(FILE_BYTES))
      } finally {
        fs.closeSync(fd)
      }
    }
  } catch {
    // a disk that is full already: the part that was written is still of use
  }
}

/**
 * Does work that frees space: once more without the reserve where the disk is full, unless the error says how much is
 * `needed`.
 */
export async function withReserve<T>(layout: Layout, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isHopeless = error instanceof Error && 'needed' in error
    if (!isNoRoom(error) || isHopeless || !isThere(layout.reserve)) throw error
    refuseLink(layout.locks)
    removeTree(layout.reserve)
    return await work()
  } finally {
    keepReserve(layout)
  }
}

export function isNoRoom(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errno(error) ?? '')
}
