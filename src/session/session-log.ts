/** One session's log as this process knows it: the only place that writes to it. */
import { SessionError } from '../base/errors.js'
import { sleep } from '../base/event-loop.js'
import { randomNonce } from '../base/ids.js'
import { type FileMark, sameFile, sameMark } from '../disk/file-mark.js'
import { look, removeOwnFile } from '../disk/files.js'
import { LogReader } from '../disk/log-reader.js'
import { ABSENCE_MS, LogFile } from '../disk/log-writer.js'
import { NotedSidecar } from '../disk/sidecar-cache.js'
import { sidecarOrNone } from '../disk/sidecar-file.js'
import { emptySummary, foldPiece, type Summary } from '../log/fold.js'
import { canFollowWrite, foldTail } from '../log/fold-tail.js'
import type { Range } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { NOTHING_KNOWN, type WholeLog } from '../log/visibility.js'
import { isEnding } from '../log/waiting.js'
import { rescue } from './append-recovery.js'
import { catchUp, edgesOf, foldLog, wholeOf } from './catch-up.js'
import type { StoreContext } from './context.js'
import { type Known, knownFromSidecar, printOf } from './log-state.js'
import { OwnWrites } from './lost-writes.js'
import { type Draft, headerDraft, type Lines, stampLines } from './pending-line.js'
import { SessionCalls } from './session-calls.js'
import { writeBehind } from './sidecar.js'
import { mendTail } from './torn-tail.js'
import { checkVersion, completed, type Decide, type Decision, toAppend, type Written, written } from './transaction.js'
import { ValueIndex } from './values/value-index.js'

/** How a log is read of which nothing is known: `foldLog` or `edgesOf`. */
type Depth = (reader: LogReader) => Promise<Known>
type Told = Decision<unknown>['written']

/** How often a write starts over when other programs keep changing the log under it. */
const MAX_ATTEMPTS = 50

export class SessionLog extends SessionCalls {
  readonly file: LogFile
  readonly sidecar: NotedSidecar
  readonly #own = new OwnWrites(this)
  readonly values = new ValueIndex()
  #known: Known | undefined
  /** The log was there when it was last looked at. */
  #wasThere = false
  /** What the turn that runs here has streamed so far. */
  draft: { turnId: string; text: string } | undefined

  constructor(
    readonly key: string,
    name: string,
    context: StoreContext,
  ) {
    super(name, context)
    this.file = new LogFile(context.layout.log(name))
    this.sidecar = new NotedSidecar(context.layout.sidecar(name))
  }

