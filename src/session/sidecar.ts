/** The sidecar of one session: written at once when the run state changes, else when the session falls quiet. */

import { SessionError } from '../base/errors.js'
import { loadReplace } from '../disk/atomic-replace.js'
import { markOf } from '../disk/file-mark.js'
import { look } from '../disk/files.js'
import { thisProcess } from '../disk/process-identity.js'
import { beatFor, endBeatFor } from '../disk/runs/heartbeat.js'
import { removeMarker, ring, writeMarker } from '../disk/runs/markers.js'
import { type NotedSidecar, runOf } from '../disk/sidecar-cache.js'
import { hashOf, type Run, type RunName } from '../disk/sidecar-file.js'
import type { Summary } from '../log/fold.js'
import { isoTime } from '../log/parse.js'
import type { PendingLog, StoreContext } from './context.js'
import type { Known } from './log-state.js'
import { tellError } from './options.js'
import type { Draft } from './pending-line.js'
import { nextRun, type Reporter } from './run-state.js'
import { checkVersion } from './transaction.js'

/** What is asked of a session's log. */
interface LogWithSidecar extends PendingLog {
  readonly file: { readonly path: string; sync(): Promise<void> }
  readonly sidecar: NotedSidecar
  readonly context: StoreContext
  hold<T>(work: () => T | Promise<T>, timeout?: number): T | Promise<T>
  known(): Promise<Known | undefined>
  forWriting(): Promise<Known | undefined>
  create(drafts: Draft[], header: undefined, before: (headerId: string | null) => void): boolean
  forget(): void
}

/** The run state that the sidecar claims; null when it never was set, or was set for an earlier log of this key. */
export function readRun(log: LogWithSidecar, summary: Summary): Run | null {
  return runOf(log.sidecar.claim(), log.key, summary)
}

/** Records a change of the run state, creating the session if need be. No line of the log changes. */
export async function setRun(log: LogWithSidecar, state: RunName, turnId: string | null): Promise<void> {
  log.context.checkOpen()
  await loadReplace()
  await log.hold(async () => {
    const change = (run: Run | null) => nextRun(run, state, turnId, reporter(log.context))
    let known = await log.forWriting()
    while (known === undefined) {
      if (createWith(log, change(null))) return
      known = await log.forWriting()
    }
    checkVersion(known.summary, log.file.path)
    const next = change(readRun(log, known.summary))
    if (next !== null) record(log, known, next)
  })
}

/** This process, now. */
export function reporter({ clock }: StoreContext): Reporter {
  return { since: isoTime(clock.now()), uptime: clock.uptime(), owner: thisProcess() }
}

/** Makes a session with its state: both are there, or neither. False when somebody else made one. */
function createWith(log: LogWithSidecar, run: Run | null): boolean {
  const blank = { key: log.key, run, watermark: null, summary: null }
  const isMade = (session: string | null) => log.sidecar.write({ ...blank, session })
  try {
    return log.create([], undefined, (session) => {
      if (run?.state === 'running') recordRunning(log, run, () => isMade(session))
      else if (run !== null) isMade(session)
    })
  } catch (error) {
    if (run?.state === 'running') unmark(log)
    throw error
  }
}

/** Writes a changed run state down, for work under the lease: the marker first and the sidecar then, or away after it. */
export function record(log: LogWithSidecar, known: Known, run: Run): void {
  if (run.state !== 'running') {
    write(log, known, run)
    unmark(log)
    return
  }
  try {
    recordRunning(log, run, () => write(log, known, run))
  } catch (error) {
    if (readRun(log, known.summary)?.state !== 'running') unmark(log)
    throw error
  }
}

function recordRunning(log: LogWithSidecar, run: Run, write: () => void): void {
  const { layout } = log.context
  beatFor(layout, log.name)
  writeMarker(layout, log.name, log.key, run)
  write()
  ring(layout)
}

/** Takes the marker of a session away that runs no more. One that stays means nothing: it is swept later. */
export function unmark(log: LogWithSidecar): void {
  const { layout, settings } = log.context
  endBeatFor(layout, log.name)
  try {
    removeMarker(layout, log.name)
    ring(layout)
  } catch (error) {
    tellError(settings, error, log.key)
  }
}

/** Makes a sidecar again from the log, once `takeAway` has taken the old one away. The run state stays. */
export async function makeAgain(log: LogWithSidecar, takeAway: () => void): Promise<void> {
  await loadReplace()
  await log.hold(async () => {
    const former = await log.known()
    const run = former === undefined ? null : readRun(log, former.summary)
    takeAway()
    // what is known here may come from the old one
    log.forget()
    const known = await log.known()
    if (known !== undefined) write(log, known, run)
  })
}

/** Brings the sidecar up to the log. */
export async function writeBehind(log: LogWithSidecar): Promise<void> {
  if (look(log.file.path) === undefined) return
  await loadReplace()
  const work = async () => {
    const known = await log.known()
    if (known !== undefined) write(log, known, readRun(log, known.summary))
  }
  try {
    await log.hold(work, 0)
  } catch (error) {
    // another process is writing to the session: its sidecar will say what ours would have said
    if (!(error instanceof SessionError && error.code === 'ERR_LOCKED')) throw error
  }
}

function write(log: LogWithSidecar, known: Known, run: Run | null): void {
  const { summary, mark, print, partial } = known
  const whole = !partial && !known.open && known.torn === null
  log.sidecar.write({
    key: log.key,
    session: summary.header?.id ?? null,
    run,
    watermark: whole ? { ...markOf(mark), print: { length: print.length, hash: hashOf(print) } } : null,
    summary: whole ? summary : null,
  })
  if (whole) log.context.noteCaughtUp(log)
}
