/** One log as a file that is kept open: making it, opening it for appending, syncing it. */
import fs from 'node:fs'
import path from 'node:path'
import { errno, notALog, withPath } from '../../base/errors.js'
import { yieldToLoop } from '../../base/event-loop.js'
import type { Range } from '../../log/line.js'
import { parseLines } from '../../log/parse.js'
import { closeFile, createPrivate, openRegular, readSync, removeFile, statFile, sync, writeAll } from '../files.js'
import { ensureFolder, shareWithGroup, syncAbove, syncFolders } from '../folders.js'
import type { Layout } from '../layout.js'
import { rename } from '../platform/calls.js'
import type { FdCache } from './fd-cache.js'
import { type FileMark, sameFile } from './file-mark.js'
import { LogReader } from './log-reader.js'

const { O_APPEND, O_RDWR } = fs.constants

/** The header, which is the first line. */
const HEAD_BYTES = 4 * 1024

/** The first line of a log. */
export interface LogHead {
  /** Format version; 0 without a header. */
  version: number
  hasHeader: boolean
  headerId?: string
}

interface Opened {
  fd: number
  /** As it was when it was opened. */
  stat: fs.Stats
  head: LogHead
  /** The name of the file is on disk. */
  isFolderSynced: boolean
}

export class OpenLog {
  readonly path: string
  protected readonly layout: Layout
  readonly #fds: FdCache
  #opened: Opened | undefined
  /** Something was written since the last sync. */
  protected isDirty = false
  #syncing: Promise<void> | undefined
  #nextSync: Promise<void> | undefined

  constructor(layout: Layout, name: string, fds: FdCache) {
    this.#fds = fds
    this.layout = layout
    this.path = layout.log(name)
  }

  /**
   * The current log file; undefined when there is none. @throws SessionError ERR_NOT_A_LOG when something else is there
   */
  stat(): fs.Stats | undefined {
    const stat = statFile(this.path)
    if (stat === 'other') throw notALog(this.path)
    return stat
  }

  get isOpen(): boolean {
    return this.#opened !== undefined
  }

  /** The first line of the file that is open. */
  get head(): LogHead {
    return this.#opened?.head ?? { version: 0, hasHeader: false }
  }

