/**
 * The writing end of one log. An append needs no lease: it writes once at the end, then checks the path. It is
 * acknowledged when the path names the file that was written to, the line stands there whole, and the file has no
 * second link: then no rewrite can replace it without copying the line (formers.ts).
 */
import fs from 'node:fs'
import path from 'node:path'
import { withPath } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { isLine } from '../../log/line.js'
import { parseBackwards } from '../../log/parse.js'
import { readSync, removeFile, statFile, writeAll } from '../files.js'
import { listFolder } from '../folders.js'
import type { Layout } from '../layout.js'
import { fstat } from '../platform/calls.js'
import type { FdCache } from './fd-cache.js'
import { type FileMark, markOf, sameFile, sameMark } from './file-mark.js'
import { formersOf, isHeld, preventRename } from './formers.js'
import { OpenLog } from './open-log.js'

export type Fsync = 'no' | 'everysec' | 'always'

/** An editor that saves by renaming leaves a log's path empty for a moment, ms. */
export const ABSENCE_MS = 50
/** A writer waits this long for the rename of a rewrite, ms; then it prevents it. */
const RENAME_MS = 20
const LF = 0x0a
/** What is read of the end of a log that another program wrote to, as much as it takes to find a whole line. */
const END_BYTES = [4 * 1024, 64 * 1024, 1024 * 1024, 16 * 1024 * 1024]
/** More than the time, the id and what ends a line. */
const LINE_END_BYTES = 64
/** The end of a log, with what a writer needs. */
export interface LogEnd {
  mark: FileMark
  /** The file is empty or ends in a line feed. */
  isWhole: boolean
  /** The last line, if it was written here. */
  last?: LastLine
  /** Another program replaced the file, shortened it or edited it in place since the last append. */
  isChanged: boolean
}

/** Id and time of the last line that has both. */
export interface LastLine {
  id: string
  at: string | undefined
}

/** The file after an append. */
export interface Appended {
  mark: FileMark
  /** Nothing else came between `LogEnd` and the lines. */
  isExact: boolean
  /** Another program replaced the file, shortened it or edited it in place between `LogEnd` and the lines. */
  isChanged: boolean
}

/** `absent`: the path names no file. `held`: written, but the log is held: acknowledge under the lease. */
export type AppendOutcome = Appended | 'absent' | 'held'

export class LogWriter extends OpenLog {
  readonly #name: string
  readonly #checkFolder: () => void
  /** The end after the last check or write, and the file at the path then. */
  #end: (LogEnd & { stat: fs.Stats }) | undefined
  /** The file after the last append, and the id of its last line. */
  #seen: { mark: FileMark; id: string } | undefined
  /** Appends that are being settled. */
  #settling = 0

  /** `checkFolder` throws where the folder of the store was replaced. */
  constructor(layout: Layout, name: string, fds: FdCache, checkFolder: () => void = () => {}) {
    super(layout, name, fds)
    this.#name = name
    this.#checkFolder = checkFolder
  }

