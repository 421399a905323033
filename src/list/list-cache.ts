/**
 * Saves the rows of a list in a file, so that the next process reads the sidecars of changed sessions only: without it
 * the first list of a process takes several times as long.
 */

import { errno } from '../base/errors.js'
import { yieldIfDue } from '../base/event-loop.js'
import type { Json } from '../base/json.js'
import { statFile } from '../disk/files.js'
import { isOwnFolder } from '../disk/folders.js'
import { nameIn } from '../disk/given-names.js'
import { hasFile, readValues, removeValues, writeValues } from '../disk/list-cache-file.js'
import { sameMark } from '../disk/log/file-mark.js'
import type { StoreContext } from '../session/context.js'
import type { Row } from './row.js'

/** Fewer sidecars than this are read as fast as the file. */
const MIN_ROWS = 64
/** The file is replaced when more than this share of the rows has changed. */
const MAX_CHANGED = 1 / 10
/** To read a log takes as long as to read so many sidecars. */
const SIDECARS_PER_LOG = 4
const SAVE_AFTER_MS = 1_000
/** The time between two saves of an open store is at least this, ms. */
const SAVE_EVERY_MS = 60_000

export class ListCache {
  readonly #context: StoreContext
  #writes: boolean
  /** Saved for a call of a read-only store only: a failure is of no matter. */
  #isAsked = false
  readonly #rows: ReadonlyMap<string, Row>
  #isRead = false
  /** How many rows differ from the file, in sidecars read, and how many there are. */
  #changed = 0
  #count = 0
  /** The file has rows of sessions that are gone. */
  #hasGone = false
  #timer: NodeJS.Timeout | undefined
  #savedAt = Number.NEGATIVE_INFINITY
  #saving: Promise<void> = Promise.resolve()

  /** `rows` by session name. With `writes` false nothing is saved. */
  constructor(context: StoreContext, rows: ReadonlyMap<string, Row>, { writes }: { writes: boolean }) {
    this.#context = context
    this.#rows = rows
    this.#writes = writes
  }

  /** Calls `take` with each row of the file, at the first call. A row is right if its marks are those of the files. */
  async load(sessions: number, take: (name: string, row: Row) => void): Promise<void> {
    if (this.#isRead) return
    this.#isRead = true
    // there may be a file of a time when there were more
    if (sessions < MIN_ROWS) this.#hasGone = true
    else {
      await readValues(this.#context.layout.list(), (value) => {
        const row = value as unknown as Row
        take(nameIn(this.#context.layout, row.key), row)
      })
    }
  }

  /** Saves also where the store is read-only: not for another user, whose processes could then not save. */
  allow(): void {
    if (this.#writes || !isOwnFolder(this.#context.layout.root)) return
    this.#writes = true
    this.#isAsked = true
  }

  noteChanged(): void {
    this.#changed++
  }

  /** A log was read for a row. */
  notePreview(): void {
    this.#changed += SIDECARS_PER_LOG
  }

  noteGone(): void {
    this.#hasGone = true
  }

  /** Called when the rows of all sessions are up to date. */
  noteScanned(): void {
    this.#count = this.#rows.size
    if (this.#timer === undefined && performance.now() - this.#savedAt > SAVE_EVERY_MS && this.#isDue()) {
      this.#timer = setTimeout(() => void this.save(), SAVE_AFTER_MS).unref()
    }
  }

  /** Also when a deleted session took the file along. */
  #isDue(): boolean {
    if (!this.#writes || !this.#isRead) return false
    if (this.#hasGone || this.#changed > Math.max(MIN_ROWS, this.#count * MAX_CHANGED)) return true
    return this.#count >= MIN_ROWS && !hasFile(this.#context.layout.list())
  }

  /** Replaces the file if it is behind. Reports a failure, after which only `close` of the store tries again. */
  save(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#saving = this.#saving.then(() => this.#saveNow())
    return this.#saving
  }

  async #saveNow(): Promise<void> {
    const { layout, settings } = this.#context
    try {
      if (!this.#isDue()) return
      this.#savedAt = performance.now()
      this.#changed = 0
      this.#hasGone = false
      const rows = await this.#lastingRows()
      if (rows.length < MIN_ROWS) removeValues(layout.list())
      else await writeValues(layout.list(), rows as unknown as Json[])
    } catch (error) {
      this.#savedAt = Number.POSITIVE_INFINITY
      if (!this.#isAsked && !['EACCES', 'EPERM', 'EROFS'].includes(errno(error) ?? '')) settings.onError(error, '')
    }
  }

  /** Without rows that would be read again all the same, and without deleted sessions. */
  async #lastingRows(): Promise<Row[]> {
    const rows: Row[] = []
    for (const [name, row] of this.#rows) {
      const log = row.isUnsettled ? undefined : statFile(this.#context.layout.log(name))
      if (log !== 'other' && sameMark(log, row.log)) rows.push(row)
      await yieldIfDue()
    }
    return rows
  }
}
