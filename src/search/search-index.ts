/**
 * Which sessions need not be looked at in a search: signatures of their logs say that no word of it is in them. All of
 * it can be made again; a session whose signature is missing or behind its log is looked at.
 */
import { breathe, breatheIfDue, isLoopHeld } from '../base/event-loop.js'
import { type FileMark, markOf, sameFile, sameMark } from '../disk/files.js'
import { LogReader } from '../disk/log-reader.js'
import { probesOf, signatureBytes } from '../disk/search-index/bloom-filter.js'
import type { LogMarks } from '../list/mark-table.js'
import type { SessionIndex } from '../list/session-index.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { StoreContext } from '../session/context.js'
import { tellError } from '../session/options.js'
import { hasOnlyGrown, isSettledLog, signatureOf } from './sign-log.js'
import { Signatures } from './signature-store.js'

/** So few sessions are looked at as fast. */
const LEAST_SESSIONS = 256
/** Logs are read for their signatures before the answer as far as that is so few bytes; the others are after it. */
const INLINE_BYTES = 1024 * 1024
/** A rest of that is not worth a look for something that fits. */
const LEFT_OVER_BYTES = 4096
/** How long signatures are made at a stretch in the background, ms; as long as that the process is left alone after. */
const SLICE_MS = 8

/** The index of a store, made by its first search. */
export function searchIndexOf(store: StoreInternals): SearchIndex {
  return store.part(makeSearchIndex)
}

function makeSearchIndex({ context, index, readOnly }: StoreInternals): SearchIndex {
  return new SearchIndex(context, index, { writes: !readOnly })
}

export class SearchIndex {
  readonly #context: StoreContext
  readonly #index: SessionIndex
  readonly #signatures: Signatures
  /** Names whose log may be another than the signature says; without a signature, until there is one. */
  readonly #pending = new Set<string>()
  /** The logs as the first search found them; later they are in the rows. */
  #logs: LogMarks | undefined
  #knowsRows = false
  #isSmall = false
  #turn: Promise<void> = Promise.resolve()
  /** What is still to be done in the background, of which the last comes first. */
  #queue: string[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** Until when signatures may still be made while the store closes, on the clock of `performance.now()`. */
  #grace = 0

  /** With `writes` false nothing is kept on disk. */
  constructor(context: StoreContext, index: SessionIndex, { writes }: { writes: boolean }) {
    this.#context = context
    this.#index = index
    this.#signatures = new Signatures(context, { writes, onLost: (name) => this.#pending.add(name) })
    index.onChange = (name) => this.#pending.add(name)
  }

  /** The names of all sessions that may say one of the words, in lower case; undefined when all are to be looked at. */
  candidates(words: readonly string[]): Promise<Iterable<string> | undefined> {
    return this.#inTurn(async () => {
      await this.#bringUpToDate()
      if (this.#isSmall) return this.#logs?.names
      await this.#makeFew()
      const found = await this.#signatures.candidates(words.map(probesOf))
      for (const name of this.#pending) found.add(name)
      return found
    })
  }

