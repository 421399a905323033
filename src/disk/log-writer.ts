/**
 * The writing end of one log. An append needs no lease: it writes once at the end, then looks at the path. It is
 * acknowledged when the path names the file that was written to, the line stands there whole, and the file has no
 * second link: then no rewrite can replace it without copying the line (formers.ts).
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno, SessionError } from '../base/errors.js'
import { breathe, sleep } from '../base/event-loop.js'
import { isLine } from '../log/line.js'
import { parseBackwards, parseLines } from '../log/parse.js'
import { keepOpen, noteClosed } from './fd-cache.js'
import { type FileMark, markOf, sameFile, sameMark } from './file-mark.js'
import { createPrivate, look, openRegular, readSync, removeFile, writeAll } from './files.js'
import { ensureFolder, syncFolderOf } from './folders.js'
import { formersOf, isHeld, preventRename } from './formers.js'
import type { Layout } from './layout.js'

const { O_APPEND, O_RDWR } = fs.constants

export type Fsync = 'no' | 'everysec' | 'always'

/** An editor that saves by renaming leaves a log's path empty for a moment, ms. */
export const ABSENCE_MS = 50
/** A writer waits this long for the rename of a rewrite, ms; then it prevents it. */
const RENAME_MS = 20
const LF = 0x0a
/** What is read of the end of a log that another program wrote to. */
const END_BYTES = 4 * 1024
/** The header, which is the first line. */
const HEAD_BYTES = 4 * 1024

/** The end of a log, as a writer must know it. */
export interface LogEnd {
  mark: FileMark
  /** The file is empty or ends in a line feed. */
  isWhole: boolean
  /** Id and time of the last line, where it has them and was read. */
  lastId: string
  lastAt: string | null
  /** Another program replaced the file, shortened it or edited it in place since the last append. */
  isChanged: boolean
}

/** The first line of a log. */
export interface LogHead {
  /** Format version; 0 without a header. */
  version: number
  hasHeader: boolean
  headerId?: string
}

/** Id and time of the last line of a write. */
export interface LastLine {
  id: string
  at: string | undefined
}

/** The file after an append. */
export interface Appended {
  mark: FileMark
  /** Nothing else came between `LogEnd` and the lines. */
  isExact: boolean
  /** The file was replaced, and the lines were written again. */
  isReplaced: boolean
}

/** `absent`: the path names no file. `held`: written, but the log is held: acknowledge under the lease. */
export type AppendOutcome = Appended | 'absent' | 'held'

export class LogWriter {
  readonly path: string
  readonly #layout: Layout
  readonly #name: string
  #fd: number | undefined
  /** The file behind `#fd`, and its first line. */
  #opened: { stat: fs.Stats; head: LogHead; isFolderSynced: boolean } | undefined
  /** The end after the last look or write, and what the path named then. */
  #end: (LogEnd & { stat: fs.Stats }) | undefined
  /** The file after the last append. */
  #seen: FileMark | undefined
  #isDirty = false
  #syncing: Promise<void> | undefined
  #nextSync: Promise<void> | undefined
  /** Appends that are being settled. */
  #settling = 0

  constructor(layout: Layout, name: string) {
    this.#layout = layout
    this.#name = name
    this.path = layout.log(name)
  }

  /** The log as it is now; undefined when there is none. @throws SessionError ERR_NOT_A_LOG when something else is there */
  look(): fs.Stats | undefined {
    const stat = look(this.path)
    if (stat === 'other') throw notALog(this.path)
    return stat
  }

