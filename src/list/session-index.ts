/** The sessions of a store, and a row for each: a list reads only the files that have changed since the list before. */

import { errno } from '../base/errors.js'
import { isLoopHeld, yieldIfDue, yieldToLoop } from '../base/event-loop.js'
import { DirectoryWatch } from '../disk/directory-watch.js'
import { nameIn, nameOnDrive } from '../disk/given-names.js'
import { type FileMark, markOf } from '../disk/log/file-mark.js'
import { nameOfLog, nameOfSidecar } from '../disk/names.js'
import type { StoreContext } from '../session/context.js'
import type { SessionInfo } from '../session/info.js'
import { ListCache } from './list-cache.js'
import type { ListRules } from './list-options.js'
import { addCopies, NewestRows } from './newest-rows.js'
import { addPreviews } from './previews.js'
import { infoIn, isReadFrom, type Listed, type Logs, listedIn, type Row } from './row.js'
import { RowReader } from './row-reader.js'
import { SessionFiles, type StoreLogs } from './session-files.js'

/** Full scans take at most this share of the time, and are … */
const SHARE_OF_SCANS = 1 / 20
/** … at least this far apart, ms. Between them the directory watch reports which files changed. */
const SCAN_EVERY_MS = 5_000

export class SessionIndex {
  readonly #context: StoreContext
  readonly #logs: StoreLogs
  /** Called with the name of each session whose row changes or is removed. */
  onChange: ((name: string) => void) | undefined
  /** By session name. */
  readonly #rows = new Map<string, Row>()
  readonly #newest = new NewestRows(this.#rows)
  readonly #cache: ListCache
  /** Names of sessions whose files changed; true when only the content of the log did. */
  readonly #stale = new Map<string, boolean>()
  readonly #files: SessionFiles
  readonly #reader: RowReader
  /** Why sessions cannot be read, by name: each failure is reported once. */
  readonly #failed = new Map<string, unknown>()
  #watch: DirectoryWatch | undefined
  #scan = { ended: Number.NEGATIVE_INFINITY, took: 0 }
  #refreshed: Promise<void> = Promise.resolve()

  /** Without `writes` nothing is saved. */
  constructor(context: StoreContext, logs: StoreLogs & { writes: boolean }) {
    this.#context = context
    this.#logs = logs
    this.#files = new SessionFiles(context, logs)
    this.#reader = new RowReader(context, this.#files, logs)
    this.#cache = new ListCache(context, this.#rows, logs)
  }

  /** Every session's key, in no order. */
  async keys(): Promise<string[]> {
    const keys: string[] = []
    for (const name of await this.#files.names()) {
      const key = await this.#existingKey(name)
      if (key !== undefined) keys.push(key)
      await yieldIfDue()
    }
    return keys
  }

