/** The run logs in a folder, and what they grow by: each is read once, and then only what was added to it. */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { openRegular, readSync, statFile } from '../files.js'
import { listFolder } from '../folders.js'
import { isSettled, sameFile } from '../log/file-mark.js'
import { lstat } from '../platform/calls.js'
import { type RunEntry, RunLogFold } from './run-lines.js'
import { isRunLogName } from './run-log.js'

/** Larger files are none of ours. */
const MAX_BYTES = 64 * 1024 * 1024
/** Longer lines are none of ours. */
const MAX_LINE_BYTES = 1024 * 1024
/** A folder that was changed less than so long ago may change again and keep its time, ms. */
const TICK_MS = 20

export interface OtherRunLog {
  readonly name: string
  fold: RunLogFold
  /** When it was last written to, by the clock of the file system. */
  heard: number
  /** Why it cannot be read. */
  failure: unknown
}

class Reading implements OtherRunLog {
  fold: RunLogFold
  heard = 0
  failure: unknown
  readonly #file: string
  #fd: number | undefined
  #stat: fs.Stats | undefined
  #offset = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(
    folder: string,
    readonly name: string,
  ) {
    this.#file = path.join(folder, name)
    this.fold = new RunLogFold(name)
  }

  /** Reads what was added; see `readNew` for `reopens`. False when the file is gone, or is none of ours. */
  read(take: (entry: RunEntry) => void, reopens: boolean): boolean {
    this.failure = undefined
    try {
      const stat = reopens ? this.#reopen() : statFile(this.#file)
      if (stat !== undefined && stat !== 'other') this.heard = stat.mtimeMs
      if (this.#fd !== undefined && !this.#isSame(stat)) {
        // what stood at the end of the file that it was
        this.#readTo(fs.fstatSync(this.#fd).size, take)
        this.#begin()
      }
      if (stat === undefined || stat === 'other') return false
      if (stat.size > MAX_BYTES)
        throw Object.assign(new Error(`${this.#file} is no run log`), { code: 'EFBIG', path: this.#file })
      if (stat.size > this.#offset && this.#open()) this.#readTo(stat.size, take)
    } catch (error) {
      this.failure = error
    }
    return true
  }

  /** The file as it is for whoever opens it now. */
  #reopen(): fs.Stats | 'other' | undefined {
    const opened = openRegular(this.#file)
    if (opened === undefined) return statFile(this.#file)
    if (this.#fd === undefined || !sameFile(this.#stat, opened.stat)) fs.closeSync(opened.fd)
    else {
      this.close()
      this.#fd = opened.fd
    }
    return opened.stat
  }

  #isSame(stat: fs.Stats | 'other' | undefined): boolean {
    return stat !== undefined && stat !== 'other' && sameFile(this.#stat, stat) && stat.size >= this.#offset
  }

  #begin(): void {
    this.close()
    this.#offset = 0
    this.#rest = Buffer.alloc(0)
    this.fold = new RunLogFold(this.name)
  }

  #open(): boolean {
    if (this.#fd !== undefined) return true
    const opened = openRegular(this.#file)
    this.#fd = opened?.fd
    this.#stat = opened?.stat
    return opened !== undefined
  }

  #readTo(size: number, take: (entry: RunEntry) => void): void {
    if (size <= this.#offset) return
    const added = readSync(this.#fd as number, this.#offset, size - this.#offset)
    this.#offset += added.length
    const bytes = this.#rest.length === 0 ? added : Buffer.concat([this.#rest, added])
    const end = bytes.lastIndexOf(0x0a) + 1
    this.#rest = bytes.length - end > MAX_LINE_BYTES ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end))
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      const entry = line === '' ? undefined : this.fold.add(line)
      if (entry !== undefined && !this.fold.closed) take(entry)
    }
  }

  close(): void {
    const fd = this.#fd
    this.#fd = undefined
    try {
      if (fd !== undefined) fs.closeSync(fd)
    } catch {
      // it is closed all the same, and only read
    }
  }
}

export class RunLogs {
  readonly #folder: string
  readonly #logs = new Map<string, Reading>()
  #names: readonly string[] = []
  #stat: fs.Stats | undefined
  /** When the folder was first seen with its current mark, and whether its names were read long enough after that. */
  #changedAt = 0
  #isSettled = false
  /** Counts the readings of the names: while it stays the same, all files have the names that they had. */
  readings = 0

  /** All but `own`. */
  constructor(
    folder: string,
    readonly own = '',
  ) {
    this.#folder = folder
  }

  /** Since when there has been no other run log, on a clock that is never set; undefined when that is not sure. */
  get aloneSince(): number | undefined {
    return this.#isSettled && this.#names.length === 0 ? this.#changedAt : undefined
  }

  get logs(): Iterable<OtherRunLog> {
    return this.#logs.values()
  }

  /**
   * Reads what the run logs grew by, and hands each new line over: those of one log in their order. With `reopens`, the
   * folder is listed and each log is opened anew: what a network drive tells of a name or an open file may be old.
   * @throws errors of the file system, where the folder itself cannot be read
   */
  readNew(take: (entry: RunEntry) => void = () => {}, reopens = false): void {
    if (reopens) this.#isSettled = false
    const names = this.#namesNow()
    for (const name of names) {
      if (!this.#logs.has(name)) this.#logs.set(name, new Reading(this.#folder, name))
    }
    for (const [name, log] of this.#logs) {
      if (log.read(take, reopens)) continue
      log.close()
      this.#logs.delete(name)
    }
  }

  /**
   * The names of run logs; those found last time while the folder is unchanged for longer than the resolution of its
   * times.
   */
  #namesNow(): readonly string[] {
    const stat = lstat(this.#folder)
    const now = performance.now()
    if (!sameFile(this.#stat, stat) || this.#stat?.ctimeMs !== stat?.ctimeMs) this.#changedAt = now
    else if (this.#isSettled) return this.#names
    this.#stat = stat
    this.readings++
    this.#isSettled =
      stat !== undefined && isSettled({ mtimeMs: stat.ctimeMs }, stat.ctimeMs + now - this.#changedAt, TICK_MS)
    this.#names = stat?.isDirectory()
      ? listFolder(this.#folder).filter((name) => isRunLogName(name) && name !== this.own)
      : []
    return this.#names
  }

  close(): void {
    for (const log of this.#logs.values()) log.close()
    this.#logs.clear()
    this.#stat = undefined
  }
}

/** Error codes of a folder that may not be read or is none. */
export function isRefused(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'ENOTDIR', 'ELOOP'].includes(errno(error) ?? '')
}
