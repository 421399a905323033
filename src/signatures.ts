/** The signatures of all logs, in memory and in their file. */
import { deviceOf, look, removeFile } from './disk/files.js'
import {
  appendSignatures,
  bytesOnDisk,
  readSignatures,
  replaceSignatures,
  type Signature,
  type SignatureFile,
  sizeOnDisk,
} from './disk/search-file.js'
import { tellError } from './options.js'
import type { StoreContext } from './store-context.js'

/** All together, in memory. Sessions beyond are looked at in each search. */
const MAX_BYTES = 96 * 1024 * 1024
/** The file may have so many bytes more than twice what counts in it. */
const SLACK_BYTES = 256 * 1024
/** What was removed from sessions goes from the file at the latest so long after a search noticed it, ms. */
const REMOVE_MS = 60_000
/** A file so old is written anew, ms. */
const REFRESH_MS = 7 * 24 * 3_600_000

export class Signatures {
  readonly #context: StoreContext
  /** Names of which what is in the file is not what is here. */
  readonly #unsaved = new Set<string>()
  #all: Map<string, Signature> | undefined
  #bytes = 0
  /** Something in the file is of no use, or must go. */
  #mustReplace = false
  #replaced = performance.now()
  /** The file is not written: it could not be used, which was told, or nothing is to be written. */
  #isLeftAlone: boolean

  /** With `writes` false nothing is kept on disk. */
  constructor(context: StoreContext, { writes }: { writes: boolean }) {
    this.#context = context
    this.#isLeftAlone = !writes
  }

  get isLoaded(): boolean {
    return this.#all !== undefined
  }

  get size(): number {
    return this.#all?.size ?? 0
  }

  get bytes(): number {
    return this.#bytes
  }

  /** True when there is something to be saved. */
  get isBehind(): boolean {
    return !this.#isLeftAlone && (this.#unsaved.size > 0 || this.#mustReplace)
  }

  names(): Iterable<string> {
    return this.#all?.keys() ?? []
  }

  values(): Iterable<Signature> {
    return this.#all?.values() ?? []
  }

  get(name: string): Signature | undefined {
    return this.#all?.get(name)
  }

  /** True when one more of so many bytes may be kept. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= MAX_BYTES
  }

  add(signature: Signature): void {
    this.#set(signature)
    this.#unsaved.add(signature.name)
  }

  #set(signature: Signature): void {
    this.#bytes += signature.length - (this.get(signature.name)?.length ?? 0)
    this.#all?.set(signature.name, signature)
  }

  /** Forgets the signature of a log that is no more what it was. */
  delete(name: string): void {
    const signature = this.get(name)
    if (signature === undefined) return
    this.#bytes -= signature.length
    this.#all?.delete(name)
    this.#unsaved.delete(name)
    this.#mustReplace = true
  }

  /** What the file holds, for `load`. A file that cannot be used is told, and left alone. */
  async read(): Promise<SignatureFile | undefined> {
    const { layout, settings } = this.#context
    try {
      return await readSignatures(layout.signatures())
    } catch (error) {
      this.#isLeftAlone = true
      tellError(settings, error, '')
      return undefined
    }
  }

  load(file: SignatureFile | undefined): void {
    this.#all = new Map()
    this.#bytes = 0
    if (file === undefined) return
    // one that is in use must not look forgotten
    if (!file.isWhole || Date.now() - file.mtimeMs > REFRESH_MS) {
      this.#mustReplace = true
      this.#replaced = Number.NEGATIVE_INFINITY
    }
    for (const signature of file.signatures.values()) if (this.hasRoom(signature.length)) this.#set(signature)
  }

  unload(): void {
    this.#all = undefined
    this.#bytes = 0
    this.#unsaved.clear()
    this.#mustReplace = false
  }

  /**
   * Writes down what is not in the file yet; replaces a file of which most counts no more, and one with what must go,
   * though not again and again unless these are the last words.
   */
  async save({ isLast = false } = {}): Promise<void> {
    if (this.#all === undefined || !this.isBehind) return
    const { layout, settings } = this.#context
    const file = layout.signatures()
    try {
      // a store that was removed keeps nothing
      if (deviceOf(layout.root) === undefined) return
      if (this.#isReplaceDue(sizeOnDisk(file) ?? 0, isLast)) {
        await replaceSignatures(file, this.#all.values())
        this.#mustReplace = false
        this.#replaced = performance.now()
      } else {
        await appendSignatures(
          file,
          [...this.#unsaved].map((name) => this.get(name)!),
        )
      }
      this.#unsaved.clear()
    } catch (error) {
      this.#isLeftAlone = true
      tellError(settings, error, '')
    }
  }

  #isReplaceDue(size: number, isLast: boolean): boolean {
    if (size === 0) return true
    if (this.#mustReplace && (isLast || performance.now() - this.#replaced > REMOVE_MS)) return true
    let counts = 0
    for (const signature of this.values()) counts += bytesOnDisk(signature)
    return size > 2 * counts + SLACK_BYTES
  }

  /** Forgets all, the file too. */
  drop(): void {
    this.unload()
    if (this.#isLeftAlone) return
    const { layout, settings } = this.#context
    try {
      if (look(layout.signatures()) !== undefined) removeFile(layout.signatures())
    } catch (error) {
      this.#isLeftAlone = true
      tellError(settings, error, '')
    }
  }
}
