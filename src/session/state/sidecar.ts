/** The sidecar of one session: written behind the log and the run logs. */

import { SessionError } from '../../base/errors.js'
import { statFile } from '../../disk/files.js'
import { markOf } from '../../disk/log/file-mark.js'
import type { Claim } from '../../disk/sidecar/sidecar-cache.js'
import { hashOf, type Run, type Sidecar } from '../../disk/sidecar/sidecar-file.js'
import type { LogState } from '../log/log-state.js'
import { type LogWithRuns, readRun, sessionOf, standingOf, statementsOf } from './runs.js'

interface LogWithSidecar extends LogWithRuns {
  readonly draft: { turnId: string; text: string } | undefined
  current(): Promise<LogState | undefined>
  currentBehind(): Promise<LogState | undefined>
  reset(): void
}

/** Makes a sidecar again from the log, once `takeAway` has taken the old one away. The run state stays. */
export async function makeAgain(log: LogWithSidecar, takeAway: () => void): Promise<void> {
  await log.hold(async () => {
    const former = await log.current()
    const run = former === undefined ? null : readRun(log, former.summary)
    takeAway()
    // the cached state may come from the old one
    log.reset()
    const state = await log.current()
    if (state !== undefined) write(log, state, run)
  })
}

/** Brings the sidecar up to the log and the run state, for work under the lease. */
export async function writeNow(log: LogWithSidecar): Promise<void> {
  const state = await log.current()
  if (state === undefined) return
  // one that cannot be read now stays as it is
  const run = standingOf(statementsOf(log, sessionOf(state.summary)))?.run ?? null
  write(log, state, run)
}

/** The same, unless another process has the lease. */
export async function writeBehind(log: LogWithSidecar): Promise<void> {
  log.context.root.check()
  // calls on the session need not wait for the reading of what other processes wrote
  if ((await log.currentBehind()) === undefined || (await log.inTurn(() => makeFirst(log)))) return
  try {
    await log.hold(() => writeNow(log), { timeout: 0 })
  } catch (error) {
    // another process is writing to the session: its sidecar will have the same content
    if (!(error instanceof SessionError && error.code === 'ERR_LOCKED')) throw error
  }
}

/**
 * Makes the first sidecar of a session without its lease, which costs many times as much: what lands nowhere but where
 * there is none, and contains no run state, takes nothing away. False where more is needed.
 */
async function makeFirst(log: LogWithSidecar): Promise<boolean> {
  const { leases, leasesAppends, runs } = log.context
  if (leasesAppends || statFile(log.sidecar.path) !== undefined) return false
  const state = await log.current()
  if (state === undefined) return false
  const session = sessionOf(state.summary)
  const { others, own } = statementsOf(log, session)
  if (others.length > 0 || own !== undefined || runs.refusal !== undefined) return false
  leases.keepReserve()
  if (!log.sidecar.create(sidecarOf(log, state, null))) return false
  if (isWhole(state)) log.context.noteCaughtUp(log)
  // a deletion removes the log first: it has not seen the sidecar, or removes it
  if (statFile(log.file.path) !== undefined) return true
  await log.takeLease()
  if (statFile(log.file.path) === undefined) log.sidecar.removeOwn()
  return true
}

function write(log: LogWithSidecar, state: LogState, run: Run | null): void {
  log.sidecar.write(sidecarOf(log, state, run))
  if (run?.n !== undefined) log.context.runs.own.settle(log.key, run.n)
  if (isWhole(state)) log.context.noteCaughtUp(log)
}

function isWhole({ partial, open, torn }: LogState): boolean {
  return !partial && !open && torn === null
}

function sidecarOf(log: LogWithSidecar, state: LogState, run: Run | null): Sidecar {
  const { summary, mark, print } = state
  const whole = isWhole(state)
  return {
    key: log.key,
    session: sessionOf(summary),
    run: run && withDraft(run, log.draft ?? draftIn(log.sidecar.claim())),
    watermark: whole ? { ...markOf(mark), print: { length: print.length, hash: hashOf(print) } } : null,
    summary: whole ? summary : null,
  }
}

function withDraft(run: Run, draft: LogWithSidecar['draft']): Run {
  const isOfRun = draft !== undefined && run.state === 'running' && run.turnId === draft.turnId
  return isOfRun ? { ...run, draft: draft.text } : run
}

/** The draft that another process has put there: it stays for as long as its turn runs. */
function draftIn(claim: Claim | null): LogWithSidecar['draft'] {
  const { turnId = null, draft } = claim?.run ?? {}
  return turnId === null || draft === undefined ? undefined : { turnId, text: draft }
}
