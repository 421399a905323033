/** The signatures of all logs: those of late in memory, most of the others in blocks of their file. */
import { breatheIfDue } from '../base/event-loop.js'
import { deviceOf, type FileMark, look, refuseLink, removeFile, sameFile, sameMark } from '../disk/files.js'
import { Block } from '../disk/search-index/block.js'
import { maySay } from '../disk/search-index/bloom-filter.js'
import {
  appendBatches,
  MAX_FILE_BYTES,
  readSignatures,
  replaceBatches,
  type SignatureFile,
  sizeOnDisk,
} from '../disk/search-index/file.js'
import { type Basis, bytesOnDisk, type Signature } from '../disk/search-index/record.js'
import type { StoreContext } from '../session/context.js'
import { tellError } from '../session/options.js'
import { allBatches, batchesOfPlan, planOf, WELL_FILLED } from './signature-batches.js'
import { SignatureBlocks } from './signature-blocks.js'

/** In memory and in the file. Sessions beyond are looked at in each search. */
const MAX_BYTES = 96 * 1024 * 1024
const MAX_BYTES_ON_DISK = MAX_FILE_BYTES / 2
/** So much that is not in the file yet ought to be. */
const MANY_BYTES = 8 * 1024 * 1024
/** To read the bits of a log from its block costs as much as to read so many bytes of the log, about. */
const BLOCK_COSTS_BYTES = 256 * 1024
/** The file may have so many bytes more than twice what counts in it. */
const SLACK_BYTES = 256 * 1024
/** What was removed from sessions goes from the file at the latest so long after a search noticed it, ms. */
const REMOVE_MS = 60_000
/** A file so old is written anew, ms. */
const REFRESH_MS = 7 * 24 * 3_600_000

export class Signatures {
  readonly #context: StoreContext
  readonly #writes: boolean
  /** Told the name of each log whose signature was lost with a block that cannot be read. */
  readonly #onLost: (name: string) => void
  #inMemory = new Map<string, Signature>()
  #inBlocks: SignatureBlocks
  /** Names of which what is in the file is not what is here. */
  readonly #unsaved = new Set<string>()
  #bytes = 0
  #unsavedBytes = 0
  #isLoaded = false
  /** Which file the blocks are in. */
  #file: FileMark | undefined
  /** More is in blocks of the file than is known here. */
  #isBehindFile = false
  /** Something in the file is of no use, or must go. */
  #mustReplace = false
  #replaced = performance.now()
  /** The file could not be used, which was told: it is not written, or not even read. */
  #isLeftAlone = false
  #isUnreadable = false

  /** With `writes` false nothing is kept on disk. */
  constructor(context: StoreContext, { writes, onLost }: { writes: boolean; onLost: (name: string) => void }) {
    this.#context = context
    this.#writes = writes
    this.#onLost = onLost
    this.#inBlocks = new SignatureBlocks(context.layout.signatures(), undefined)
  }

  get isLoaded(): boolean {
    return this.#isLoaded
  }

  get size(): number {
    return this.#inMemory.size + this.#inBlocks.size
  }

  get bytes(): number {
    return this.#bytes + this.#inBlocks.bytes
  }

  /** True when there is something to be saved. */
  get isBehind(): boolean {
    return this.#mayWrite && (this.#unsaved.size > 0 || this.#mustReplace)
  }

  /** True when there is so much to be saved that it should not wait. */
  get isFull(): boolean {
    return this.#mayWrite && this.#unsavedBytes > MANY_BYTES
  }

