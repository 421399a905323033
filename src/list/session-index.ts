/** Which sessions a folder holds and what a list shows of them, without reading logs that have not changed. */

import { breathe, breatheIfDue, isLoopHeld } from '../base/event-loop.js'
import { FolderWatch } from '../disk/directory-watch.js'
import { type FileMark, look } from '../disk/files.js'
import { LogReader } from '../disk/log-reader.js'
import { isOwnName, nameOf, nameOfLog, nameOfSidecar } from '../disk/names.js'
import { type Run, readSidecar, type Sidecar } from '../disk/sidecar-file.js'
import { catchUp, foldLog, knownFromSidecar } from '../session/catch-up.js'
import type { StoreContext } from '../session/context.js'
import type { ListedSession, SessionInfo } from '../session/info.js'
import { keyInLog } from '../session/key-in-log.js'
import type { SessionLog } from '../session/session-log.js'
import { KeptList } from './list-cache.js'
import { LogMarks } from './mark-table.js'
import { type Row, toRow } from './row.js'
import { RowsByActivity } from './rows-by-activity.js'

/** All are looked at, whatever the system told, when that took less than this share of the time since … */
const SHARE_OF_LOOKS = 1 / 20
/** … and is at least so long ago, ms. */
const LOOK_EVERY_MS = 5_000

export class SessionIndex {
  readonly #context: StoreContext
  /** Told the name of each session whose row is made anew, or is no more. */
  onChange: ((name: string) => void) | undefined
  readonly #logOf: (key: string) => SessionLog | undefined
  readonly #rows = new RowsByActivity<Row>()
  readonly #kept: KeptList
  /** Names of sessions whose row may be another by now, and whether only the content of the log may have changed. */
  readonly #stale = new Map<string, boolean>()
  /** Keys of names that are no keys themselves, as far as they were found out. */
  readonly #keys = new Map<string, string>()
  #watch: FolderWatch | undefined
  #look = { ended: Number.NEGATIVE_INFINITY, took: 0 }
  #refreshed: Promise<void> = Promise.resolve()

  /**
   * `logOf` gives the logs that the store has in mind, which know what was written in this process. With `writes` false
   * nothing is kept on disk.
   */
  constructor(context: StoreContext, logOf: (key: string) => SessionLog | undefined, { writes }: { writes: boolean }) {
    this.#context = context
    this.#logOf = logOf
    this.#kept = new KeptList(context, () => this.#rows.entries(), { writes })
  }

