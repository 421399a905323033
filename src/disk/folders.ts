/** Folders: made private, listed, synced and removed. */
import fs from 'node:fs'
import path from 'node:path'
import { errno, isForbidden } from '../base/errors.js'
import { statFile, sync } from './files.js'
import { isUnsyncable, lstat, stat } from './platform/calls.js'

/** How often a folder is removed into which files come meanwhile. */
const MAX_REMOVALS = 5

/** Makes a private folder, and the ones above it, unless it is there. */
export function ensureFolder(folder: string): void {
  const made = fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (made === undefined) return
  for (let below = folder; below.length >= made.length; below = path.dirname(below)) fs.chmodSync(below, 0o700)
}

/** Lets the group of a folder read and enter it, or read a file. */
export function shareWithGroup(place: string): void {
  const found = fs.statSync(place)
  const { mode } = found
  const more = found.isDirectory() ? 0o050 : 0o040
  if ((mode & more) !== more) fs.chmodSync(place, (mode & 0o700) | more)
}

/** True for a folder that its group may read and enter. */
export function isShared(folder: string): boolean {
  return ((fs.statSync(folder, { throwIfNoEntry: false })?.mode ?? 0) & 0o050) === 0o050
}

/** True for a folder of the user that runs this process; where the system names no users, for every folder. */
export function isOwnFolder(folder: string): boolean {
  const user = process.geteuid?.()
  return user === undefined || stat(folder)?.uid === user
}

/** True for a folder, and not for a link to one. */
export function isFolder(place: string): boolean {
  return fs.lstatSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Throws for a link in the place of a folder of the store: what is moved or copied there would leave the store. */
export function refuseLink(folder: string): void {
  if (!fs.lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return
  throw Object.assign(new Error(`${folder} is a link, not a folder of the store`), { code: 'ENOTDIR', path: folder })
}

/** As `ensureFolder`, synced: what was made survives a power cut. */
export function ensureSyncedFolder(folder: string): void {
  if (fs.existsSync(folder)) return
  ensureSyncedFolder(path.dirname(folder))
  ensureFolder(folder)
  syncFolderOf(folder)
}

/** Another process may add a file meanwhile, such as lost lines to a quarantine: then once more. */
export function removeTree(folder: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      fs.rmSync(folder, { recursive: true, force: true })
      return
    } catch (error) {
      if (errno(error) !== 'ENOTEMPTY' || attempt === MAX_REMOVALS) throw error
    }
  }
}

/** The names in a folder; none when there is no folder. */
export function listFolder(folder: string): string[] {
  try {
    return fs.readdirSync(folder)
  } catch (error) {
    if (errno(error) === 'ENOENT') return []
    throw error
  }
}

/** Makes a private folder, but none above it: a store that was moved away or removed is not made again. */
export function makeFolder(folder: string): void {
  refuseLink(folder)
  if (fs.existsSync(folder)) return
  try {
    fs.mkdirSync(folder, { mode: 0o700 })
    fs.chmodSync(folder, 0o700)
  } catch (error) {
    // another process has made it meanwhile
    if (errno(error) !== 'EEXIST') throw error
    refuseLink(folder)
  }
}

/** Throws when an existing folder cannot be read. The cost does not depend on its size. */
export function checkFolder(folder: string): void {
  try {
    fs.opendirSync(folder).closeSync()
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error
  }
}

/** The device number of a folder; undefined when there is none. */
export function deviceOf(folder: string): number | undefined {
  return stat(folder)?.dev
}

/** The size of the files right in a folder; 0 when there is none. */
export function bytesIn(folder: string): number {
  return listFolder(folder).reduce((sum, name) => {
    const stat = statFile(path.join(folder, name))
    return sum + (stat === undefined || stat === 'other' ? 0 : stat.size)
  }, 0)
}

/** Makes renames, links and removals in a folder survive a power cut, on systems that can sync folders. */
export function syncFolder(folder: string): void {
  let fd: number | undefined
  try {
    fd = fs.openSync(folder, fs.constants.O_RDONLY)
    fs.fsyncSync(fd)
  } catch (error) {
    if (!isUnsyncable(error)) throw error
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

/** The same for several, side by side and without holding the event loop. */
export async function syncFolders(folders: readonly string[]): Promise<void> {
  await Promise.all(folders.map(syncBeside))
}

async function syncBeside(folder: string): Promise<void> {
  let fd: number | undefined
  try {
    fd = fs.openSync(folder, fs.constants.O_RDONLY)
    await sync(fd)
  } catch (error) {
    if (!isUnsyncable(error)) throw error
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

export function syncFolderOf(file: string): void {
  syncFolder(path.dirname(file))
}

/** Syncs the folder above a store, which may be one of another user that this one can only enter. */
export async function syncAbove(root: string): Promise<void> {
  try {
    await syncFolders([path.dirname(root)])
  } catch (error) {
    if (!isForbidden(error)) throw error
  }
}

/** Removes a folder if there is nothing in it. */
export function removeEmptyFolder(folder: string): void {
  try {
    fs.rmdirSync(folder)
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errno(error) ?? '')) throw error
  }
}

/** True when anything stands there. */
export function isThere(file: string): boolean {
  return inodeOf(file) !== undefined
}

/** Undefined when nothing is there. */
export function inodeOf(file: string): number | undefined {
  return lstat(file)?.ino
}

/** Gives the regular files of one folder names in another as well, which last; links in the place of either are refused. */
export function linkFiles(from: string, to: string): void {
  refuseLink(from)
  const names = listFolder(from).filter((name) => typeof statFile(path.join(from, name)) === 'object')
  if (names.length === 0) return
  ensureSyncedFolder(to)
  refuseLink(to)
  for (const name of names) {
    try {
      fs.linkSync(path.join(from, name), path.join(to, name))
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error
    }
  }
  syncFolder(to)
}
