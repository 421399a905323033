/** Moves sessions that were not used for long to the trash. */

import { logBusy } from '../base/errors.js'
import { yieldIfDue } from '../base/event-loop.js'
import { bytesIn, isThere } from '../disk/folders.js'
import { nameIn } from '../disk/given-names.js'
import { markOf } from '../disk/log/file-mark.js'
import { isSameBoot, livenessOf, thisProcess } from '../disk/process-identity.js'
import { withReserve } from '../disk/reserve.js'
import type { Run } from '../disk/sidecar/sidecar-file.js'
import { logInTrash, moveToTrash } from '../disk/trash.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { StoreContext } from '../session/context.js'
import { type ListedSession, listedOf } from '../session/info.js'
import { isForeign, mayBeForeign } from '../session/log/foreign-log.js'
import type { SessionLog } from '../session/log/session-log.js'
import { attempt } from '../session/options.js'
import { readRun } from '../session/state/runs.js'
import { writeNow } from '../session/state/sidecar.js'
import { turnRunning } from '../session/turn/turn-claim.js'
import { type CleanupOptions, type CleanupRules, checkCleanup } from './options.js'
import { type Candidate, mayGo, planCleanup } from './plan.js'

export interface CleanupResult {
  /** Keys, longest idle first. */
  removed: string[]
  /** Sessions that should have gone and could not. */
  failed: Array<{ key: string; error: unknown }>
}

/** A run whose process cannot be seen is over for a cleanup when that was silent for this long, ms, … */
const SILENT_RUN_MS = 3_600_000
/** … or, if it has no run log, after this time. */
const UNHEARD_RUN_MS = 24 * 3_600_000

/**
 * @throws TypeError for an unknown or missing option or a wrong type, RangeError for a number out of range; what the
 * signal was aborted with
 */
export async function cleanUp(store: StoreInternals, options: CleanupOptions): Promise<CleanupResult> {
  const rules = checkCleanup(options)
  const countsBytes = rules.maxBytes < Number.POSITIVE_INFINITY
  const sessions: Candidate[] = []
  const all = await store.index.sessions()
  const now = timePassed(store.context, all)
  for (const listed of all) {
    const { settings } = store.context
    const candidate = await attempt(settings, listed.info.key, async () =>
      candidateOf(store.context, listed, listed.run, countsBytes),
    )
    if (candidate !== undefined) sessions.push(candidate)
    await yieldIfDue()
  }
  const result: CleanupResult = { removed: [], failed: [] }
  for (const session of planCleanup(sessions, rules, now)) {
    rules.signal?.throwIfAborted()
    const log = store.log(session.key)
    const isStillDue = () => isUnchanged(log, session, rules, now)
    try {
      if (await (rules.dryRun ? isStillDue() : removeIf(log, isStillDue, rules.signal)))
        result.removed.push(session.key)
    } catch (error) {
      rules.signal?.throwIfAborted()
      result.failed.push({ key: session.key, error })
      store.context.settings.onError(error, session.key)
    }
    await yieldIfDue()
  }
  return result
}

/** The time that has passed, by the runs of the sessions where the clock was set. */
export function timePassed({ clock }: StoreContext, all: ReadonlyArray<{ run: Run | null }>): number {
  for (const { run } of all) {
    if (run?.uptime === undefined || !isSameBoot(run.owner, thisProcess())) continue
    clock.trust({ clock: Date.parse(run.since), uptime: run.uptime })
  }
  return clock.passed()
}

function candidateOf(
  context: StoreContext,
  { info, details }: ListedSession,
  run: Run | null,
  countsBytes: boolean,
): Candidate {
  return {
    key: info.key,
    lastUse: Math.max(info.lastActivity.getTime(), details.updated),
    bytes: info.bytes + (countsBytes ? bytesIn(context.layout.blobs(nameIn(context.layout, info.key))) : 0),
    tags: info.tags,
    unreadable: info.damaged > 0 && info.messages + details.roleless === 0,
    running: mayBeRunning(context, run),
  }
}

function mayBeRunning(context: StoreContext, run: Run | null): boolean {
  if (run?.state !== 'running') return false
  const liveness = livenessOf(run.owner)
  if (liveness !== 'unknown') return liveness === 'alive'
  const silence = context.runs.silenceOf(run.owner)
  return silence === undefined
    ? context.clock.passed() - Date.parse(run.since) < UNHEARD_RUN_MS
    : silence < SILENT_RUN_MS
}

/** False for a session that was used since it was decided on, or must stay for another reason. */
async function isUnchanged(log: SessionLog, planned: Candidate, rules: CleanupRules, now: number): Promise<boolean> {
  const state = await log.current()
  if (state === undefined) return false
  const run = readRun(log, state.summary)
  const session = candidateOf(log.context, listedOf(log.key, state, run, log.context.clock.now()), run, false)
  if (session.lastUse !== planned.lastUse || !mayGo(session, rules, now)) return false
  return !mayBeForeign(state.summary) || !(await log.using(isForeign))
}

/** How often a move starts over when another process uses the session meanwhile. */
const MAX_ATTEMPTS = 5

async function removeIf(log: SessionLog, isDue: () => Promise<boolean>, signal?: AbortSignal): Promise<boolean> {
  return (await toTrash(log, isDue, signal)) !== null
}

/**
 * Moves a session to the trash that `isDue` says so of, unless another process writes to it since. Returns its id
 * there; null where it stays.
 */
async function toTrash(log: SessionLog, isDue: () => Promise<boolean>, signal?: AbortSignal): Promise<string | null> {
  const { name } = log
  const { layout } = log.context
  const ids: string[] = []
  const moved = await withReserve(layout, () => log.hold(() => moveUnderLease(log, isDue, ids), { signal }))
  // a second attempt, without the reserve, finds nothing to move where the first got that far
  return moved ?? ids.find((id) => isThere(logInTrash({ name, id, folder: layout.trashed(name, id) }))) ?? null
}

/** Adds the id of each attempt to `ids`; returns that of the one that moved the session. */
async function moveUnderLease(log: SessionLog, isDue: () => Promise<boolean>, ids: string[]): Promise<string | null> {
  const { layout, clock, runs, settings } = log.context
  const isSynced = settings.fsync !== 'no'
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const mark = log.file.stat()
    if (mark === undefined) {
      log.context.noteAbsent(log)
      return null
    }
    if (!(await isDue())) return null
    // the run state goes along in the sidecar
    if (runs.keys().has(log.key)) await writeNow(log)
    log.reset()
    log.checkLease()
    const id = clock.id('')
    ids.push(id)
    if (await log.moving(() => moveToTrash(layout, { name: log.name, id, isSynced }, markOf(mark)))) {
      log.noteGone()
      return id
    }
  }
  throw logBusy(log.key, log.file.path)
}

/**
 * Moves one session to the trash; returns its id there, null when there is no session.
 * @throws SessionError ERR_TURN_RUNNING, unless `force` is given
 */
export async function trashSession(
  log: SessionLog,
  { force, signal }: { force: boolean; signal: AbortSignal | undefined },
): Promise<string | null> {
  log.context.checkOpen()
  const isDue = async () => {
    const state = await log.forWriting()
    const run = state === undefined ? null : readRun(log, state.summary)
    if (!force && run !== null && mayBeRunning(log.context, run)) throw turnRunning(log.key, run)
    return state !== undefined
  }
  return toTrash(log, isDue, signal)
}
