/** One session's log with its cached `LogState`: reads only what was added since the state in memory, or else since the sidecar. */

import { withPath } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { statFile } from '../../disk/files.js'
import { type FileMark, sameFile, sameMark } from '../../disk/log/file-mark.js'
import { untilNotStale, waitForData } from '../../disk/log/late-data.js'
import { LogReader } from '../../disk/log/log-reader.js'
import { ABSENCE_MS, type Appended, type LogEnd, LogWriter } from '../../disk/log/log-writer.js'
import { SidecarCache } from '../../disk/sidecar/sidecar-cache.js'
import { sidecarOrNone } from '../../disk/sidecar/sidecar-file.js'
import { foldPiece, type Summary } from '../../log/fold.js'
import { canFollowWrite, foldTail } from '../../log/fold-tail.js'
import { isChat } from '../../log/parse.js'
import type { Redaction } from '../../log/redact.js'
import { NOTHING_KNOWN, type WholeLog } from '../../log/visibility.js'
import { isEnding } from '../../log/waiting.js'
import type { StoreContext } from '../context.js'
import { redactionOf } from '../redaction.js'
import { ValueIndex } from '../values/value-index.js'
import { catchUp, foldLog, isLongReading, wholeOf } from './catch-up.js'
import { mayBeForeign } from './foreign-log.js'
import { type LogState, printOf, stateFromSidecar } from './log-state.js'
import { OwnWrites } from './lost-writes.js'
import type { Lines } from './pending-line.js'
import { SessionCalls } from './session-calls.js'

/** How to read a log for which no state is cached: `foldLog` or `edgesOf`. */
export type Depth = (reader: LogReader) => Promise<LogState>

export abstract class CachedLog extends SessionCalls {
  readonly file: LogWriter
  readonly sidecar: SidecarCache
  readonly values = new ValueIndex()
  readonly #own = new OwnWrites(this)
  #state: LogState | undefined
  /** The log was edited in place: neither the cached state nor the sidecar can be brought up to date. */
  #isEdited = false
  /** The size at which the log lacked bytes that did not come. */
  #lacksAt: number | undefined
  /** The log existed at the last check. */
  protected wasThere = false

  constructor(key: string, name: string, context: StoreContext) {
    super(key, name, context)
    this.file = new LogWriter(context.layout, name, context.fds, () => this.checkPlace())
    this.sidecar = new SidecarCache(context.layout.sidecar(name))
  }

  abstract isRunning(): boolean
  abstract writeSidecar(): Promise<void>

  /** How lines are made of drafts. */
  lineRules(): { limit: number; redaction: Redaction | undefined } {
    const { settings } = this.context
    return { limit: settings.maxMessageBytes, redaction: this.redaction() }
  }

  /** What the option `redact` makes of a text of this session; undefined without the option. */
  redaction(): Redaction | undefined {
    return redactionOf(this.context.settings, this.key)
  }

  /** The state of the log now, read as far as needed; undefined when there is no session. Changes nothing on disk. */
  async current(): Promise<LogState | undefined> {
    return this.peek() ?? this.reading((_, state) => state)
  }

  /** The same for work behind: all other work goes first. */
  async currentBehind(): Promise<LogState | undefined> {
    const read = (reader: LogReader) => {
      reader.isPatient = true
      return this.#refresh(reader, this.#state, foldLog)
    }
    return this.peek() ?? this.#using(read)
  }

  /** The cached state, if the file has not changed since. */
  peek(mark: FileMark | 'other' | undefined = statFile(this.file.path)): LogState | undefined {
    const state = this.#state
    return state !== undefined && !state.partial && mark !== 'other' && sameMark(mark, state.mark) ? state : undefined
  }

