/** Run logs to which nothing will be added, and what versions before this one left in their folder. */
import path from 'node:path'
import { errno } from '../base/errors.js'
import { yieldIfDue } from '../base/event-loop.js'
import { pickNames } from '../disk/directory.js'
import { isOlderThan, removeOwnFile, statFile } from '../disk/files.js'
import { isThere, listFolder, makeFolder } from '../disk/folders.js'
import { nameIn } from '../disk/given-names.js'
import { isGivenName, isNameOf, isSessionName, nameOfSidecar } from '../disk/names.js'
import { isOver } from '../disk/runs/folder-runs.js'
import { type Statement, statementOf } from '../disk/runs/run-lines.js'
import { isRunLogName } from '../disk/runs/run-log.js'
import { readSidecar, type Sidecar, sidecarOrNone } from '../disk/sidecar/sidecar-file.js'
import type { StoreInternals } from '../list/store-internals.js'

/** To read fewer sidecars than this at every opening costs less than a folder that is not needed. */
const MANY_SIDECARS = 64
/** Older temporary files are left-overs, ms. */
const ABANDONED_MS = 10 * 60_000
/** Files of versions before this one: a marker a session that ran, heartbeats, and what a crash left of them. */
const FORMER = /^\.(alive-[0-9a-f]{16}|clock|changed)$/

/**
 * Removes run logs of owners that are gone, or have closed the store, once the sidecars contain all of their
 * statements. What the sidecars lack is brought up behind, so that the next sweep removes the rest.
 */
export async function sweepRunLogs(store: StoreInternals, remove: (file: string) => void): Promise<void> {
  const { runs, layout } = store.context
  runs.refresh()
  for (const { name, fold, heard, failure } of [...runs.others]) {
    // its statements may be in no sidecar
    if (failure !== undefined) continue
    if (fold.owner === undefined ? Date.now() - heard < ABANDONED_MS : !isOver(fold)) continue
    let isNeeded = false
    for (const statement of fold.statements.values()) {
      if (await isOpen(store, statement, fold.closed)) isNeeded = true
      await yieldIfDue()
    }
    if (!isNeeded) remove(path.join(layout.running, name))
  }
  for (const name of listFolder(layout.running)) {
    const file = path.join(layout.running, name)
    if (name.endsWith('.tmp') && isOlderThan(file, ABANDONED_MS)) remove(file)
  }
}

/**
 * True while the sidecar of the session is behind the statement, or runs by it. What other run logs say does not
 * matter: it may be a claim that is about to be withdrawn.
 */
async function isOpen(store: StoreInternals, statement: Statement, closed: boolean): Promise<boolean> {
  const { context } = store
  const { key, session, run } = statement
  if (closed && run.state !== 'running') return false
  const name = nameIn(context.layout, key)
  const log = statFile(context.layout.log(name))
  if (log === undefined || log === 'other') return false
  const sidecar = sidecarNow(context.layout.sidecar(name))
  if (sidecar === 'unreadable') return true
  const isOfLog = sidecar?.key === key && sidecar.session === session
  const n = isOfLog ? (sidecar.run?.n ?? 0) : -1
  if (closed) return isOfLog && sidecar.run?.state === 'running' && n <= run.n
  if (n > run.n || (n === run.n && run.state !== 'running')) return false
  const state = await store.log(key).current()
  if (state === undefined || (state.summary.header?.id ?? null) !== session) return false
  if (run.state !== 'running') context.noteBehind(store.log(key))
  return true
}

function sidecarNow(file: string): Sidecar | null | 'unreadable' {
  try {
    return readSidecar(file)?.sidecar ?? null
  } catch (error) {
    if (errno(error) === undefined) throw error
    return 'unreadable'
  }
}

/**
 * In a folder of a version before, which marked sessions that ran, or that was copied without its run logs: makes run
 * logs of what the sidecars say is running. In a large store that is done once.
 */
export async function convertMarkers({ context }: StoreInternals): Promise<void> {
  const { layout, runs } = context
  const isMade = isThere(layout.running)
  const files = isMade ? [] : await pickNames(layout.root, (name) => nameOfSidecar(name))
  const former = listFolder(layout.running).filter((name) => FORMER.test(name) || isMarker(name))
  const names = isMade ? former.filter(isMarker) : files
  if (isMade ? former.length === 0 : names.length === 0) return
  const found: Statement[] = []
  for (const name of names) {
    const sidecar = sidecarOrNone(layout.sidecar(name))
    const isOfLog = sidecar !== null && isNameOf(name, sidecar.key) && isThere(layout.log(name))
    if (isOfLog && sidecar.run?.state === 'running') found.push(statementOf(sidecar.key, sidecar.session, sidecar.run))
    await yieldIfDue()
  }
  if (!isMade && found.length === 0 && names.length < MANY_SIDECARS) return
  makeFolder(layout.running)
  runs.pointTo(found)
  for (const name of former) removeOwnFile(path.join(layout.running, name))
}

function isMarker(name: string): boolean {
  return isSessionName(name) && !isGivenName(name) && !isRunLogName(name)
}
