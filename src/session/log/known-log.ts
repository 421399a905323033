/** One session's log as this process knows it: read no further than it must be, from the memory of this process or the sidecar on. */

import { withPath } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { look } from '../../disk/files.js'
import { type FileMark, sameFile, sameMark } from '../../disk/log/file-mark.js'
import { LogReader } from '../../disk/log/log-reader.js'
import { ABSENCE_MS, type Appended, type LogEnd, LogWriter } from '../../disk/log/log-writer.js'
import { NotedSidecar } from '../../disk/sidecar/sidecar-cache.js'
import { sidecarOrNone } from '../../disk/sidecar/sidecar-file.js'
import { foldPiece, type Summary } from '../../log/fold.js'
import { canFollowWrite, foldTail } from '../../log/fold-tail.js'
import { isChat } from '../../log/parse.js'
import { NOTHING_KNOWN, type WholeLog } from '../../log/visibility.js'
import { isEnding } from '../../log/waiting.js'
import type { StoreContext } from '../context.js'
import { ValueIndex } from '../values/value-index.js'
import { catchUp, foldLog, wholeOf } from './catch-up.js'
import { type Known, knownFromSidecar, printOf } from './log-state.js'
import { OwnWrites } from './lost-writes.js'
import type { Lines } from './pending-line.js'
import { SessionCalls } from './session-calls.js'

/** How a log is read of which nothing is known: `foldLog` or `edgesOf`. */
export type Depth = (reader: LogReader) => Promise<Known>

export class KnownLog extends SessionCalls {
  readonly file: LogWriter
  readonly sidecar: NotedSidecar
  readonly values = new ValueIndex()
  readonly #own = new OwnWrites(this)
  #known: Known | undefined
  /** The log was edited in place: neither the state known here nor the sidecar can be caught up with. */
  #isEdited = false
  /** The log was there when it was last looked at. */
  protected wasThere = false

  constructor(
    readonly key: string,
    name: string,
    context: StoreContext,
  ) {
    super(name, context)
    this.file = new LogWriter(context.layout, name, context.fds, () => context.root.check())
    this.sidecar = new NotedSidecar(context.layout.sidecar(name))
  }

  /** What the log says now; undefined when there is no session. Changes nothing on disk. */
  async known(): Promise<Known | undefined> {
    return this.peek() ?? this.reading((_, known) => known)
  }

  /** What is known here of the log, if that still is all that there is to know. */
  peek(mark: FileMark | 'other' | undefined = look(this.file.path)): Known | undefined {
    const known = this.#known
    return known !== undefined && !known.partial && mark !== 'other' && sameMark(mark, known.mark) ? known : undefined
  }

