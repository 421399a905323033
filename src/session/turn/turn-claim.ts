/**
 * Turns that exclude each other, in all processes. A process announces its claim and then reads all claims: a later
 * one sees the earlier ones, so two never hold one session. No lease, no clock, and no file is made.
 */
import { SessionError } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { livenessOf, type Owner } from '../../disk/process-identity.js'
import { greatestCount, rivalIn, type Statement } from '../../disk/runs/run-lines.js'
import type { Run } from '../../disk/sidecar/sidecar-file.js'
import { newRun } from '../state/run-state.js'
import {
  changeExisting,
  claimExisting,
  type LogWithRuns,
  lastStatementsOf,
  readableStatementsOf,
  reporter,
  setRun,
  standingOf,
  statementBy,
  statementsOf,
} from '../state/runs.js'

/** A turn that this instance has claimed. */
export interface Claim {
  readonly session: string | null
  readonly turnId: string | null
  /** When it began, ISO 8601 UTC. */
  readonly since: string
  /** The count of its last line. */
  n: number
  /** Ids of the messages that it answers. */
  input: readonly string[] | undefined
  /** What stood before it: the run of a dead owner, if that was cut off. */
  former: Statement | undefined
}

export interface ClaimOptions {
  /** How long to wait for a turn that runs, ms; for ever unless given. */
  timeout?: number | undefined
  signal?: AbortSignal | undefined
  input?: readonly string[]
}

/**
 * Claims that meet are withdrawn and tried again after a random time, ms; a turn that runs is waited for with growing
 * pauses.
 */
const RETRY_MS = 4
const MAX_RETRY_MS = 50

/** Begins a turn if no other runs. One that runs in this instance already is recorded again. @throws ERR_TURN_RUNNING */
export async function beginTurn(log: LogWithRuns, turnId: string | null, signal?: AbortSignal): Promise<void> {
  const runs = await changeExisting(log, (session) => {
    const statements = statementsOf(log, session)
    return (
      statements.own?.run.state === 'running' &&
      statements.own.turnId === turnId &&
      standingOf(statements) === statements.own
    )
  })
  if (runs) await setRun(log, 'running', turnId, signal)
  else await claimTurn(log, turnId, { timeout: 0, signal })
}

/**
 * Claims a turn for this instance, once no other turn of the session runs; creates the session if need be.
 * @throws SessionError ERR_TURN_RUNNING when another turn still runs after `timeout` ms
 * @throws the reason of `signal`; errors of the file system, when the run log of an owner that may live cannot be read
 */
export async function claimTurn(
  log: LogWithRuns,
  turnId: string | null,
  { timeout = Number.POSITIVE_INFINITY, signal, input }: ClaimOptions = {},
): Promise<Claim> {
  const deadline = performance.now() + timeout
  let former: Statement | undefined
  for (let pause = RETRY_MS; ; pause = Math.min(pause * 2, MAX_RETRY_MS)) {
    signal?.throwIfAborted()
    log.context.checkNotClosed()
    const run = newRun('running', turnId, reporter(log.context))
    const claim = await claimExisting(log, (session) => tryClaim(log, session, { run, input }))
    if (claim === undefined) {
      await log.hold(() => log.create([], undefined, () => {}), { signal })
      continue
    }
    if (!('rival' in claim)) return claim
    const { rival } = claim
    // what has stood over a pause is no claim that is about to be withdrawn
    const isSame = former?.file === rival.file && former.run.n === rival.run.n
    if (isSame && performance.now() >= deadline) throw turnRunning(log.key, { ...rival.run, turnId: rival.turnId })
    former = rival
    await sleep(pause * (0.5 + Math.random()))
  }
}

/** What is claimed. */
export interface Wanted {
  run: Run
  /** `'former'`: as the run that it takes over. */
  input?: readonly string[] | 'former' | undefined
  /** Whether a run of this owner may go on. */
  mayLive?: (owner: Owner) => boolean
  /** Whether it is still to be claimed where this stands. */
  isDue?: (now: Run | null) => boolean
}

/**
 * Announces a run and reads the other claims: returns the claim, or the statement because of which it was not made or
 * withdrawn; undefined when it is not due.
 */
