/** The turns of one folder: the run log of this instance and those of the others, read together. */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { randomNonce } from '../../base/ids.js'
import { createPrivate, removeFile } from '../files.js'
import { makeFolder } from '../folders.js'
import { isSameBoot, isSameOwner, livenessOf, type Owner, thisProcess } from '../process-identity.js'
import type { SharedPart } from '../shared-folder.js'
import type { ClockMark, RunEntry, Statement } from './run-lines.js'
import { livenessByName, OwnRunLog, writeRunLog } from './run-log.js'
import { isRefused, type OtherRunLog, RunLogs } from './run-logs.js'

/** While a turn runs, other processes may request it to stop: how often that is checked, ms. */
const LOOK_MS = 1_000
/** How often a run log gets a sign of life while a turn runs, ms. */
export const BEAT_MS = 5_000
/** The owner of a run log that cannot be read, on another host, may live if there was a sign of life since, ms. */
const SILENT_MS = 60_000

type Listener = (entry: RunEntry) => void

export class FolderRuns implements SharedPart {
  readonly own: OwnRunLog
  readonly #folder: string
  readonly #others: RunLogs
  readonly #listeners = new Set<Listener>()
  #timer: NodeJS.Timeout | undefined
  #beaten = 0
  #aloneSince: number | undefined
  /** Why the folder could not be read, at the last reading. */
  refusal: unknown
  /** The reading of the names since which the own run log is in its place. */
  #sureAt = -1
  /** Keys about which this instance has written since it is alone. */
  readonly #statedAlone = new Set<string>()

  constructor(folder: string) {
    this.#folder = folder
    this.own = new OwnRunLog(folder)
    this.#others = new RunLogs(folder, this.own.name)
  }

  get others(): Iterable<OtherRunLog> {
    return this.#others.logs
  }

