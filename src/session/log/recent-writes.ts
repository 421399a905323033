/** The last writes of this process, kept in memory: nothing else shows that a sync has put an older log in place. */

const MOST_WRITES = 4_096
const MOST_BYTES = 4 * 1024 * 1024

/** Small writes are copied together in pieces of this size. */
const SLAB_BYTES = 64 * 1024

interface Write {
  name: string
  /** They stand in it from `start` to `end`. */
  slab: Buffer
  start: number
  end: number
}

/** The last writes of a store, for as many sessions as it has. Taking note of one costs next to nothing. */
export class RecentWrites {
  readonly #writes: Array<Write | undefined> = new Array(MOST_WRITES)
  #from = 0
  #to = 0
  #bytes = 0
  #slab = Buffer.alloc(0)
  #filled = 0

  note(name: string, bytes: Buffer): void {
    this.#writes[this.#to++ % MOST_WRITES] = this.#place(name, bytes)
    this.#bytes += bytes.length
    while (this.#bytes > MOST_BYTES || this.#to - this.#from >= MOST_WRITES) this.#drop(this.#from++ % MOST_WRITES)
  }

  #place(name: string, bytes: Buffer): Write {
    // a part of a larger buffer, mostly of Node's pool, would keep the rest of that buffer in memory
    if (bytes.buffer.byteLength === bytes.length) return { name, slab: bytes, start: 0, end: bytes.length }
    if (this.#filled + bytes.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes.length))
      this.#filled = 0
    }
    const start = this.#filled
    this.#filled += bytes.copy(this.#slab, start)
    return { name, slab: this.#slab, start, end: this.#filled }
  }

  #drop(place: number): void {
    const write = this.#writes[place]
    if (write !== undefined) this.#bytes -= write.end - write.start
    this.#writes[place] = undefined
  }

  /** Removes and returns the cached writes to one session, oldest first. */
  take(name: string): Buffer[] {
    const taken: Buffer[] = []
    for (let n = this.#from; n < this.#to; n++) {
      const write = this.#writes[n % MOST_WRITES]
      if (write?.name !== name) continue
      taken.push(write.slab.subarray(write.start, write.end))
      this.#drop(n % MOST_WRITES)
    }
    return taken
  }
}
