/** Changes of a session's run state, decided on plain data. */
import type { Owner } from './disk/owner.js'
import type { Run, RunName } from './disk/sidecar-file.js'
import { SessionError } from './errors.js'

/** What a session is doing. */
export interface RunState {
  state: RunName
  /** The active turn; kept by error, null when idle. */
  turnId: string | null
  /** When the current state was entered; null if it was never set. */
  turnStartedAt: Date | null
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
  since: string,
  owner: Owner,
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
  return { state, turnId, since: same ? run.since : since, owner }
}

export function runStateOf(run: Run | null): RunState {
  if (run === null) return { state: 'idle', turnId: null, turnStartedAt: null }
  return { state: run.state, turnId: run.turnId, turnStartedAt: new Date(run.since) }
}