  /** The cached state of this file, which may have grown since: reads nothing. @throws SessionError ERR_NOT_A_LOG */
  lastRead(): LogState | undefined {
    return sameFile(this.#state?.mark, this.file.stat()) ? this.#state : undefined
  }

  /** Like `peek`, by fstat of the open descriptor: cheaper, but does not notice that a folder above was moved. */
  peekOpen(): LogState | undefined {
    const state = this.#state
    return state !== undefined && !state.partial && this.file.isUntouched(state.mark) ? state : undefined
  }

  /** Runs `work` with a reader and the state of the same bytes; undefined when there is no session. */
  async reading<T>(work: (reader: LogReader, state: LogState) => T | Promise<T>): Promise<T | undefined> {
    const read = await this.#using(async (reader) => ({
      result: await work(reader, this.peek(reader.stat) ?? (await this.#refresh(reader, this.#state, foldLog))),
    }))
    if (read === undefined) this.checkPlace()
    return read?.result
  }

  /** Like `reading`, for synchronous work: a log that is open here and whose state is cached is not opened again. */
  async readingNow<T>(work: (reader: LogReader, state: LogState) => T): Promise<T | undefined> {
    const state = this.peek()
    const reader = state && this.#watched(this.file.readerAt(state.mark))
    if (reader === undefined) return this.reading(work)
    try {
      return work(reader, state as LogState)
    } catch (error) {
      throw withPath(error, this.file.path)
    }
  }

  /** Reads the whole log. Takes no lease; undefined when there is no session. */
  async whole(): Promise<WholeLog | undefined> {
    return this.#using(wholeOf)
  }

