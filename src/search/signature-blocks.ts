/** The blocks of signatures in a file, of which only the tables are in memory. */
import { breatheIfDue } from '../base/event-loop.js'
import { type FileMark, sameFile } from '../disk/files.js'
import { type Block, MAX_COLUMNS, namesIn, signaturesIn } from '../disk/search-index/block.js'
import { openSignatures } from '../disk/search-index/file.js'
import type { Basis, Signature } from '../disk/search-index/record.js'

export class SignatureBlocks {
  readonly #file: string
  readonly #mark: FileMark | undefined
  /** Number of the block times `MAX_COLUMNS`, plus the column in it. */
  readonly #places = new Map<string, number>()
  readonly #blocks: Block[] = []
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
    return place === undefined ? undefined : this.#blockAt(place).basisOf(place % MAX_COLUMNS)
  }

  /** Whether the signature is of the log as it is now; undefined without a signature. */
  isOf(name: string, log: FileMark): boolean | undefined {
    const place = this.#places.get(name)
    return place === undefined ? undefined : this.#blockAt(place).isOf(place % MAX_COLUMNS, log)
  }

  #blockAt(place: number): Block {
    return this.#blocks[Math.floor(place / MAX_COLUMNS)]!
  }

  async withBits(name: string): Promise<Signature | undefined> {
    const place = this.#places.get(name)
    if (place === undefined) return undefined
    const opened = this.open()
    try {
      return opened && (await signaturesIn(opened.fd, this.#blockAt(place), [place % MAX_COLUMNS]))?.[0]
    } finally {
      opened?.close()
    }
  }

  /** Adds a block, whose signatures count instead of former ones. */
  add(block: Block): void {
    const first = this.#blocks.push(block) * MAX_COLUMNS - MAX_COLUMNS
    const { names, length } = block
    for (let column = 0; column < names.length; column++) {
      const name = names[column]!
      if (name === '') continue
      if (this.#places.has(name)) this.delete(name)
      this.#places.set(name, first + column)
      this.#bytes += length
    }
  }

  delete(name: string): boolean {
    const place = this.#places.get(name)
    if (place === undefined) return false
    const block = this.#blockAt(place)
    block.drop(place % MAX_COLUMNS)
    this.#bytes -= block.length
    return this.#places.delete(name)
  }

  /**
   * The names of logs that may say one of the words, each given by what must be set for it. Whatever is in a block that
   * cannot be read may say anything; that is forgotten, and `onLost` told.
   */
  async *candidates(words: readonly number[][], onLost: (name: string) => void): AsyncGenerator<readonly string[]> {
    if (this.#places.size === 0) return
    const opened = this.open()
    try {
      for (const block of this.#blocks) {
        if (block.count === 0) continue
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