  /** Every session's key, in no order. */
  async keys(): Promise<string[]> {
    const keys: string[] = []
    for (const name of await this.#names()) {
      if (lookForFile(this.#context.layout.log(name)) === undefined) continue
      const key = await this.#keyOf(name)
      if (key !== undefined) keys.push(key)
      await breatheIfDue()
    }
    return keys
  }

  /** The rows of the `limit` newest sessions, newest activity first. */
  async rows(limit = Number.POSITIVE_INFINITY): Promise<SessionInfo[]> {
    await this.#refresh()
    await breatheIfDue()
    return copies(this.#rows.newestFirst(limit), ({ info }) => info)
  }

  /** All sessions, newest activity first, with what only the faces show. */
  async sessions(): Promise<Array<ListedSession & { run: Run | null }>> {
    await this.#refresh()
    await breatheIfDue()
    const rows = this.#rows.newestFirst(Number.POSITIVE_INFINITY)
    return copies(rows, ({ info, details, run }) => ({ info, details, run }))
  }

  /** How many sessions the last look found. */
  get size(): number {
    return this.#rows.size
  }

  /** Their names. */
  names(): Iterable<string> {
    return this.#rows.names()
  }

  /** The row of a session as the last look found it. */
  row(name: string): Row | undefined {
    return this.#rows.get(name)
  }

  /**
   * Before anything else was asked: every log that is there, without a look at sidecars, which takes half the time of a
   * list. Undefined later, when the rows are up to date after this.
   */
  async logs(): Promise<LogMarks | undefined> {
    if (this.#look.took > 0) {
      await this.#refresh()
      return undefined
    }
    const began = performance.now()
    const logs = new LogMarks()
    for (const name of await this.#names()) {
      const log = lookForFile(this.#context.layout.log(name))
      if (log !== undefined) logs.add(name, log)
      if (logs.size % 64 === 0 && isLoopHeld(performance.now())) await breathe()
    }
    this.#look.took = performance.now() - began
    return logs
  }

  /** The same of the sessions with these file names, as far as they are there, in the order of the names. */
  async named(names: Iterable<string>): Promise<Array<ListedSession & { run: Run | null }>> {
    const rows: Array<ListedSession & { run: Run | null }> = []
    for (const name of names) {
      const row = await this.#refreshRow(name)
      if (row !== undefined) rows.push({ info: row.info, details: row.details, run: row.run })
      await breatheIfDue()
    }
    return rows
  }

  async close(): Promise<void> {
    this.#watch?.close()
    await this.#kept.save()
  }

  #names(): Promise<string[]> {
    return this.#context.listing.pick(nameOfLog)
  }

  /** Brings the rows up to what the folder holds, one call after the other. */
  #refresh(): Promise<void> {
    this.#refreshed = this.#refreshed.catch(() => undefined).then(() => this.#refreshNow())
    return this.#refreshed
  }

  async #refreshNow(): Promise<void> {
    const changed = this.#isLookDue() ? undefined : await this.#watch?.take()
    if (changed === undefined) return this.#lookAtAll()
    for (const [file, isSame] of changed) {
      const ofLog = nameOfLog(file)
      const name = ofLog ?? nameOfSidecar(file)
      if (name !== undefined) this.#stale.set(name, ofLog !== undefined && isSame && this.#stale.get(name) !== false)
    }
    await this.#refreshStale()
  }

  #isLookDue(): boolean {
    const { ended, took } = this.#look
    return performance.now() - ended > Math.max(LOOK_EVERY_MS, took / SHARE_OF_LOOKS)
  }

  async #lookAtAll(): Promise<void> {
    const began = performance.now()
    // if it fails, the next call looks at all again
    this.#look.ended = Number.NEGATIVE_INFINITY
    this.#watch?.close()
    // who lists only once has no use for being told
    this.#watch = this.#look.took === 0 ? undefined : FolderWatch.open(this.#context.layout.root)
    const former = new Set(this.#rows.names())
    const names = await this.#names()
    await this.#kept.load(names.length, (name, row) => this.#takeKept(name, row))
    for (const name of names) {
      const isSeen = !former.delete(name) && this.#rows.get(name) !== undefined
      const row = isSeen ? undefined : this.#refreshRow(name)
      if (row instanceof Promise) await row
      if (isLoopHeld(performance.now())) await breathe()
    }
    for (const name of former) await this.#refreshRow(name)
    this.#stale.clear()
    this.#kept.noteLook(this.#rows.size)
    const ended = performance.now()
    this.#look = { ended, took: ended - began }
  }