  /** Reads the new lines of the other run logs; see `RunLogs` for `reopens`. A folder that may not be read counts as empty. */
  refresh(reopens = false): void {
    this.refusal = undefined
    try {
      this.#others.readNew((entry) => this.#emit(entry), reopens)
      this.#makeSure()
    } catch (error) {
      if (!isRefused(error)) throw error
      this.refusal = error
      this.#statedAlone.clear()
    }
    const { aloneSince } = this.#others
    if (aloneSince === undefined || aloneSince !== this.#aloneSince) this.#statedAlone.clear()
    this.#aloneSince = aloneSince
  }

  /** Looks whether the own run log is in its place, unless nothing in the folder has changed since it was. */
  #makeSure(): void {
    if (this.#sureAt === this.#others.readings) return
    this.own.makeSure()
    this.#sureAt = this.#others.readings
  }

  /** True when no other process can have written about the session since this instance did. */
  isOnlyOwn(key: string): boolean {
    return this.#statedAlone.has(key)
  }

  /** The statements about a session as of the last reading: by others, and by this instance at the end. */
  statements(key: string, session: string | null): { others: Statement[]; own: Statement | undefined } {
    const others: Statement[] = []
    for (const { fold } of this.#others.logs) {
      const one = fold.closed ? undefined : fold.statements.get(key)
      if (one !== undefined && one.session === session) others.push(one)
    }
    const own = this.own.statement(key)
    return { others, own: own?.session === session ? own : undefined }
  }

  /** All keys with statements that the sidecars may not contain. */
  keys(): Set<string> {
    const keys = new Set(this.own.keys())
    for (const { fold } of this.#others.logs) {
      if (!fold.closed) for (const key of fold.statements.keys()) keys.add(key)
    }
    return keys
  }

  /** Keys of sessions that run by some run log, or did when its owner closed the store. */
  runningKeys(): Set<string> {
    const keys = new Set(this.own.running)
    for (const { fold } of this.#others.logs) {
      for (const { key, run } of fold.statements.values()) if (run.state === 'running') keys.add(key)
    }
    return keys
  }

  /** For callers that refreshed just now, or do so next: refreshing checks whether the run log is in its place. */
  record(statement: Statement): void {
    this.own.record(statement)
    this.#makeSure()
    if (this.#aloneSince !== undefined) this.#statedAlone.add(statement.key)
    this.#emit({ kind: 'statement', key: statement.key, statement })
    this.#keepTime()
  }

  withdraw(statement: Statement): void {
    this.own.withdraw(statement)
    this.#makeSure()
    this.#emit({ kind: 'withdrawn', key: statement.key, file: statement.file })
    this.#keepTime()
  }

  askToStop(key: string, turnId: string | null): void {
    this.refresh()
    this.own.askToStop(key, turnId)
    this.#emit({ kind: 'abort', key, turnId })
  }

  /** Leaves nothing of a session that was deleted, but for the statements of other living owners. */
  forget(key: string): void {
    this.own.forget(key)
    this.#keepTime()
    this.refresh()
    for (const { name, fold } of this.#others.logs) {
      if (!fold.statements.has(key) || fold.owner === undefined || !isOver(fold)) continue
      writeRunLog(this.#folder, {
        name,
        owner: fold.owner,
        statements: [...fold.statements.values()].filter((one) => one.key !== key),
        closed: fold.closed,
      })
    }
  }

  /** Makes run logs that name the sessions whose runs stand in sidecars only. */
  pointTo(runs: readonly Statement[]): void {
    makeFolder(this.#folder)
    for (const owner of new Set(runs.map(({ run }) => JSON.stringify(run.owner)))) {
      const statements = runs.filter(({ run }) => JSON.stringify(run.owner) === owner)
      writeRunLog(this.#folder, { owner: JSON.parse(owner), statements, closed: true })
    }
  }

  /** Calls `listener` with each new line of any run log, until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The last sign of life of the owner, by the clock of the file system; undefined when it has no run log. */
  heardOf(owner: Owner): number | undefined {
    return heardOf(this.#others.logs, owner)
  }

  /** For how long the owner has been silent, ms, by the clock of the file system; undefined when it has no run log. */
  silenceOf(owner: Owner): number | undefined {
    const heard = this.heardOf(owner)
    return heard === undefined ? undefined : fileTimeNow(this.#folder) - heard
  }

  /** The time of the clock at the earliest moment under this kernel that a run log contains. */
  get clockMark(): ClockMark | undefined {
    let first: ClockMark | undefined
    for (const { fold } of this.#others.logs) {
      if (fold.owner === undefined || fold.mark === undefined || !isSameBoot(fold.owner, thisProcess())) continue
      if (first === undefined || fold.mark.uptime < first.uptime) first = fold.mark
    }
    return first
  }

  /** Why the folder cannot be read, or a run log whose owner may live: its statements would have to be known. */
  get unreadable(): unknown {
    if (this.refusal !== undefined) return this.refusal
    for (const log of this.#others.logs) if (log.failure !== undefined && mayLive(log)) return log.failure
    return undefined
  }

  #emit(entry: RunEntry): void {
    for (const listener of this.#listeners) listener(entry)
  }

  #keepTime(): void {
    if (this.own.running.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    } else if (this.#timer === undefined) {
      this.#beaten = performance.now()
      this.#timer = setInterval(() => this.#tick(), LOOK_MS).unref()
    }
  }

  /** A timer must not throw: a reading that fails is repeated, a heartbeat that fails is missing. */
  #tick(): void {
    try {
      this.refresh()
      if (performance.now() - this.#beaten < BEAT_MS) return
      this.#beaten = performance.now()
      this.own.beat()
    } catch {
      // the next one may succeed
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#others.close()
    this.own.close()
  }
}

/** True for a run log to which nothing will be added. */
export function isOver({ closed, owner }: OtherRunLog['fold']): boolean {
  return closed || (owner !== undefined && livenessOf(owner) === 'dead')
}

export function heardOf(logs: Iterable<OtherRunLog>, owner: Owner): number | undefined {
  const times = [...logs].flatMap(({ fold, heard }) => (fold.owner && isSameOwner(fold.owner, owner) ? heard : []))
  return times.length === 0 ? undefined : Math.max(...times)
}

/** What time it is for the file system, which on a network drive has a clock of its own. */
function fileTimeNow(folder: string): number {
  const probe = path.join(folder, `.time.${randomNonce()}.tmp`)
  try {
    const fd = createPrivate(probe)
    try {
      return fs.fstatSync(fd).mtimeMs
    } finally {
      fs.closeSync(fd)
      removeFile(probe)
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(errno(error) ?? '')) throw error
    return Date.now()
  }
}

/** Of an owner that its first line does not name, the name of the file has host and process. */
function mayLive({ name, fold, heard }: OtherRunLog): boolean {
  const liveness = fold.owner === undefined ? livenessByName(name) : livenessOf(fold.owner)
  return liveness === 'unknown' ? Date.now() - heard < SILENT_MS : liveness === 'alive'
}
