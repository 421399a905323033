/** One session's log as this process knows it: the only place that writes to it. */

import { notFound, SessionError } from '../base/errors.js'
import { sleep } from '../base/event-loop.js'
import { randomNonce } from '../base/ids.js'
import { type FileMark, sameFile, sameMark } from '../disk/file-mark.js'
import { look } from '../disk/files.js'
import { linkHeld, unlinkHeld } from '../disk/formers.js'
import { type Lease, leaseOf } from '../disk/lock/lease.js'
import { LogReader } from '../disk/log-reader.js'
import { ABSENCE_MS, type AppendOutcome, type LogEnd, LogWriter } from '../disk/log-writer.js'
import { NotedSidecar } from '../disk/sidecar-cache.js'
import { sidecarOrNone } from '../disk/sidecar-file.js'
import { emptySummary, foldPiece, type Summary } from '../log/fold.js'
import { canFollowWrite, foldTail } from '../log/fold-tail.js'
import { isChat } from '../log/parse.js'
import { NOTHING_KNOWN, type WholeLog } from '../log/visibility.js'
import { isEnding } from '../log/waiting.js'
import { catchUp, edgesOf, foldLog, wholeOf } from './catch-up.js'
import type { StoreContext } from './context.js'
import { type Known, knownFromSidecar, printOf } from './log-state.js'
import { OwnWrites } from './lost-writes.js'
import { type Draft, headerDraft, type Lines, removeDraft, stampLines } from './pending-line.js'
import { writeBehind } from './sidecar.js'
import { checkVersion, completed, type Decide, type Decision, toAppend, type Written, written } from './transaction.js'

/** How a log is read of which nothing is known: `foldLog` or `edgesOf`. */
type Depth = (reader: LogReader) => Promise<Known>

/** What is done when a log is made. */
interface AroundCreation {
  /** Is given the header's id when all but the log is in place. */
  before?: ((headerId: string | null) => void) | undefined
  told?: Decision<unknown>['written'] | undefined
}

/** How often a write starts over when other programs keep changing the log under it. */
const MAX_ATTEMPTS = 50

export class SessionLog {
  readonly file: LogWriter
  readonly sidecar: NotedSidecar
  readonly #own = new OwnWrites(this)
  #known: Known | undefined
  /** The log was edited in place: neither the state known here nor the sidecar can be caught up with. */
  #isEdited = false
  /** The log was there when it was last looked at. */
  #wasThere = false

  constructor(
    readonly key: string,
    readonly name: string,
    readonly context: StoreContext,
  ) {
    this.file = new LogWriter(context.layout, name)
    this.sidecar = new NotedSidecar(context.layout.sidecar(name))
  }

  /** Runs `work` under the lease, in the order of calls. */
  hold<T>(work: () => T | Promise<T>, timeout = this.context.settings.lockTimeout): T | Promise<T> {
    return this.#lease().run(work, timeout)
  }

  /** As `hold`, and no append is acknowledged meanwhile. */
  holdAgainstAppends<T>(work: () => Promise<T>): T | Promise<T> {
    const { layout } = this.context
    return this.hold(async () => {
      linkHeld(layout, this.name)
      try {
        return await work()
      } finally {
        unlinkHeld(layout, this.name)
      }
    })
  }

