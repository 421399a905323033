/**
 * After a crash: what it left is found and reported, and each run that was cut off is ended in the chosen way, once,
 * however many processes try. Nothing is resumed.
 *
 * A recovery claims the run first, as a turn is claimed, and then ends it: if that process dies meanwhile, the
 * run is one of a dead owner again. A note in the log comes before the end and names the run, so that a second
 * recoverer finds it there.
 */

import { sleep, yieldIfDue } from '../base/event-loop.js'
import { lastByteOf } from '../disk/files.js'
import { isSameBoot, type Owner } from '../disk/process-identity.js'
import type { Run } from '../disk/sidecar/sidecar-file.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { SessionLog } from '../session/log/session-log.js'
import type { CrashedRun, CrashReason, RunEnd } from '../session/reports.js'
import { claimExisting, readRun, reporter } from '../session/state/runs.js'
import { cutOffDrafts, draftOf } from '../session/turn/cut-off.js'
import { type Claim, endTurn, isMine, tryClaim } from '../session/turn/turn-claim.js'
import { describeCrash, Judge } from './crash.js'
import {
  checkRecoverOptions,
  isRunEnd,
  type RecoverAction,
  type RecoverOptions,
  type RecoverSettings,
} from './recover-options.js'
import { isSameRun } from './run-tracker.js'
import { runsNow } from './running.js'
import { sweepAtOpen, sweepLeftovers } from './sweep.js'

/** Recoverers that meet try again after a random time up to this, ms. */
const MAX_RETRY_MS = 10

export interface RecoverReport {
  runs: CrashedRun[]
  /** Half lines at the ends of logs, bytes. Readers ignore them; the next write sets them aside. */
  tornTails: Array<{ key: string; offset: number; length: number }>
  /** Left-overs that were cleared away, when the store was opened or now: paths relative to the store. */
  swept: string[]
  /** Sessions that could not be read or acted on. */
  failed: Array<{ key: string; error: unknown }>
}

/** @throws TypeError, RangeError for wrong options; what the signal was aborted with */
export async function recover(store: StoreInternals, options: RecoverOptions | undefined): Promise<RecoverReport> {
  const { action, keys, silentAfterMs, signal } = checkRecoverOptions(options)
  const report: RecoverReport = { runs: [], tornTails: [], swept: store.swept.splice(0), failed: [] }
  const attempt = async (key: string, work: () => Promise<void>) => {
    signal?.throwIfAborted()
    try {
      await work()
    } catch (error) {
      signal?.throwIfAborted()
      report.failed.push({ key, error })
      store.context.settings.onError(error, key)
    }
  }
  const now = (await runsNow(store)).filter(({ log }) => keys?.includes(log.key) ?? true)
  const judge = new Judge(store.context, silentAfterMs)
  await judge.listen(now.map(({ run }) => run))
  for (const { log, run } of now) {
    if (judge.reasonFor(run) === undefined) continue
    const { key } = log
    await attempt(key, async () => {
      const done = await recoverOne(log, judge, { action, signal })
      if (done?.error !== undefined) report.failed.push({ key, error: done.error })
      if (done === undefined) return
      report.runs.push(done.run)
      // the run log of the dead process goes only when the sidecar contains how its turn ended
      if (action !== 'report') await log.writeSidecar().catch((error) => store.context.settings.onError(error, key))
    })
  }
  for (const key of keys ?? (await store.index.keys()).sort()) {
    await attempt(key, async () => {
      const torn = await tornTailOf(store.log(key))
      if (torn !== undefined) report.tornTails.push({ key, ...torn })
    })
    await yieldIfDue()
  }
  if (action !== 'report' && keys === undefined) {
    await sweepAtOpen(store)
    report.swept.push(...store.swept.splice(0), ...(await sweepLeftovers(store)))
  }
  return report
}

/** Reports to `onCrash` at open what a crash left: at the cost of the turns that run. */
export async function reportCrash(store: StoreInternals): Promise<void> {
  const { settings } = store.context
  if (settings.onCrash === undefined) return
  const judge = new Judge(store.context)
  const runs: CrashedRun[] = []
  for (const { log, run } of await runsNow(store)) {
    const reason = judge.reasonFor(run)
    if (reason !== undefined) runs.push(await describeCrash(log, run, reason))
  }
  if (runs.length + store.swept.length > 0) settings.onCrash({ runs, swept: [...store.swept] })
}

