/** Which sessions run, found by their markers: at the cost of what runs, not of what is stored. */

import { errno, SessionError } from '../base/errors.js'
import { breatheIfDue } from '../base/event-loop.js'
import { look } from '../disk/files.js'
import { checkFolder } from '../disk/folders.js'
import { nameOf, nameOfSidecar } from '../disk/names.js'
import { hasMarker, hasMarkers, makeMarkers, markedNames, writeMarker } from '../disk/runs/markers.js'
import { type Run, readSidecar } from '../disk/sidecar-file.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { StoreContext } from '../session/context.js'
import type { SessionInfo } from '../session/info.js'
import type { RunOwner } from '../session/reports.js'
import { ownerOf, runAge } from '../session/run-state.js'
import type { SessionLog } from '../session/session-log.js'
import { readRun, reporter } from '../session/sidecar.js'

/** A session in state running. */
export interface RunningSession extends SessionInfo {
  owner: RunOwner
  /** For how long, ms. By the kernel's count where the clock was set meanwhile. */
  runningMs: number
}

/** To read fewer sidecars than this at every open costs less than a folder that nobody needs. */
const MANY_SIDECARS = 64

/** Latest start first, ties by key. */
export async function runningSessions({ context, index }: StoreInternals): Promise<RunningSession[]> {
  // without it, a folder that cannot be reached would look like one in which nothing runs
  checkFolder(context.layout.root)
  const now = reporter(context)
  const rows = (await index.named(markedNames(context.layout))).flatMap(({ info, run }) =>
    run?.state === 'running' ? [{ ...info, owner: ownerOf(run), runningMs: runAge(run, now) }] : [],
  )
  return rows.sort((a, b) => startOf(b) - startOf(a) || (a.key < b.key ? -1 : 1))
}

function startOf({ turnStartedAt }: SessionInfo): number {
  return turnStartedAt?.getTime() ?? 0
}

/** What the sidecar of a session claims without a look into the log: enough to know where to look closer. */
export function claimOf({ layout }: StoreContext, name: string): { key: string; run: Run } | undefined {
  const sidecar = readSidecar(layout.sidecar(name))?.sidecar
  if (!sidecar?.run || nameOf(sidecar.key) !== name) return undefined
  const log = look(layout.log(name))
  return log === undefined || log === 'other' ? undefined : { key: sidecar.key, run: sidecar.run }
}

/**
 * In a folder without markers, because it is older than they are, was copied without them, lost them or never had a
 * turn: finds what its sidecars say is running. `files` are the names in the folder. In a large store that is done once.
 */
export async function findUnmarked(context: StoreContext, files: readonly string[]): Promise<void> {
  const { layout } = context
  if (hasMarkers(layout)) return
  const names = files.flatMap((file) => nameOfSidecar(file) ?? [])
  if (names.length === 0) return
  const running: Array<{ name: string; key: string; run: Run }> = []
  for (const name of names) {
    const claim = claimOf(context, name)
    if (claim?.run.state === 'running') running.push({ name, ...claim })
    await breatheIfDue()
  }
  if (running.length === 0 && names.length < MANY_SIDECARS) return
  try {
    makeMarkers(layout)
    for (const { name, key, run } of running) if (!hasMarker(layout, name)) writeMarker(layout, name, key, run)
  } catch (error) {
    passIfReadOnly(error)
  }
}

/** Gives a session a marker that runs without one: its sidecar was written by hand, or its marker was lost. */
export async function markIfRunning(log: SessionLog): Promise<void> {
  const { layout } = log.context
  if (hasMarker(layout, log.name)) return
  const work = async () => {
    const known = await log.known()
    const run = known && readRun(log, known.summary)
    if (run?.state === 'running' && !hasMarker(layout, log.name)) writeMarker(layout, log.name, log.key, run)
  }
  try {
    await log.hold(work, 0)
  } catch (error) {
    // in use: whoever uses it writes its marker
    if (!(error instanceof SessionError)) passIfReadOnly(error)
  }
}

/** A folder that may only be read gets no markers, and needs none for correct lists. */
function passIfReadOnly(error: unknown): void {
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(errno(error) ?? '')) throw error
}
