/**
 * The run log that this instance writes into a folder: made when its first turn begins, appended to with every change
 * of a run state, replaced when most of it is over, and removed at close.
 */
import fs from 'node:fs'
import path from 'node:path'
import { randomNonce } from '../../base/ids.js'
import { createPrivate, removeFile, statFile, writeAll } from '../files.js'
import { makeFolder } from '../folders.js'
import { sameFile } from '../log/file-mark.js'
import { fstat, rename } from '../platform/calls.js'
import { type Liveness, livenessOfPid, type Owner, thisProcess, uptime } from '../process-identity.js'
import {
  abortText,
  type ClockMark,
  ownerText,
  RunLogFold,
  type Statement,
  statementText,
  withdrawnText,
} from './run-lines.js'

/** A longer log is replaced when more than half of it is over, bytes. */
const MAX_BYTES = 1024 * 1024
/** About the length of a line, bytes. */
const LINE_BYTES = 256
const NAME = /^([A-Za-z0-9.-]{1,60})-(\d+)-[0-9a-f]{16}\.jsonl$/

/** True for the names of run logs. */
export function isRunLogName(name: string): boolean {
  return NAME.test(name)
}

function runLogName({ host, pid }: Pick<Owner, 'host' | 'pid'>): string {
  return `${hostInName(host)}-${pid}-${randomNonce()}.jsonl`
}

function hostInName(host: string): string {
  return host.replace(/[^A-Za-z0-9.-]/g, '').slice(0, 60) || 'host'
}

/** Whether the owner of a run log lives, by the name of the file: for a run log whose first line cannot be read. */
export function livenessByName(name: string): Liveness {
  const [, host, pid] = NAME.exec(name) ?? []
  return host === hostInName(thisProcess().host) ? livenessOfPid(Number(pid)) : 'unknown'
}

/** The content of a run log that has no writer any more. */
interface Whole {
  name?: string
  owner: Owner
  statements: readonly Statement[]
  closed: boolean
}

/** Makes the run log of another owner, in the place of one of this name; of nothing, none. */
export function writeRunLog(folder: string, { name, owner, statements, closed }: Whole): void {
  const file = path.join(folder, name ?? runLogName(owner))
  if (statements.length === 0) {
    removeFile(file)
    return
  }
  const made = path.join(folder, `.${path.basename(file)}.${randomNonce()}.tmp`)
  const mark = { clock: Date.now(), uptime: uptime() }
  const lines = statements.map((one) => statementText(one, mark))
  const fd = createPrivate(made)
  try {
    writeAll(fd, Buffer.from(ownerText(owner, mark, closed) + lines.join('')))
    rename(made, file)
  } catch (error) {
    removeFile(made)
    throw error
  } finally {
    fs.closeSync(fd)
  }
}

export class OwnRunLog {
  readonly name: string
  readonly #folder: string
  readonly #file: string
  #fold: RunLogFold
  #mark: ClockMark = { clock: 0, uptime: 0 }
  #fd: number | undefined
  #stat: fs.Stats | undefined
  /** The last write came up short. */
  #isTorn = false
  #bytes = 0
  /** Counts of statements that no sidecar has yet, by key. */
  readonly #unsettled = new Map<string, number>()
  /** Keys of sessions in which a turn of this instance runs. */
  readonly running = new Set<string>()

  constructor(folder: string) {
    this.#folder = folder
    this.name = runLogName(thisProcess())
    this.#file = path.join(folder, this.name)
    this.#fold = new RunLogFold(this.name)
  }

  /** The last statement of this instance about a session. */
  statement(key: string): Statement | undefined {
    return this.#fold.statements.get(key)
  }

  keys(): Iterable<string> {
    return this.#fold.statements.keys()
  }

  record(statement: Statement): void {
    this.#open()
    this.#append(statementText(statement, this.#mark))
    this.#fold.record(statement)
    this.#note(statement.key)
    if (this.#bytes > MAX_BYTES) this.#shorten()
  }

  withdraw(statement: Statement): void {
    this.#append(withdrawnText(statement))
    this.#fold.withdraw(statement.key)
    this.#note(statement.key)
  }

  askToStop(key: string, turnId: string | null): void {
    this.#open()
    this.#append(abortText(key, turnId))
  }

