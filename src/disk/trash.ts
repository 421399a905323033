/**
 * What cleanup took away: `.trash/<name>~<id>/` with the files of one life of a session.
 * The log goes first, since its disappearance is what removes the session.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { look, removeFile, removeOwnFile } from './files.js'
import { ensureSyncedFolder, listFolder, refuseLink, removeEmptyFolder, removeTree, syncFolder } from './folders.js'
import type { Layout } from './layout.js'

/** How often a move starts over because the folder that it goes into was swept. */
const MAX_ATTEMPTS = 50
const ENTRY = /^(.+)~([0-9a-f-]{36})$/

/** One life of a session in the trash. `id` tells several lives of one session apart and when each went. */
export interface TrashedFiles {
  name: string
  id: string
  folder: string
}

export function moveToTrash(layout: Layout, name: string, id: string): void {
  const folder = path.join(layout.trash, `${name}~${id}`)
  ensureSyncedFolder(layout.trash)
  refuseLink(layout.trash)
  for (let attempt = 1; ; attempt++) {
    // a rename may reach the disk before the folder that it goes into
    ensureSyncedFolder(folder)
    try {
      moveFiles(layout, name, (file) => path.join(folder, path.basename(file)), true)
      break
    } catch (error) {
      // a store that opens now sweeps the folder as long as there is no log in it
      const isSwept = errno(error) === 'ENOENT' && look(layout.log(name)) !== undefined
      if (!isSwept || attempt === MAX_ATTEMPTS) throw error
    }
  }
  syncFolder(folder)
  syncFolder(layout.trash)
  syncFolder(layout.root)
}

/** Puts a session back; its log comes last, so that it appears whole. */
export function moveBack(layout: Layout, { name, folder }: TrashedFiles): void {
  moveFiles(layout, name, (file) => path.join(folder, path.basename(file)), false)
  syncFolder(layout.root)
  try {
    syncFolder(folder)
  } catch (error) {
    // another process that opens the store has swept it away by now
    if (errno(error) !== 'ENOENT') throw error
  }
  removeEmptyFolder(folder)
}

function moveFiles(layout: Layout, name: string, inTrash: (file: string) => string, away: boolean): void {
  const log = layout.log(name)
  const rest = [layout.sidecar(name), layout.blobs(name)]
  for (const file of away ? [log, ...rest] : [...rest, log]) {
    const [from, to] = away ? [file, inTrash(file)] : [inTrash(file), file]
    try {
      fs.renameSync(from, to)
    } catch (error) {
      if (errno(error) !== 'ENOENT' || file === log) throw error
    }
  }
}

/** Removes one life for good; its log goes first, and nothing that is not ours. False when it was not there any more. */
export function removeForGood(trashed: TrashedFiles): boolean {
  const existed = removeFile(logInTrash(trashed))
  removeRest(trashed)
  return existed
}

/** Removes what a crash or a failure left of moving or removing: folders without a log. */
export function sweepTrash(layout: Layout): void {
  for (const entry of listFolder(layout.trash)) {
    const trashed = toTrashed(layout, entry)
    if (trashed !== undefined && look(logInTrash(trashed)) === undefined) removeRest(trashed)
  }
}

function removeRest({ name, id, folder }: TrashedFiles): void {
  removeOwnFile(sidecarInTrash({ name, id, folder }))
  removeTree(path.join(folder, `${name}.blobs`))
  removeEmptyFolder(folder)
}

/** All lives in the trash, also what a crash left of one, which has no log. */
export function listTrash(layout: Layout): TrashedFiles[] {
  return listFolder(layout.trash).flatMap((entry) => toTrashed(layout, entry) ?? [])
}

function toTrashed(layout: Layout, entry: string): TrashedFiles | undefined {
  const [, name, id] = ENTRY.exec(entry) ?? []
  return name === undefined || id === undefined ? undefined : { name, id, folder: path.join(layout.trash, entry) }
}

export function sidecarInTrash({ name, folder }: TrashedFiles): string {
  return path.join(folder, `${name}.meta.json`)
}

export function logInTrash({ name, folder }: TrashedFiles): string {
  return path.join(folder, `${name}.jsonl`)
}
