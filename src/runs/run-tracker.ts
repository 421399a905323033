/** The runs that a watcher has seen, and the events that a new state of one causes: pure, on plain data. */
import { isSameOwner, type Liveness } from '../disk/process-identity.js'
import type { Run, StuckReason } from '../disk/sidecar/sidecar-file.js'
import { type Reporter, runAge } from '../session/state/run-state.js'

/** The state of a session now; `run` is null where no state was ever set, undefined where the session is gone. */
export interface Sighting {
  key: string
  run: Run | null | undefined
}

/** The time of a scan. */
export interface Moment {
  now: Reporter
  /** On a clock that is never set, ms. */
  steady: number
  /** When run logs were read before, on the same clock; minus infinity at the first scan. */
  lastRead: number
}

/** The signs of life of the process that runs a turn. */
export interface Signs {
  liveness: Liveness
  /** For how long it has written nothing, ms. */
  silence: number
}

export interface Limits {
  /** A turn that runs for longer is stuck, ms. */
  stuckAfterMs: number
  /** A process that cannot be seen is given up after this silence, ms. */
  silentAfterMs: number
}

export type Finding =
  | { type: 'started'; seen: Seen }
  | { type: 'finished'; seen: Seen; state: 'idle' | 'error' | 'running' | 'gone' }
  | { type: 'recovered'; seen: Seen; reason: StuckReason; state: 'idle' | 'error' }
  | { type: 'stuck'; seen: Seen; reason: StuckReason }

/** A turn that runs. */
export interface Seen {
  key: string
  run: Run
  /** How long it had been running when it was first seen, ms, and when that was. */
  age: number
  first: number
  /** The reasons for which it was reported as stuck. */
  reported: Set<StuckReason>
}

export class RunTracker {
  readonly #runs = new Map<string, Seen>()

  /** The turns that run, by the name of their session. */
  get runs(): ReadonlyMap<string, Seen> {
    return this.#runs
  }

  /** Takes in the state of a session; returns what has changed since the last one. */
  update(name: string, { key, run }: Sighting, moment: Moment): Finding[] {
    const seen = this.#runs.get(name)
    if (seen !== undefined && run?.state === 'running' && isSameRun(run, seen.run)) {
      if (!isSameOwner(seen.run.owner, run.owner)) forgetOwner(seen)
      seen.run = run
      return []
    }
    const findings: Finding[] = []
    if (seen !== undefined) {
      this.#runs.delete(name)
      findings.push(endOf(seen, run))
    }
    if (run?.state === 'running') {
      const next = { key, run, age: ageAtFirst(run, moment), first: moment.steady, reported: new Set<StuckReason>() }
      this.#runs.set(name, next)
      findings.push({ type: 'started', seen: next })
    }
    return findings
  }

  /** Why a run is stuck, unless that was reported before; clears reasons that no longer hold. */
  judge(seen: Seen, { liveness, silence }: Signs, limits: Limits, moment: Moment): StuckReason | undefined {
    if (liveness !== 'dead') seen.reported.delete('owner-dead')
    if (liveness === 'dead') return seen.reported.has('owner-dead') ? undefined : 'owner-dead'
    const isSilent = liveness === 'unknown' && silence > limits.silentAfterMs
    if (!isSilent) seen.reported.delete('heartbeat-lost')
    if (isSilent && !seen.reported.has('heartbeat-lost')) return 'heartbeat-lost'
    const isLong = ageOf(seen, moment) > limits.stuckAfterMs
    return isLong && seen.reported.size === 0 ? 'too-long' : undefined
  }
}

/** For how long a turn has been running, ms; a clock that was set meanwhile changes nothing. */
export function ageOf({ run, age, first }: Seen, { now, steady }: Moment): number {
  return now.uptime === undefined ? runAge(run, now) : age + steady - first
}

/** A run that was not there at the last scan cannot be older than that, whatever the clock of its owner says. */
function ageAtFirst(run: Run, { now, steady, lastRead }: Moment): number {
  const age = runAge(run, now)
  return now.uptime === undefined ? age : Math.min(age, steady - lastRead)
}

function endOf(seen: Seen, run: Run | null | undefined): Finding {
  if (run === undefined) return { type: 'finished', seen, state: 'gone' }
  const state = run?.state ?? 'idle'
  if (run?.recovered === undefined || state === 'running') return { type: 'finished', seen, state }
  return { type: 'recovered', seen, reason: run.recovered, state }
}

/** The owner may differ: a recovery takes a run over unchanged. */
export function isSameRun(a: Run | null, b: Run): boolean {
  return a?.state === 'running' && a.turnId === b.turnId && a.since === b.since
}

function forgetOwner({ reported }: Seen): void {
  reported.delete('owner-dead')
  reported.delete('heartbeat-lost')
}