  /** The sidecar of the session contains the statement with this count. */
  settle(key: string, n: number): void {
    if ((this.#unsettled.get(key) ?? 0) <= n) this.#unsettled.delete(key)
  }

  /** Leaves nothing of a session that was deleted. */
  forget(key: string): void {
    this.#unsettled.delete(key)
    if (!this.#fold.statements.has(key)) return
    if (this.#fold.statements.size > 1) this.#replace((one) => one.key !== key)
    else {
      this.#fold.delete(key)
      this.running.clear()
      removeFile(this.#file)
      this.#closeFd()
    }
  }

  /** A sign of life. Written, so that its time is that of the file system; an empty line means nothing. */
  beat(): void {
    if (this.#fd !== undefined) this.#append('\n')
  }

  /** Writes through to the drive, so that other machines find it. */
  sync(): void {
    if (this.#fd !== undefined) fs.fsyncSync(this.#fd)
  }

  /**
   * Removes what the sidecars contain; turns that run stay as names of sessions to read, and so does all that they do
   * not contain.
   */
  close(): void {
    if (this.#fd === undefined) return
    try {
      if (this.#unsettled.size > 0) return
      if (this.running.size === 0) removeFile(this.#file)
      else this.#replace(({ key }) => this.running.has(key), true)
    } finally {
      this.#closeFd()
    }
  }

  #closeFd(): void {
    const fd = this.#fd
    this.#fd = undefined
    if (fd !== undefined) fs.closeSync(fd)
  }

  #note(key: string): void {
    const statement = this.#fold.statements.get(key)
    if (statement?.run.state === 'running') this.running.add(key)
    else this.running.delete(key)
    if (statement !== undefined) this.#unsettled.set(key, statement.run.n)
    else this.#unsettled.delete(key)
  }

  #open(): void {
    if (this.#fd !== undefined) return
    makeFolder(this.#folder)
    this.#begin(this.#file, () => true)
  }

  /** Makes a file of the statements that stay, and puts it in the log's place if it is made elsewhere. */
  #begin(made: string, stays: (statement: Statement) => boolean, closed = false): void {
    const mark = { clock: Date.now(), uptime: uptime() }
    const fold = new RunLogFold(this.name)
    for (const statement of this.#fold.statements.values()) if (stays(statement)) fold.record(statement)
    const lines = [...fold.statements.values()].map((one) => statementText(one, mark))
    const bytes = Buffer.from(ownerText(thisProcess(), mark, closed) + lines.join(''))
    const fd = createPrivate(made)
    try {
      writeAll(fd, bytes)
      this.#stat = fstat(fd)
      if (made !== this.#file) rename(made, this.#file)
    } catch (error) {
      fs.closeSync(fd)
      removeFile(made)
      throw error
    }
    this.#closeFd()
    this.#fd = fd
    this.#mark = mark
    this.#bytes = bytes.length
    this.#isTorn = false
    this.#fold = fold
    for (const key of this.running) if (!fold.statements.has(key)) this.running.delete(key)
  }

  #append(text: string): void {
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text)
    const fd = this.#fd as number
    this.#isTorn = true
    const count = fs.writeSync(fd, bytes, 0, bytes.length)
    // a short count comes without an error: writing the rest makes the system report it
    if (count < bytes.length) writeAll(fd, bytes.subarray(count))
    this.#isTorn = false
    this.#bytes += bytes.length
  }

  /** Where the file or its folder was removed, it is made again. */
  makeSure(): void {
    if (this.#fd === undefined) return
    const stat = statFile(this.#file)
    if (stat !== undefined && stat !== 'other' && sameFile(stat, this.#stat)) return
    makeFolder(this.#folder)
    this.#begin(this.#file, () => true)
  }

  /** Takes out what is over and stands in sidecars, if that is most of it. */
  #shorten(): void {
    if ((this.#unsettled.size + this.running.size) * LINE_BYTES > this.#bytes / 2) return
    try {
      this.#replace(({ key }) => this.#unsettled.has(key) || this.running.has(key))
    } catch {
      // it only becomes longer, and the next line tries again
    }
  }

  #replace(stays: (statement: Statement) => boolean, closed = false): void {
    if (this.#fd === undefined) return
    this.#begin(path.join(this.#folder, `.${this.name}.${randomNonce()}.tmp`), stays, closed)
  }
}
