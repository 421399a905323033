/** What a watcher knows of the runs it has seen, and what follows from a new look at one: on plain data. */
import { isSameOwner, type Liveness } from '../disk/process-identity.js'
import type { Run, StuckReason } from '../disk/sidecar/sidecar-file.js'
import { type Reporter, runAge } from '../session/state/run-state.js'

/** A session as a look finds it; `run` is null where no state was ever set, undefined where the session is gone. */
export interface Sighting {
  key: string
  run: Run | null | undefined
}

/** When a look takes place. */
export interface Moment {
  now: Reporter
  /** On a clock that is never set, ms. */
  steady: number
  /** The same of the last look at everything; minus infinity at the first. */
  lastLook: number
}

/** What is known of the process that runs a turn. */
export interface Signs {
  liveness: Liveness
  /** For how long nothing was heard of it, ms. */
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

/** A run that goes on. */
export interface Seen {
  key: string
  run: Run
  /** How long it had been going on at the first look, ms, and when that was. */
  age: number
  first: number
  /** Why it has been told to be stuck. */
  told: Set<StuckReason>
}

export class RunBook {
  readonly #runs = new Map<string, Seen>()

  /** The runs that go on, by the name of their session. */
  get runs(): ReadonlyMap<string, Seen> {
    return this.#runs
  }

  /** What has changed about a session since the last look at it. */
  look(name: string, { key, run }: Sighting, moment: Moment): Finding[] {
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
      const next = { key, run, age: ageAtFirst(run, moment), first: moment.steady, told: new Set<StuckReason>() }
      this.#runs.set(name, next)
      findings.push({ type: 'started', seen: next })
    }
    return findings
  }

  /** Why a run is stuck, if that was not told yet; takes back what does not hold any more. */
  judge(seen: Seen, { liveness, silence }: Signs, limits: Limits, moment: Moment): StuckReason | undefined {
    if (liveness !== 'dead') seen.told.delete('owner-dead')
    if (liveness === 'dead') return seen.told.has('owner-dead') ? undefined : 'owner-dead'
    const isSilent = liveness === 'unknown' && silence > limits.silentAfterMs
    if (!isSilent) seen.told.delete('heartbeat-lost')
    if (isSilent && !seen.told.has('heartbeat-lost')) return 'heartbeat-lost'
    const isLong = ageOf(seen, moment) > limits.stuckAfterMs
    return isLong && seen.told.size === 0 ? 'too-long' : undefined
  }
}

/** For how long a run has been going on, ms, whatever was done to the clock meanwhile. */
export function ageOf({ run, age, first }: Seen, { now, steady }: Moment): number {
  return now.uptime === undefined ? runAge(run, now) : age + steady - first
}

/** A run that was not there at the last look cannot be older than that, whatever its owner's clock says. */
function ageAtFirst(run: Run, { now, steady, lastLook }: Moment): number {
  const age = runAge(run, now)
  return now.uptime === undefined ? age : Math.min(age, steady - lastLook)
}

function endOf(seen: Seen, run: Run | null | undefined): Finding {
  if (run === undefined) return { type: 'finished', seen, state: 'gone' }
  const state = run?.state ?? 'idle'
  if (run?.recovered === undefined || state === 'running') return { type: 'finished', seen, state }
  return { type: 'recovered', seen, reason: run.recovered, state }
}

/** Whoever owns it by now: a recoverer takes a run over as it is. */
export function isSameRun(a: Run | null, b: Run): boolean {
  return a?.state === 'running' && a.turnId === b.turnId && a.since === b.since
}

function forgetOwner({ told }: Seen): void {
  told.delete('owner-dead')
  told.delete('heartbeat-lost')
}