  get #mayWrite(): boolean {
    return this.#writes && !this.#isLeftAlone
  }

  *names(): Iterable<string> {
    yield* this.#inMemory.keys()
    yield* this.#inBlocks.names()
  }

  get(name: string): Basis | undefined {
    return this.#inBlocks.get(name) ?? this.#inMemory.get(name)
  }

  has(name: string): boolean {
    return this.#inBlocks.has(name) || this.#inMemory.has(name)
  }

  /** True when there is a signature of the log as it is now. */
  hasOf(name: string, log: FileMark): boolean {
    return this.#inBlocks.isOf(name, log) ?? sameMark(this.#inMemory.get(name)?.mark, log)
  }

  /** The signature with its bits, where they are at hand or cost less than to make them anew. */
  async withBits(name: string): Promise<Signature | undefined> {
    const basis = this.#inBlocks.get(name)
    if (basis === undefined) return this.#inMemory.get(name)
    return basis.covered < BLOCK_COSTS_BYTES ? undefined : this.#inBlocks.withBits(name)
  }

  /** True when one more of so many bytes may be kept. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= MAX_BYTES && this.bytes + bytes <= MAX_BYTES_ON_DISK
  }

  add(signature: Signature): void {
    this.#set(signature)
    if (!this.#unsaved.has(signature.name)) this.#unsavedBytes += signature.length
    this.#unsaved.add(signature.name)
  }

  #set(signature: Signature): void {
    this.#forget(signature.name)
    this.#inMemory.set(signature.name, signature)
    this.#bytes += signature.length
  }

  /** Forgets the signature of a log that is no more what it was. */
  delete(name: string): void {
    if (!this.#forget(name)) return
    this.#unsaved.delete(name)
    this.#mustReplace = true
  }

  #forget(name: string): boolean {
    if (this.#inBlocks.delete(name)) return true
    this.#bytes -= this.#inMemory.get(name)?.length ?? 0
    return this.#inMemory.delete(name)
  }

  /**
   * Reads the file if it was not yet, or is another by now. Then true: any signature may be of another log than before,
   * or be missing. A file that cannot be used is told, and left alone.
   */
  async refresh(): Promise<boolean> {
    try {
      if (this.#isLoaded && !this.#isOutdated()) return false
      await this.#load(this.#isUnreadable ? undefined : await readSignatures(this.#context.layout.signatures()))
    } catch (error) {
      this.#isUnreadable = true
      this.#leaveAlone(error)
      await this.#load(undefined)
    }
    return true
  }

  #isOutdated(): boolean {
    if (this.#isUnreadable) return false
    if (this.#isBehindFile) return true
    const stat = look(this.#context.layout.signatures())
    const mark = stat === 'other' ? undefined : stat
    return mark !== this.#file && !sameFile(mark, this.#file)
  }

  async #load(file: SignatureFile | undefined): Promise<void> {
    const unsaved = [...this.#unsaved].map((name) => this.#inMemory.get(name)!)
    this.unload()
    this.#isLoaded = true
    this.#file = file?.mark
    this.#inBlocks = new SignatureBlocks(this.#context.layout.signatures(), file?.mark)
    // one that is in use must not look forgotten
    if (file !== undefined && (!file.isWhole || Date.now() - (file.mark?.mtimeMs ?? 0) > REFRESH_MS)) {
      this.#mustReplace = true
      this.#replaced = Number.NEGATIVE_INFINITY
    }
    for (const record of file?.records ?? []) {
      if (record instanceof Block) {
        if (this.#inMemory.size > 0) for (const name of record.names) this.#forget(name)
        this.#inBlocks.add(record)
      } else if (this.hasRoom(record.length)) this.#set(record)
      else this.#forget(record.name)
      await breatheIfDue()
    }
    for (const signature of unsaved) this.add(signature)
  }

  unload(): void {
    this.#inMemory = new Map()
    this.#inBlocks = new SignatureBlocks(this.#context.layout.signatures(), undefined)
    this.#unsaved.clear()
    this.#bytes = 0
    this.#unsavedBytes = 0
    this.#isLoaded = false
    this.#file = undefined
    this.#isBehindFile = false
    this.#mustReplace = false
  }

  /** The names of logs that may say one of the words, each given by what must be set for it. */
  async candidates(words: readonly number[][]): Promise<Set<string>> {
    const found = new Set<string>()
    for (const { name, bits } of this.#inMemory.values()) {
      if (words.some((probes) => maySay(bits, probes))) found.add(name)
      await breatheIfDue()
    }
    const addAll = (names: Iterable<string>) => {
      for (const name of names) if (name !== '') found.add(name)
    }
    try {
      for await (const names of this.#inBlocks.candidates(words, (name) => this.#lose(name))) addAll(names)
    } catch (error) {
      this.#isUnreadable = true
      this.#leaveAlone(error)
      addAll(this.#inBlocks.names())
    }
    return found
  }

  #lose(name: string): void {
    this.#mustReplace = true
    this.#onLost(name)
  }

  #leaveAlone(error: unknown): void {
    if (!this.#isLeftAlone) tellError(this.#context.settings, error, '')
    this.#isLeftAlone = true
  }

  /**
   * Writes down what is not in the file yet; replaces a file of which most counts no more, and one with what must go,
   * though not again and again unless these are the last words.
   */
  async save({ isLast = false } = {}): Promise<void> {
    if (!this.#isLoaded || !this.isBehind) return
    const file = this.#context.layout.signatures()
    try {
      // a store that was removed keeps nothing
      if (deviceOf(this.#context.layout.root) === undefined) return
      if (this.#isReplaceDue(sizeOnDisk(file) ?? 0, isLast)) {
        await replaceBatches(file, this.#allBatches())
        this.#mustReplace = false
        this.#replaced = performance.now()
      } else {
        const { blocks, loose } = planOf(this.#inMemory.values(), WELL_FILLED)
        const unsaved = loose.filter(({ name }) => this.#unsaved.has(name))
        await appendBatches(file, batchesOfPlan({ blocks, loose: unsaved }))
        this.#isBehindFile ||= blocks.length > 0
      }
      this.#unsaved.clear()
      this.#unsavedBytes = 0
    } catch (error) {
      this.#leaveAlone(error)
    }
  }

  /** The file is closed before another takes its place. */
  async *#allBatches(): AsyncGenerator<Buffer> {
    const opened = this.#inBlocks.all.length === 0 ? undefined : this.#inBlocks.open()
    try {
      yield* allBatches(opened?.fd, this.#inBlocks.all, this.#inMemory.values())
    } finally {
      opened?.close()
    }
  }

  #isReplaceDue(size: number, isLast: boolean): boolean {
    if (size === 0) return true
    if (this.#mustReplace && (isLast || performance.now() - this.#replaced > REMOVE_MS)) return true
    let counts = 0
    for (const signature of this.#inMemory.values()) counts += bytesOnDisk(signature)
    for (const block of this.#inBlocks.all) counts += (block.size * block.count) / block.columns
    return size > 2 * counts + SLACK_BYTES
  }

  /** Forgets all, the file too. */
  drop(): void {
    this.unload()
    if (!this.#mayWrite) return
    const { layout } = this.#context
    try {
      refuseLink(layout.index)
      if (look(layout.signatures()) !== undefined) removeFile(layout.signatures())
    } catch (error) {
      this.#leaveAlone(error)
    }
  }
}