  /** The `limit` newest sessions that are to be shown, newest activity first. */
  async rows(rules: Partial<ListRules> = {}): Promise<SessionInfo[]> {
    if (rules.save) this.#cache.allow()
    const infos = await this.#copies(infoIn, rules)
    await addPreviews(this.#context, infos, this.#rows, rules.previews ?? 0, () => this.#cache.notePreview())
    return infos
  }

  /** All sessions, newest activity first, with what only the contracts show. */
  async sessions(): Promise<Listed[]> {
    return this.#copies(listedIn)
  }

  /** Keys of the sessions in which something waits for an answer, newest activity first. */
  async waiting(): Promise<string[]> {
    await this.#refresh()
    return this.#newest.take(undefined, this.#context.clock.now()).flatMap(({ key, waiting }) => (waiting ? [key] : []))
  }

  /** The sessions of these names that exist, in the order of the names. */
  async named(names: Iterable<string>): Promise<Listed[]> {
    const rows: Listed[] = []
    for (const name of names) {
      const row = await this.#refreshRow(name)
      if (row !== undefined) rows.push(listedIn(row, this.#context.clock.now()))
      await yieldIfDue()
    }
    return rows
  }

  /** As the last refresh found it. */
  row(name: string): SessionInfo | undefined {
    const row = this.#rows.get(name)
    return row && infoIn(row, this.#context.clock.now())
  }

  /**
   * All logs. The first call of a process stats the logs only, which takes half the time of a list; later calls bring
   * the rows up to date.
   */
  async logs(): Promise<Logs> {
    const rows = this.#rows
    if (this.#scan.took > 0) {
      await this.#refresh()
      return { isFromRows: true, size: rows.size, names: () => rows.keys(), markOf: (name) => rows.get(name)?.log }
    }
    const began = performance.now()
    const marks = new Map<string, FileMark>()
    for (const name of await this.#files.names()) {
      try {
        const log = await this.#files.patiently(name, () => this.#files.mark(name))
        if (log !== undefined) marks.set(name, markOf(log))
      } catch (error) {
        this.#fail(name, error)
      }
      if (isLoopHeld(performance.now())) await yieldToLoop()
    }
    this.#scan.took = performance.now() - began
    return { isFromRows: false, size: marks.size, names: () => marks.keys(), markOf: (name) => marks.get(name) }
  }

  async close(): Promise<void> {
    this.#reader.close()
    this.#watch?.close()
    await this.#cache.save()
  }

  /** Copies of rows, made in slices. */
  async #copies<T>(copy: (row: Row, now: number) => T, { limit, shows }: Partial<ListRules> = {}): Promise<T[]> {
    await this.#refresh()
    await yieldIfDue()
    const now = this.#context.clock.now()
    const rows = this.#newest.take(limit, now, shows)
    const copies: T[] = []
    while (copies.length < rows.length) {
      addCopies(copies, rows, (row) => copy(row, now))
      await yieldIfDue()
    }
    return copies
  }

  /** Brings the rows up to date, one call after the other. */
  #refresh(): Promise<void> {
    this.#refreshed = this.#refreshed.catch(() => undefined).then(() => this.#refreshNow())
    return this.#refreshed
  }

  async #refreshNow(): Promise<void> {
    this.#context.runs.refresh()
    for (const key of this.#reader.changedRuns) this.#stale.set(nameIn(this.#context.layout, key), false)
    const changes = this.#isScanDue() ? undefined : await this.#watch?.take()
    if (changes === undefined) return this.#scanAll()
    for (const [file, isContent] of changes) {
      const log = nameOfLog(file)
      const found = log ?? nameOfSidecar(file)
      const name = found && nameOnDrive(this.#context.layout, found)
      if (name !== undefined) this.#stale.set(name, log !== undefined && isContent && this.#stale.get(name) !== false)
    }
    for (const [name, isOnlyContent] of this.#stale) {
      const row = this.#refreshRow(name, isOnlyContent)
      if (row instanceof Promise) await row
      if (!this.#failed.has(name)) this.#stale.delete(name)
      if (isLoopHeld(performance.now())) await yieldToLoop()
    }
  }

  #isScanDue(): boolean {
    const { ended, took } = this.#scan
    return performance.now() - ended > Math.max(SCAN_EVERY_MS, took / SHARE_OF_SCANS)
  }

  async #scanAll(): Promise<void> {
    const began = performance.now()
    // if it fails, the next call scans again
    this.#scan.ended = Number.NEGATIVE_INFINITY
    this.#watch?.close()
    // a process that lists once needs no watch
    this.#watch = this.#scan.took === 0 ? undefined : DirectoryWatch.open(this.#context.layout.root)
    const former = new Set(this.#rows.keys())
    const names = await this.#files.names()
    await this.#cache.load(names.length, (name, row) => this.#takeCached(name, row))
    for (const name of names) {
      // a row from the cache was compared with its files just now
      const isCached = !former.delete(name) && this.#rows.has(name)
      const row = isCached ? undefined : this.#refreshRow(name)
      if (row instanceof Promise) await row
      if (isLoopHeld(performance.now())) await yieldToLoop()
    }
    for (const name of former) await this.#refreshRow(name)
    this.#stale.clear()
    for (const name of this.#failed.keys()) this.#stale.set(name, false)
    this.#cache.noteScanned()
    const ended = performance.now()
    this.#scan = { ended, took: ended - began }
  }

  #takeCached(name: string, row: Row): void {
    const log = this.#files.markOrNone(name)
    if (log === undefined) this.#cache.noteGone()
    else if (
      !row.isUnsettled &&
      !this.#stale.has(name) &&
      !this.#rows.has(name) &&
      isReadFrom(row, log, this.#files.sidecarMark(name))
    )
      this.#set(name, row)
  }

  /** A promise only where files must be read. A session that cannot be read is reported and has no row. */
  #refreshRow(name: string, isOnlyContent = false): Row | undefined | Promise<Row | undefined> {
    try {
      const row = this.#files.patiently(name, () => this.#reader.row(name, this.#rows.get(name), isOnlyContent))
      if (!(row instanceof Promise)) return this.#put(name, row)
      return row.then(
        (read) => this.#put(name, read),
        (error) => this.#fail(name, error),
      )
    } catch (error) {
      return this.#fail(name, error)
    }
  }

  #fail(name: string, error: unknown): undefined {
    if (reasonOf(this.#failed.get(name)) !== reasonOf(error))
      this.#context.settings.onError(error, this.#files.knownKey(name) ?? name)
    this.#failed.set(name, error)
    this.#set(name, undefined)
  }

  /** Why sessions are left out of the last result. */
  failures(): unknown[] {
    return [...this.#failed.values()]
  }

  async #existingKey(name: string): Promise<string | undefined> {
    try {
      return await this.#files.patiently(name, () =>
        this.#files.mark(name) === undefined ? undefined : this.#files.keyOf(name),
      )
    } catch (error) {
      return this.#fail(name, error)
    }
  }

  #put(name: string, row: Row | undefined): Row | undefined {
    this.#failed.delete(name)
    const former = this.#rows.get(name)
    if (row === former) return row
    this.#set(name, row)
    if (row === undefined) this.#noteGone(former)
    else this.#cache.noteChanged()
    this.onChange?.(name)
    return row
  }

  #noteGone(former: Row | undefined): void {
    this.#cache.noteGone()
    const log = former && this.#logs.openLog(former.key)
    if (log !== undefined) this.#context.noteAbsent(log)
  }

  #set(name: string, row: Row | undefined): void {
    this.#newest.replace(this.#rows.get(name), row)
    if (row === undefined) {
      this.#rows.delete(name)
      this.#files.forgetKey(name)
      // one string for both
    } else this.#rows.set(row.key === name ? row.key : name, row)
  }
}

const reasonOf = (error: unknown) => `${errno(error)} ${error}`
