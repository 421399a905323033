/** Reads what was added to run logs, checks which processes live, and emits what has changed since the last scan. */
import { yieldIfDue } from '../base/event-loop.js'
import { statFile } from '../disk/files.js'
import { checkFolder, deviceOf } from '../disk/folders.js'
import { nameIn } from '../disk/given-names.js'
import { LogReader } from '../disk/log/log-reader.js'
import { isSameOwner, type Liveness, livenessOf, type Owner } from '../disk/process-identity.js'
import { heardOf } from '../disk/runs/folder-runs.js'
import { type RunEntry, type Statement, standing, statementOf } from '../disk/runs/run-lines.js'
import { RunLogs } from '../disk/runs/run-logs.js'
import { sidecarOrNone } from '../disk/sidecar/sidecar-file.js'
import type { StoreContext } from '../session/context.js'
import { edgesOf } from '../session/log/catch-up.js'
import { ownerOf } from '../session/state/run-state.js'
import { reporter } from '../session/state/runs.js'
import { ageOf, type Finding, type Limits, type Moment, RunTracker } from './run-tracker.js'
import type { WatchEvent } from './watch-events.js'

export class RunScanner {
  readonly #context: StoreContext
  readonly #limits: Limits
  readonly #emit: (event: WatchEvent) => void
  readonly #tracker = new RunTracker()
  readonly #logs: RunLogs
  /** The last statement that the tracker took in, by key of the session. */
  readonly #last = new Map<string, Statement>()
  /** Owners that cannot be checked: their last sign of life, and since when there was no other. */
  readonly #silences = new Map<string, { heard: number | undefined; since: number }>()
  #lastRead = Number.NEGATIVE_INFINITY
  #lastScan = Number.NEGATIVE_INFINITY
  #isStopped = false
  #device: number | undefined

  constructor(context: StoreContext, limits: Limits, emit: (event: WatchEvent) => void) {
    this.#context = context
    this.#limits = limits
    this.#emit = emit
    this.#logs = new RunLogs(context.layout.running)
  }

  /** When `scanAll` began last, as performance.now(). */
  get lastScan(): number {
    return this.#lastScan
  }

  stop(): void {
    this.#isStopped = true
  }

  close(): void {
    this.#logs.close()
  }

  /** Takes in every new line of the run logs, in order; then checks every turn that runs. */
  async scanAll(): Promise<void> {
    this.#lastScan = performance.now()
    await this.scanRunLogs(() => true)
    await this.judgeAll()
  }

  /** Takes in every new line of the run logs, in order; then checks the turns that no run log contains any more. */
  async scanRunLogs(isDue = (key: string) => !this.#isInRunLog(key)): Promise<void> {
    if (!this.#isReachable()) return
    const begun = performance.now()
    this.#readLines()
    for (const key of [...this.#tracker.runs.keys()].filter(isDue)) {
      await this.#checkSession(key)
      await yieldIfDue()
      if (this.#isStopped) return
    }
    this.#lastRead = begun
  }

  #isInRunLog(key: string): boolean {
    for (const { fold } of this.#logs.logs) if (fold.statements.has(key)) return true
    return false
  }

  /** A folder that is missing, or replaced by another drive, proves nothing about the turns in it. */
  #isReachable(): boolean {
    const { root } = this.#context.layout
    checkFolder(root)
    const device = deviceOf(root)
    this.#device ??= device
    return device === undefined ? this.#tracker.runs.size === 0 : device === this.#device
  }

  #readLines(): void {
    const entries: RunEntry[] = []
    this.#logs.readNew((entry) => entries.push(entry))
    const isFirst = this.#lastRead === Number.NEGATIVE_INFINITY
    const statements = isFirst ? this.#runsAtFirst() : notWithdrawn(entries)
    // those of one run log are in order, and those of several by their counts
    for (const statement of statements.sort((a, b) => a.run.n - b.run.n)) this.#take(statement)
  }

  /** The turns that run when the watcher starts: those that ended before are not reported. */
  #runsAtFirst(): Statement[] {
    const keys = new Set<string>()
    for (const { fold } of this.#logs.logs) {
      for (const { key, run } of fold.statements.values()) if (run.state === 'running') keys.add(key)
    }
    return [...keys].flatMap((key) => {
      const one = this.#standing(key)
      return one?.run.state === 'running' && this.#isLogThere(key) ? one : []
    })
  }

