/** The blocks of signatures in a file, of which only the tables are in memory. */
import { breatheIfDue } from './disk/breath.js'
import { type FileMark, sameFile } from './disk/files.js'
import { type Block, namesIn, signaturesIn } from './disk/search-block.js'
import { openSignatures } from './disk/search-file.js'
import type { Basis, Signature } from './disk/search-record.js'

export class SignatureBlocks {
  readonly #file: string
  readonly #mark: FileMark | undefined
  readonly #places = new Map<string, { block: Block; column: number }>()
  #blocks: Block[] = []
  #bytes = 0

  /** `mark` tells which file the blocks are in: another one in its place is none. */
  constructor(file: string, mark: FileMark | undefined) {
    this.#file = file
    this.#mark = mark
  }

  get size(): number {
    return this.#places.size
  }

  /** How many bytes the signatures have. */
  get bytes(): number {
    return this.#bytes
  }

  get all(): readonly Block[] {
    return this.#blocks
  }

  names(): Iterable<string> {
    return this.#places.keys()
  }

  has(name: string): boolean {
    return this.#places.has(name)
  }

  get(name: string): Basis | undefined {
    const place = this.#places.get(name)
    return place?.block.basisOf(place.column)
  }

  /** Whether the signature is of the log as it is now; undefined without a signature. */
  isOf(name: string, log: FileMark): boolean | undefined {
    const place = this.#places.get(name)
    return place?.block.isOf(place.column, log)
  }

  async withBits(name: string): Promise<Signature | undefined> {
    const place = this.#places.get(name)
    const opened = place && this.open()
    try {
      return opened && (await signaturesIn(opened.fd, place!.block, [place!.column]))?.[0]
    } finally {
      opened?.close()
    }
  }

  /** Adds a block, of whose names there are none yet. */
  add(block: Block): void {
    for (const [column, name] of block.names.entries()) {
      if (name === '') continue
      this.#places.set(name, { block, column })
      this.#bytes += block.length
    }
    this.#blocks.push(block)
  }

  delete(name: string): boolean {
    const place = this.#places.get(name)
    if (place === undefined) return false
    place.block.drop(place.column)
    this.#bytes -= place.block.length
    return this.#places.delete(name)
  }

  /**
   * The names of logs that may say one of the words, each given by what must be set for it. Whatever is in a block that
   * cannot be read may say anything; that is forgotten, and `onLost` told.
   */
  async *candidates(words: readonly number[][], onLost: (name: string) => void): AsyncGenerator<readonly string[]> {
    if (this.#blocks.length === 0) return
    const opened = this.open()
    try {
      for (const block of this.#blocks) {
        if (opened === undefined) yield block.names
        else yield namesIn(opened.fd, block, words) ?? this.#lose(block, onLost)
        await breatheIfDue()
      }
    } finally {
      opened?.close()
    }
  }

  #lose(block: Block, onLost: (name: string) => void): string[] {
    const names = block.names.filter((name) => name !== '')
    for (const name of names) {
      this.delete(name)
      onLost(name)
    }
    this.#blocks = this.#blocks.filter((other) => other !== block)
    return names
  }

  /** The file, if it is still the one that the blocks are in. */
  open(): ReturnType<typeof openSignatures> {
    const opened = openSignatures(this.#file)
    if (opened === undefined || sameFile(opened.mark, this.#mark)) return opened
    opened.close()
    return undefined
  }
}