  #lease(): Lease {
    return leaseOf(this.context.layout, this.name)
  }

  /**
   * Adds lines, creating the session unless told not to; returns their ids. Messages need no lease where the file
   * system is local: one write, and no reading while no other process writes.
   * @throws SessionError ERR_SESSION_NOT_FOUND when there is no session and none may be made
   */
  async append(drafts: Draft[], { create = true } = {}): Promise<string[]> {
    this.context.checkOpen()
    const { leasesAppends, settings } = this.context
    const work = () => this.#append(drafts, create)
    const written = leasesAppends ? this.hold(work) : this.#lease().order(work)
    const { ids } = written instanceof Promise ? await written : written
    if (settings.fsync !== 'no') await this.#settle()
    return ids.slice(-drafts.length)
  }

  #append(drafts: Draft[], create: boolean): Written<undefined> | Promise<Written<undefined>> {
    const isMessages = drafts.every(({ kind }) => kind === 'message')
    const end = isMessages ? this.file.end() : undefined
    if (!isMessages) return this.#writeUnderLease(toAppend(this.key, drafts, create))
    if (end === undefined) return this.#appendToNone(drafts, create)
    const { head } = this.file
    if (!head.hasHeader && this.name !== this.key) return this.#writeUnderLease(toAppend(this.key, drafts, create))
    checkVersion(head, this.file.path)
    this.#wasThere = true
    if (this.file.isHeld()) return this.#takeLease().then(() => this.#appendTo(end, drafts, create))
    return this.#appendTo(end, drafts, create)
  }

  #appendTo(end: LogEnd, drafts: Draft[], create: boolean): Written<undefined> | Promise<Written<undefined>> {
    if (end.isChanged) this.#isEdited = true
    const known = sameMark(this.#known?.mark, end.mark) ? this.#known : undefined
    const lines = this.#stamp(drafts, known?.summary ?? { lastAt: end.lastAt, maxId: end.lastId }, startAt(end))
    let outcome: AppendOutcome | Promise<AppendOutcome>
    try {
      outcome = this.file.append(lines.bytes, end, lastOf(lines))
    } catch (error) {
      if (lines.pieces.length === 1) throw error
      return this.#takeBackPart(lines, error)
    }
    if (outcome instanceof Promise)
      return outcome.then((settled) => this.#appended(settled, { end, lines, drafts, create }))
    return this.#appended(outcome, { end, lines, drafts, create })
  }

  #appended(outcome: AppendOutcome, appending: Appending): Written<undefined> | Promise<Written<undefined>> {
    const { lines, end } = appending
    if (outcome === 'absent') return this.#appendAgain(appending)
    if (outcome === 'held') {
      return this.#takeLease()
        .then(() => this.file.confirm(lines.bytes, end.mark.size, lastOf(lines)))
        .then((settled) => this.#appended(settled, appending))
    }
    const noted = () => {
      this.#note(lines, end, outcome)
      return written(lines, undefined)
    }
    if (!end.isChanged && !outcome.isReplaced) return noted()
    // what another program did to the log may have cost lines that this process wrote before: they are looked for first
    return this.known().then(noted, noted)
  }

  /** After a write to a file whose name was gone then: the file may come back, with the lines or without. */
  async #appendAgain({ lines, end, drafts, create }: Appending): Promise<Written<undefined>> {
    this.invalidate()
    await sleep(ABSENCE_MS)
    if (this.file.look() !== undefined) {
      const outcome = await this.file.confirm(lines.bytes, 0, lastOf(lines))
      return this.#appended(outcome, { lines, end, drafts, create })
    }
    this.#wasThere = false
    // the same lines: wherever they are found twice, they count once
    const same = drafts.map((draft, i) => ({
      ...draft,
      id: lines.pieces[i]?.id as string,
      text: () => lines.texts[i] as string,
    }))
    return this.#appendToNone(same, create)
  }

  #appendToNone(drafts: Draft[], create: boolean): Written<undefined> | Promise<Written<undefined>> {
    if (this.#wasThere) {
      this.#wasThere = false
      return sleep(ABSENCE_MS).then(() => this.#append(drafts, create))
    }
    if (!create) throw notFound(this.key)
    const lines = this.#create([headerDraft(this.key), ...drafts])
    return lines === undefined ? this.#append(drafts, create) : written(lines, undefined)
  }

  #takeLease(): Promise<void> {
    return this.#lease().take(this.context.settings.lockTimeout)
  }

  async #writeUnderLease<T>(decide: Decide<T>): Promise<Written<T>> {
    await this.#takeLease()
    return this.#write(decide, edgesOf)
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
    return this.#create([header, ...drafts], { before }) !== undefined
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

  /** The same by what the descriptor tells: for those who know that no folder above was moved. */
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

  /** Brings the sidecar up to the log. */
  writeSidecar(): Promise<void> {
    return writeBehind(this)
  }

  /** The whole log, for answers that need it. Takes no lease; undefined when there is no session. */
  async whole(): Promise<WholeLog | undefined> {
    return LogReader.using(this.file.path, wholeOf)
  }

  /** True when the log is there, as a regular file. @throws SessionError ERR_CLOSED */
  exists(): boolean {
    this.context.checkOpen()
    const mark = look(this.file.path)
    return mark !== undefined && mark !== 'other'
  }

  /** For those who changed the log in another way than by adding lines. */
  forget(): void {
    this.#known = undefined
    this.#own.forget()
    this.#wasThere = false
    this.file.closeFd()
  }

  /** Forgets the state of the log: it may be another by now. */
  invalidate(): void {
    this.#known = undefined
  }

  /** For long work: looks whether this process still has the lease. @throws SessionError ERR_LOCK_LOST */
  checkLease(): void {
    this.#lease().check()
  }

  /** Decides and writes, under the lease. Messages may come in between, as if they had come after: see `Decision.isStrict`. */
  async #write<T>(decide: Decide<T>, depth: Depth): Promise<Written<T>> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const known = await this.#forWriting(depth)
      const decision = await decide(known?.summary, known)
      const { drafts, result, isStrict = false } = decision
      if (drafts.length === 0) return { ids: [], result }
      if (known === undefined) {
        const lines = this.#create([headerDraft(this.key), ...drafts], { told: decision.written })
        if (lines !== undefined) return written(lines, result)
        continue
      }
      checkVersion(known.summary, this.file.path)
      const end = this.file.end()
      if (end === undefined || !isSameLog(end.mark, known.mark, isStrict)) continue
      const lines = this.#stamp(completed(drafts, known, this.name, this.key), known.summary, startAt(end))
      const first = await this.file.append(lines.bytes, end, lastOf(lines))
      const outcome = first === 'held' ? await this.file.confirm(lines.bytes, end.mark.size, lastOf(lines)) : first
      if (typeof outcome === 'string') continue
      if (isStrict && !outcome.isExact) {
        await this.#takeBack(lines)
        continue
      }
      if (this.#note(lines, end, outcome, decision.removes))
        decision.written?.(lines.pieces, outcome.mark, printOf(lines.bytes))
      return written(lines, result)
    }
    throw new SessionError('ERR_LOCKED', 'other programs keep changing the log', { file: this.file.path })
  }

  /** Removes lines that were written and must not count. */
  async #takeBack({ pieces }: Lines): Promise<void> {
    this.invalidate()
    const end = this.file.end()
    if (end === undefined) return
    const lines = this.#stamp(
      [removeDraft(pieces.map(({ id }) => id))],
      { lastAt: end.lastAt, maxId: end.lastId },
      startAt(end),
    )
    await this.file.append(lines.bytes, end, lastOf(lines))
  }

  /** After a write of several lines that came up short: where the first of them cannot be taken back, the error names all. */
  async #takeBackPart(lines: Lines, error: unknown): Promise<never> {
    await this.#takeBack(lines).catch(() => {
      if (error instanceof Error) Object.assign(error, { written: lines.pieces.map(({ id }) => id) })
    })
    throw error
  }

  /** What the log says, as deep as a writer needs it; undefined when there is none. */
  #forWriting(depth: Depth): Promise<Known | undefined> | Known | undefined {
    const mark = this.file.look()
    if (mark !== undefined || !this.#wasThere) return this.#knownAt(mark, depth)
    return sleep(ABSENCE_MS).then(() => this.#knownAt(this.file.look(), depth))
  }

  #knownAt(mark: FileMark | undefined, depth: Depth): Promise<Known | undefined> | Known | undefined {
    this.#wasThere = mark !== undefined
    const known = this.#known
    if (known !== undefined && sameMark(known.mark, mark) && !(known.partial && depth === foldLog)) return known
    this.#known = undefined
    return mark && LogReader.using(this.file.path, (reader) => this.#learn(reader, known, depth))
  }

  /** Reads what is new, starting from what is known here or from the sidecar, else as deep as it must be. */
  async #learn(reader: LogReader, here: Known | undefined, depth: Depth): Promise<Known> {
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

  #stamp(drafts: Draft[], after: Pick<Summary, 'lastAt' | 'maxId'>, start: number): Lines {
    const { clock, settings } = this.context
    return stampLines(drafts, clock, after, start, settings.maxMessageBytes)
  }

  /** A new log: header and lines whole, or nothing. Undefined when somebody else made one. */
  #create(drafts: Draft[], { before, told }: AroundCreation = {}): Lines | undefined {
    const { layout, settings } = this.context
    const lines = this.#stamp(drafts, emptySummary(), 0)
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

  /** Takes note of lines that the log has by now; true when the state of the log could follow. */
  #note(
    lines: Lines,
    end: LogEnd,
    { mark, isExact }: { mark: FileMark; isExact: boolean },
    removes?: ReadonlySet<string>,
  ): boolean {
    const known = this.#known
    const follows =
      known !== undefined && isExact && end.isWhole && known.torn === null && sameMark(known.mark, end.mark)
    if (follows) this.#advance(known, lines, mark, removes)
    else {
      this.context.noteBehind(this)
      // where other lines came in between, the state of before is caught up with by the next reader
      if (isExact && !end.isWhole) this.#known = undefined
      const { headerId } = this.file.head
      const header = known?.summary.header ?? (headerId === undefined ? null : { id: headerId })
      this.#own.noteUnread(lines.bytes, { end: mark.size, print: printOf(lines.bytes) }, header)
    }
    return follows
  }

  #advance(known: Known, lines: Lines, mark: FileMark, removes?: ReadonlySet<string>): void {
    this.context.noteBehind(this)
    const [first] = lines.pieces
    const print = printOf(lines.bytes)
    const header = known.summary.header ?? (first?.kind === 'session' ? first : null)
    this.#own.note(lines.bytes, { end: mark.size, print }, header)
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

  /** Keeps the promise of the `fsync` option for all that was written so far. */
  async #settle(): Promise<void> {
    const { fsync } = this.context.settings
    if (fsync === 'everysec') this.context.noteUnsynced(this)
    if (fsync !== 'always') return
    try {
      await this.file.sync()
    } catch (error) {
      this.invalidate()
      throw error
    }
  }
}

/** What is still to be known when an append has ended. */
interface Appending {
  end: LogEnd
  lines: Lines
  drafts: Draft[]
  create: boolean
}

function startAt({ mark, isWhole }: LogEnd): number {
  return mark.size + (isWhole ? 0 : 1)
}

function lastOf({ pieces }: Lines): { id: string; at: string | undefined } {
  const { id = '', at } = pieces.at(-1) ?? {}
  return { id, at }
}

/** True when a log is the one that was read, or has only grown since. */
function isSameLog(now: FileMark, then: FileMark, isStrict: boolean): boolean {
  return sameMark(now, then) || (!isStrict && sameFile(now, then) && now.size > then.size)
}