  /** What is known of the log without reading it, which may have grown since. @throws SessionError ERR_NOT_A_LOG */
  glimpse(): Known | undefined {
    return sameFile(this.#known?.mark, this.file.look()) ? this.#known : undefined
  }

  /** The same as `peek` by what the descriptor tells: for those who know that no folder above was moved. */
  peekOpen(): Known | undefined {
    const known = this.#known
    return known !== undefined && !known.partial && this.file.isUntouched(known.mark) ? known : undefined
  }

  /** Reads in the log, knowing what it says: the same bytes for both. Undefined when there is no session. */
  async reading<T>(work: (reader: LogReader, known: Known) => T | Promise<T>): Promise<T | undefined> {
    const read = await LogReader.using(this.file.path, async (reader) => ({
      result: await work(reader, this.peek(reader.stat) ?? (await this.#learn(reader, this.#known, foldLog))),
    }))
    if (read === undefined) this.context.root.check()
    return read?.result
  }

  /** As `reading`, for work that is done at once: a log that is open here, and known, is not opened again. */
  async readingNow<T>(work: (reader: LogReader, known: Known) => T): Promise<T | undefined> {
    const known = this.peek()
    const reader = known && this.file.readerAt(known.mark)
    if (reader === undefined) return this.reading(work)
    try {
      return work(reader, known as Known)
    } catch (error) {
      throw withPath(error, this.file.path)
    }
  }

  /** The whole log, for answers that need it. Takes no lease; undefined when there is no session. */
  async whole(): Promise<WholeLog | undefined> {
    return LogReader.using(this.file.path, wholeOf)
  }

  /** For those who changed the log in another way than by adding lines. */
  forget(): void {
    this.#known = undefined
    this.#own.forget()
    this.wasThere = false
    this.file.closeFd()
  }

  /** Forgets the state of the log: it may be another by now. */
  invalidate(): void {
    this.#known = undefined
  }

  /** What the log says, as deep as a writer needs it; undefined when there is none. */
  protected knownAtLeast(depth: Depth): Promise<Known | undefined> | Known | undefined {
    const mark = this.file.look()
    if (mark !== undefined || !this.wasThere) return this.#knownAt(mark, depth)
    return sleep(ABSENCE_MS).then(() => this.#knownAt(this.file.look(), depth))
  }

  #knownAt(mark: FileMark | undefined, depth: Depth): Promise<Known | undefined> | Known | undefined {
    const known = this.#known
    if (!sameFile(known?.mark, mark)) this.context.root.check()
    this.wasThere = mark !== undefined
    if (known !== undefined && sameMark(known.mark, mark) && !(known.partial && depth === foldLog)) return known
    this.#known = undefined
    return mark && LogReader.using(this.file.path, (reader) => this.#learn(reader, known, depth))
  }

  /** Reads what is new, starting from what is known here or from the sidecar, else as deep as it must be. */
  async #learn(reader: LogReader, here: Known | undefined, depth: Depth): Promise<Known> {
    if (!sameFile(here?.mark, reader.stat)) this.context.root.check()
    const isUsable = here !== undefined && !here.partial && sameFile(here.mark, reader.stat)
    const former = this.#isEdited ? undefined : isUsable ? here : this.#fromSidecar(reader)
    const known = former === undefined ? await depth(reader) : await catchUp(reader, former)
    this.#known = known
    if (!known.partial) this.#isEdited = false
    await this.#own.check(reader, known)
    return known
  }

  #fromSidecar(reader: LogReader): Known | undefined {
    const sidecar = sidecarOrNone(this.sidecar.path)
    return sidecar?.key === this.key ? knownFromSidecar(sidecar, reader.stat, reader) : undefined
  }

  /** What a line at this end is stamped behind: what is known here of the log, or its last line. */
  protected stateAt(end: LogEnd): Pick<Summary, 'lastAt' | 'maxId'> {
    if (end.isChanged) this.#isEdited = true
    const known = this.#known
    if (known !== undefined && sameMark(known.mark, end.mark)) return known.summary
    const { id, at } = this.file.lastLine(end)
    return { lastAt: at ?? null, maxId: id }
  }

  /** Takes note of lines that the log has by now; true when the state of the log could follow. */
  protected note(
    lines: Lines,
    end: LogEnd,
    { mark, isExact }: Pick<Appended, 'mark' | 'isExact'>,
    removes?: ReadonlySet<string>,
  ): boolean {
    const known = this.#known
    const follows =
      known !== undefined && isExact && end.isWhole && known.torn === null && sameMark(known.mark, end.mark)
    if (follows) this.advance(known, lines, mark, removes)
    else {
      // where other lines came in between, the state of before is caught up with by the next reader
      if (isExact && !end.isWhole) this.#known = undefined
      const { headerId } = this.file.head
      const header = known?.summary.header ?? (headerId === undefined ? null : { id: headerId })
      this.#own.noteUnread(lines.bytes, { end: mark.size, print: printOf(lines.bytes) }, header)
    }
    return follows
  }

  protected advance(known: Known, lines: Lines, mark: FileMark, removes?: ReadonlySet<string>): void {
    const [first] = lines.pieces
    const print = printOf(lines.bytes)
    const header = known.summary.header ?? (first?.kind === 'session' ? first : null)
    this.#own.note(lines.bytes, { end: mark.size, print }, header)
    this.values.follow(lines.pieces, mark, print)
    if (!canFollowWrite(known.summary, lines.pieces, removes)) {
      // only another reading tells what the log says now
      this.#known = undefined
      return
    }
    if (lines.pieces.length === 1 && first?.kind === 'message') foldPiece(known.summary, first, NOTHING_KNOWN)
    else foldTail(known.summary, lines.pieces, removes)
    const last = lines.pieces.at(-1)
    known.last = last !== undefined && isChat(last) && !isEnding(last) ? last.id : undefined
    known.mark = mark
    known.print = print
    known.open = false
    this.#known = known
  }
}
