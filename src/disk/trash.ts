/**
 * What cleanup took away: `.trash/<name>~<id>/` with the files of one life of a session.
 * The log goes first, since its disappearance is what removes the session.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { removeFile, removeOwnFile, statFile } from './files.js'
import {
  ensureFolder,
  linkFiles,
  listFolder,
  refuseLink,
  removeEmptyFolder,
  removeTree,
  syncFolders,
} from './folders.js'
import type { Layout } from './layout.js'
import { type FileMark, sameFile } from './log/file-mark.js'
import { linkFormer } from './log/formers.js'
import { rename } from './platform/calls.js'

const ENTRY = /^(.+)~([0-9a-f-]{36})$/

/**
 * One deleted session in the trash. `id` distinguishes several sessions of one key and has the time of the deletion.
 */
export interface TrashedFiles {
  name: string
  id: string
  folder: string
}

/**
 * Moves a session to the trash, under its lease, if its log still is as `log` says; false when it is in use. Writers
 * without a lease wait for the rename, or prevent it by removing the folder that the log is to go into.
 */
export async function moveToTrash(
  layout: Layout,
  { name, id, isSynced }: { name: string; id: string; isSynced: boolean },
  log: FileMark,
): Promise<boolean> {
  const folder = layout.trashed(name, id)
  ensureFolder(layout.trash)
  refuseLink(layout.trash)
  ensureFolder(folder)
  if (isSynced) await syncFolders([layout.root, layout.trash])
  const former = linkFormer(layout, name, id, log)
  const now = statFile(layout.log(name))
  const isUnused = former !== undefined && now !== 'other' && sameFile(now, log) && now?.size === log.size
  if (!isUnused || !renameUnlessSwept(layout.log(name), path.join(folder, `${name}.jsonl`))) {
    if (former !== undefined) removeFile(former)
    removeEmptyFolder(folder)
    return false
  }
  finishMove(layout, name, id)
  removeFile(former)
  if (isSynced) await syncFolders([folder, layout.trash, layout.root])
  return true
}

function renameUnlessSwept(from: string, to: string): boolean {
  try {
    rename(from, to)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * Moves what belongs to a log that is in the trash after it. Where a new log has taken its place, the blobs are shared:
 * the one in the trash must come back whole, and the new one may need them.
 */
export function finishMove(layout: Layout, name: string, id: string): void {
  const inTrash = (file: string) => path.join(layout.trashed(name, id), path.basename(file))
  if (statFile(layout.log(name)) !== undefined) {
    linkFiles(layout.blobs(name), inTrash(layout.blobs(name)))
    return
  }
  for (const file of [layout.sidecar(name), layout.blobs(name)]) renameUnlessSwept(file, inTrash(file))
}

/**
 * Puts a session back; its log comes last, so that it appears whole. A former of the log says until then that the move
 * is to be undone when it is cut off.
 */
export async function moveBack(layout: Layout, { name, id, folder }: TrashedFiles, isSynced: boolean): Promise<void> {
  const inTrash = (file: string) => path.join(folder, path.basename(file))
  const log = layout.log(name)
  // what is below this size is in the log that comes back
  const former = layout.former(name, id, bytesOf(inTrash(log)))
  ensureFolder(layout.rewrites)
  removeFile(former)
  fs.linkSync(inTrash(log), former)
  for (const file of [layout.sidecar(name), layout.blobs(name)]) renameUnlessSwept(inTrash(file), file)
  // a rename would replace a log that an append has just made
  fs.linkSync(inTrash(log), log)
  // it goes from one folder only once it is safe in the other
  if (isSynced) await syncFolders([layout.root])
  removeFile(inTrash(log))
  if (isSynced) await syncFolders([folder])
  removeFile(former)
  removeEmptyFolder(folder)
}

function bytesOf(file: string): number {
  const log = statFile(file)
  return log === undefined || log === 'other' ? 0 : log.size
}

/** Removes one life for good; its log goes first, and nothing that is not ours. False when it was not there any more. */
export function removeForGood(trashed: TrashedFiles): boolean {
  const existed = removeFile(logInTrash(trashed))
  removeRest(trashed)
  return existed
}

/** What a crash or a failure left of moving or removing: folders without a log of their own. */
export function leftInTrash(layout: Layout): TrashedFiles[] {
  return listTrash(layout).filter((trashed) => isLeft(layout, trashed))
}

/** Removes what is left, for work under the lease of the session: a move fills the folder behind the log. */
export function removeLeft(layout: Layout, trashed: TrashedFiles): void {
  if (!isLeft(layout, trashed)) return
  removeFile(logInTrash(trashed))
  removeRest(trashed)
}

function isLeft(layout: Layout, trashed: TrashedFiles): boolean {
  const log = statFile(logInTrash(trashed))
  // it was put back, and the link in the trash stayed
  return log === undefined || (log !== 'other' && log.nlink > 1 && isLogOf(layout, trashed.name, log))
}

function isLogOf(layout: Layout, name: string, stat: FileMark): boolean {
  const log = statFile(layout.log(name))
  return log !== undefined && log !== 'other' && sameFile(log, stat)
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