  /** As `using`; on a network drive, reads again what another machine replaces meanwhile. */
  async #using<T>(work: (reader: LogReader) => T | Promise<T>): Promise<T | undefined> {
    if (!this.context.isNetwork) return this.using(work)
    await this.waitForData()
    return untilNotStale(this.file.path, () => this.using(work))
  }

  /** As `LogReader.open`; what cannot be read is reported. */
  openReader(): LogReader | undefined {
    this.checkOnlyLog()
    return this.#watched(LogReader.open(this.file.path))
  }

  /** As `LogReader.using`; what cannot be read is reported. */
  async using<T>(work: (reader: LogReader) => T | Promise<T>): Promise<T | undefined> {
    this.checkOnlyLog()
    let isThere = false
    const result = await LogReader.using(this.file.path, (reader) => {
      isThere = true
      return work(this.#watched(reader))
    })
    if (!isThere) this.context.noteAbsent(this)
    return result
  }

  #watched<R extends LogReader | undefined>(reader: R): R {
    return this.context.damage.watch(reader, this.key, this.file.path)
  }

  /** The session was deleted or moved to the trash. */
  noteGone(): void {
    this.context.noteCaughtUp(this)
    this.context.noteAbsent(this)
  }

  /** Clears all cached state; callers that rewrote, moved or deleted the log call it. */
  reset(): void {
    this.#state = undefined
    this.context.damage.forget(this.file.path)
    this.#own.reset()
    this.wasThere = false
    this.file.closeFd()
  }

  /** Drops the cached state of the log. */
  invalidate(): void {
    this.#state = undefined
  }

  protected async waitForData(): Promise<void> {
    this.#lacksAt = await waitForData(this.file.path, this.#state?.mark.size, this.#lacksAt)
  }

  protected dropViews(): void {
    this.#state = undefined
    this.sidecar.forget()
    this.values.forget()
    this.file.closeFd()
  }

  async syncBeforeOthers(): Promise<void> {
    try {
      await this.file.sync()
    } catch (error) {
      this.context.settings.onError(error, this.key)
    }
  }

  syncAtExit(): void {
    this.file.syncAtOnce()
  }

  /** The state now, at least as deep as `depth` reads it; undefined when there is no log. */
  protected currentAtLeast(depth: Depth): Promise<LogState | undefined> | LogState | undefined {
    const mark = this.file.stat()
    if (mark !== undefined || !this.wasThere) return this.#currentAt(mark, depth)
    return sleep(ABSENCE_MS).then(() => this.#currentAt(this.file.stat(), depth))
  }

  #currentAt(mark: FileMark | undefined, depth: Depth): Promise<LogState | undefined> | LogState | undefined {
    const state = this.#state
    if (!sameFile(state?.mark, mark)) this.checkPlace()
    this.wasThere = mark !== undefined
    if (state !== undefined && sameMark(state.mark, mark) && !(state.partial && depth === foldLog)) return state
    this.#state = undefined
    return mark && this.using((reader) => this.#refresh(reader, state, depth))
  }

  /** Reads what is new since the cached state or the sidecar; without either, reads as `depth` does. */
  async #refresh(reader: LogReader, here: LogState | undefined, depth: Depth): Promise<LogState> {
    if (!sameFile(here?.mark, reader.stat)) this.context.root.check()
    const isUsable = here !== undefined && !here.partial && sameFile(here.mark, reader.stat)
    const former = this.#isEdited ? undefined : isUsable ? here : this.#fromSidecar(reader)
    const state = former === undefined ? await depth(reader) : await catchUp(reader, former)
    this.#state = state
    const isWorthSaving = !state.partial && isLongReading(reader.size, former?.mark.size)
    if (isWorthSaving && !mayBeForeign(state.summary)) this.context.noteRead(this)
    if (!state.partial) this.#isEdited = false
    await this.#own.check(reader, state)
    return state
  }

  #fromSidecar(reader: LogReader): LogState | undefined {
    const sidecar = sidecarOrNone(this.sidecar.path)
    return sidecar?.key === this.key ? stateFromSidecar(sidecar, reader.stat, reader) : undefined
  }

  /** The last time and greatest id that a line added at this end must exceed: of the cached state, or of the last line. */
  protected stateAt(end: LogEnd): Pick<Summary, 'lastAt' | 'maxId'> {
    if (end.isChanged) this.#isEdited = true
    const state = this.#state
    if (state !== undefined && sameMark(state.mark, end.mark)) return state.summary
    const { id, at } = this.file.lastLine(end)
    return { lastAt: at ?? null, maxId: id }
  }

  /** Records lines that were added to the log; true when the cached state could follow. */
  protected note(
    lines: Lines,
    end: LogEnd,
    { mark, isExact }: Pick<Appended, 'mark' | 'isExact'>,
    removes?: ReadonlySet<string>,
  ): boolean {
    const logState = this.#state
    const follows =
      logState !== undefined && isExact && end.isWhole && logState.torn === null && sameMark(logState.mark, end.mark)
    if (follows) this.advance(logState, lines, mark, removes)
    else {
      // where other lines were added in between, the next reader brings the former state up to date
      if (isExact && !end.isWhole) this.#state = undefined
      const { headerId } = this.file.head
      const header = logState?.summary.header ?? (headerId === undefined ? null : { id: headerId })
      this.#own.noteUnread(lines.bytes, { end: mark.size, print: printOf(lines.bytes) }, header)
    }
    return follows
  }

  protected advance(state: LogState, lines: Lines, mark: FileMark, removes?: ReadonlySet<string>): void {
    const [first] = lines.pieces
    const print = printOf(lines.bytes)
    const header = state.summary.header ?? (first?.kind === 'session' ? first : null)
    this.#own.note(lines.bytes, { end: mark.size, print }, header)
    this.values.follow(lines.pieces, mark, print)
    if (!canFollowWrite(state.summary, lines.pieces, removes)) {
      // only reading it again gives the state of the log
      this.#state = undefined
      return
    }
    if (lines.pieces.length === 1 && first?.kind === 'message') foldPiece(state.summary, first, NOTHING_KNOWN)
    else foldTail(state.summary, lines.pieces, removes)
    const last = lines.pieces.at(-1)
    state.last = last !== undefined && isChat(last) && !isEnding(last) ? last.id : undefined
    state.mark = mark
    state.print = print
    state.open = false
    this.#state = state
  }
}
