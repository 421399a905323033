/**
 * The lines of run logs, and which of several statements is in force: on plain data.
 *
 * The first line of a run log names its owner; each later one says that a turn of a session runs, that none does, that
 * a claim is withdrawn, or that a turn shall stop.
 */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { isOwner, type Owner } from '../process-identity.js'
import { isStuckReason, type Run, type RunName } from '../sidecar/sidecar-file.js'

/** A clock and a kernel's count that differ by more than this: the clock was set, ms. */
export const CLOCK_SET_MS = 5_000

/** The time of the clock at an uptime of the kernel. */
export interface ClockMark {
  /** Unix milliseconds. */
  clock: number
  /** Milliseconds since the kernel started. */
  uptime: number
}

/** The statement of a run log about one session. */
export interface Statement {
  key: string
  /** The id of the log's header, which distinguishes this log from a later one of the same key. */
  session: string | null
  run: Run & { n: number }
  /** The turn that runs, or that ended: an idle run has none. */
  turnId: string | null
  /** Ids of the messages that the turn answers. */
  input: readonly string[] | undefined
  /** The run log of the statement; '' for a sidecar. */
  file: string
}

/** What a new line of a run log means to its readers. */
export type RunEntry =
  | { kind: 'statement'; key: string; statement: Statement }
  | { kind: 'withdrawn'; key: string; file: string }
  | { kind: 'abort'; key: string; turnId: string | null }

/** The first line of a run log; `closed` for one to which nothing is added any more. */
export function ownerText(owner: Owner, { clock, uptime }: ClockMark, closed: boolean): string {
  const line = { owner, at: new Date(clock).toISOString(), uptime, ...(closed ? { closed } : {}) }
  return `${JSON.stringify(line)}\n`
}

export function withdrawnText({ key, session, run, turnId }: Statement): string {
  return `${JSON.stringify({ key, state: 'withdrawn', turnId, n: run.n, session })}\n`
}

export function abortText(key: string, turnId: string | null): string {
  return `${JSON.stringify({ key, abort: turnId })}\n`
}

/** The line of a statement in a run log that began at `mark`, from which the kernel's count of most times follows. */
export function statementText({ key, session, run, turnId, input }: Statement, mark: ClockMark): string {
  const { state, since, uptime, n, recovered } = run
  const line: JsonObject = { key, state, turnId, n, at: since }
  if (uptime === undefined) line.uptime = null
  else if (Math.abs(uptimeAt(since, mark) - uptime) > CLOCK_SET_MS) line.uptime = uptime
  if (recovered !== undefined) line.recovered = recovered
  if (input !== undefined) line.input = [...input]
  line.session = session
  return `${JSON.stringify(line)}\n`
}

function uptimeAt(at: string, { clock, uptime }: ClockMark): number {
  return Date.parse(at) - clock + uptime
}

/** The fold of one run log. */
export class RunLogFold {
  owner: Owner | undefined
  mark: ClockMark | undefined
  /** The owner has closed the store: the sidecars contain all of this, which only names the sessions to read. */
  closed = false
  /** The last statement about each session that was not withdrawn. */
  readonly statements = new Map<string, Statement>()
  /** The statement before the last one, which may be withdrawn. */
  readonly #former = new Map<string, Statement | undefined>()

  constructor(readonly file: string) {}

  /** Takes one line in; undefined for one that means nothing to others, or cannot be read. */
  add(line: string): RunEntry | undefined {
    const value = parse(line)
    if (value === undefined) return undefined
    const { key, owner, abort, closed } = value
    if (isOwner(owner) && this.owner === undefined) {
      const clock = Date.parse(String(value.at))
      this.owner = owner
      this.closed = closed === true
      if (Number.isFinite(clock) && typeof value.uptime === 'number') this.mark = { clock, uptime: value.uptime }
    }
    if (typeof key !== 'string') return undefined
    if (typeof abort === 'string' || abort === null) return { kind: 'abort', key, turnId: abort }
    if (value.state === 'withdrawn') return this.withdraw(key)
    const statement = this.owner && statementFrom(value, key, this.file, this.owner, this.mark)
    return statement && this.record(statement)
  }

  record(statement: Statement): RunEntry {
    const { key, run } = statement
    const former = this.statements.get(key)
    if (run.state === 'running') this.#former.set(key, former)
    else this.#former.delete(key)
    this.statements.set(key, statement)
    return { kind: 'statement', key, statement }
  }

  withdraw(key: string): RunEntry {
    const former = this.#former.get(key)
    this.#former.delete(key)
    if (former === undefined) this.statements.delete(key)
    else this.statements.set(key, former)
    return { kind: 'withdrawn', key, file: this.file }
  }

  delete(key: string): void {
    this.statements.delete(key)
    this.#former.delete(key)
  }
}

function parse(line: string): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(line)
    return isObject(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}

function statementFrom(
  value: JsonObject,
  key: string,
  file: string,
  owner: Owner,
  mark: ClockMark | undefined,
): Statement | undefined {
  const { state, turnId, n, at, session, recovered, input } = value
  if (!isRunName(state) || !isTextOrNull(turnId) || !isTextOrNull(session)) return undefined
  if (!Number.isSafeInteger(n) || typeof at !== 'string' || Number.isNaN(Date.parse(at))) return undefined
  const uptime = value.uptime === undefined && mark !== undefined ? uptimeAt(at, mark) : value.uptime
  return {
    key,
    session,
    run: {
      state,
      turnId: state === 'idle' ? null : turnId,
      since: at,
      owner,
      n: n as number,
      ...(typeof uptime === 'number' ? { uptime } : {}),
      ...(isStuckReason(recovered) ? { recovered } : {}),
    },
    turnId,
    input: Array.isArray(input) && input.every((id) => typeof id === 'string') ? (input as string[]) : undefined,
    file,
  }
}

function isRunName(value: Json | undefined): value is RunName {
  return value === 'idle' || value === 'running' || value === 'error'
}

function isTextOrNull(value: Json | undefined): value is string | null {
  return value === null || typeof value === 'string'
}

/** What a sidecar claims, as a statement beside those of run logs. */
export function statementOf(key: string, session: string | null, run: Run): Statement {
  return { key, session, run: { ...run, n: run.n ?? 0 }, turnId: run.turnId, input: undefined, file: '' }
}

/**
 * The one that stands: the greatest count; of equal ones a run first, then the earlier one, since a later claim is
 * about to be withdrawn, then by the file's name.
 */
export function standing(statements: readonly Statement[]): Statement | undefined {
  let best: Statement | undefined
  for (const one of statements) if (best === undefined || outranks(one, best)) best = one
  return best
}

function outranks(a: Statement, b: Statement): boolean {
  if (a.run.n !== b.run.n) return a.run.n > b.run.n
  const isRun = a.run.state === 'running'
  if (isRun !== (b.run.state === 'running')) return isRun
  return a.run.since === b.run.since ? a.file > b.file : a.run.since < b.run.since
}

/** A run with the greatest count whose owner may live: no other process may claim the session beside it. */
export function rivalIn(statements: readonly Statement[], mayLive: (owner: Owner) => boolean): Statement | undefined {
  const top = greatestCount(statements)
  return statements.find(({ run }) => run.n === top && run.state === 'running' && mayLive(run.owner))
}

export function greatestCount(statements: readonly Statement[]): number {
  return statements.reduce((most, { run }) => Math.max(most, run.n), 0)
}
