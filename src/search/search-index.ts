/**
 * The index of searches: which sessions may contain a word, by the signatures of their logs. A search of many sessions
 * then reads few logs; without the index it reads all, which takes a hundred times as long. A session whose signature
 * is missing or older than its log is always a candidate.
 */
import { isLoopHeld, yieldIfDue, yieldToLoop } from '../base/event-loop.js'
import { bytesIn, refuseLink, removeTree } from '../disk/folders.js'
import { type FileMark, markOf, sameFile, sameMark } from '../disk/log/file-mark.js'
import { waitForData } from '../disk/log/late-data.js'
import { LogReader } from '../disk/log/log-reader.js'
import { probesOf, signatureBytes } from '../disk/search-index/bloom-filter.js'
import type { Logs } from '../list/row.js'
import type { SessionIndex } from '../list/session-index.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { StoreContext } from '../session/context.js'
import { hasOnlyGrown, isSettledLog, signatureOf } from './sign-log.js'
import { SignatureStore } from './signature-store.js'

/** Fewer sessions than this are searched as fast without an index. */
const MIN_SESSIONS = 256
/** At most this many bytes of logs are signed before the result; the others are signed in the background. */
const INLINE_BYTES = 1024 * 1024
/** With fewer bytes left than this, no more logs are tried. */
const MIN_LEFT_BYTES = 4096
/** In the background logs are signed in slices of this length, with pauses of the same length, ms. */
const SLICE_MS = 8

/** Removes what searches and lists have saved; returns its size, bytes. */
export function dropSaved({ context }: StoreInternals): number {
  const folder = context.layout.index
  refuseLink(folder)
  const bytes = bytesIn(folder)
  removeTree(folder)
  return bytes
}

/** Made at the first search of a store. */
export function searchIndexOf(store: StoreInternals): SearchIndex {
  return store.part(makeSearchIndex)
}

function makeSearchIndex({ context, index, readOnly }: StoreInternals): SearchIndex {
  return new SearchIndex(context, index, { writes: !readOnly })
}

export class SearchIndex {
  readonly #context: StoreContext
  readonly #index: SessionIndex
  readonly #signatures: SignatureStore
  /** Names whose signature is missing, or may be older than the log. */
  readonly #pending = new Set<string>()
  #logs: Logs | undefined
  #isSmall = false
  #turn: Promise<void> = Promise.resolve()
  /** Names of logs to sign in the background, the first one last. */
  #queue: string[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** Until then a closing store may still sign logs, on the clock of `performance.now()`. */
  #grace = 0

  /** With `writes` false nothing is saved. */
  constructor(context: StoreContext, index: SessionIndex, { writes }: { writes: boolean }) {
    this.#context = context
    this.#index = index
    this.#signatures = new SignatureStore(context, { writes })
    index.onChange = (name) => this.#pending.add(name)
  }

  /** The names of all sessions that may contain one of the words, which are in lower case. */
  candidates(words: readonly string[]): Promise<Iterable<string>> {
    return this.#inTurn(async () => {
      const logs = await this.#bringUpToDate()
      if (this.#isSmall) return [...logs.names()]
      await this.#signFew()
      const found = await this.#signatures.candidates(words.map(probesOf))
      for (const name of this.#pending) found.add(name)
      return found
    })
  }

