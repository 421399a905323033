/**
 * After a crash: what it left is found and reported, and each run that was cut off is ended in the chosen way, once,
 * however many processes try. Nothing is resumed.
 *
 * What is decided, is decided on the sidecar under the session's lease, and one replacement of the sidecar does it: a
 * recoverer that dies before has done nothing, and one that dies after has done all. A note in the log comes first and
 * names the run, so that a second recoverer finds it there. A callback is called by whoever made the run its own; if
 * that process dies, the run is one of a dead owner again.
 */

import { breatheIfDue } from '../base/event-loop.js'
import { jsonEqual } from '../base/json.js'
import { loadReplace } from '../disk/atomic-replace.js'
import { lastByteOf } from '../disk/files.js'
import { LogReader } from '../disk/log-reader.js'
import { isSameBoot, thisProcess } from '../disk/process-identity.js'
import { markedNames } from '../disk/runs/markers.js'
import type { Run } from '../disk/sidecar-file.js'
import type { StoreInternals } from '../list/store-internals.js'
import { tellError } from '../session/options.js'
import { metaDraft } from '../session/pending-line.js'
import type { CrashedRun, CrashReason, RunEnd } from '../session/reports.js'
import type { SessionLog } from '../session/session-log.js'
import { readRun, record, reporter } from '../session/sidecar.js'
import { checkVersion } from '../session/transaction.js'
import { describeCrash, Judge } from './crash.js'
import { checkRecoverOptions, isRunEnd, type RecoverAction, type RecoverOptions } from './recover-options.js'
import { isSameProcess, isSameRun } from './run-tracker.js'
import { claimOf } from './running.js'
import { sweep } from './sweep.js'

export interface RecoverReport {
  runs: CrashedRun[]
  /** Half lines at the ends of logs, bytes. Readers ignore them; the next write sets them aside. */
  tornTails: Array<{ key: string; offset: number; length: number }>
  /** Left-overs that were cleared away, when the store was opened or now: paths relative to the store. */
  swept: string[]
  /** Sessions that could not be looked at or acted on. */
  failed: Array<{ key: string; error: unknown }>
}

/** @throws TypeError, RangeError for wrong options */
export async function recover(store: StoreInternals, options: RecoverOptions | undefined): Promise<RecoverReport> {
  const { action, keys, silentAfterMs } = checkRecoverOptions(options)
  await loadReplace()
  const report: RecoverReport = { runs: [], tornTails: [], swept: store.swept.splice(0), failed: [] }
  const attempt = async (key: string, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      report.failed.push({ key, error })
      tellError(store.context.settings, error, key)
    }
  }
  const marked = markedRuns(store).filter(({ key }) => keys?.includes(key) ?? true)
  const judge = new Judge(store.context, silentAfterMs)
  await judge.listen(marked.map(({ run }) => run))
  for (const { key, run } of marked) {
    if (judge.reasonFor(run) === undefined) continue
    await attempt(key, async () => {
      const done = await recoverOne(store.log(key), judge, action)
      if (done?.error !== undefined) report.failed.push({ key, error: done.error })
      if (done !== undefined) report.runs.push(done.run)
    })
  }
  for (const key of keys ?? (await store.index.keys()).sort()) {
    await attempt(key, async () => {
      const torn = await tornTailOf(store.log(key))
      if (torn !== undefined) report.tornTails.push({ key, ...torn })
    })
    await breatheIfDue()
  }
  if (action !== 'report' && keys === undefined) report.swept.push(...(await sweep(store.context)))
  return report
}

/** Tells `onCrash` at open what a crash left: at the cost of what runs. */
export async function reportCrash(store: StoreInternals): Promise<void> {
  const { settings } = store.context
  if (settings.onCrash === undefined) return
  const judge = new Judge(store.context)
  const runs: CrashedRun[] = []
  for (const { key, run } of markedRuns(store)) {
    const reason = judge.reasonFor(run)
    if (reason !== undefined) runs.push(await describeCrash(store.log(key), run, reason))
  }
  if (runs.length + store.swept.length === 0) return
  try {
    settings.onCrash({ runs, swept: [...store.swept] })
  } catch (error) {
    tellError(settings, error, '')
  }
}