  /** Opens the log if need be, and reads its end; undefined when there is none. One system call for a log in use. */
  end(): LogEnd | undefined {
    const wasOpen = this.isOpen
    // a log that is open shows that its folder is the one that it was opened in
    if (!wasOpen) this.#checkFolder()
    let opened = this.open()
    if (opened === undefined) return undefined
    let now = wasOpen ? fstat(opened.fd) : opened.stat
    if (this.#end !== undefined && isSameState(now, this.#end.stat)) return this.#end
    // what was moved to the trash must not get what comes after that
    if (now.nlink === 0 || (wasOpen && !sameFile(this.stat(), now))) {
      this.closeFd()
      this.#checkFolder()
      opened = this.open()
      if (opened === undefined) return undefined
      now = fstat(opened.fd)
    }
    const isChanged = this.#isChanged(opened.fd, now)
    // a program may have replaced the content of the file
    if (isChanged || (this.#seen === undefined && wasOpen)) this.readHead()
    const isWhole = now.size === 0 || readSync(opened.fd, now.size - 1, 1)[0] === LF
    this.#end = { mark: markOf(now), isWhole, isChanged, stat: now }
    return this.#end
  }

  /** The last line at this end, which was read just now. */
  lastLine({ mark, last }: LogEnd): LastLine {
    return last ?? readLastLine(this.fd, mark.size)
  }

  #isChanged(fd: number, now: FileMark): boolean {
    const seen = this.#seen
    if (seen === undefined || sameMark(now, seen.mark)) return false
    if (!sameFile(now, seen.mark) || now.size <= seen.mark.size) return true
    // a line ends in its id
    const start = Math.max(0, seen.mark.size - LINE_END_BYTES)
    return !readSync(fd, start, seen.mark.size - start).includes(seen.id)
  }

  /** True when the log had a second link at the last check: it may be held. */
  isHeld(): boolean {
    const stat = this.#end?.stat
    return stat !== undefined && stat.nlink > 1 && isHeld(this.layout, this.#name, stat)
  }

  /**
   * Adds whole lines behind `end`, which was read just now. Nothing that was written is taken back: what a failed
   * or short write leaves is a damaged line. @throws the system's reason
   */
  append(bytes: Buffer, end: LogEnd, last: LastLine): AppendOutcome | Promise<AppendOutcome> {
    const written = this.#write(bytes, end.isWhole)
    const after = statFile(this.path)
    if (after === undefined || after === 'other' || !sameFile(after, end.mark) || after.nlink !== 1) {
      return this.confirm(bytes, end.mark.size, last)
    }
    if (after.size !== end.mark.size + written) return this.confirm(bytes, end.mark.size, last)
    return this.#acknowledge(after, last, true)
  }

  /**
   * Looks whether the lines stand in the log, behind `from` in the file that was written to last, and writes them again
   * if not. For work under the lease after `held`, and for a log whose name was gone for a moment.
   */
  async confirm(bytes: Buffer, from: number, last: LastLine): Promise<AppendOutcome> {
    this.#settling++
    try {
      return await this.#settle(bytes, from, last)
    } finally {
      this.#settling--
    }
  }

  /**
   * After a failure behind a write: true when the lines stand in the log all the same, seen through a new descriptor, so
   * that a drive has what it still had to write. @throws what keeps it from being known
   */
  async isThere(bytes: Buffer, from: number): Promise<boolean> {
    await this.sync()
    this.closeFd()
    listFolder(path.dirname(this.path))
    const end = this.end()
    return end !== undefined && this.#holds(bytes, from, end.mark.size)
  }

  #acknowledge(stat: fs.Stats, last: LastLine, isExact: boolean): Appended {
    const mark = markOf(stat)
    const isChanged = !isExact && this.#isChanged(this.fd, mark)
    this.#seen = { mark, id: last.id }
    this.#end = isExact ? { mark, stat, isWhole: true, last, isChanged: false } : undefined
    return { mark, isExact, isChanged }
  }

  #write(bytes: Buffer, isWhole: boolean): number {
    const all = isWhole ? bytes : Buffer.concat([LINE_FEED, bytes])
    this.isDirty = true
    this.#end = undefined
    const { fd } = this
    try {
      const count = fs.writeSync(fd, all, 0, all.length)
      // a short count comes without an error: writing the rest makes the system report it
      if (count < all.length) writeAll(fd, all.subarray(count))
    } catch (error) {
      throw withPath(error, this.path)
    }
    return all.length
  }

  /** Makes sure that the lines stand whole in the file under the path, which no rename will take away. */
  async #settle(bytes: Buffer, from: number, last: LastLine): Promise<AppendOutcome> {
    let floor = from
    let deadline = Number.POSITIVE_INFINITY
    for (;;) {
      const after = this.stat()
      if (after === undefined) {
        this.closeFd()
        return 'absent'
      }
      if (!sameFile(after, this.openStat)) {
        this.closeFd()
        const end = this.end()
        if (end === undefined) return 'absent'
        floor = end.mark.size
        this.#write(bytes, end.isWhole)
        deadline = Number.POSITIVE_INFINITY
        continue
      }
      if (!this.#holds(bytes, floor, after.size)) {
        // glued to the fragment of another writer, or taken away by a program that truncated the log
        floor = Math.min(after.size, fs.fstatSync(this.fd).size)
        this.#write(bytes, false)
        continue
      }
      if (after.nlink === 1) return this.#acknowledge(after, last, false)
      const formers = formersOf(this.layout, this.#name).filter(({ stat }) => sameFile(stat, after))
      if (formers.length === 0) {
        if (isHeld(this.layout, this.#name, after)) return 'held'
        // a link of another kind: it takes the name of no log
        if (sameFile(this.stat(), after)) return this.#acknowledge(after, last, false)
        continue
      }
      const now = performance.now()
      if (deadline === Number.POSITIVE_INFINITY) deadline = now + RENAME_MS
      if (now < deadline) {
        await sleep(1)
        continue
      }
      for (const { nonce } of formers) preventRename(this.layout, this.#name, nonce)
      // where the rename came first, the late copy still needs the former
      if (!sameFile(this.stat(), after)) continue
      for (const { file } of formers) removeFile(file)
      return this.#acknowledge(after, last, false)
    }
  }

  /** True when the bytes stand in the open file behind `floor`, at the start of a line. */
  #holds(bytes: Buffer, floor: number, size: number): boolean {
    const start = size < floor ? 0 : Math.max(0, floor - 1)
    const found = readSync(this.fd, start, Math.max(0, size - start))
    for (
      let place = found.lastIndexOf(bytes);
      place !== -1;
      place = place === 0 ? -1 : found.lastIndexOf(bytes, place - 1)
    ) {
      if (start + place === 0 || found[place - 1] === LF) return true
    }
    return false
  }

  /**
   * True when no process has written to, replaced, moved or removed the file since this wrote to it last: each of these
   * changes the result of fstat. Misses a folder above that was moved.
   */
  isUntouched(mark: FileMark): boolean {
    if (!this.isOpen || this.#end === undefined || !sameMark(this.#end.mark, mark)) return false
    return isSameState(fstat(this.fd), this.#end.stat)
  }

  override get closable(): boolean {
    return super.closable && this.#settling === 0
  }

  override closeFd(): void {
    this.#end = undefined
    super.closeFd()
  }
}

const LINE_FEED = Buffer.from('\n')

/** Where the next line begins. */
export function startAt({ mark, isWhole }: LogEnd): number {
  return mark.size + (isWhole ? 0 : 1)
}

function isSameState(now: fs.Stats, then: fs.Stats): boolean {
  return sameMark(now, then) && now.ctimeMs === then.ctimeMs && now.nlink === then.nlink
}

/** The last line of an open file that has an id and a time. */
function readLastLine(fd: number, size: number): LastLine {
  for (const length of END_BYTES) {
    const start = Math.max(0, size - length)
    const bytes = readSync(fd, start, size - start)
    // the bytes before the first line feed are a part of a line
    const first = start === 0 ? 0 : bytes.indexOf(LF) + 1
    for (const piece of first === 0 && start > 0 ? [] : parseBackwards(bytes.subarray(first), start + first)) {
      if (isLine(piece) && !piece.bare) return { id: piece.id, at: piece.at }
    }
    if (start === 0) break
  }
  return { id: '', at: undefined }
}