  /** As `transact`, on a session that is there when the turn of this call comes; undefined for one that is not. */
  async transactExisting<T>(decide: Decide<T>): Promise<T | undefined> {
    this.context.checkOpen()
    const done = await this.holdExisting(() => this.#write(decide, foldLog))
    if (done !== undefined && done.ids.length > 0) await this.#settle()
    return done?.result
  }

  /**
   * Adds lines, creating the session unless told not to; answers their ids. One write, and no reading when nobody
   * else wrote. @throws SessionError ERR_SESSION_NOT_FOUND when there is no session and none may be made
   */
  async append(drafts: Draft[], { create = true, whileClosing = false } = {}): Promise<string[]> {
    // of a log that is known, the look after the write finds out whether its folder was moved
    if (this.#known === undefined) this.context.root.check()
    if (!whileClosing) this.context.checkNotClosed()
    const work = () => this.#appendNow(drafts) ?? this.#write(toAppend(this.key, drafts, create), edgesOf)
    const written = this.hold(work)
    const { ids } = written instanceof Promise ? await written : written
    if (this.context.settings.fsync !== 'no') await this.#settle()
    return ids.slice(-drafts.length)
  }

  /** Decides under the lease on what the log says then, and adds the lines decided on in one write. */
  async transact<T>(decide: Decide<T>): Promise<T> {
    this.context.checkOpen()
    const { result, ids } = await this.hold(() => this.#write(decide, foldLog))
    if (ids.length > 0) await this.#settle()
    return result
  }

  /** What the log says now, for work under the lease; undefined when there is no session. */
  async forWriting(): Promise<Known | undefined> {
    return this.#forWriting(edgesOf)
  }

  /**
   * Makes a session of these lines, for work under the lease. False when there is one by now. `before` is given the
   * header's id when all but the log is in place: what it makes is there with the session, or means nothing.
   */
  create(drafts: Draft[] = [], header = headerDraft(this.key), before?: (headerId: string | null) => void): boolean {
    return this.#create([header, ...drafts], before) !== undefined
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
    return LogReader.using(this.file.path, async (reader) =>
      work(reader, this.peek(reader.stat) ?? (await this.#learn(reader, this.#known, foldLog))),
    )
  }

  isRunning(): boolean {
    return this.context.runs.own.running.has(this.key)
  }

  /** Brings the sidecar up to the log. */
  writeSidecar(): Promise<void> {
    return writeBehind(this)
  }

  /** The whole log, for answers that need it. Takes no lease; undefined when there is no session. */
  async whole(): Promise<WholeLog | undefined> {
    return LogReader.using(this.file.path, wholeOf)
  }

  /** For those who changed the log in another way than by adding lines. */
  forget(): void {
    this.#known = undefined
    this.#own.forget()
    this.#wasThere = false
    this.file.closeFd()
  }

  /** What is known here of the log may be wrong by now. */
  doubt(): void {
    this.#known = undefined
  }

  /** Undefined, and nothing is written, where more must be known or written. */
  #appendNow(drafts: Draft[]): Written<undefined> | Promise<Written<undefined>> | undefined {
    const known = this.#known
    if (known === undefined || known.open || known.torn !== null) return undefined
    if (completed(drafts, known, this.name, this.key) !== drafts) return undefined
    checkVersion(known.summary, this.file.path)
    const lines = this.#stamp(drafts, known.summary, known.mark.size)
    const outcome = this.file.append(lines.bytes, known.mark)
    if (outcome === 'moved') return undefined
    if (outcome === 'unsure') return this.#rescue(lines).then(() => written(lines, undefined))
    this.#advance(known, lines, outcome)
    return written(lines, undefined)
  }

  async #write<T>(decide: Decide<T>, depth: Depth): Promise<Written<T>> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const known = await this.#forWriting(depth)
      const { drafts, result, removes, written: told } = await decide(known?.summary, known)
      if (drafts.length === 0) return { ids: [], result }
      if (known === undefined) {
        const lines = this.#create([headerDraft(this.key), ...drafts], undefined, told)
        if (lines !== undefined) return written(lines, result)
        continue
      }
      checkVersion(known.summary, this.file.path)
      if (known.torn !== null) {
        await this.mendTail(known.mark, known.torn)
        continue
      }
      const start = known.mark.size + (known.open ? 1 : 0)
      const lines = this.#stamp(completed(drafts, known, this.name, this.key), known.summary, start)
      const bytes = known.open ? Buffer.concat([Buffer.from('\n'), lines.bytes]) : lines.bytes
      const outcome = this.file.append(bytes, known.mark)
      if (outcome === 'moved') continue
      if (outcome === 'unsure') await this.#rescue(lines)
      else {
        this.#advance(known, lines, outcome, removes)
        told?.(lines.pieces, outcome, printOf(lines.bytes))
      }
      return written(lines, result)
    }
    throw new SessionError('ERR_LOCKED', 'other programs keep changing the log', { file: this.file.path })
  }

  /** What the log says, as deep as a writer needs it; undefined when there is none. */
  #forWriting(depth: Depth): Promise<Known | undefined> | Known | undefined {
    const mark = this.file.look()
    if (mark !== undefined || !this.#wasThere) return this.#knownAt(mark, depth)
    return sleep(ABSENCE_MS).then(() => this.#knownAt(this.file.look(), depth))
  }

  #knownAt(mark: FileMark | undefined, depth: Depth): Promise<Known | undefined> | Known | undefined {
    const known = this.#known
    if (!sameFile(known?.mark, mark)) this.context.root.check()
    this.#wasThere = mark !== undefined
    if (known !== undefined && sameMark(known.mark, mark) && !(known.partial && depth === foldLog)) return known
    this.#known = undefined
    return mark && LogReader.using(this.file.path, (reader) => this.#learn(reader, known, depth))
  }

  /** Saves a torn tail and cuts it off, for work under the lease. */
  mendTail(mark: FileMark, torn: Range): Promise<void> {
    this.doubt()
    return mendTail(this.file, mark, torn, this.context.layout.quarantine(this.name))
  }

  /** Reads what is new, starting from what is known here or from the sidecar, else as deep as it must be. */
  async #learn(reader: LogReader, here: Known | undefined, depth: Depth): Promise<Known> {
    if (!sameFile(here?.mark, reader.stat)) this.context.root.check()
    const isUsable = here !== undefined && !here.partial && sameFile(here.mark, reader.stat)
    const former = isUsable ? here : this.#fromSidecar(reader)
    const known = former === undefined ? await depth(reader) : await catchUp(reader, former)
    this.#known = known
    await this.#own.check(reader, known)
    return known
  }

  #fromSidecar(reader: LogReader): Known | undefined {
    const sidecar = sidecarOrNone(this.sidecar.path)
    return sidecar?.key === this.key ? knownFromSidecar(sidecar, reader.stat, reader) : undefined
  }

  #stamp(drafts: Draft[], summary: Summary, start: number): Lines {
    const { clock, settings } = this.context
    return stampLines(drafts, clock, summary, start, settings.maxMessageBytes)
  }

  /**
   * A new log: header and lines whole, or nothing. Undefined when somebody else made one. `before` is given the header's
   * id when all but the log is in place.
   */
  #create(drafts: Draft[], before?: (headerId: string | null) => void, told?: Told): Lines | undefined {
    const { layout, settings } = this.context
    const lines = this.#stamp(drafts, emptySummary(), 0)
    removeOwnFile(this.sidecar.path)
    before?.(lines.pieces[0]?.id ?? null)
    const made = this.file.create(lines.bytes, layout.temporary(this.name, randomNonce()), settings.fsync !== 'no')
    if (made === 'exists') return undefined
    this.#wasThere = true
    // more than was written: somebody else has added to it by now, and the next call reads it
    if (made.size !== lines.bytes.length) return lines
    const known = { summary: emptySummary(), mark: made, print: '', open: false, torn: null, partial: false }
    this.#advance(known, lines, made)
    told?.(lines.pieces, made, printOf(lines.bytes))
    return lines
  }

  #advance(known: Known, lines: Lines, mark: FileMark, removes?: ReadonlySet<string>): void {
    this.context.noteBehind(this)
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

  /** After a write whose file was replaced in that instant. */
  async #rescue(lines: Lines): Promise<void> {
    this.doubt()
    const { summary, print } = await rescue(this, lines)
    this.#own.note(lines.bytes, { end: summary.bytes, print }, summary.header)
  }

  /** Keeps the promise of the `fsync` option for all that was written so far. */
  async #settle(): Promise<void> {
    const { fsync } = this.context.settings
    if (fsync === 'everysec') this.context.noteUnsynced(this)
    if (fsync !== 'always') return
    try {
      await this.file.sync()
    } catch (error) {
      this.doubt()
      throw error
    }
  }
}
