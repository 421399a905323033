/** Changes of a session's run state, decided on plain data. */

import { SessionError } from '../../base/errors.js'
import { isSameBoot, livenessOf, type Owner } from '../../disk/process-identity.js'
import { CLOCK_SET_MS } from '../../disk/runs/run-lines.js'
import type { Run, RunName } from '../../disk/sidecar/sidecar-file.js'
import type { RunOwner } from '../reports.js'

/** Owner and time of a statement about a run. */
export interface Reporter {
  /** ISO 8601 UTC. */
  since: string
  /** Milliseconds since the kernel started; undefined where the clock was given to the store. */
  uptime: number | undefined
  owner: Owner
}

/** What a session is doing. */
export interface RunState {
  state: RunName
  /** The active turn; kept by error, null when idle. */
  turnId: string | null
  /** When the current state was entered; null if it was never set. */
  turnStartedAt: Date | null
}

export function ownerOf({ owner }: Run): RunOwner {
  const { host, pid } = owner
  return { host, pid, liveness: livenessOf(owner) }
}

/** @throws TypeError for what is no state or no turn id */
export function checkRun(state: unknown, turnId: unknown): asserts state is RunName {
  if (state !== 'idle' && state !== 'running' && state !== 'error') {
    throw new TypeError("a state must be 'idle', 'running' or 'error'")
  }
  if (turnId !== null && turnId !== undefined && typeof turnId !== 'string') {
    throw new TypeError('a turn id must be a string or null')
  }
}

/**
 * The run state after a report, or null when the report changes nothing.
 * @throws SessionError ERR_TURN_MISMATCH when a turn ends that is not the one that runs
 */
export function nextRun(
  run: Run | null,
  state: RunName,
  given: string | null,
  { since, owner, uptime }: Reporter,
): Run | null {
  const former = run?.turnId ?? null
  if (run?.state === 'running' && state !== 'running' && given !== null && former !== null && given !== former) {
    throw new SessionError('ERR_TURN_MISMATCH', `turn ${given} cannot end: turn ${former} is running`, {
      running: former,
      given,
    })
  }
  const turnId = state === 'running' ? given : state === 'error' ? (given ?? former) : null
  const same = run !== null && run.state === state && run.turnId === turnId
  if (same && state !== 'running') return null
  if (!same) return newRun(state, turnId, { since, owner, uptime })
  return newRun(state, turnId, {
    since: run.since,
    owner,
    uptime: isSameBoot(run.owner, owner) ? run.uptime : undefined,
  })
}

/** A run state that is reported now. */
export function newRun(state: RunName, turnId: string | null, { since, owner, uptime }: Reporter): Run {
  return uptime === undefined ? { state, turnId, since, owner } : { state, turnId, since, owner, uptime }
}

/**
 * For how long a run has been going on, ms; never negative. By the clock, unless that was set meanwhile: then by the
 * kernel's own count, where the run began under the kernel that still runs.
 */
export function runAge(run: Run, { since: now, owner, uptime }: Reporter): number {
  const byClock = Date.parse(now) - Date.parse(run.since)
  const isComparable = uptime !== undefined && run.uptime !== undefined && isSameBoot(run.owner, owner)
  const byKernel = isComparable ? uptime - run.uptime! : byClock
  return Math.max(0, Math.abs(byKernel - byClock) > CLOCK_SET_MS ? byKernel : byClock)
}

export function runStateOf(run: Run | null): RunState {
  if (run === null) return { state: 'idle', turnId: null, turnStartedAt: null }
  return { state: run.state, turnId: run.turnId, turnStartedAt: new Date(run.since) }
}
