/** One session's log: the only place that writes to it. */
import { isSessionError, logBusy, notFound } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { randomNonce } from '../../base/ids.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { ABSENCE_MS, type AppendOutcome, type LogEnd, startAt } from '../../disk/log/log-writer.js'
import { emptySummary, type Summary } from '../../log/fold.js'
import type { Line } from '../../log/line.js'
import type { WholeLog } from '../../log/visibility.js'
import {
  type AppendHow,
  type Appending,
  checkVersion,
  completed,
  type Decide,
  type Decision,
  toAppend,
  type Written,
  written,
} from '../change/transaction.js'
import { writeBehind } from '../state/sidecar.js'
import { CachedLog, type Depth } from './cached-log.js'
import { edgesOf, foldLog } from './catch-up.js'
import { checkOurs, mayBeForeign } from './foreign-log.js'
import { isSameLog, type LogState, printOf } from './log-state.js'
import { type Draft, headerDraft, type Lines, lastOf, removeDraft, stampLines } from './pending-line.js'

type OnWritten = Decision<unknown>['written']
type Before = (headerId: string | null) => void

/** How often a write starts over when other programs keep changing the log under it. */
const MAX_ATTEMPTS = 50

export class SessionLog extends CachedLog {
  /** What the turn that runs here has streamed so far. */
  draft: { turnId: string; text: string } | undefined
  /** Lines of writes that failed, which are still to be removed. */
  #unwanted: string[] = []

  /** As `transact`, on a session that is there when the turn of this call comes; undefined for one that is not. */
  async transactExisting<T>(decide: Decide<T>, signal?: AbortSignal): Promise<T | undefined> {
    this.context.checkOpen()
    const done = await this.holdExisting(() => this.#write(decide, foldLog), signal)
    if (done !== undefined && done.ids.length > 0) await this.#settle()
    return done?.result
  }

  /**
   * Adds lines, creating the session unless `create` is false; returns their ids. Messages need no lease where the file
   * system is local: one write, and no reading while no other process writes.
   * @throws SessionError ERR_SESSION_NOT_FOUND when there is no session and none may be made
   */
  async append(drafts: Draft[], how: AppendHow = {}): Promise<string[]> {
    if (!how.whileClosing) this.context.checkNotClosed()
    const { leasesAppends, settings } = this.context
    const work = () => this.#append(drafts, how)
    const written = leasesAppends ? this.hold(work, how) : this.inTurn(work, how.signal)
    const { ids } = written instanceof Promise ? await written : written
    if (settings.fsync !== 'no') await this.#settle()
    return ids.slice(-drafts.length)
  }

  #append(drafts: Draft[], how: AppendHow, isEmpty = false): Written<undefined> | Promise<Written<undefined>> {
    if (this.#unwanted.length > 0) return this.#takeBack().then(() => this.#append(drafts, how))
    const { create = true, signal } = how
    const end = this.file.end()
    if (end === undefined) return this.#appendToNone(drafts, create)
    // an editor that writes in place is about to fill an empty log
    if (end.isChanged && end.mark.size === 0 && !isEmpty)
      return sleep(ABSENCE_MS).then(() => this.#append(drafts, how, true))
    checkVersion(this.file.head, this.file.path)
    if (this.#isIncomplete(drafts, end)) return this.#writeUnderLease(toAppend(this.key, drafts, create), signal)
    this.wasThere = true
    if (this.file.isHeld()) return this.takeLease(signal).then(() => this.#appendTo(end, drafts, create))
    return this.#appendTo(end, drafts, create)
  }

  /** True when something must be written before the drafts, or only reading the log can decide that. */
  #isIncomplete(drafts: Draft[], end: LogEnd): boolean {
    const state = this.peek(end.mark)
    if (state !== undefined)
      return completed(drafts, state, this.name, this.key) !== drafts || mayBeForeign(state.summary)
    return !this.file.head.hasHeader || drafts.some(({ kind }) => kind !== 'message')
  }

  #appendTo(end: LogEnd, drafts: Draft[], create: boolean): Written<undefined> | Promise<Written<undefined>> {
    const lines = this.#stamp(drafts, this.stateAt(end), startAt(end))
    const outcome = this.#appendLines(lines, end)
    if (outcome instanceof Promise)
      return outcome.then((settled) => this.#appended(settled, { end, lines, drafts, create }))
    return this.#appended(outcome, { end, lines, drafts, create })
  }

  #appended(outcome: AppendOutcome, appending: Appending): Written<undefined> | Promise<Written<undefined>> {
    const { lines, end } = appending
    if (outcome === 'absent') return this.#appendAgain(appending)
    if (outcome === 'held') {
      return this.takeLease()
        .then(() => this.file.confirm(lines.bytes, end.mark.size, lastOf(lines)))
        .then((settled) => this.#appended(settled, appending))
    }
    const finish = () => {
      this.note(lines, end, outcome)
      this.context.noteBehind(this)
      return written(lines, undefined)
    }
    if (!end.isChanged && !outcome.isChanged) return finish()
    // another program may have removed lines that this process wrote before: search them first
    return this.current().then(finish, finish)
  }

  /** After a write to a file whose name was gone then: the file may come back, with the lines or without. */
  async #appendAgain({ lines, end, drafts, create }: Appending): Promise<Written<undefined>> {
    this.invalidate()
    await sleep(ABSENCE_MS)
    if (this.file.stat() !== undefined) {
      const outcome = await this.file.confirm(lines.bytes, 0, lastOf(lines))
      return this.#appended(outcome, { lines, end, drafts, create })
    }
    this.wasThere = false
    try {
      this.context.root.check()
    } catch (error) {
      this.#unwant(lines, error)
    }
    // the same lines: wherever they are found twice, they count once
    const same = drafts.map((draft, i) => ({
      ...draft,
      id: lines.pieces[i]?.id as string,
      text: () => lines.texts[i] as string,
    }))
    return this.#appendToNone(same, create)
  }

  #appendToNone(drafts: Draft[], create: boolean): Written<undefined> | Promise<Written<undefined>> {
    if (this.wasThere) {
      this.wasThere = false
      return sleep(ABSENCE_MS).then(() => this.#append(drafts, { create }))
    }
    if (!create) throw notFound(this.key)
    return this.#create([headerDraft(this.key), ...drafts]).then((lines) =>
      lines === undefined ? this.#append(drafts, { create }) : written(lines, undefined),
    )
  }

  async #writeUnderLease<T>(decide: Decide<T>, signal?: AbortSignal): Promise<Written<T>> {
    await this.takeLease(signal)
    return this.#write(decide, edgesOf)
  }

