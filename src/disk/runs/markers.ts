/**
 * `.running/`: one small file for each session in state running, so that finding them costs what runs and not what
 * is stored.
 *
 * The sidecar is the truth, a marker only says where to look. It is written before the sidecar says running and
 * removed after the sidecar says that it is over. So a crash in between leaves a marker too many, which is looked
 * at, found to mean nothing and swept; never a run that nobody finds.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { randomNonce } from '../../base/ids.js'
import { createPrivate, look, removeFile, writeAll } from '../files.js'
import { ensureFolder, listFolder, refuseLink } from '../folders.js'
import type { Layout } from '../layout.js'
import { isSessionName, nameOfTemporary } from '../names.js'
import type { Run } from '../sidecar-file.js'

export function makeMarkers(layout: Layout): void {
  ensureFolder(layout.running)
  refuseLink(layout.running)
}

/** What a marker holds is for people: programs ask the sidecar. */
export function writeMarker(layout: Layout, name: string, key: string, { turnId, since, owner }: Run): void {
  makeMarkers(layout)
  const made = path.join(layout.running, `.${name}.${randomNonce()}.tmp`)
  const fd = createPrivate(made)
  try {
    try {
      writeAll(fd, Buffer.from(`${JSON.stringify({ key, turnId, since, owner })}\n`))
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(made, layout.marker(name))
  } catch (error) {
    removeFile(made)
    throw error
  }
}

export function removeMarker(layout: Layout, name: string): void {
  removeFile(layout.marker(name))
}

export function hasMarker(layout: Layout, name: string): boolean {
  return look(layout.marker(name)) !== undefined
}

/** The names of all sessions that have a marker. */
export function markedNames(layout: Layout): string[] {
  return listFolder(layout.running).filter(isSessionName)
}

/** Markers that were being written when their writer was killed, or that are being written now. */
export function unfinishedMarkers(layout: Layout): Array<{ name: string; file: string }> {
  return listFolder(layout.running).flatMap((entry) => {
    const name = nameOfTemporary(entry)
    return name === undefined ? [] : [{ name, file: path.join(layout.running, entry) }]
  })
}

/** The file that is touched with every change of a run state, if anybody ever watched for them. */
function bellOf(layout: Layout): string {
  return path.join(layout.running, '.changed')
}

/** Tells those who watch that a run began or ended. They look now and then anyhow: what fails here is found later. */
export function ring(layout: Layout): void {
  const now = Date.now() / 1_000
  try {
    const bell = bellOf(layout)
    // mostly nobody watches, and to look costs a tenth of an error
    if (look(bell) !== undefined) fs.lutimesSync(bell, now, now)
  } catch {
    // they look anyhow
  }
}

/** Makes the file that is touched with every change, and answers its path. */
export function hangBell(layout: Layout): string {
  makeMarkers(layout)
  const bell = bellOf(layout)
  if (look(bell) === 'other') removeFile(bell)
  try {
    fs.closeSync(createPrivate(bell))
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error
  }
  return bell
}

/** True when there is a folder of markers, which is so once anything ran in the store or was looked for. */
export function hasMarkers(layout: Layout): boolean {
  return fs.existsSync(layout.running)
}
