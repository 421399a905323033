/** Which sessions a folder holds and what a list shows of them, without reading logs that have not changed. */
import { catchUp, foldLog, type Known, knownFromSidecar } from './catch-up.js'
import { breatheIfDue } from './disk/breath.js'
import { type FileMark, listFolder, look, markOf, sameMark } from './disk/files.js'
import { FolderWatch } from './disk/folder-watch.js'
import { LogReader } from './disk/log-reader.js'
import { isOwnName, nameOf, nameOfLog, nameOfSidecar } from './disk/names.js'
import { type Run, readSidecar, type Sidecar } from './disk/sidecar-file.js'
import { copyOfInfo, type ListedSession, listedOf, type SessionInfo } from './info.js'
import { keyInLog } from './key-in-log.js'
import { RowsByActivity } from './rows-by-activity.js'
import type { SessionLog } from './session-log.js'
import type { StoreContext } from './store-context.js'

interface Row extends ListedSession {
  log: FileMark
  sidecar: FileMark | undefined
  /** What the sidecar claims, and of which log. */
  claim: Pick<Sidecar, 'run' | 'session'> | null
  /** The claim, if it is of this log. */
  run: Run | null
}

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
  /** Names of sessions whose row may be another by now. */
  readonly #stale = new Set<string>()
  /** Keys of names that are no keys themselves, as far as they were found out. */
  readonly #keys = new Map<string, string>()
  #watch: FolderWatch | undefined
  #look = { ended: Number.NEGATIVE_INFINITY, took: 0 }
  #refreshed: Promise<void> = Promise.resolve()

  /** `logOf` gives the logs that the store has in mind, which know what was written in this process. */
  constructor(context: StoreContext, logOf: (key: string) => SessionLog | undefined) {
    this.#context = context
    this.#logOf = logOf
  }

  /** Every session's key, in no order. */
  async keys(): Promise<string[]> {
    const keys: string[] = []
    for (const name of this.#names()) {
      if (!isRegular(this.#context.layout.log(name))) continue
      const key = await this.#keyOf(name)
      if (key !== undefined) keys.push(key)
      await breatheIfDue()
    }
    return keys
  }

  /** The rows of the `limit` newest sessions, newest activity first. */
  async rows(limit = Number.POSITIVE_INFINITY): Promise<SessionInfo[]> {
    await this.#refresh()
    return this.#rows.newestFirst(limit).map(({ info }) => copyOfInfo(info))
  }

  /** All sessions, newest activity first, with what only the faces show. The results must not be changed. */
  async sessions(): Promise<Array<ListedSession & { run: Run | null }>> {
    await this.#refresh()
    return this.#rows.newestFirst(Number.POSITIVE_INFINITY)
  }

  /** How many sessions the last look found. */
  get size(): number {
    return this.#rows.size
  }

  /** The row of a session as the last look found it, with the mark of its log. */
  row(name: string): (ListedSession & { log: FileMark }) | undefined {
    return this.#rows.get(name)
  }

  /**
   * Before anything else was asked: every log that is there, without a look at sidecars, which takes half the time of a
   * list. Undefined later, when the rows are up to date after this.
   */
  async logs(): Promise<Map<string, FileMark> | undefined> {
    if (this.#look.took > 0) {
      await this.#refresh()
      return undefined
    }
    const began = performance.now()
    const logs = new Map<string, FileMark>()
    for (const name of this.#names()) {
      const log = look(this.#context.layout.log(name))
      if (log !== undefined && log !== 'other') logs.set(name, markOf(log))
      if (logs.size % 64 === 0) await breatheIfDue()
    }
    this.#look.took = performance.now() - began
    return logs
  }

  /** The same of the sessions with these file names, as far as they are there, in the order of the names. */
  async named(names: Iterable<string>): Promise<Array<ListedSession & { run: Run | null }>> {
    const rows: Row[] = []
    for (const name of names) {
      const row = await this.#refreshRow(name)
      if (row !== undefined) rows.push(row)
      await breatheIfDue()
    }
    return rows
  }

  close(): void {
    this.#watch?.close()
  }

  #names(): string[] {
    return listFolder(this.#context.layout.root).flatMap((file) => nameOfLog(file) ?? [])
  }

  /** Brings the rows up to what the folder holds, one call after the other. */
  #refresh(): Promise<void> {
    this.#refreshed = this.#refreshed.catch(() => undefined).then(() => this.#refreshNow())
    return this.#refreshed
  }

  async #refreshNow(): Promise<void> {
    const changed = this.#isLookDue() ? undefined : await this.#watch?.take()
    if (changed === undefined) return this.#lookAtAll()
    for (const file of changed) {
      const name = nameOfLog(file) ?? nameOfSidecar(file)
      if (name !== undefined) this.#stale.add(name)
    }
    await this.#refreshStale()
  }

  #isLookDue(): boolean {
    const { ended, took } = this.#look
    return performance.now() - ended > Math.max(LOOK_EVERY_MS, took / SHARE_OF_LOOKS)
  }

  async #lookAtAll(): Promise<void> {
    const began = performance.now()
    this.#watch?.close()
    // who lists only once has no use for being told
    this.#watch = this.#look.took === 0 ? undefined : FolderWatch.open(this.#context.layout.root)
    for (const name of this.#names()) this.#stale.add(name)
    for (const name of this.#rows.names()) this.#stale.add(name)
    await this.#refreshStale()
    const ended = performance.now()
    this.#look = { ended, took: ended - began }
  }

  async #refreshStale(): Promise<void> {
    for (const name of this.#stale) {
      await this.#refreshRow(name)
      this.#stale.delete(name)
      await breatheIfDue()
    }
  }

  async #refreshRow(name: string): Promise<Row | undefined> {
    const row = await this.#row(name)
    if (row === this.#rows.get(name)) return row
    if (row === undefined) this.#rows.delete(name)
    else this.#rows.set(name, row)
    this.onChange?.(name)
    return row
  }

  /** The row of one session; undefined when there is no session of that name. */
  async #row(name: string): Promise<Row | undefined> {
    const { layout } = this.#context
    const log = look(layout.log(name))
    if (log === undefined || log === 'other') return undefined
    const sidecar = look(layout.sidecar(name))
    const sidecarMark = sidecar === 'other' ? undefined : sidecar
    const row = this.#rows.get(name)
    if (row === undefined || !sameMarks(row.sidecar, sidecarMark)) return this.#readRow(name, log)
    if (sameMark(row.log, log)) return row
    const known = this.#logOf(row.info.key)?.peek(log)
    return known === undefined ? this.#readRow(name, log) : toRow(row.info.key, known, row.sidecar, row.claim)
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

function toRow(key: string, known: Known, sidecar: FileMark | undefined, claim: Row['claim']): Row {
  const run = claim?.session === (known.summary.header?.id ?? null) ? (claim?.run ?? null) : null
  return {
    log: markOf(known.mark),
    sidecar: sidecar && markOf(sidecar),
    claim: claim && { run: claim.run, session: claim.session },
    run,
    ...listedOf(key, known, run),
  }
}

function isRegular(file: string): boolean {
  const stat = look(file)
  return stat !== undefined && stat !== 'other'
}

function sameMarks(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return (a === undefined && b === undefined) || sameMark(a, b)
}
