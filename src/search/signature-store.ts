/** The signatures of all logs, in memory and in their file: a search in an open store reads no file but the candidates. */
import { isLoopHeld, yieldIfDue, yieldToLoop } from '../base/event-loop.js'
import { removeFile, statFile } from '../disk/files.js'
import { deviceOf, refuseLink } from '../disk/folders.js'
import { type FileMark, sameFile, sameMark } from '../disk/log/file-mark.js'
import { mayContain } from '../disk/search-index/bloom-filter.js'
import { appendSignatures, readSignatures, replaceSignatures, signatureFileMark } from '../disk/search-index/file.js'
import { bytesOnDisk, type Signature } from '../disk/search-index/record.js'
import type { StoreContext } from '../session/context.js'

/** Sessions beyond are scanned by each search. */
const MAX_BYTES = 96 * 1024 * 1024
/** More unsaved bytes than this are saved before the work is done. */
const MAX_UNSAVED_BYTES = 8 * 1024 * 1024
/** The file is replaced when it exceeds twice the bytes of the current records by more than this. */
const SLACK_BYTES = 256 * 1024
/** Signatures of removed sessions leave the file at the latest this long after a search found it out, ms. */
const REMOVE_MS = 60_000
/** An older file is replaced, which shows that it is in use, ms. */
const REFRESH_MS = 7 * 24 * 3_600_000

export class SignatureStore {
  readonly #context: StoreContext
  readonly #writes: boolean
  #signatures = new Map<string, Signature>()
  /** Names whose record in the file is missing or old. */
  readonly #unsaved = new Set<string>()
  #bytes = 0
  #unsavedBytes = 0
  #isLoaded = false
  /** The file that was read or written last. */
  #file: FileMark | undefined
  /** The file has damaged records, or records that must go. */
  #mustReplace = false
  #replaced = performance.now()
  /** After an I/O error, which is reported once, the file is not written or not even read. */
  #isUnwritable = false
  #isUnreadable = false

  /** With `writes` false nothing is saved. */
  constructor(context: StoreContext, { writes }: { writes: boolean }) {
    this.#context = context
    this.#writes = writes
  }

  get isLoaded(): boolean {
    return this.#isLoaded
  }

  get size(): number {
    return this.#signatures.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** True when there is something to save. */
  get isBehind(): boolean {
    return this.#mayWrite && (this.#unsaved.size > 0 || this.#mustReplace)
  }

  /** True when there is so much to save that it should not wait. */
  get isFull(): boolean {
    return this.#mayWrite && this.#unsavedBytes > MAX_UNSAVED_BYTES
  }

  get #mayWrite(): boolean {
    return this.#writes && !this.#isUnwritable
  }

  names(): Iterable<string> {
    return this.#signatures.keys()
  }

  get(name: string): Signature | undefined {
    return this.#signatures.get(name)
  }

  /** True when there is a signature of the log with this mark. */
  hasOf(name: string, log: FileMark): boolean {
    return sameMark(this.#signatures.get(name)?.mark, log)
  }

  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= MAX_BYTES
  }

  add(signature: Signature): void {
    this.#set(signature)
    if (!this.#unsaved.has(signature.name)) this.#unsavedBytes += signature.bits.length
    this.#unsaved.add(signature.name)
  }

  #set(signature: Signature): void {
    this.#remove(signature.name)
    this.#signatures.set(signature.name, signature)
    this.#bytes += signature.bits.length
  }

  /** Removes the signature of a log that was removed or rewritten. */
  delete(name: string): void {
    if (!this.#remove(name)) return
    this.#unsaved.delete(name)
    this.#mustReplace = true
  }

  #remove(name: string): boolean {
    this.#bytes -= this.#signatures.get(name)?.bits.length ?? 0
    return this.#signatures.delete(name)
  }

