/** What a list reads of one session, by its name: the marks of its files, its sidecar, its log and its key. */
import { errno, isForbidden, isStale, notALog } from '../base/errors.js'
import { pickNames } from '../disk/directory.js'
import { statFile } from '../disk/files.js'
import { checkOnlyLog, nameOnDrive } from '../disk/given-names.js'
import type { Layout } from '../disk/layout.js'
import type { FileMark } from '../disk/log/file-mark.js'
import { untilNotStale, waitForData } from '../disk/log/late-data.js'
import { LogReader } from '../disk/log/log-reader.js'
import { isKeyName, nameOf, nameOfLog } from '../disk/names.js'
import { readSidecar, type Sidecar } from '../disk/sidecar/sidecar-file.js'
import type { StoreContext } from '../session/context.js'
import { catchUp, foldLog, isLongReading } from '../session/log/catch-up.js'
import { stateFromSidecar } from '../session/log/log-state.js'
import type { SessionLog } from '../session/log/session-log.js'
import { keyInLog } from '../session/read/read.js'

/** The logs of a store. */
export interface StoreLogs {
  /** One that the store has open, which knows its own writes. */
  openLog(key: string): SessionLog | undefined
  log(key: string): SessionLog
}

export class SessionFiles {
  readonly #context: StoreContext
  readonly #logs: StoreLogs
  readonly #layout: Layout
  /** Keys of names that are not keys themselves, as far as they were read. */
  readonly #keys = new Map<string, string>()

  constructor(context: StoreContext, logs: StoreLogs) {
    this.#context = context
    this.#logs = logs
    this.#layout = context.layout
  }

  /** @throws SessionError ERR_NOT_A_LOG, ERR_LOG_AMBIGUOUS */
  mark(name: string): FileMark | undefined {
    const file = this.#layout.log(name)
    const stat = statFile(file)
    if (stat === 'other') throw notALog(file)
    if (stat !== undefined) checkOnlyLog(this.#layout, name, name)
    return stat
  }

  /** Undefined also for what is no regular file. */
  markOrNone(name: string): FileMark | undefined {
    const stat = statFile(this.#layout.log(name))
    return stat === 'other' ? undefined : stat
  }

  sidecarMark(name: string): FileMark | undefined {
    const stat = statFile(this.#layout.sidecar(name))
    return stat === 'other' ? undefined : stat
  }

  /** Null for one that cannot be read: the log has the same. */
  sidecar(name: string): ReturnType<typeof readSidecar> {
    const file = this.#layout.sidecar(name)
    try {
      return readSidecar(file)
    } catch (error) {
      if (errno(error) === undefined || isStale(error)) throw error
      // that of another user is done without
      if (!isForbidden(error)) this.#context.settings.onError(error, name)
      const mark = this.sidecarMark(name)
      return mark === undefined ? null : { sidecar: null, mark }
    }
  }

  /** The state of the log, from its sidecar on where that belongs to it. One that takes long to read is opened for it. */
  async fold(name: string, key: string, { size }: FileMark, sidecar: Sidecar | null) {
    if (isLongReading(size, sidecar?.watermark?.size)) return this.#logs.log(key).current()
    const file = this.#layout.log(name)
    if (this.#context.isNetwork) await waitForData(file, sidecar?.watermark?.size)
    return LogReader.using(file, (reader) => {
      this.#context.damage.watch(reader, key, file)
      const former = stateFromSidecar(sidecar, reader.stat, reader)
      return former === undefined ? foldLog(reader) : catchUp(reader, former)
    })
  }

  /** The key behind a name: the name itself, or the key in sidecar or log, if that makes the name. */
  async keyOf(name: string, sidecar?: Sidecar | null): Promise<string | undefined> {
    if (isKeyName(name)) return name
    const cached = this.#keys.get(name)
    if (cached !== undefined) return cached
    const claimed = sidecar === undefined ? this.sidecar(name)?.sidecar : sidecar
    const key = claimed && nameOf(claimed.key) === name ? claimed.key : await keyInLog(this.#layout.log(name), name)
    if (key !== undefined) this.#keys.set(name, key)
    return key
  }

  /** On a network drive, again where another machine replaces the files of a session meanwhile. */
  patiently<T>(name: string, work: () => T | Promise<T>): T | Promise<T> {
    return this.#context.isNetwork ? untilNotStale(this.#layout.log(name), work) : work()
  }

  /** The key of a name, if it follows without reading a file. */
  knownKey(name: string): string | undefined {
    return isKeyName(name) ? name : this.#keys.get(name)
  }

  forgetKey(name: string): void {
    this.#keys.delete(name)
  }

  /** The names of all logs. */
  async names(): Promise<string[]> {
    const found = await pickNames(this.#layout.root, nameOfLog)
    const names = new Set(found.map((name) => nameOnDrive(this.#layout, name)))
    // most of the keys may be of sessions that are gone
    if (this.#keys.size > 2 * names.size) this.#keys.clear()
    return [...names]
  }
}