  /** Decides under the lease on the state of the log, and adds the decided lines in one write. */
  async transact<T>(decide: Decide<T>, signal?: AbortSignal): Promise<T> {
    this.context.checkOpen()
    const { result, ids } = await this.hold(() => this.#write(decide, foldLog), { signal })
    if (ids.length > 0) await this.#settle()
    return result
  }

  override async reading<T>(work: (reader: LogReader, state: LogState) => T | Promise<T>): Promise<T | undefined> {
    // the disk may still be full
    if (this.#unwanted.length > 0) await this.#takeBack().catch(() => {})
    return super.reading(work)
  }

  override async readingNow<T>(work: (reader: LogReader, state: LogState) => T): Promise<T | undefined> {
    return this.#unwanted.length > 0 ? this.reading(work) : super.readingNow(work)
  }

  override async whole(): Promise<WholeLog | undefined> {
    if (this.#unwanted.length > 0) await this.#takeBack().catch(() => {})
    return super.whole()
  }

  /** The state of the log now, for work under the lease; undefined when there is no session. */
  async forWriting(): Promise<LogState | undefined> {
    return this.currentAtLeast(edgesOf)
  }

  /**
   * Makes a session of these lines, for work under the lease. False when there is one already. `before` is given the
   * header's id when all but the log is in place: what it makes is there with the session, or means nothing.
   */
  async create(drafts: Draft[] = [], header = headerDraft(this.key), before?: Before): Promise<boolean> {
    return (await this.#create([header, ...drafts], before)) !== undefined
  }

  isRunning(): boolean {
    return this.context.runs.own.running.has(this.key)
  }

  /** Brings the sidecar up to the log. */
  writeSidecar(): Promise<void> {
    return writeBehind(this)
  }

  /** Decides and writes under the lease. Messages that land in between count as later ones: see `Decision.isStrict`. */
  async #write<T>(decide: Decide<T>, depth: Depth): Promise<Written<T>> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (this.#unwanted.length > 0) await this.#takeBack()
      const state = await this.currentAtLeast(depth)
      const decision = await decide(state?.summary, state)
      const { drafts, result, isStrict = false } = decision
      if (drafts.length === 0) return { ids: [], result }
      if (state === undefined) {
        const lines = await this.#create([headerDraft(this.key), ...drafts], undefined, decision.written)
        if (lines !== undefined) return written(lines, result)
        continue
      }
      checkVersion(state.summary, this.file.path)
      if (mayBeForeign(state.summary)) await checkOurs(this.file.path)
      const end = this.file.end()
      if (end === undefined || !isSameLog(end.mark, state.mark, isStrict)) continue
      const lines = this.#stamp(completed(drafts, state, this.name, this.key), this.stateAt(end), startAt(end))
      const first = await this.#appendLines(lines, end)
      const outcome = first === 'held' ? await this.file.confirm(lines.bytes, end.mark.size, lastOf(lines)) : first
      if (typeof outcome === 'string') continue
      if (isStrict && !outcome.isExact) {
        await this.#takeBack(lines.pieces)
        continue
      }
      this.context.noteBehind(this)
      if (this.note(lines, end, outcome, decision.removes))
        decision.written?.(lines.pieces, outcome.mark, printOf(lines.bytes))
      return written(lines, result)
    }
    throw logBusy(this.key, this.file.path)
  }

  /** As `LogWriter.append`; none of several lines counts where the write fails. */
  #appendLines(lines: Lines, end: LogEnd): AppendOutcome | Promise<AppendOutcome> {
    const failed = (error: unknown) => this.#afterFailure(lines, end, error)
    try {
      const outcome = this.file.append(lines.bytes, end, lastOf(lines))
      if (outcome instanceof Promise) return outcome.catch(failed)
      this.checkAfterWrite()
      return outcome
    } catch (error) {
      return failed(error)
    }
  }

  /** A drive may report late what did not fail: lines that are there count. What is not known is taken back later. */
  async #afterFailure(lines: Lines, end: LogEnd, error: unknown): Promise<AppendOutcome> {
    if (isSessionError(error, 'ERR_STORE_GONE')) this.#unwant(lines, error)
    const isThere = await this.file.isThere(lines.bytes, end.mark.size).catch(() => undefined)
    if (isThere) return this.file.confirm(lines.bytes, end.mark.size, lastOf(lines))
    return isThere === false || !this.context.isNetwork ? this.#takeBackPart(lines, error) : this.#unwant(lines, error)
  }

