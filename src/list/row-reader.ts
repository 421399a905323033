/** Makes the row of a session of what is in memory, or else of its files. */
import type { FileMark } from '../disk/log/file-mark.js'
import type { Claim } from '../disk/sidecar/sidecar-cache.js'
import type { Run } from '../disk/sidecar/sidecar-file.js'
import type { StoreContext } from '../session/context.js'
import { type LogState, stateFromSidecar } from '../session/log/log-state.js'
import { currentRun, sessionOf } from '../session/state/runs.js'
import { isReadFrom, type Row, toRow } from './row.js'
import type { SessionFiles, StoreLogs } from './session-files.js'

export class RowReader {
  readonly #context: StoreContext
  readonly #files: SessionFiles
  readonly #logs: StoreLogs
  /** Keys of sessions with new statements in run logs since their rows were made. */
  readonly #changedRuns: Set<string>
  readonly close: () => void

  constructor(context: StoreContext, files: SessionFiles, logs: StoreLogs) {
    this.#context = context
    this.#files = files
    this.#logs = logs
    this.#changedRuns = context.runs.keys()
    this.close = context.runs.listen(({ key }) => this.#changedRuns.add(key))
  }

  get changedRuns(): ReadonlySet<string> {
    return this.#changedRuns
  }

  /**
   * The row of a session, undefined when it does not exist; a promise only where files must be read. With
   * `isOnlyContent` the directory watch reported a change of the log's content only: the sidecar needs no stat.
   */
  row(name: string, former: Row | undefined, isOnlyContent: boolean): Row | undefined | Promise<Row | undefined> {
    const key = former?.key ?? this.#files.knownKey(name)
    const opened = key === undefined ? undefined : this.#logs.openLog(key)
    const own = opened?.name === name ? opened : undefined
    const open = isOnlyContent ? own?.peekOpen() : undefined
    const log = open?.mark ?? this.#files.mark(name)
    if (log === undefined) return undefined
    const sidecar = former !== undefined && isOnlyContent ? former.sidecar : this.#files.sidecarMark(name)
    if (former !== undefined && isReadFrom(former, log, sidecar) && !this.#changedRuns.has(former.key)) return former
    const state = open ?? own?.peek(log)
    const claim = sidecar === undefined ? null : own?.sidecar.claimOf(sidecar)
    if (key === undefined || state === undefined || claim === undefined) return this.#read(name, log)
    return toRow(key, state, sidecar, this.#runOf(key, state, claim))
  }

  async #read(name: string, log: FileMark): Promise<Row | undefined> {
    const read = this.#files.sidecar(name)
    const key = await this.#files.keyOf(name, read?.sidecar ?? null)
    if (key === undefined) return undefined
    const sidecar = read?.sidecar?.key === key ? read.sidecar : null
    const state =
      this.#logs.openLog(key)?.peek(log) ??
      stateFromSidecar(sidecar, log) ??
      (await this.#files.fold(name, key, log, sidecar))
    return state && toRow(key, state, read?.mark, this.#runOf(key, state, sidecar))
  }

  #runOf(key: string, { summary }: LogState, claim: Claim | null): Run | null {
    this.#changedRuns.delete(key)
    return currentRun(this.#context.runs, key, sessionOf(summary), claim)
  }
}