  /** Nobody is shown a row that is not of the files that are there. */
  #takeKept(name: string, row: Row): void {
    const { layout } = this.#context
    const log = lookForFile(layout.log(name))
    if (log === undefined) this.#kept.noteGone()
    else if (
      this.#rows.get(name) === undefined &&
      row.isOfLog(log) &&
      row.isOfSidecar(lookForFile(layout.sidecar(name)))
    )
      this.#rows.set(name, row)
  }

  async #refreshStale(): Promise<void> {
    for (const [name, isOnlyContent] of this.#stale) {
      const row = this.#refreshRow(name, isOnlyContent)
      if (row instanceof Promise) await row
      this.#stale.delete(name)
      if (isLoopHeld(performance.now())) await breathe()
    }
  }

  /** A promise only where files must be read. */
  #refreshRow(name: string, isOnlyContent = false): Row | undefined | Promise<Row | undefined> {
    const row = this.#glance(name, isOnlyContent)
    if (row instanceof Unread) return this.#readRow(name, row.log).then((read) => this.#put(name, read))
    return this.#put(name, row)
  }

  #put(name: string, row: Row | undefined): Row | undefined {
    if (row === this.#rows.get(name)) return row
    if (row === undefined) {
      this.#rows.delete(name)
      this.#kept.noteGone()
    } else {
      this.#kept.noteChange()
      // one string for both
      this.#rows.set(row.key === name ? row.key : name, row)
    }
    this.onChange?.(name)
    return row
  }

  /**
   * The row of one session, undefined when there is no session of that name; `Unread` when only its files can tell.
   * With `isOnlyContent` the system tells of all changes, also of the folder, and told of this one only.
   */
  #glance(name: string, isOnlyContent: boolean): Row | Unread | undefined {
    const { layout } = this.#context
    const row = this.#rows.get(name)
    const key = row?.key ?? (isOwnName(name) ? name : this.#keys.get(name))
    const own = key === undefined ? undefined : this.#logOf(key)
    const open = isOnlyContent ? own?.peekOpen() : undefined
    const log = open?.mark ?? lookForFile(layout.log(name))
    if (log === undefined) return undefined
    const sidecar = row !== undefined && isOnlyContent ? row.sidecar : lookForFile(layout.sidecar(name))
    if (row?.isOfSidecar(sidecar) && row.isOfLog(log)) return row
    const known = open ?? own?.peek(log)
    const claim = sidecar === undefined ? null : own?.sidecar.claimOf(sidecar)
    if (key === undefined || known === undefined || claim === undefined) return new Unread(log)
    return toRow(key, known, sidecar, claim)
  }

  async #readRow(name: string, log: FileMark): Promise<Row | undefined> {
    const read = readSidecar(this.#context.layout.sidecar(name))
    const key = await this.#keyOf(name, read?.sidecar ?? null)
    if (key === undefined) return undefined
    const sidecar = read?.sidecar?.key === key ? read.sidecar : null
    const known = this.#logOf(key)?.peek(log) ?? knownFromSidecar(sidecar, log) ?? (await this.#readLog(name, sidecar))
    return known && toRow(key, known, read?.mark, sidecar)
  }

  async #readLog(name: string, sidecar: Sidecar | null) {
    return LogReader.using(this.#context.layout.log(name), (reader) => {
      const former = knownFromSidecar(sidecar, reader.stat, reader)
      return former === undefined ? foldLog(reader) : catchUp(reader, former)
    })
  }

  /** The key behind a name: the name itself, or what sidecar or log say, if it makes that name. */
  async #keyOf(name: string, sidecar?: Sidecar | null): Promise<string | undefined> {
    if (isOwnName(name)) return name
    const found = this.#keys.get(name)
    if (found !== undefined) return found
    const claimed = sidecar === undefined ? readSidecar(this.#context.layout.sidecar(name))?.sidecar : sidecar
    const key =
      claimed && nameOf(claimed.key) === name ? claimed.key : await keyInLog(this.#context.layout.log(name), name)
    if (key !== undefined) this.#keys.set(name, key)
    return key
  }
}

/** What callers get of the rows, made without holding the event loop for long. */
async function copies<T>(rows: readonly Row[], copy: (row: Row) => T): Promise<T[]> {
  const made: T[] = []
  while (made.length < rows.length) {
    addCopies(made, rows, copy)
    await breatheIfDue()
  }
  return made
}

/** A function of its own, since loops of asynchronous ones are slow and litter. */
function addCopies<T>(made: T[], rows: readonly Row[], copy: (row: Row) => T): void {
  const end = Math.min(made.length + 128, rows.length)
  for (let i = made.length; i < end; i++) made.push(copy(rows[i] as Row))
}

class Unread {
  constructor(readonly log: FileMark) {}
}

function lookForFile(file: string): FileMark | undefined {
  const stat = look(file)
  return stat === 'other' ? undefined : stat
}