function markedRuns({ context }: StoreInternals): Array<{ key: string; run: Run }> {
  return markedNames(context.layout).flatMap((name) => {
    const claim = claimOf(context, name)
    return claim?.run.state === 'running' ? [claim] : []
  })
}

interface Done {
  run: CrashedRun
  /** What the callback threw. */
  error?: unknown
}

/** Undefined when the run is not there any more: ended, or taken by somebody else. */
async function recoverOne(log: SessionLog, judge: Judge, action: RecoverAction): Promise<Done | undefined> {
  const found = await crashIn(log, judge)
  if (found === undefined) return undefined
  const run = await describeCrash(log, found.run, found.reason)
  if (action === 'report') return { run }
  const isCrashed = (now: Run | null) => isSameRun(now, found.run) && judge.reasonFor(now) !== undefined
  if (typeof action !== 'function') {
    const isDone = await end(log, found, action, isCrashed)
    return isDone ? { run: { ...run, ended: action } } : undefined
  }
  const { owner } = reporter(log.context)
  const uptime =
    isSameBoot(found.run.owner, owner) && found.run.uptime !== undefined ? { uptime: found.run.uptime } : {}
  const own: Run = { ...found.run, owner, ...uptime, recovered: found.reason }
  if (Object.keys(uptime).length === 0) delete own.uptime
  if (!(await replaceRun(log, isCrashed, own))) return undefined
  const { ended, error } = await ask(action, run)
  const isOwn = (now: Run | null) => isSameRun(now, own) && isSameProcess(now!.owner, thisProcess())
  const isDone = await end(log, found, ended, isOwn)
  return { run: { ...run, ended: isDone ? ended : null }, ...(error === undefined ? {} : { error }) }
}

interface Crash {
  run: Run
  reason: CrashReason
}

async function crashIn(log: SessionLog, judge: Judge): Promise<Crash | undefined> {
  const known = await log.known()
  const run = known && readRun(log, known.summary)
  const reason = judge.reasonFor(run)
  return run && reason ? { run, reason } : undefined
}

async function ask(action: Extract<RecoverAction, (...args: never[]) => unknown>, run: CrashedRun) {
  try {
    const ended = (await action(run)) ?? 'idle'
    if (!isRunEnd(ended)) throw new TypeError("an action must answer 'error', 'interrupt' or 'idle'")
    return { ended }
  } catch (error) {
    return { ended: 'error' as const, error }
  }
}

/** Ends a run if it still is the one that `isIt` means; false when it is not. */
async function end(log: SessionLog, { run, reason }: Crash, ended: RunEnd, isIt: (now: Run | null) => boolean) {
  if (ended === 'interrupt') await note(log, run, reason, isIt)
  const state = ended === 'error' ? 'error' : 'idle'
  const turnId = ended === 'error' ? run.turnId : null
  const { uptime, ...now } = reporter(log.context)
  const next: Run = { state, turnId, ...now, recovered: reason }
  return replaceRun(log, isIt, uptime === undefined ? next : { ...next, uptime })
}

async function replaceRun(log: SessionLog, isIt: (now: Run | null) => boolean, next: Run): Promise<boolean> {
  return log.hold(async () => {
    const known = await log.forWriting()
    if (known === undefined || !isIt(readRun(log, known.summary))) return false
    checkVersion(known.summary, log.file.path)
    record(log, known, next)
    return true
  })
}

/** Says in the log that the turn was cut off, unless somebody did so who came no further. */
async function note(log: SessionLog, { turnId, since }: Run, reason: CrashReason, isIt: (now: Run | null) => boolean) {
  const interrupted = { turnId, since, reason }
  await log.transact((summary) => {
    const isNoted = summary !== undefined && jsonEqual(summary.labels.interrupted, interrupted)
    const isDue = summary !== undefined && !isNoted && isIt(readRun(log, summary))
    return { drafts: isDue ? [metaDraft({ interrupted })] : [], result: undefined }
  })
}

async function tornTailOf(log: SessionLog): Promise<{ offset: number; length: number } | undefined> {
  const last = lastByteOf(log.file.path)
  if (last === undefined || last === 0x0a) return undefined
  return LogReader.using(log.file.path, (reader) => {
    for (const piece of reader.backwards()) {
      return piece.kind === 'torn' ? { offset: piece.offset, length: piece.end - piece.offset } : undefined
    }
    return undefined
  })
}
