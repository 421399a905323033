/**
 * Second links to a log: a rewrite or a move to the trash links the log before it takes its name away (a former), and
 * `hold` links it for as long as it lasts. A writer without a lease sees them as the link count of the log.
 *
 * A former goes only when the rename of its nonce can never happen any more, or has happened and the late copy is done.
 * A rename is prevented by removing what it needs: the temporary file of a rewrite, the folder of a move to the trash.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { removeFile, statFile } from '../files.js'
import { ensureFolder, listFolder, removeEmptyFolder } from '../folders.js'
import type { Layout } from '../layout.js'
import type { FileMark } from './file-mark.js'

const FORMER = /^(.+)~([0-9a-f]{16}|[0-9a-f-]{36})~(\d{1,15})$/
const NEW_FILE = /^(.+)~[0-9a-f]{16}\.tmp$/
const DELETED = /^(.+)~[0-9a-f]{16}\.deleted$/

export interface Former {
  file: string
  /** Names one attempt; never used again. */
  nonce: string
  /** As many bytes of the log were copied and synced before it was linked. */
  size: number
  stat: fs.Stats
}

/** The formers of a session. */
export function formersOf(layout: Layout, name: string): Former[] {
  return listFolder(layout.rewrites).flatMap((entry) => {
    const [, owner, nonce, size] = FORMER.exec(entry) ?? []
    if (owner !== name || nonce === undefined) return []
    const file = path.join(layout.rewrites, entry)
    const stat = statFile(file)
    return stat === undefined || stat === 'other' ? [] : [{ file, nonce, size: Number(size), stat }]
  })
}

/** Names of the sessions of which a rewrite, a move or a deletion runs, or died. */
export function rewrittenNames(layout: Layout): Set<string> {
  const entries = listFolder(layout.rewrites)
  return new Set(
    entries.flatMap((entry) => (FORMER.exec(entry) ?? NEW_FILE.exec(entry) ?? DELETED.exec(entry))?.[1] ?? []),
  )
}

/** Removes the new files of rewrites of a session: none of them can take the log's place any more. */
export function removeNewFiles(layout: Layout, name: string): void {
  for (const entry of listFolder(layout.rewrites)) {
    if (NEW_FILE.exec(entry)?.[1] === name) removeFile(path.join(layout.rewrites, entry))
  }
}

/** Logs of a session of which not all has gone yet that was to be deleted with them. */
export function deletedLogs(layout: Layout, name: string): string[] {
  const entries = listFolder(layout.rewrites)
  return entries.flatMap((entry) => (DELETED.exec(entry)?.[1] === name ? path.join(layout.rewrites, entry) : []))
}

/** Links a log before its name is taken away; undefined when another file is there by now. */
export function linkFormer(layout: Layout, name: string, nonce: string, log: FileMark): string | undefined {
  const file = layout.former(name, nonce, log.size)
  if (!link(layout.log(name), file, layout.rewrites)) return undefined
  const linked = statFile(file)
  if (linked !== undefined && linked !== 'other' && linked.ino === log.ino && linked.dev === log.dev) return file
  removeFile(file)
  return undefined
}

/** Makes the rename of this nonce impossible, unless it has happened. */
export function preventRename(layout: Layout, name: string, nonce: string): void {
  removeFile(layout.rewriting(name, nonce))
  removeEmptyFolder(layout.trashed(name, nonce))
}

/** Links the log for a hold; false when there is no log. */
export function linkHeld(layout: Layout, name: string): boolean {
  removeFile(layout.held(name))
  return link(layout.log(name), layout.held(name), layout.holds)
}

export function unlinkHeld(layout: Layout, name: string): void {
  removeFile(layout.held(name))
}

/** True when the file of `log` is held. */
export function isHeld(layout: Layout, name: string, log: fs.Stats): boolean {
  const held = statFile(layout.held(name))
  return held !== undefined && held !== 'other' && held.ino === log.ino && held.dev === log.dev
}

function link(from: string, to: string, folder: string): boolean {
  for (;;) {
    try {
      fs.linkSync(from, to)
      return true
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      if (statFile(from) === undefined) return false
      ensureFolder(folder)
    }
  }
}
