/** Writes a file of parts of another: many small parts in few reads and writes, long ones block by block. */
import fs from 'node:fs'
import { yieldIfDue } from '../../base/event-loop.js'
import type { Range } from '../../log/line.js'
import { readInto, writeAll } from '../files.js'

const BLOCK_BYTES = 256 * 1024
/** A shorter part is gathered with its neighbours. */
const SMALL_BYTES = 32 * 1024

/** Bytes of the former file, or new ones. */
export type Part = Range | Buffer

/** Appends to one open file the bytes of another, in constant memory. Nothing is sure to be written before `flush`. */
export class PartWriter {
  readonly #out: number
  readonly #from: number
  readonly #fromSize: number
  /** What was read of the other file last. */
  readonly #window: Buffer
  #windowStart = 0
  #windowLength = 0
  readonly #gathered: Buffer
  #gatheredLength = 0
  /** How much was taken. */
  size = 0

  constructor(out: number, from: number) {
    this.#out = out
    this.#from = from
    this.#fromSize = fs.fstatSync(from).size
    const length = Math.min(BLOCK_BYTES, this.#fromSize)
    this.#window = Buffer.allocUnsafe(length)
    this.#gathered = Buffer.allocUnsafe(length)
  }

  async add(part: Part): Promise<void> {
    if (Buffer.isBuffer(part)) this.#addBytes(part)
    else if (part.end - part.offset >= SMALL_BYTES) await this.#copy(part)
    else if (this.#holds(part)) this.#addBytes(this.#held(part))
    else {
      await this.#readAt(part.offset)
      if (!this.#holds(part)) throw shortened()
      this.#addBytes(this.#held(part))
    }
  }

  flush(): void {
    writeAll(this.#out, this.#gathered.subarray(0, this.#gatheredLength))
    this.#gatheredLength = 0
  }

  #addBytes(bytes: Buffer): void {
    if (this.#gatheredLength + bytes.length > this.#gathered.length) this.flush()
    if (bytes.length > this.#gathered.length) writeAll(this.#out, bytes)
    else this.#gatheredLength += bytes.copy(this.#gathered, this.#gatheredLength)
    this.size += bytes.length
  }

  async #copy({ offset, end }: Range): Promise<void> {
    this.flush()
    for (let position = offset; position < end; ) {
      await this.#readAt(position)
      const bytes = this.#window.subarray(0, Math.min(this.#windowLength, end - position))
      if (bytes.length === 0) throw shortened()
      writeAll(this.#out, bytes)
      position += bytes.length
    }
    this.size += end - offset
  }

  async #readAt(position: number): Promise<void> {
    await yieldIfDue()
    this.#windowStart = position
    this.#windowLength = 0
    const length = Math.max(0, Math.min(this.#window.length, this.#fromSize - position))
    this.#windowLength = await readInto(this.#window.subarray(0, length), this.#from, position)
  }

  #holds({ offset, end }: Range): boolean {
    return offset >= this.#windowStart && end <= this.#windowStart + this.#windowLength
  }

  #held({ offset, end }: Range): Buffer {
    return this.#window.subarray(offset - this.#windowStart, end - this.#windowStart)
  }
}

function shortened(): Error {
  return Object.assign(new Error('the log became shorter while it was copied'), { code: 'EIO' })
}
