/** Taking away what nobody has used for long. */

import { breatheIfDue } from '../base/event-loop.js'
import { markOf } from '../disk/file-mark.js'
import { bytesIn } from '../disk/folders.js'
import { nameOf } from '../disk/names.js'
import { livenessOf } from '../disk/process-identity.js'
import { silenceOf } from '../disk/runs/heartbeat.js'
import type { Run } from '../disk/sidecar-file.js'
import { moveToTrash } from '../disk/trash.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { StoreContext } from '../session/context.js'
import { type ListedSession, listedOf } from '../session/info.js'
import { tellError } from '../session/options.js'
import type { SessionLog } from '../session/session-log.js'
import { readRun, unmark } from '../session/sidecar.js'
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
/** … or, if it was never heard of, as one of a version without heartbeats, after this time. */
const UNHEARD_RUN_MS = 24 * 3_600_000

/** @throws TypeError for an unknown or missing option or a wrong type, RangeError for a number out of range */
export async function cleanUp(store: StoreInternals, options: CleanupOptions): Promise<CleanupResult> {
  const rules = checkCleanup(options)
  const now = store.context.clock.passed()
  const countsBytes = rules.maxBytes < Number.POSITIVE_INFINITY
  const sessions: Candidate[] = []
  for (const listed of await store.index.sessions()) {
    sessions.push(candidateOf(store.context, listed, listed.run, countsBytes))
    await breatheIfDue()
  }
  const result: CleanupResult = { removed: [], failed: [] }
  for (const session of planCleanup(sessions, rules, now)) {
    const log = store.log(session.key)
    const isStillDue = () => isUnchanged(log, session, rules, now)
    try {
      if (await (rules.dryRun ? isStillDue() : removeIf(log, isStillDue))) result.removed.push(session.key)
    } catch (error) {
      result.failed.push({ key: session.key, error })
      tellError(store.context.settings, error, session.key)
    }
    await breatheIfDue()
  }
  return result
}

function candidateOf(
  context: StoreContext,
  { info, details }: ListedSession,
  run: Run | null,
  countsBytes: boolean,
): Candidate {
  return {
    key: info.key,
    lastActivity: info.lastActivity.getTime(),
    bytes: info.bytes + (countsBytes ? bytesIn(context.layout.blobs(nameOf(info.key))) : 0),
    tags: info.tags,
    unreadable: info.damaged > 0 && info.messages + details.values === 0,
    running: mayBeRunning(context, run),
  }
}

function mayBeRunning(context: StoreContext, run: Run | null): boolean {
  if (run?.state !== 'running') return false
  const liveness = livenessOf(run.owner)
  if (liveness !== 'unknown') return liveness === 'alive'
  const silence = silenceOf(context.layout, run.owner)
  return silence === undefined
    ? context.clock.passed() - Date.parse(run.since) < UNHEARD_RUN_MS
    : silence < SILENT_RUN_MS
}

/** False for a session that was used since it was decided on, or must stay for another reason by now. */
async function isUnchanged(log: SessionLog, planned: Candidate, rules: CleanupRules, now: number): Promise<boolean> {
  const known = await log.known()
  if (known === undefined) return false
  const run = readRun(log, known.summary)
  const session = candidateOf(log.context, listedOf(log.key, known, run), run, false)
  return session.lastActivity === planned.lastActivity && mayGo(session, rules, now)
}

/** How often a move starts over that another process has prevented by opening the store. */
const MAX_ATTEMPTS = 5

async function removeIf(log: SessionLog, isDue: () => Promise<boolean>): Promise<boolean> {
  return log.hold(async () => {
    const { layout, clock } = log.context
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const mark = log.file.look()
      if (mark === undefined || !(await isDue())) return false
      log.forget()
      log.checkLease()
      if (!moveToTrash(layout, log.name, clock.id(''), markOf(mark))) continue
      unmark(log)
      return true
    }
    return false
  })
}