  /** Lines that may stand in a file that cannot be reached now: the first call that can takes them back. */
  #unwant({ pieces }: Lines, error: unknown): never {
    const ids = pieces.map(({ id }) => id)
    this.#unwanted.push(...ids)
    throw error instanceof Error ? Object.assign(error, { written: ids }) : error
  }

  /** Removes lines that were written and must not count, with those that could not be removed before. */
  async #takeBack(pieces: readonly Line[] = []): Promise<void> {
    this.#unwanted.push(...pieces.map(({ id }) => id))
    if (this.#unwanted.length === 0) return
    this.invalidate()
    const end = this.file.end()
    if (end !== undefined) {
      const lines = this.#stamp([removeDraft([...this.#unwanted])], this.stateAt(end), startAt(end))
      await this.file.append(lines.bytes, end, lastOf(lines))
    }
    this.#unwanted = []
  }

  /** After a short write the first of several lines may stand whole. On a full disk the next call takes them back. */
  async #takeBackPart({ pieces }: Lines, error: unknown): Promise<never> {
    if (pieces.length > 1) {
      await this.#takeBack(pieces).catch(() => {
        if (error instanceof Error) Object.assign(error, { written: pieces.map(({ id }) => id) })
      })
    }
    throw error
  }

  #stamp(drafts: Draft[], after: Pick<Summary, 'lastAt' | 'maxId'>, start: number): Lines {
    return stampLines(drafts, this.context.clock, after, start, this.lineRules())
  }

  /**
   * A new log: header and lines whole, or nothing. Undefined when another process made one. `before` is given the
   * header's id when all but the log is in place.
   */
  async #create(drafts: Draft[], before?: Before, onWritten?: OnWritten): Promise<Lines | undefined> {
    const { layout, settings } = this.context
    this.checkPlace()
    const lines = this.#stamp(drafts, emptySummary(), 0)
    before?.(lines.pieces[0]?.id ?? null)
    const temporary = layout.temporary(this.name, randomNonce())
    const made = await this.file.create(lines.bytes, temporary, settings.fsync === 'always')
    if (made === 'exists') return undefined
    this.wasThere = true
    if (settings.fsync === 'everysec') this.context.noteUnsynced(this)
    // more than was written: another process has added to it, and the next call reads it
    if (made.size !== lines.bytes.length) return lines
    const state = { summary: emptySummary(), mark: made, print: '', open: false, torn: null, partial: false }
    this.advance(state, lines, made)
    this.context.noteBehind(this)
    onWritten?.(lines.pieces, made, printOf(lines.bytes))
    return lines
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
