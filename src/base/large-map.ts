/**
 * A map and a set for any number of entries. The built-in ones copy all that they hold when they grow, which takes
 * 10 ms at 262,144 entries and holds the event loop; these consist of parts, of which each grows alone.
 */
const FNV_START = 0x811c9dc5
const FNV_PRIME = 0x01000193
/** The part is told by so many last characters: in ids that count up they differ most. */
const HASHED_CHARS = 8

export class LargeMap<K extends string | number, V> {
  readonly #parts: Array<Map<K, V> | undefined> = []
  #size = 0

  get size(): number {
    return this.#size
  }

  has(key: K): boolean {
    return this.#parts[partOf(key)]?.has(key) ?? false
  }

  get(key: K): V | undefined {
    return this.#parts[partOf(key)]?.get(key)
  }

  set(key: K, value: V): void {
    const place = partOf(key)
    let part = this.#parts[place]
    if (part === undefined) {
      part = new Map()
      this.#parts[place] = part
    }
    this.#size -= part.size
    this.#size += part.set(key, value).size
  }
}

export class LargeSet {
  readonly #entries = new LargeMap<string, true>()

  get size(): number {
    return this.#entries.size
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  add(key: string): void {
    this.#entries.set(key, true)
  }
}

/** One of 256 parts. */
function partOf(key: string | number): number {
  if (typeof key === 'number') return Math.imul(FNV_START ^ key, 0x9e3779b1) >>> 24
  let hash = FNV_START
  for (let i = Math.max(0, key.length - HASHED_CHARS); i < key.length; i++)
    hash = Math.imul(hash ^ key.charCodeAt(i), FNV_PRIME)
  return hash >>> 24
}
