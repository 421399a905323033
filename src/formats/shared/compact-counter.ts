/**
 * How often each of many keys came, in 13 to 27 bytes a key. Keys are numbers of 48 bits, which two texts may share once
 * in some hundred million pairs: for uses in which a count that is too high does no harm.
 */
export class CompactCounter {
  #low = new Uint32Array(SMALLEST)
  #high = new Uint16Array(SMALLEST)
  #counts = new Uint32Array(SMALLEST)
  #used = 0

  /** How often the key came before; it has come once more now. */
  add(key: number): number {
    if (this.#used * 4 > this.#counts.length * 3) this.#grow()
    const place = this.#placeOf(key)
    const count = this.#counts[place] as number
    if (count === 0) this.#take(place, key)
    this.#counts[place] = count + 1
    return count
  }

  /** All keys are new again. */
  clear(): void {
    if (this.#used === 0) return
    if (this.#counts.length === SMALLEST) this.#counts.fill(0)
    else this.#make(SMALLEST)
    this.#used = 0
  }

  has(key: number): boolean {
    return this.#counts[this.#placeOf(key)] !== 0
  }

  #take(place: number, key: number): void {
    this.#low[place] = key % 2 ** 32
    this.#high[place] = Math.floor(key / 2 ** 32)
    this.#used++
  }

  #placeOf(key: number): number {
    const [low, high] = [key % 2 ** 32, Math.floor(key / 2 ** 32)]
    const mask = this.#counts.length - 1
    let place = (low ^ (high << 7)) & mask
    while (this.#counts[place] !== 0 && (this.#low[place] !== low || this.#high[place] !== high))
      place = (place + 1) & mask
    return place
  }

  #make(size: number): void {
    this.#low = new Uint32Array(size)
    this.#high = new Uint16Array(size)
    this.#counts = new Uint32Array(size)
  }

  #grow(): void {
    const [low, high, counts] = [this.#low, this.#high, this.#counts]
    this.#make(counts.length * 2)
    this.#used = 0
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0) continue
      const key = (high[i] as number) * 2 ** 32 + (low[i] as number)
      const place = this.#placeOf(key)
      this.#take(place, key)
      this.#counts[place] = counts[i] as number
    }
  }
}

const SMALLEST = 1024

/** 48 bits of a text: two rounds of FNV-1a with other beginnings. */
export function keyOf(text: string): number {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x85ebca6b) ^ (b >>> 13)
  }
  return (a >>> 0) * 65_536 + ((b >>> 0) & 0xffff)
}