  /** Called when an answer is given that took `ms`: the rest of the work is done behind it. */
  answered(ms: number): void {
    this.#grace = performance.now() + ms
    const isDone = this.#pending.size === 0 && !this.#signatures.isBehind
    if (!isDone && this.#timer === undefined && !this.#closed) this.#wake()
  }

  /** Makes all signatures that are missing, and writes them down. */
  makeAll(): Promise<{ sessions: number; bytes: number }> {
    return this.#inTurn(async () => {
      await this.#bringUpToDate()
      // a store that is too small has no names of that kind
      for (const name of this.#unmade()) {
        await this.#make(name)
        if (this.#signatures.isFull) await this.#save()
        await breatheIfDue()
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
      for (const name of this.#unmade()) {
        if (performance.now() > this.#grace) break
        await this.#make(name)
        await breatheIfDue()
      }
      await this.#save({ isLast: true })
      this.#signatures.unload()
    })
  }

  /** One piece of work after the other: none sees what another has half done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }

  /** Finds out which signatures are not those of the logs as they are now. */
  async #bringUpToDate(): Promise<void> {
    const wasSmall = this.#isSmall
    this.#logs = await this.#index.logs()
    this.#isSmall = (this.#logs ?? this.#index).size < LEAST_SESSIONS
    if (this.#isSmall) {
      // what is left of a time when the store was large
      if (!wasSmall) this.#signatures.drop()
      return
    }
    const isNew = await this.#refresh()
    if (isNew) return
    if (this.#logs !== undefined || !this.#knowsRows) return this.#compareAll()
    for (const name of this.#pending) {
      this.#compare(name, this.#logOf(name))
      if (isLoopHeld(performance.now())) await breathe()
    }
  }

  /** Learns of another file of signatures; answers true if there was one. */
  async #refresh(): Promise<boolean> {
    const isNew = await this.#signatures.refresh()
    if (isNew) await this.#compareAll()
    return isNew
  }

  async #save({ isLast = false } = {}): Promise<void> {
    if (!this.#signatures.isLoaded) return
    await this.#refresh()
    await this.#signatures.save({ isLast })
  }

  async #compareAll(): Promise<void> {
    const logs = this.#logs
    let count = 0
    let signed = 0
    for (const name of logs?.names ?? this.#index.names()) {
      if (this.#compare(name, logs === undefined ? this.#logOf(name) : logs.at(count))) signed++
      if (++count % 1_000 === 0) await breatheIfDue()
    }
    this.#knowsRows = logs === undefined
    // all others are of logs that are gone
    if (signed === this.#signatures.size) return
    for (const name of this.#signatures.names()) this.#compare(name, this.#logOf(name))
  }

  /** True when there is a signature of that name, whether it holds or not. */
  #compare(name: string, log: FileMark | undefined): boolean {
    if (log !== undefined && this.#signatures.hasOf(name, log)) {
      this.#pending.delete(name)
      return true
    }
    if (log === undefined) {
      this.#signatures.delete(name)
      this.#pending.delete(name)
    } else this.#pending.add(name)
    return this.#signatures.has(name)
  }

  #logOf(name: string): FileMark | undefined {
    return this.#logs === undefined ? this.#index.row(name)?.log : this.#logs.get(name)
  }

  /** Names without a signature that holds, as far as one can be made now. */
  #unmade(): string[] {
    if (this.#pending.size === 0 || !this.#signatures.isLoaded) return []
    const now = Date.now()
    return [...this.#pending].filter((name) => {
      const log = this.#logOf(name)
      return log !== undefined && isSettledLog(log, now) && this.#hasRoomFor(name, log)
    })
  }

  #hasRoomFor(name: string, { size }: FileMark): boolean {
    return this.#signatures.has(name) || this.#signatures.hasRoom(signatureBytes(size))
  }

  async #makeFew(): Promise<void> {
    let left = INLINE_BYTES
    for (const name of this.#unmade()) {
      const log = this.#logOf(name)!
      const former = this.#signatures.get(name)
      const isGrown = sameFile(former?.mark, log) && log.size > former!.mark.size
      const bytes = isGrown ? log.size - former!.covered : log.size
      if (bytes > left) continue
      left -= bytes
      await this.#make(name)
      await breatheIfDue()
      if (left < LEFT_OVER_BYTES) return
    }
  }

  /** Makes the signature of a log as it is now, from what was added to it where that is enough. */
  async #make(name: string): Promise<void> {
    if (!this.#pending.has(name)) return
    // its row may have been made anew for another reason
    const log = this.#logOf(name)
    if (log !== undefined && this.#signatures.hasOf(name, log)) return void this.#pending.delete(name)
    try {
      await LogReader.using(this.#context.layout.log(name), (reader) => this.#makeOf(name, reader))
    } catch {
      // a log that cannot be read: the search that looks at it says so
    }
  }

  async #makeOf(name: string, reader: LogReader): Promise<void> {
    if (!isSettledLog(reader.stat, Date.now()) || !this.#hasRoomFor(name, reader.stat)) return
    const mark = markOf(reader.stat)
    let former = this.#signatures.get(name)
    if (!sameMark(former?.mark, mark)) {
      if (former !== undefined && !hasOnlyGrown(former, reader)) {
        this.#signatures.delete(name)
        former = undefined
      }
      // bits are shared by twice as much text, but not by more
      const isLarge = former !== undefined && signatureBytes(reader.size) <= 2 * former.length
      const grown = isLarge ? await this.#signatures.withBits(name) : undefined
      this.#signatures.add(await signatureOf(name, reader, grown))
    }
    if (sameMark(mark, this.#logOf(name))) this.#pending.delete(name)
  }

  #wake(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#inTurn(() => this.#work()).catch((error: unknown) => tellError(this.#context.settings, error, ''))
    }, SLICE_MS).unref()
  }

  /** One slice of the work that is left; the next one comes later. */
  async #work(): Promise<void> {
    if (this.#closed) return
    if (this.#queue.length === 0) this.#queue = this.#unmade()
    const end = performance.now() + SLICE_MS
    while (this.#queue.length > 0 && performance.now() < end) await this.#make(this.#queue.pop()!)
    if (this.#queue.length === 0 || this.#signatures.isFull) await this.#save()
    if (this.#queue.length > 0) this.#wake()
  }
}
