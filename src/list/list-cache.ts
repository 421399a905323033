/** The rows of a list, kept on disk for the next process: it needs to read only what changed since. */

import { errno } from '../base/errors.js'
import { breatheIfDue } from '../base/event-loop.js'
import type { Json } from '../base/json.js'
import { look } from '../disk/files.js'
import { readValues, removeValues, writeValues } from '../disk/list-cache-file.js'
import { nameOf } from '../disk/names.js'
import type { StoreContext } from '../session/context.js'
import { tellError } from '../session/options.js'
import { type Row, rowFromJson } from './row.js'

/** To read fewer sidecars than this costs less than a folder that nobody needs. */
const MANY = 64
/** The file is written again when more than this share of the rows is not as it says. */
const MOST_CHANGED = 1 / 10
const SAVE_AFTER_MS = 1_000

export class KeptList {
  readonly #context: StoreContext
  readonly #writes: boolean
  readonly #rows: () => Iterable<[name: string, row: Row]>
  #isRead = false
  /** It was read, and all have not been looked at since. */
  #isNews = false
  /** How many rows are not as the file says; some of it may be there no more. */
  #changed = 0
  #count = 0
  #isLittered = false
  #timer: NodeJS.Timeout | undefined
  #saved: Promise<void> = Promise.resolve()

  /** `rows` gives what is to be kept. With `writes` false nothing is. */
  constructor(context: StoreContext, rows: () => Iterable<[string, Row]>, { writes }: { writes: boolean }) {
    this.#context = context
    this.#rows = rows
    this.#writes = writes
  }

  /**
   * Reads the file, once, if that pays for so many sessions, and hands each row over: it is right if its marks are those
   * of the files that are there.
   */
  async load(sessions: number, take: (name: string, row: Row) => void): Promise<void> {
    if (this.#isRead) return
    this.#isRead = true
    if (sessions < MANY) {
      // there may be a file of a time when there were more
      this.#isLittered = true
      return
    }
    this.#isNews = true
    await readValues(this.#context.layout.list(), (value) => {
      const row = rowFromJson(value)
      take(nameOf(row.key), row)
    })
  }

  /** A row is another than it was, and than was handed over. */
  noteChange(): void {
    this.#changed++
  }

  noteGone(): void {
    this.#isLittered = true
  }

  /** Called when all sessions, so many, have been looked at. */
  noteLook(sessions: number): void {
    this.#count = sessions
    // later ones are kept when the store is closed
    if (this.#isNews && this.#isDue()) this.#timer = setTimeout(() => void this.save(), SAVE_AFTER_MS).unref()
    this.#isNews = false
  }

  #isDue(): boolean {
    const isChanged = this.#changed > Math.max(MANY, this.#count * MOST_CHANGED)
    return this.#writes && this.#isRead && (isChanged || this.#isLittered)
  }

  /** Writes the file if it would be of use. That it cannot be written costs time only. */
  save(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#saved = this.#saved.then(() => this.#saveNow())
    return this.#saved
  }

  async #saveNow(): Promise<void> {
    if (!this.#isDue()) return
    const { layout, settings } = this.#context
    this.#changed = 0
    this.#isLittered = false
    try {
      const rows = await this.#settledRows()
      if (rows.length < MANY) removeValues(layout.list())
      else await writeValues(layout.list(), valuesOf(rows))
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes(errno(error) ?? '')) tellError(settings, error, '')
    }
  }

  async #settledRows(): Promise<Row[]> {
    const rows: Row[] = []
    for (const [name, row] of this.#rows()) {
      // what has changed would be read anew all the same, and what was deleted must not come back
      const log = row.isSettled ? look(this.#context.layout.log(name)) : undefined
      if (log !== undefined && log !== 'other' && row.isOfLog(log)) rows.push(row)
      await breatheIfDue()
    }
    return rows
  }
}

/** One by one: all of them would be as much memory again as the rows. */
function* valuesOf(rows: readonly Row[]): Generator<Json> {
  for (const row of rows) yield row.toJson()
}
