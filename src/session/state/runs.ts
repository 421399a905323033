/**
 * The run state of a session: the statement with the greatest count in run logs and sidecar. A change is one line in
 * the run log of this instance, without a lease; the sidecar follows.
 */
import { isForbidden } from '../../base/errors.js'
import { statFile } from '../../disk/files.js'
import { thisProcess } from '../../disk/process-identity.js'
import type { FolderRuns } from '../../disk/runs/folder-runs.js'
import { greatestCount, type Statement, standing, statementOf } from '../../disk/runs/run-lines.js'
import { runOf, type SidecarCache, type Claim as SidecarClaim } from '../../disk/sidecar/sidecar-cache.js'
import type { Run, RunName } from '../../disk/sidecar/sidecar-file.js'
import type { Summary } from '../../log/fold.js'
import { isoTime } from '../../log/parse.js'
import { checkVersion } from '../change/transaction.js'
import type { PendingLog, StoreContext } from '../context.js'
import type { LogState } from '../log/log-state.js'
import type { Draft } from '../log/pending-line.js'
import { nextRun, type Reporter } from './run-state.js'

/** The parts of a session's log that are needed here. */
export interface LogWithRuns extends PendingLog {
  readonly file: { readonly path: string; sync(): Promise<void> }
  readonly sidecar: SidecarCache
  readonly context: StoreContext
  hold<T>(work: () => T | Promise<T>, options?: { timeout?: number; signal?: AbortSignal | undefined }): T | Promise<T>
  /** Runs `work` behind earlier calls on the session, without a lease. */
  inTurn<T>(work: () => T | Promise<T>, signal?: AbortSignal): T | Promise<T>
  /** For work that runs in turn. */
  takeLease(signal?: AbortSignal): Promise<void>
  /** The cached state of the log, which may have grown since: reads nothing. */
  lastRead(): LogState | undefined
  forWriting(): Promise<LogState | undefined>
  create(drafts: Draft[], header: undefined, before: (headerId: string | null) => void): Promise<boolean>
}

/** This process, now. */
export function reporter({ clock }: StoreContext): Reporter {
  return { since: isoTime(clock.now()), uptime: clock.uptime(), owner: thisProcess() }
}

export function sessionOf({ header }: Pick<Summary, 'header'>): string | null {
  return header?.id ?? null
}

/** The current statements about a session, by other instances and by this one. */
export interface RunStatements {
  /** From their run logs, and the sidecar. */
  others: Statement[]
  own: Statement | undefined
}

/**
 * For callers that write by it.
 * @throws errors of the file system for a sidecar that cannot be read: its run state would be lost, or outranked by less
 */
export function statementsOf(
  log: LogWithRuns,
  session: string | null,
  claimOf = ({ sidecar }: LogWithRuns) => sidecar.claim(),
): RunStatements {
  // first the run logs: what goes from one stands in the sidecar by then
  const { runs, leasesAppends } = log.context
  runs.refresh(leasesAppends)
  const own = runs.own.statement(log.key)
  // then the sidecar has it from here
  if (own?.session === session && runs.isOnlyOwn(log.key)) return { others: [], own }
  return statementsWith(runs, log.key, session, claimOf(log))
}

/**
 * The same as of the last reading, where no other process was there: for callers that announce something and read then.
 */
export function lastStatementsOf(log: LogWithRuns, session: string | null): RunStatements {
  const { runs } = log.context
  const own = runs.own.statement(log.key)
  return own?.session === session && runs.isOnlyOwn(log.key) ? { others: [], own } : statementsOf(log, session)
}

function statementsWith(
  runs: FolderRuns,
  key: string,
  session: string | null,
  claim: SidecarClaim | null,
): RunStatements {
  const run = runOf(claim, key, session)
  const { others, own } = runs.statements(key, session)
  return { others: run === null ? others : [...others, statementOf(key, session, run)], own }
}

/** The run state by the last reading of the run logs, and a sidecar. */
export function currentRun(
  runs: FolderRuns,
  key: string,
  session: string | null,
  claim: SidecarClaim | null,
): Run | null {
  return standingOf(statementsWith(runs, key, session, claim))?.run ?? null
}

/** What stands of it. A claim that meets a run of this instance is about to be withdrawn. */
export function standingOf({ others, own }: RunStatements): Statement | undefined {
  if (own?.run.state === 'running' && own.run.n >= greatestCount(others)) return own
  return standing(own === undefined ? others : [...others, own])
}

type OnForbidden = (error: unknown) => void

/** For callers that only read: a sidecar of another user is done without. */
export function readableStatementsOf(
  log: LogWithRuns,
  session: string | null,
  onForbidden?: OnForbidden,
): RunStatements {
  return statementsOf(log, session, ({ sidecar }) => {
    try {
      return sidecar.claim()
    } catch (error) {
      if (!isForbidden(error)) throw error
      onForbidden?.(error)
      return null
    }
  })
}