  /** Called after a search that took `ms`: signs the other logs in the background. */
  searched(ms: number): void {
    this.#grace = performance.now() + ms
    const isDone = this.#pending.size === 0 && !this.#signatures.isBehind
    if (!isDone && this.#timer === undefined && !this.#closed) this.#wake()
  }

  /** Signs all logs, and saves the signatures. */
  makeAll(): Promise<{ sessions: number; bytes: number }> {
    return this.#inTurn(async () => {
      await this.#bringUpToDate()
      for (const name of this.#unsigned()) {
        await this.#sign(name)
        if (this.#signatures.isFull) await this.#save()
        await yieldIfDue()
      }
      const { size, bytes } = this.#signatures
      await this.#save({ isLast: true })
      return { sessions: size, bytes }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#inTurn(async () => {
      for (const name of this.#unsigned()) {
        if (performance.now() > this.#grace) break
        await this.#sign(name)
        await yieldIfDue()
      }
      await this.#save({ isLast: true })
      this.#signatures.unload()
    })
  }

  /** Runs one piece of work after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }

  /** Finds the signatures that are missing or old. */
  async #bringUpToDate(): Promise<Logs> {
    const wasFromRows = this.#logs?.isFromRows === true
    const wasSmall = this.#isSmall
    // the file is read in the thread pool while the logs are stat'ed here
    const reading = wasSmall ? undefined : this.#signatures.refresh()
    const logs = await this.#index.logs()
    this.#logs = logs
    this.#isSmall = logs.size < MIN_SESSIONS
    if (this.#isSmall) {
      await reading
      // the file is of a time when the store was large
      if (!wasSmall) this.#signatures.drop()
      return logs
    }
    const isRead = await (reading ?? this.#signatures.refresh())
    if (isRead || !wasFromRows) await this.#compareAll(logs)
    else {
      for (const name of this.#pending) {
        this.#compare(name, logs.markOf(name))
        if (isLoopHeld(performance.now())) await yieldToLoop()
      }
    }
    return logs
  }

  async #save({ isLast = false } = {}): Promise<void> {
    if (!this.#signatures.isLoaded || this.#logs === undefined) return
    if (await this.#signatures.refresh()) await this.#compareAll(this.#logs)
    await this.#signatures.save({ isLast })
  }

  async #compareAll(logs: Logs): Promise<void> {
    let count = 0
    let signed = 0
    for (const name of logs.names()) {
      if (this.#compare(name, logs.markOf(name))) signed++
      if (++count % 1_000 === 0) await yieldIfDue()
    }
    // all others are of logs that are gone
    if (signed === this.#signatures.size) return
    for (const name of this.#signatures.names()) this.#compare(name, logs.markOf(name))
  }

  /** True when there is a signature of that name, old or not. */
  #compare(name: string, log: FileMark | undefined): boolean {
    if (log !== undefined && this.#signatures.hasOf(name, log)) {
      this.#pending.delete(name)
      return true
    }
    if (log === undefined) {
      this.#signatures.delete(name)
      this.#pending.delete(name)
    } else this.#pending.add(name)
    return this.#signatures.get(name) !== undefined
  }

  #logOf(name: string): FileMark | undefined {
    return this.#logs?.markOf(name)
  }

  /** Names of logs to sign, without logs that still change or have no room. */
  #unsigned(): string[] {
    if (this.#pending.size === 0 || !this.#signatures.isLoaded) return []
    const now = Date.now()
    return [...this.#pending].filter((name) => {
      const log = this.#logOf(name)
      return log !== undefined && isSettledLog(log, now) && this.#hasRoomFor(name, log)
    })
  }

  #hasRoomFor(name: string, { size }: FileMark): boolean {
    return this.#signatures.get(name) !== undefined || this.#signatures.hasRoom(signatureBytes(size))
  }

  async #signFew(): Promise<void> {
    let left = INLINE_BYTES
    for (const name of this.#unsigned()) {
      const log = this.#logOf(name)!
      const former = this.#signatures.get(name)
      const isGrown = sameFile(former?.mark, log) && log.size > former!.mark.size
      const bytes = isGrown ? log.size - former!.covered : log.size
      if (bytes > left) continue
      left -= bytes
      await this.#sign(name)
      await yieldIfDue()
      if (left < MIN_LEFT_BYTES) return
    }
  }

  /** Signs a log, only its new lines if it has grown. */
  async #sign(name: string): Promise<void> {
    if (!this.#pending.has(name)) return
    // the row may have changed while the log did not
    const log = this.#logOf(name)
    if (log !== undefined && this.#signatures.hasOf(name, log)) return void this.#pending.delete(name)
    try {
      const file = this.#context.layout.log(name)
      if (this.#context.isNetwork) await waitForData(file, this.#signatures.get(name)?.covered)
      await LogReader.using(file, (reader) => this.#signFrom(name, reader))
    } catch {
      // the scan of the search reports a log that cannot be read
    }
  }

  async #signFrom(name: string, reader: LogReader): Promise<void> {
    if (!isSettledLog(reader.stat, Date.now()) || !this.#hasRoomFor(name, reader.stat)) return
    const mark = markOf(reader.stat)
    let former = this.#signatures.get(name)
    if (!sameMark(former?.mark, mark)) {
      if (former !== undefined && !hasOnlyGrown(former, reader)) {
        this.#signatures.delete(name)
        former = undefined
      }
      // a log of more than twice the size needs more bits
      const isEnough = former !== undefined && signatureBytes(reader.size) <= 2 * former.bits.length
      this.#signatures.add(await signatureOf(name, reader, isEnough ? former : undefined))
    }
    if (sameMark(mark, this.#logOf(name))) this.#pending.delete(name)
  }

  #wake(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#inTurn(() => this.#work()).catch((error: unknown) => this.#context.settings.onError(error, ''))
    }, SLICE_MS).unref()
  }

  /** One slice of the background work. */
  async #work(): Promise<void> {
    if (this.#closed) return
    if (this.#queue.length === 0) this.#queue = this.#unsigned()
    const end = performance.now() + SLICE_MS
    while (this.#queue.length > 0 && performance.now() < end) await this.#sign(this.#queue.pop()!)
    if (this.#queue.length === 0 || this.#signatures.isFull) await this.#save()
    if (this.#queue.length > 0) this.#wake()
  }
}