  /** The bytes of a range of the file of `mark`; undefined when another file is open here. */
  bytesAt({ offset, end }: Range, mark: FileMark): Buffer | undefined {
    if (this.#opened === undefined || !sameFile(this.#opened.stat, mark)) return undefined
    return readSync(this.#opened.fd, offset, end - offset)
  }

  /**
   * Reads through the descriptor of the file of `mark`, for work that is done at once; undefined when another is open.
   */
  readerAt(mark: FileMark): LogReader | undefined {
    return this.#opened !== undefined && sameFile(this.#opened.stat, mark)
      ? new LogReader(this.#opened.fd, mark)
      : undefined
  }

  /**
   * Opens the log for appending, unless it is open; undefined when there is none. @throws SessionError ERR_NOT_A_LOG
   */
  protected open(): Opened | undefined {
    if (this.#opened === undefined) {
      const opened = openRegular(this.path, O_RDWR | O_APPEND)
      // something else there is an error, not an absent log
      if (opened === undefined) this.stat()
      else this.#opened = { ...opened, head: readHeadOrClose(opened.fd), isFolderSynced: false }
    }
    if (this.#opened !== undefined) this.#fds.used(this)
    return this.#opened
  }

  /** The descriptor of a log that is open. */
  protected get fd(): number {
    return (this.#opened as Opened).fd
  }

  protected get openStat(): fs.Stats | undefined {
    return this.#opened?.stat
  }

  protected readHead(): void {
    if (this.#opened !== undefined) this.#opened.head = readHead(this.#opened.fd)
  }

  /**
   * Puts a new log in place, whole or not at all. `'exists'` when something is there already, or when another process
   * took the temporary file for a left-over: the caller looks again. Without `synced` all is done at once.
   * @throws SessionError ERR_NOT_A_LOG
   */
  async create(bytes: Buffer, temporary: string, synced: boolean): Promise<FileMark | 'exists'> {
    const fd = this.#createIn(temporary)
    try {
      writeAll(fd, bytes)
      if (synced) await sync(fd)
    } catch (error) {
      removeFile(temporary)
      throw error
    } finally {
      fs.closeSync(fd)
    }
    // else its first sync is still to come, as that of any line
    this.isDirty = !synced
    try {
      return await this.adopt(temporary, synced)
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      return 'exists'
    }
  }

  /** The folder of the store is made with its first session. */
  #createIn(temporary: string): number {
    try {
      return createPrivate(temporary)
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      ensureFolder(this.layout.root)
      return createPrivate(temporary)
    }
  }

  /** Puts a finished temporary file in the log's place; `'exists'` when something is there already. */
  async adopt(temporary: string, synced: boolean): Promise<FileMark | 'exists'> {
    try {
      if (this.layout.isGroup) for (const place of [this.layout.root, temporary]) shareWithGroup(place)
      this.#place(temporary)
    } catch (error) {
      removeFile(temporary)
      if (errno(error) === 'EEXIST') return 'exists'
      throw error
    }
    const made = this.stat() ?? 'exists'
    if (synced) {
      await syncFolders([path.dirname(this.path)])
      await syncAbove(path.dirname(this.path))
    }
    return made
  }

  /** A link fails where a rename would replace what another program has put there. */
  #place(temporary: string): void {
    try {
      fs.linkSync(temporary, this.path)
    } catch (error) {
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno(error) ?? '')) throw error
      // a file system without links, where appends take the lease
      if (statFile(this.path) !== undefined) throw Object.assign(new Error('there is a log by now'), { code: 'EEXIST' })
      rename(temporary, this.path)
      return
    }
    try {
      fs.unlinkSync(temporary)
    } catch {
      // the log is in its place; a later sweep takes its first name away
    }
  }

  /**
   * Resolves when all that was written before the call is on disk. Callers share a sync. One that comes while a sync
   * runs waits for the next, which lets the callers of the last one write first. A failed sync rejects both: the pages
   * of the waiting writes may be lost as well. It closes the descriptor, whose later reports about these pages are
   * void.
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncAfter(this.#syncing)
    return this.#nextSync
  }

  async #syncAfter(former: Promise<void> | undefined): Promise<void> {
    await former
    await yieldToLoop()
    this.#nextSync = undefined
    this.#syncing = this.#syncNow()
    await this.#syncing
    this.#syncing = undefined
  }

  async #syncNow(): Promise<void> {
    if (!this.isDirty) return
    this.isDirty = false
    const opened = this.open()
    if (opened === undefined) return
    try {
      await new Promise<void>((resolve, reject) =>
        fs.fdatasync(opened.fd, (error) => (error ? reject(error) : resolve())),
      )
      // a line in a new file is worth nothing while the rename that gave it its name is not on disk
      if (!opened.isFolderSynced) await syncFolders([path.dirname(this.path)])
      opened.isFolderSynced = true
    } catch (error) {
      this.#syncing = this.#nextSync = undefined
      this.closeFd()
      throw withPath(error, this.path)
    }
  }

  /** Syncs what was written; holds the event loop. */
  syncAtOnce(): void {
    if (this.isDirty && this.#opened !== undefined) fs.fdatasyncSync(this.#opened.fd)
  }

  /** Resolves when no sync runs or waits, however it ended. */
  async idle(): Promise<void> {
    while (this.#syncing !== undefined || this.#nextSync !== undefined) {
      await (this.#nextSync ?? this.#syncing)?.catch(() => {})
    }
  }

  /** False while the descriptor is needed. */
  get closable(): boolean {
    return this.#syncing === undefined && this.#nextSync === undefined
  }

  /** Forgets the descriptor and, with it, the inode number: only that of an open file is not given out again. */
  closeFd(): void {
    this.#fds.closed(this)
    if (this.#opened === undefined) return
    const { fd } = this.#opened
    this.#opened = undefined
    if (this.#syncing === undefined) closeFile(fd)
    else void this.#syncing.catch(() => {}).then(() => fs.close(fd, () => {}))
  }
}

function readHeadOrClose(fd: number): LogHead {
  try {
    return readHead(fd)
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

function readHead(fd: number): LogHead {
  const bytes = readSync(fd, 0, HEAD_BYTES)
  const feed = bytes.indexOf(0x0a)
  const [first] = feed === -1 ? [] : parseLines(bytes.subarray(0, feed + 1))
  if (first?.kind !== 'session') return { version: 0, hasHeader: false }
  return { version: Number(first.value.version), hasHeader: true, headerId: first.id }
}
