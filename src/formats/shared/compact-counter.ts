/**
 * How often each of many keys came, in 12 to 32 bytes a key. Keys are numbers of 48 bits, which two texts may share once
 * in some hundred million pairs: for uses in which a count that is too high does no harm.
 */
export class CompactCounter {
  #keys = new Float64Array(1024)
  #counts = new Uint32Array(1024)
  #used = 0

  /** How often the key came before; it has come once more now. */
  add(key: number): number {
    if (this.#used * 2 > this.#keys.length) this.#grow()
    const place = this.#placeOf(key)
    const count = this.#counts[place] as number
    if (count === 0) {
      this.#keys[place] = key
      this.#used++
    }
    this.#counts[place] = count + 1
    return count
  }

  has(key: number): boolean {
    return this.#counts[this.#placeOf(key)] !== 0
  }

  #placeOf(key: number): number {
    const mask = this.#keys.length - 1
    let place = (key % 4_294_967_291) & mask
    while (this.#counts[place] !== 0 && this.#keys[place] !== key) place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const [keys, counts] = [this.#keys, this.#counts]
    this.#keys = new Float64Array(keys.length * 2)
    this.#counts = new Uint32Array(keys.length * 2)
    for (let i = 0; i < keys.length; i++) {
      if (counts[i] === 0) continue
      const place = this.#placeOf(keys[i] as number)
      this.#keys[place] = keys[i] as number
      this.#counts[place] = counts[i] as number
    }
  }
}

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
