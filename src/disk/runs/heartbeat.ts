/**
 * The heartbeat of a process that runs turns: one file per process and folder, `.running/.alive-<process>`, written
 * anew every few seconds by one timer, however many turns run. It is for those who cannot see the process itself: on
 * the same host the process is asked, not the clock.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { randomNonce } from '../../base/ids.js'
import { createPrivate, look, openRegular, readSmall, removeFile, writeAll } from '../files.js'
import { ensureFolder, listFolder, refuseLink } from '../folders.js'
import type { Layout } from '../layout.js'
import { isOwner, livenessOf, type Owner, thisProcess } from '../process-identity.js'

/** How often the file is written, ms. */
export const BEAT_MS = 5_000
const ALIVE = /^\.alive-[0-9a-f]{16}$/
/** The file of a process that cannot be seen is litter after this time, ms. It would be written again if it lived. */
const LITTER_MS = 24 * 3_600_000

/** Names of sessions in which this process runs a turn, by store. */
const runs = new Map<string, { layout: Layout; names: Set<string> }>()
let beating: NodeJS.Timeout | undefined

/** Where the heartbeat of a process is found: its name follows from the process, so that a sidecar alone leads to it. */
export function heartbeatFile(layout: Layout, { host, boot, pidns, pid, start }: Owner): string {
  const hash = createHash('sha256').update(JSON.stringify([host, boot, pidns, pid, start]))
  return path.join(layout.running, `.alive-${hash.digest('hex').slice(0, 16)}`)
}

/** This process runs a turn in the session. @throws errors of the file system, when it did not before */
export function beatFor(layout: Layout, name: string): void {
  let entry = runs.get(layout.root)
  if (entry === undefined) {
    ensureFolder(layout.running)
    refuseLink(layout.running)
    beat(layout)
    entry = { layout, names: new Set() }
    runs.set(layout.root, entry)
  }
  entry.names.add(name)
  beating ??= setInterval(beatAll, BEAT_MS).unref()
}

/** It runs none there any more. */
export function endBeatFor(layout: Layout, name: string): void {
  const entry = runs.get(layout.root)
  if (entry === undefined) return
  entry.names.delete(name)
  if (entry.names.size > 0) return
  runs.delete(layout.root)
  if (runs.size === 0) stopBeating()
  removeQuietly(heartbeatFile(layout, thisProcess()))
}

function stopBeating(): void {
  clearInterval(beating)
  beating = undefined
}

/** A timer must not throw: a beat that fails is a beat that is missing. */
function beatAll(): void {
  for (const { layout, names } of [...runs.values()]) {
    try {
      // others may have ended our turns, or taken them over
      for (const name of [...names]) if (look(layout.marker(name)) === undefined) endBeatFor(layout, name)
      if (names.size > 0) beat(layout)
    } catch {
      // the next one may succeed
    }
  }
}

/** Written, not touched: so the time is that of the file system, and the same for all who look. */
function beat(layout: Layout): void {
  const file = heartbeatFile(layout, thisProcess())
  const bytes = Buffer.from(`${JSON.stringify(thisProcess())}\n`)
  const opened = openRegular(file, fs.constants.O_WRONLY)
  if (opened === undefined && look(file) === 'other') fs.unlinkSync(file)
  const fd = opened?.fd ?? createPrivate(file)
  try {
    writeAll(fd, bytes, opened === undefined ? null : 0)
  } finally {
    fs.closeSync(fd)
  }
}

/** When the process was last heard of, by the clock of the file system; undefined when it never was. */
export function heardOf(layout: Layout, owner: Owner): number | undefined {
  const stat = look(heartbeatFile(layout, owner))
  return stat === undefined || stat === 'other' ? undefined : stat.mtimeMs
}

/** For how long the process has been silent, ms, by the clock of the file system; undefined when it never was heard of. */
export function silenceOf(layout: Layout, owner: Owner): number | undefined {
  const heard = heardOf(layout, owner)
  return heard === undefined ? undefined : fileTimeNow(layout) - heard
}

/** What time it is for the file system, which on a network drive has a clock of its own. */
function fileTimeNow(layout: Layout): number {
  const probe = path.join(layout.running, `.time.${randomNonce()}.tmp`)
  try {
    const fd = createPrivate(probe)
    try {
      writeAll(fd, Buffer.from('?'))
      return fs.fstatSync(fd).mtimeMs
    } finally {
      fs.closeSync(fd)
      removeFile(probe)
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(errno(error) ?? '')) throw error
    return Date.now()
  }
}

/** Heartbeats of processes that are gone. */
export function deadHeartbeats(layout: Layout): string[] {
  return listFolder(layout.running)
    .filter((entry) => ALIVE.test(entry))
    .map((entry) => path.join(layout.running, entry))
    .filter((file) => isOver(layout, file))
}

function isOver(layout: Layout, file: string): boolean {
  const content = readSmall(file)
  if (content === undefined) return false
  const owner = ownerIn(content.bytes)
  const liveness = owner === undefined ? 'unknown' : livenessOf(owner)
  if (liveness !== 'unknown') return liveness === 'dead'
  return fileTimeNow(layout) - content.stat.mtimeMs > LITTER_MS
}

function ownerIn(bytes: Buffer): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(bytes.toString())
    return isOwner(owner) ? owner : undefined
  } catch {
    return undefined
  }
}

function removeQuietly(file: string): void {
  try {
    removeFile(file)
  } catch {
    // litter that the next opening sweeps
  }
}