  /** Reads the file at the first call, and when another process replaced it; true when it was read. */
  async refresh(): Promise<boolean> {
    const file = this.#context.layout.signatures()
    try {
      if (this.#isLoaded && (this.#isUnreadable || !this.#isReplaced(signatureFileMark(file)))) return false
      await this.#load(this.#isUnreadable ? undefined : await readSignatures(file))
    } catch (error) {
      this.#isUnreadable = true
      this.#reportOnce(error)
      await this.#load(undefined)
    }
    return true
  }

  #isReplaced(mark: FileMark | undefined): boolean {
    return mark !== this.#file && !sameFile(mark, this.#file)
  }

  async #load(file: Awaited<ReturnType<typeof readSignatures>>): Promise<void> {
    const unsaved = [...this.#unsaved].map((name) => this.#signatures.get(name)!)
    this.unload()
    this.#isLoaded = true
    this.#file = file?.mark
    if (file !== undefined && (!file.isWhole || Date.now() - (file.mark?.mtimeMs ?? 0) > REFRESH_MS)) {
      this.#mustReplace = true
      this.#replaced = Number.NEGATIVE_INFINITY
    }
    for (const signature of file?.signatures ?? []) {
      if (this.hasRoom(signature.bits.length)) this.#set(signature)
      else this.#remove(signature.name)
      if (isLoopHeld(performance.now())) await yieldToLoop()
    }
    for (const signature of unsaved) this.add(signature)
  }

  unload(): void {
    this.#signatures = new Map()
    this.#unsaved.clear()
    this.#bytes = 0
    this.#unsavedBytes = 0
    this.#isLoaded = false
    this.#file = undefined
    this.#mustReplace = false
  }

  /** The names of logs that may contain one of the words, each given by the bits that it sets. */
  async candidates(words: readonly number[][]): Promise<Set<string>> {
    const found = new Set<string>()
    let count = 0
    for (const { name, bits } of this.#signatures.values()) {
      if (words.some((probes) => mayContain(bits, probes))) found.add(name)
      if (++count % 256 === 0) await yieldIfDue()
    }
    return found
  }

  #reportOnce(error: unknown): void {
    if (!this.#isUnwritable) this.#context.settings.onError(error, '')
    this.#isUnwritable = true
  }

  /**
   * Appends unsaved signatures to the file. Replaces the file when most of it is old, at the first save after a removal
   * in a minute, and after any removal when the save `isLast`.
   */
  async save({ isLast = false } = {}): Promise<void> {
    if (!this.#isLoaded || !this.isBehind) return
    const file = this.#context.layout.signatures()
    try {
      // a store that was removed stays removed
      if (deviceOf(this.#context.layout.root) === undefined) return
      if (this.#isReplaceDue(signatureFileMark(file)?.size ?? 0, isLast)) {
        await replaceSignatures(file, this.#signatures.values())
        this.#mustReplace = false
        this.#replaced = performance.now()
        this.#file = signatureFileMark(file)
      } else {
        await appendSignatures(
          file,
          [...this.#unsaved].map((name) => this.#signatures.get(name)!),
        )
      }
      this.#unsaved.clear()
      this.#unsavedBytes = 0
    } catch (error) {
      this.#reportOnce(error)
    }
  }

  #isReplaceDue(size: number, isLast: boolean): boolean {
    if (size === 0) return true
    if (this.#mustReplace && (isLast || performance.now() - this.#replaced > REMOVE_MS)) return true
    let current = 0
    for (const signature of this.#signatures.values()) current += bytesOnDisk(signature)
    return size > 2 * current + SLACK_BYTES
  }

  /** Removes all signatures, and the file. */
  drop(): void {
    this.unload()
    if (!this.#mayWrite) return
    const { layout } = this.#context
    try {
      refuseLink(layout.index)
      if (statFile(layout.signatures()) !== undefined) removeFile(layout.signatures())
    } catch (error) {
      this.#reportOnce(error)
    }
  }
}