  /** Opens the log if need be, and looks at its end; undefined when there is none. One system call for a log in use. */
  end(): LogEnd | undefined {
    if (this.#fd === undefined && !this.#open()) return undefined
    const fd = this.#fd as number
    let now = fs.fstatSync(fd)
    if (this.#end !== undefined && isSameState(now, this.#end.stat)) return this.#end
    if (now.nlink === 0) {
      this.closeFd()
      if (!this.#open()) return undefined
      now = fs.fstatSync(this.#fd as number)
    }
    // a program may have replaced what stands in the file
    if (this.#opened !== undefined && !sameMark(now, this.#opened.stat))
      this.#opened.head = readHead(this.#fd as number)
    this.#end = { ...readEnd(this.#fd as number, now), isChanged: this.#isChanged(now), stat: now }
    return this.#end
  }

  #isChanged(now: FileMark): boolean {
    const seen = this.#seen
    if (seen === undefined || sameMark(now, seen)) return false
    return !sameFile(now, seen) || now.size <= seen.size
  }

  /** The first line of the file that `end` looked at. */
  get head(): LogHead {
    return this.#opened?.head ?? { version: 0, hasHeader: false }
  }

  /** True when the log that was looked at last has a second link: it may be held. */
  isHeld(): boolean {
    const stat = this.#end?.stat
    return stat !== undefined && stat.nlink > 1 && isHeld(this.#layout, this.#name, stat)
  }

  /**
   * Adds whole lines behind `end`, which was looked at just now. Nothing that was written is taken back: what a failed
   * or short write leaves is a damaged line. @throws the system's reason
   */
  append(bytes: Buffer, end: LogEnd, last: LastLine): AppendOutcome | Promise<AppendOutcome> {
    const written = this.#write(bytes, end.isWhole)
    const after = look(this.path)
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

  #acknowledge(stat: fs.Stats, last: LastLine, isExact: boolean, isReplaced = false): Appended {
    const mark = markOf(stat)
    this.#seen = mark
    this.#end = isExact
      ? { mark, stat, isWhole: true, lastId: last.id, lastAt: last.at ?? null, isChanged: false }
      : undefined
    return { mark, isExact, isReplaced }
  }

  #write(bytes: Buffer, isWhole: boolean): number {
    const all = isWhole ? bytes : Buffer.concat([LINE_FEED, bytes])
    this.#isDirty = true
    this.#end = undefined
    const fd = this.#fd as number
    const count = fs.writeSync(fd, all, 0, all.length)
    // a short count comes without an error: the rest makes the system tell
    if (count < all.length) writeAll(fd, all.subarray(count))
    return all.length
  }

  /** Makes sure that the lines stand whole in the file under the path, which no rename will take away. */
  async #settle(bytes: Buffer, from: number, last: LastLine): Promise<AppendOutcome> {
    let floor = from
    let isReplaced = false
    let deadline = Number.POSITIVE_INFINITY
    for (;;) {
      const after = this.look()
      if (after === undefined) {
        this.closeFd()
        return 'absent'
      }
      if (!sameFile(after, this.#opened?.stat)) {
        this.closeFd()
        const end = this.end()
        if (end === undefined) return 'absent'
        isReplaced = true
        floor = end.mark.size
        this.#write(bytes, end.isWhole)
        deadline = Number.POSITIVE_INFINITY
        continue
      }
      if (!this.#holds(bytes, floor, after.size)) {
        // glued to the fragment of another writer, or taken away by a program that truncated the log
        floor = Math.min(after.size, fs.fstatSync(this.#fd as number).size)
        this.#write(bytes, false)
        continue
      }
      if (after.nlink === 1) return this.#acknowledge(after, last, false, isReplaced)
      const formers = formersOf(this.#layout, this.#name).filter(({ stat }) => sameFile(stat, after))
      if (formers.length === 0) {
        if (isHeld(this.#layout, this.#name, after)) return 'held'
        // a link of another kind: it takes the name of the log from nobody
        if (sameFile(this.look(), after)) return this.#acknowledge(after, last, false, isReplaced)
        continue
      }
      const now = performance.now()
      if (deadline === Number.POSITIVE_INFINITY) deadline = now + RENAME_MS
      if (now < deadline) {
        await sleep(1)
        continue
      }
      for (const { nonce } of formers) preventRename(this.#layout, this.#name, nonce)
      // where the rename came first, the late copy still needs the former
      if (!sameFile(this.look(), after)) continue
      for (const { file } of formers) removeFile(file)
      return this.#acknowledge(after, last, false, isReplaced)
    }
  }

  /** True when the bytes stand in the open file behind `floor`, at the start of a line. */
  #holds(bytes: Buffer, floor: number, size: number): boolean {
    const start = size < floor ? 0 : Math.max(0, floor - 1)
    const found = readSync(this.#fd as number, start, Math.max(0, size - start))
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
   * changes what the descriptor tells. Misses a folder above that was moved.
   */
  isUntouched(mark: FileMark): boolean {
    if (this.#fd === undefined || this.#end === undefined || !sameMark(this.#end.mark, mark)) return false
    return isSameState(fs.fstatSync(this.#fd), this.#end.stat)
  }

  #open(): boolean {
    const opened = openRegular(this.path, O_RDWR | O_APPEND)
    if (opened === undefined) {
      // something else there is an error, not an absent log
      this.look()
      return false
    }
    this.#fd = opened.fd
    this.#opened = { stat: opened.stat, head: readHead(opened.fd), isFolderSynced: false }
    keepOpen(this)
    return true
  }

  /** Puts a new log in place, whole or not at all. `'exists'` when something is there by now. @throws ERR_NOT_A_LOG */
  create(bytes: Buffer, temporary: string, synced: boolean): FileMark | 'exists' {
    const fd = this.#createIn(temporary)
    try {
      writeAll(fd, bytes)
      if (synced) fs.fsyncSync(fd)
    } catch (error) {
      removeFile(temporary)
      throw error
    } finally {
      fs.closeSync(fd)
    }
    return this.adopt(temporary, synced)
  }

  /** The folder of the store is made with its first session. */
  #createIn(temporary: string): number {
    try {
      return createPrivate(temporary)
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      ensureFolder(this.#layout.root)
      return createPrivate(temporary)
    }
  }

  /** Puts a finished temporary file in the log's place; `'exists'` when something is there by now. */
  adopt(temporary: string, synced: boolean): FileMark | 'exists' {
    try {
      this.#place(temporary)
    } catch (error) {
      removeFile(temporary)
      if (errno(error) === 'EEXIST') return 'exists'
      throw error
    }
    if (synced) {
      syncFolderOf(this.path)
      syncFolderOf(path.dirname(this.path))
    }
    return this.look() ?? 'exists'
  }

  /** A link fails where a rename would replace what another program has put there. */
  #place(temporary: string): void {
    try {
      fs.linkSync(temporary, this.path)
    } catch (error) {
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno(error) ?? '')) throw error
      // a file system without links, where appends take the lease
      if (look(this.path) !== undefined) throw Object.assign(new Error('there is a log by now'), { code: 'EEXIST' })
      fs.renameSync(temporary, this.path)
      return
    }
    fs.unlinkSync(temporary)
  }

  /**
   * Resolves when all that was written before the call is on disk. Callers share a sync. One that comes while a sync
   * runs waits for the next, which lets the callers of the last one write first. A failed sync rejects both: the pages
   * of those that wait may be lost as well. It closes the descriptor, whose later reports about these pages are void.
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncAfter(this.#syncing)
    return this.#nextSync
  }

  async #syncAfter(former: Promise<void> | undefined): Promise<void> {
    await former
    await breathe()
    this.#nextSync = undefined
    this.#syncing = this.#syncNow()
    await this.#syncing
    this.#syncing = undefined
  }

  async #syncNow(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    if (this.#fd === undefined && !this.#open()) return
    const fd = this.#fd as number
    const opened = this.#opened
    try {
      await new Promise<void>((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve())))
      // a line in a new file is worth nothing while the rename that gave it its name is not on disk
      if (opened !== undefined && !opened.isFolderSynced) syncFolderOf(this.path)
      if (opened !== undefined) opened.isFolderSynced = true
    } catch (error) {
      this.#syncing = this.#nextSync = undefined
      this.closeFd()
      throw error
    }
  }

  /** Resolves when no sync runs or waits, however it ended. */
  async idle(): Promise<void> {
    while (this.#syncing !== undefined || this.#nextSync !== undefined) {
      await (this.#nextSync ?? this.#syncing)?.catch(() => {})
    }
  }

  /** False while the descriptor is needed. */
  get closable(): boolean {
    return this.#syncing === undefined && this.#nextSync === undefined && this.#settling === 0
  }

  /** Forgets the descriptor and, with it, the inode number: only that of an open file is not given out again. */
  closeFd(): void {
    noteClosed(this)
    if (this.#fd === undefined) return
    const fd = this.#fd
    this.#fd = this.#opened = this.#end = undefined
    if (this.#syncing === undefined) fs.closeSync(fd)
    else void this.#syncing.catch(() => {}).then(() => fs.close(fd, () => {}))
  }
}

const LINE_FEED = Buffer.from('\n')

function isSameState(now: fs.Stats, then: fs.Stats): boolean {
  return sameMark(now, then) && now.ctimeMs === then.ctimeMs && now.nlink === then.nlink
}

/** The last line of an open file, as far as it is short enough to be read at once. */
function readEnd(fd: number, stat: fs.Stats): Omit<LogEnd, 'isChanged'> {
  const start = Math.max(0, stat.size - END_BYTES)
  const bytes = readSync(fd, start, stat.size - start)
  const end = { mark: markOf(stat), isWhole: bytes.length === 0 || bytes.at(-1) === LF, lastId: '', lastAt: null }
  const first = start === 0 ? 0 : bytes.indexOf(LF) + 1
  for (const piece of parseBackwards(bytes.subarray(first), start + first)) {
    if (start > 0 && first === 0) break
    if (!isLine(piece) || piece.bare) continue
    return { ...end, lastId: piece.id, lastAt: piece.at ?? null }
  }
  return end
}

function readHead(fd: number): LogHead {
  const bytes = readSync(fd, 0, HEAD_BYTES)
  const feed = bytes.indexOf(LF)
  const [first] = feed === -1 ? [] : parseLines(bytes.subarray(0, feed + 1))
  if (first?.kind !== 'session') return { version: 0, hasHeader: false }
  return { version: Number(first.value.version), hasHeader: true, headerId: first.id }
}

function notALog(file: string): SessionError {
  return new SessionError('ERR_NOT_A_LOG', 'what stands under the name of the log is no regular file', { file })
}
