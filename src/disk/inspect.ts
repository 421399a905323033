/** Reads what lies in a folder; changes nothing. */
import fs from 'node:fs'
import path from 'node:path'
import { listFolder } from './folders.js'
import { thisSystem } from './platform/system.js'

export interface Entry {
  name: string
  file: string
  kind: 'file' | 'folder' | 'other'
  /** Others than the owner may read, write or enter it. */
  isOpen: boolean
  /** None but the owner and the group, which may not write, may do anything with it. */
  isGroupOnly: boolean
  /** When its content or its names were changed last, Unix milliseconds. */
  changed: number
}

/** The entries of a folder in the order of their names; none when there is no folder. Links are not followed. */
export function entriesIn(folder: string): Entry[] {
  return listFolder(folder)
    .sort()
    .flatMap((name) => {
      const file = path.join(folder, name)
      const stat = fs.lstatSync(file, { throwIfNoEntry: false })
      if (stat === undefined) return []
      const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other'
      const isOpen = thisSystem.platform !== 'win32' && kind !== 'other' && (stat.mode & 0o077) !== 0
      return [{ name, file, kind, isOpen, isGroupOnly: (stat.mode & 0o027) === 0, changed: stat.mtimeMs }]
    })
}

/** Takes a file or folder away from all but its owner. */
export function makePrivate(file: string): void {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0))
  try {
    fs.fchmodSync(fd, fs.fstatSync(fd).isDirectory() ? 0o700 : 0o600)
  } finally {
    fs.closeSync(fd)
  }
}
