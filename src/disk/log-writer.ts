/** The writing end of one log: one line or several in one write, fenced by a look before and a look after. */
import fs from 'node:fs'
import path from 'node:path'
import { errno, notALog, withPath } from '../base/errors.js'
import { breathe } from '../base/event-loop.js'
import type { Range } from '../log/line.js'
import { keepOpen, noteClosed } from './fd-cache.js'
import { type FileMark, markOf, sameFile, sameMark } from './file-mark.js'
import { createPrivate, look, openRegular, readSync, removeFile, writeAll } from './files.js'
import { syncFolderOf } from './folders.js'

const { O_APPEND, O_RDWR } = fs.constants

export type Fsync = 'no' | 'everysec' | 'always'

/** An editor that saves by renaming leaves a log's path empty for a moment, ms. */
export const ABSENCE_MS = 50

export class LogFile {
  #fd: number | undefined
  /** The file behind `#fd`. */
  #fdMark: FileMark | undefined
  /** What the path named after the last write. */
  #written: fs.Stats | undefined
  #dirty = false
  #syncing: Promise<void> | undefined
  #nextSync: Promise<void> | undefined

  constructor(readonly path: string) {}

  /** The log as it is now; undefined when there is none. @throws SessionError ERR_NOT_A_LOG when something else is there */
  look(): FileMark | undefined {
    const stat = look(this.path)
    if (stat === 'other') throw notALog(this.path)
    return stat
  }

  /**
   * Writes whole lines at the end, if the path still names the file of `mark`, unchanged; answers the mark after.
   * `'moved'`: it does not, nothing was written. `'unsure'`: the file was replaced or grew in that instant, so that
   * the lines may have gone into a file that nobody will read; the caller looks and writes again what is missing.
   * A write that fails or comes up short is cut back, and rejected with the system's reason.
   */
  append(bytes: Buffer, mark: FileMark): FileMark | 'moved' | 'unsure' {
    if (!this.isUntouched(mark) && !sameMark(this.look(), mark)) return 'moved'
    const fd = this.#open(mark)
    if (fd === undefined) return 'moved'
    this.#dirty = true
    this.#written = undefined
    this.#write(fd, bytes, mark.size)
    const after = look(this.path)
    if (after === undefined || after === 'other') return 'unsure'
    if (!sameFile(after, mark) || after.size !== mark.size + bytes.length) return 'unsure'
    this.#written = after
    return markOf(after)
  }

  /**
   * True when nobody has written to, replaced, moved or removed the file since this wrote to it last: each of these
   * changes what the descriptor tells, which costs half of a look at the path. Where one does not, as when a folder
   * above was moved, the look after the write finds out.
   */
  isUntouched(mark: FileMark): boolean {
    if (this.#fd === undefined || !sameMark(this.#written, mark)) return false
    const now = fs.fstatSync(this.#fd)
    return sameMark(now, mark) && now.ctimeMs === this.#written?.ctimeMs && now.nlink === this.#written.nlink
  }

  /** The bytes of one stretch of the file of `mark`; undefined when that is not the one that is open here. */
  bytesAt({ offset, end }: Range, mark: FileMark): Buffer | undefined {
    if (this.#fd === undefined || !sameFile(this.#fdMark, mark)) return undefined
    return readSync(this.#fd, offset, end - offset)
  }

  #write(fd: number, bytes: Buffer, size: number): void {
    try {
      const count = fs.writeSync(fd, bytes, 0, bytes.length)
      // a short count comes without an error: the rest makes the system tell
      if (count < bytes.length) writeAll(fd, bytes.subarray(count))
    } catch (error) {
      this.#cutBack(fd, size, bytes.length)
      throw withPath(error, this.path)
    }
  }

  /** Takes a failed write away again. What cannot be taken away is a torn tail, which the next writer sets aside. */
  #cutBack(fd: number, size: number, length: number): void {
    try {
      const now = fs.fstatSync(fd).size
      if (now > size && now < size + length) fs.ftruncateSync(fd, size)
    } catch {
      this.closeFd()
    }
  }

  /** Descriptor for the file of `mark`, opened by path; undefined when the path names another by now. */
  #open(mark: FileMark): number | undefined {
    if (this.#fd !== undefined && sameFile(this.#fdMark, mark)) {
      keepOpen(this)
      return this.#fd
    }
    this.closeFd()
    const opened = openRegular(this.path, O_RDWR | O_APPEND)
    if (opened === undefined) return undefined
    if (!sameFile(opened.stat, mark)) {
      fs.closeSync(opened.fd)
      return undefined
    }
    this.#fd = opened.fd
    this.#fdMark = opened.stat
    keepOpen(this)
    return this.#fd
  }

  /**
   * Puts a new log in place, whole or not at all. `'exists'` when something is there by now.
   * Anything but a regular file there: ERR_NOT_A_LOG.
   */
  create(bytes: Buffer, temporary: string, synced: boolean): FileMark | 'exists' {
    const fd = createPrivate(temporary)
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
      if (
        errno(error) === 'EEXIST' ||
        !['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno(error) ?? '')
      )
        throw error
      if (look(this.path) !== undefined) throw Object.assign(new Error('there is a log by now'), { code: 'EEXIST' })
      fs.renameSync(temporary, this.path)
      return
    }
    fs.unlinkSync(temporary)
  }

  /**
   * Cuts off a torn tail, whose bytes the caller has saved. The only shortening of a log there is.
   */
  cutTail(mark: FileMark, size: number): void {
    const fd = this.#open(mark)
    if (fd === undefined) return
    waitForWrite(fd)
    if (fs.fstatSync(fd).size !== mark.size) return
    fs.ftruncateSync(fd, size)
    fs.fsyncSync(fd)
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
    if (!this.#dirty) return
    this.#dirty = false
    const fd = this.#fd ?? this.#reopen()
    if (fd === undefined) return
    await new Promise<void>((resolve, reject) =>
      fs.fdatasync(fd, (error) => {
        if (error === null || error === undefined) return resolve()
        this.#syncing = this.#nextSync = undefined
        this.closeFd()
        reject(withPath(error, this.path))
      }),
    )
  }

  /** Resolves when no sync runs or waits, however it ended. */
  async idle(): Promise<void> {
    while (!this.closable) await (this.#nextSync ?? this.#syncing)?.catch(() => {})
  }

  /** For a sync after the descriptor had to go: a log that was replaced since was synced by the one who did. */
  #reopen(): number | undefined {
    const mark = look(this.path)
    return mark === undefined || mark === 'other' ? undefined : this.#open(mark)
  }

  /** False while a sync needs the descriptor. */
  get closable(): boolean {
    return this.#syncing === undefined && this.#nextSync === undefined
  }

  closeFd(): void {
    noteClosed(this)
    if (this.#fd === undefined) return
    const fd = this.#fd
    this.#fd = this.#fdMark = this.#written = undefined
    if (this.#syncing === undefined) fs.closeSync(fd)
    else void this.#syncing.catch(() => {}).then(() => fs.close(fd, () => {}))
  }
}

/**
 * Returns when nobody is in the middle of a write to the file, as a program without a lease may be: a change of the
 * mode, here to what it is, has to wait for that. A cut would wait as well, and then take off what was written.
 */
function waitForWrite(fd: number): void {
  try {
    fs.fchmodSync(fd, fs.fstatSync(fd).mode & 0o7777)
  } catch (error) {
    if (!['EPERM', 'EROFS'].includes(errno(error) ?? '')) throw error
  }
}