interface Done {
  run: CrashedRun
  /** What the callback threw. */
  error?: unknown
}

/** Undefined when the run is not there any more: ended, or claimed by another process. */
async function recoverOne(
  log: SessionLog,
  judge: Judge,
  { action, signal }: Pick<RecoverSettings, 'action' | 'signal'>,
): Promise<Done | undefined> {
  const found = await crashIn(log, judge)
  if (found === undefined) return undefined
  const run = await describeCrash(log, found.run, found.reason)
  if (action === 'report') return { run }
  const claim = await takeOver(log, found, judge)
  if (claim === undefined) return undefined
  const { ended, error } = typeof action === 'function' ? await callAction(action, run) : { ended: action }
  const isDone = await end(log, claim, { reason: found.reason, ended, signal })
  return { run: { ...run, ended: isDone ? ended : null }, ...(error === undefined ? {} : { error }) }
}

interface Crash {
  run: Run
  reason: CrashReason
}

async function crashIn(log: SessionLog, judge: Judge): Promise<Crash | undefined> {
  const state = await log.current()
  const run = state && readRun(log, state.summary)
  const reason = judge.reasonFor(run)
  return run && reason ? { run, reason } : undefined
}

/** Claims a run that was cut off, unchanged; undefined when another process has ended or claimed it. */
async function takeOver(log: SessionLog, { run, reason }: Crash, judge: Judge): Promise<Claim | undefined> {
  for (;;) {
    const wanted = {
      run: taken(run, reason, log),
      input: 'former' as const,
      mayLive: (owner: Owner) => judge.reasonAgainst(owner) === undefined,
      isDue: (now: Run | null) => isSameRun(now, run) && judge.reasonFor(now) !== undefined,
    }
    const outcome = await claimExisting(log, (session) => tryClaim(log, session, wanted))
    if (outcome === undefined || !('rival' in outcome)) return outcome
    await sleep(MAX_RETRY_MS * Math.random())
  }
}

/** The same run, of this owner. */
function taken({ turnId, since, owner, uptime }: Run, reason: CrashReason, { context }: SessionLog): Run {
  const here = reporter(context).owner
  const run: Run = { state: 'running', turnId, since, owner: here, recovered: reason }
  return uptime !== undefined && isSameBoot(owner, here) ? { ...run, uptime } : run
}

async function callAction(action: Extract<RecoverAction, (...args: never[]) => unknown>, run: CrashedRun) {
  try {
    const ended = (await action(run)) ?? 'idle'
    if (!isRunEnd(ended)) throw new TypeError("an action must return 'error', 'interrupt' or 'idle'")
    return { ended }
  } catch (error) {
    return { ended: 'error' as const, error }
  }
}

/** False when the run is not this process's any more. */
async function end(
  log: SessionLog,
  claim: Claim,
  { reason, ended, signal }: { reason: CrashReason; ended: RunEnd; signal: AbortSignal | undefined },
): Promise<boolean> {
  const { turnId, since, input: ids = [] } = claim
  // a turn that was to answer messages is always noted: the next one counts it, and finds its text
  if (ended === 'interrupt' || ids.length > 0) {
    const text = draftOf(log, turnId)
    await log.transact((summary) => {
      const isDue = summary !== undefined && isMine(log, claim)
      return { drafts: isDue ? cutOffDrafts(summary, { turnId, since, reason, ids, text }) : [], result: undefined }
    }, signal)
  }
  return endTurn(log, claim, ended === 'error' ? 'error' : 'idle', { recovered: reason })
}

async function tornTailOf(log: SessionLog): Promise<{ offset: number; length: number } | undefined> {
  const last = lastByteOf(log.file.path)
  if (last === undefined || last === 0x0a) return undefined
  return log.using((reader) => {
    for (const piece of reader.backwards()) {
      return piece.kind === 'torn' ? { offset: piece.offset, length: piece.end - piece.offset } : undefined
    }
    return undefined
  })
}