/** The run state as far as it can be read; null when it never was set for this log of the key. */
export function readRun(log: LogWithRuns, summary: Pick<Summary, 'header'>, onForbidden?: OnForbidden): Run | null {
  return standingOf(readableStatementsOf(log, sessionOf(summary), onForbidden))?.run ?? null
}

/**
 * Records a change of the run state, creating the session if need be. No line of the log changes.
 * @throws SessionError ERR_TURN_MISMATCH
 */
export async function setRun(
  log: LogWithRuns,
  state: RunName,
  turnId: string | null,
  signal?: AbortSignal,
): Promise<void> {
  log.context.checkNotClosed()
  await log.inTurn(() => setRunNow(log, state, turnId, signal), signal)
}

function setRunNow(
  log: LogWithRuns,
  state: RunName,
  turnId: string | null,
  signal: AbortSignal | undefined,
): void | Promise<void> {
  return withHeader(log, (session) => {
    if (session !== undefined) return change(log, session, state, turnId)
    const again = async () => {
      if (!(await createWith(log, state, turnId))) await setRunNow(log, state, turnId, signal)
    }
    return log.takeLease(signal).then(again)
  })
}

/**
 * Runs `work` on a session that is there, in call order, synchronously if its state is cached; undefined when there is
 * none.
 */
export function changeExisting<T>(
  log: LogWithRuns,
  work: (session: string | null) => T,
): T | undefined | Promise<T | undefined> {
  return log.inTurn(() => withHeader(log, (session) => (session === undefined ? undefined : work(session))))
}

/** As `changeExisting`, for claims: under the lease where appends take it, since run logs of others may be read late there. */
export function claimExisting<T>(
  log: LogWithRuns,
  work: (session: string | null) => T,
): T | undefined | Promise<T | undefined> {
  if (!log.context.leasesAppends) return changeExisting(log, work)
  return log.hold(() =>
    withHeader(log, (session) => {
      if (session === undefined) return undefined
      const result = work(session)
      // the next holder of the lease finds what was announced
      log.context.runs.own.sync()
      return result
    }),
  )
}

/** Runs `work` on the session, undefined where there is none, synchronously if its state is cached. */
function withHeader<T>(log: LogWithRuns, work: (session: string | null | undefined) => T | Promise<T>): T | Promise<T> {
  const go = (state: LogState | undefined) => {
    if (state === undefined) return work(undefined)
    checkVersion(state.summary, log.file.path)
    return work(sessionOf(state.summary))
  }
  const state = log.lastRead()
  if (state !== undefined) return go(state)
  // a log that is in its place shows that its folder is
  log.context.root.check()
  return log.forWriting().then(go)
}

/** Makes a session with its state: both are there, or neither. False when another process made one. */
async function createWith(log: LogWithRuns, state: RunName, turnId: string | null): Promise<boolean> {
  const { runs } = log.context
  let statement: Statement | undefined
  let isMade: boolean
  try {
    isMade = await log.create([], undefined, (session) => {
      const run = nextRun(null, state, turnId, reporter(log.context))
      if (run === null) return
      statement = statementBy(log, session, { ...run, n: 1 }, turnId)
      runs.record(statement)
    })
  } catch (error) {
    if (statement !== undefined && isAbsent(log)) runs.withdraw(statement)
    throw error
  }
  if (statement !== undefined && !isMade) runs.withdraw(statement)
  log.context.noteBehind(log)
  return isMade
}

/** False where that cannot be known: a statement about a log that is not there means nothing, a log without its state is half of one. */
function isAbsent({ file }: LogWithRuns): boolean {
  try {
    return statFile(file.path) === undefined
  } catch {
    return false
  }
}

export function statementBy(
  { key, context }: LogWithRuns,
  session: string | null,
  run: Run & { n: number },
  turnId: string | null,
  input?: readonly string[],
): Statement {
  return { key, session, run, turnId, input, file: context.runs.own.name }
}

function change(log: LogWithRuns, session: string | null, state: RunName, turnId: string | null): void {
  const { context } = log
  let statements = state === 'running' ? lastStatementsOf(log, session) : statementsOf(log, session)
  // what others have stated there has to be outranked
  if (context.runs.refusal !== undefined) throw context.runs.refusal
  for (let least = 0; ; ) {
    const now = standingOf(statements)
    const run = nextRun(now?.run ?? null, state, turnId, reporter(context))
    if (run === null) return
    const n = Math.max(now?.run.n ?? 0, least) + 1
    context.runs.record(
      statementBy(log, session, { ...run, n }, state === 'idle' ? (now?.turnId ?? turnId) : run.turnId),
    )
    context.noteBehind(log)
    if (state !== 'running') return
    // what others stated in that instant stands before this, and so must have a smaller count
    statements = statementsOf(log, session)
    least = greatestCount(statements.others)
    if (least < n) return
  }
}