export function tryClaim(
  log: LogWithRuns,
  session: string | null,
  { run, input, mayLive = (owner) => livenessOf(owner) !== 'dead', isDue = () => true }: Wanted,
): Claim | { rival: Statement } | undefined {
  const { runs } = log.context
  const statements = lastStatementsOf(log, session)
  if (runs.unreadable !== undefined) throw runs.unreadable
  const former = standingOf(statements)
  if (!isDue(former?.run ?? null)) return undefined
  const ids = input === 'former' ? former?.input : input
  const before = statements.own === undefined ? [] : [statements.own]
  const rival = rivalIn([...statements.others, ...before], mayLive)
  if (rival !== undefined) return { rival }
  const n = greatestCount([...statements.others, ...before]) + 1
  const statement = statementBy(log, session, { ...run, n }, run.turnId, ids)
  runs.record(statement)
  let other: Statement | undefined
  try {
    const now = [...statementsOf(log, session).others, ...before]
    if (runs.unreadable !== undefined) throw runs.unreadable
    // a statement of that instant was made on another state: decide anew
    other = rivalIn(now, mayLive) ?? now.find((one) => one.run.n >= n)
  } catch (error) {
    runs.withdraw(statement)
    throw error
  }
  if (other !== undefined) {
    runs.withdraw(statement)
    return { rival: other }
  }
  log.context.noteBehind(log)
  return { session, turnId: run.turnId, since: run.since, n, input: ids, former }
}

/** The error for a session in which this turn runs. */
export function turnRunning(key: string, { turnId, since, owner: { host, pid } }: TurnAt): SessionError {
  const details = { key, running: turnId, since, owner: { host, pid } }
  return new SessionError('ERR_TURN_RUNNING', 'another turn of the session is running', details)
}

type TurnAt = Pick<Run, 'since' | 'owner'> & { turnId: string | null }

/** True while the turn was not ended and the session not taken over. */
export function isMine(log: LogWithRuns, claim: Claim): boolean {
  const statements = readableStatementsOf(log, claim.session)
  return (
    statements.own?.run.n === claim.n &&
    statements.own.run.state === 'running' &&
    standingOf(statements) === statements.own
  )
}

/** Records which messages the turn answers now. False when it is not this instance's any more. */
export function extendTurn(log: LogWithRuns, claim: Claim, input: readonly string[]): boolean {
  if (!isMine(log, claim)) return false
  const own = log.context.runs.own.statement(log.key) as Statement
  claim.n++
  claim.input = input
  log.context.runs.record({ ...own, run: { ...own.run, n: claim.n }, input })
  return true
}

/** Ends the turn. False when it is not this instance's any more: then nothing changes. */
export function endTurn(log: LogWithRuns, claim: Claim, state: 'idle' | 'error', more: Partial<Run> = {}): boolean {
  if (!isMine(log, claim)) return false
  const turnId = state === 'error' ? claim.turnId : null
  const run = { ...newRun(state, turnId, reporter(log.context)), n: claim.n + 1, ...more }
  log.context.runs.record(statementBy(log, claim.session, run, claim.turnId))
  log.context.noteBehind(log)
  return true
}

/** Requests the process that runs the turn to stop it; without an id, whichever turn runs. */
export function askToStop({ key, context: { runs } }: LogWithRuns, turnId: string | null): void {
  runs.askToStop(key, turnId)
}

/** The turn that runs, in any process; undefined when none does. */
export async function runningTurn(log: LogWithRuns): Promise<Statement | undefined> {
  return changeExisting(log, (session) => {
    const now = standingOf(readableStatementsOf(log, session))
    return now?.run.state === 'running' && livenessOf(now.run.owner) !== 'dead' ? now : undefined
  })
}

/**
 * Calls `stop` when a caller in any process requests the turn to stop, or has taken the session over: within about a
 * second. Returns how to end that.
 */
export function onStop(log: LogWithRuns, claim: Claim, stop: (why: 'aborted' | 'lost') => void): () => void {
  const { key, context } = log
  return context.runs.listen((entry) => {
    if (entry.key !== key) return
    if (entry.kind === 'abort' && (entry.turnId === null || entry.turnId === claim.turnId)) stop('aborted')
    // a statement may be withdrawn in the same reading
    if (entry.kind === 'statement' && entry.statement.run.n > claim.n)
      queueMicrotask(() => void (isMine(log, claim) || stop('lost')))
  })
}
