/** Which sessions a folder holds and what a list shows of them, without reading logs that have not changed. */
import { catchUp, foldLog, type Known, knownFromSidecar } from './catch-up.js'
import { breatheIfDue } from './disk/breath.js'
import { type FileMark, listFolder, look, markOf, sameMark } from './disk/files.js'
import { LogReader } from './disk/log-reader.js'
import { isOwnName, nameOf, nameOfLog } from './disk/names.js'
import { type Run, readSidecar, type Sidecar } from './disk/sidecar-file.js'
import { copyOfInfo, detailsOf, infoOf, type SessionDetails, type SessionInfo } from './info.js'
import { keyInLog } from './key-in-log.js'
import type { SessionLog } from './session-log.js'
import type { StoreContext } from './store-context.js'

interface Row {
  log: FileMark
  sidecar: FileMark | undefined
  /** What the sidecar claims, and of which log. */
  claim: Pick<Sidecar, 'run' | 'session'> | null
  /** The claim, if it is of this log. */
  run: Run | null
  info: SessionInfo
  details: SessionDetails
}

/** A session as the faces list it. */
export interface ListedSession {
  info: SessionInfo
  details: SessionDetails
}

export class SessionIndex {
  readonly #context: StoreContext
  readonly #logOf: (key: string) => SessionLog | undefined
  readonly #rows = new Map<string, Row>()
  /** Keys of names that are no keys themselves, as far as they were found out. */
  readonly #keys = new Map<string, string>()

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

  /** A row for every session, in no order. */
  async rows(): Promise<SessionInfo[]> {
    return (await this.sessions()).map(({ info }) => copyOfInfo(info))
  }

  /** The same with what only the faces show. The results must not be changed. */
  async sessions(): Promise<ListedSession[]> {
    const names = this.#names()
    const rows = await this.named(names)
    this.#forgetGone(names)
    return rows
  }

  /** The same of the sessions with these file names, as far as they are there. */
  async named(names: Iterable<string>): Promise<Array<ListedSession & { run: Run | null }>> {
    const rows: Row[] = []
    for (const name of names) {
      const row = await this.#row(name)
      if (row !== undefined) rows.push(row)
      await breatheIfDue()
    }
    return rows
  }

  #names(): string[] {
    return listFolder(this.#context.layout.root).flatMap((file) => nameOfLog(file) ?? [])
  }

  #forgetGone(names: string[]): void {
    if (this.#rows.size <= names.length) return
    const there = new Set(names)
    for (const name of this.#rows.keys()) if (!there.has(name)) this.#rows.delete(name)
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
    return known === undefined
      ? this.#readRow(name, log)
      : this.#note(name, row.info.key, known, row.sidecar, row.claim)
  }

  async #readRow(name: string, log: FileMark): Promise<Row | undefined> {
    const read = readSidecar(this.#context.layout.sidecar(name))
    const key = await this.#keyOf(name, read?.sidecar ?? null)
    if (key === undefined) return undefined
    const sidecar = read?.sidecar?.key === key ? read.sidecar : null
    const known = this.#logOf(key)?.peek(log) ?? knownFromSidecar(sidecar, log) ?? (await this.#readLog(name, sidecar))
    return known && this.#note(name, key, known, read?.mark, sidecar)
  }

  #note(name: string, key: string, known: Known, sidecar: FileMark | undefined, claim: Row['claim']): Row {
    const run = claim?.session === (known.summary.header?.id ?? null) ? (claim?.run ?? null) : null
    const row = {
      log: markOf(known.mark),
      sidecar: sidecar && markOf(sidecar),
      claim: claim && { run: claim.run, session: claim.session },
      run,
      info: infoOf(key, known, run),
      details: detailsOf(known),
    }
    this.#rows.set(name, row)
    return row
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

function isRegular(file: string): boolean {
  const stat = look(file)
  return stat !== undefined && stat !== 'other'
}

function sameMarks(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return (a === undefined && b === undefined) || sameMark(a, b)
}