  /** The run state of a session now by run logs and sidecar, or of that log of it. */
  #standing(key: string, session?: string | null): Statement | undefined {
    const statements: Statement[] = []
    for (const { fold } of this.#logs.logs) {
      const one = fold.closed ? undefined : fold.statements.get(key)
      if (one !== undefined) statements.push(one)
    }
    const sidecar = sidecarOrNone(this.#context.layout.sidecar(nameIn(this.#context.layout, key)))
    if (sidecar?.run && sidecar.key === key) statements.push(statementOf(key, sidecar.session, sidecar.run))
    return standing(session === undefined ? statements : statements.filter((one) => one.session === session))
  }

  #isLogThere(key: string): boolean {
    const stat = statFile(this.#context.layout.log(nameIn(this.#context.layout, key)))
    return stat !== undefined && stat !== 'other'
  }

  #take(statement: Statement): void {
    const { key, run } = statement
    const last = this.#last.get(key)
    if (last?.session === statement.session && standing([last, statement]) === last) return
    for (const finding of this.#tracker.update(key, { key, run }, this.#moment())) this.#report(finding)
    if (this.#tracker.runs.has(key)) this.#last.set(key, statement)
    else this.#last.delete(key)
  }

  /** Checks a turn that seems to run: its session may be gone, and its end may stand in the sidecar alone. */
  async #checkSession(key: string): Promise<void> {
    const last = this.#last.get(key)
    if (last === undefined) return
    const isGone = !this.#isLogThere(key)
    const now = isGone ? undefined : this.#standing(key, last.session)
    if (now !== undefined) this.#take(now)
    else if (isGone || (await this.#isAnother(key, last.session))) {
      for (const finding of this.#tracker.update(key, { key, run: undefined }, this.#moment())) this.#report(finding)
      this.#last.delete(key)
    }
  }

  /** True when the key has another log now. */
  async #isAnother(key: string, session: string | null): Promise<boolean> {
    const state = await LogReader.using(this.#context.layout.log(nameIn(this.#context.layout, key)), edgesOf)
    return state !== undefined && (state.summary.header?.id ?? null) !== session
  }

  /** Reports the turns that have become stuck. */
  async judgeAll(): Promise<void> {
    const found = new Map<string, Liveness>()
    for (const [key, seen] of [...this.#tracker.runs]) {
      if (this.#isStopped) return
      const { owner } = seen.run
      const name = JSON.stringify(owner)
      const liveness = found.get(name) ?? livenessOf(owner)
      found.set(name, liveness)
      const silence = liveness === 'unknown' ? this.#silenceOf(name, owner) : 0
      const reason = this.#tracker.judge(seen, { liveness, silence }, this.#limits, this.#moment())
      if (reason !== undefined) {
        // it may have ended its turn before it died
        this.#readLines()
        await this.#checkSession(key)
        if (this.#tracker.runs.get(key) === seen && isSameOwner(seen.run.owner, owner)) {
          seen.reported.add(reason)
          this.#report({ type: 'stuck', seen, reason })
        }
      }
      await yieldIfDue()
    }
    for (const name of this.#silences.keys()) if (!found.has(name)) this.#silences.delete(name)
  }

  /** By the clock of this process, from the first scan on: clocks of other hosts do not matter. */
  #silenceOf(name: string, owner: Owner): number {
    const heard = heardOf(this.#logs.logs, owner)
    const former = this.#silences.get(name)
    if (former !== undefined && former.heard === heard) return performance.now() - former.since
    this.#silences.set(name, { heard, since: performance.now() })
    return 0
  }

  #moment(): Moment {
    return { now: reporter(this.#context), steady: performance.now(), lastRead: this.#lastRead }
  }

  #report({ seen, ...rest }: Finding): void {
    const { key, run } = seen
    const runningMs = Math.round(ageOf(seen, this.#moment()))
    const facts = { key, turnId: run.turnId, since: new Date(run.since), runningMs, owner: ownerOf(run) }
    this.#emit({ ...facts, ...rest })
  }
}

/** All statements but claims that were withdrawn. */
function notWithdrawn(entries: readonly RunEntry[]): Statement[] {
  const statements: Statement[] = []
  for (const entry of entries) {
    if (entry.kind === 'statement') statements.push(entry.statement)
    if (entry.kind !== 'withdrawn') continue
    const claim = statements.findLastIndex(({ key, file }) => key === entry.key && file === entry.file)
    if (claim !== -1) statements.splice(claim, 1)
  }
  return statements
}
