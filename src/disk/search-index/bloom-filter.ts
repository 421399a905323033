/**
 * A Bloom filter over the texts of a log: it never misses a word of them, and rules out most other words. Each run of
 * three, four and five UTF-16 code units of a text sets one bit.
 */

const MIN_BYTES = 128
const MAX_BYTES = 128 * 1024

/**
 * How many bytes the signature of a log of this size has: a power of two. A quarter of a short log, less of a longer one,
 * which repeats more: a third to a half of the bits are set in natural text.
 */
export function signatureBytes(logBytes: number): number {
  const wanted = 2 ** Math.round(Math.log2(Math.max(logBytes, 1)) * 0.8)
  return Math.min(Math.max(wanted, MIN_BYTES), MAX_BYTES)
}

/** Adds a text, in lower case. The length of `bits` is a power of two. */
export function addText(bits: Uint8Array, text: string): void {
  const mask = bits.length * 8 - 1
  let a = 0
  let b = 0
  let c = text.charCodeAt(0)
  let d = text.charCodeAt(1)
  for (let i = 2; i < text.length; i++) {
    const e = text.charCodeAt(i)
    const three = threeOf(c, d, e)
    setBit(bits, three & mask)
    if (i > 2) {
      const four = oneMore(b, three)
      setBit(bits, four & mask)
      if (i > 3) setBit(bits, oneMore(a, four) & mask)
    }
    a = b
    b = c
    c = d
    d = e
  }
}

function setBit(bits: Uint8Array, place: number): void {
  bits[place >>> 3]! |= 1 << (place & 7)
}

/** The bits that a text with the word sets, the rarest first. The word is in lower case. */
export function probesOf(word: string): number[] {
  const threes: number[] = []
  const fours: number[] = []
  const fives: number[] = []
  for (let i = 2; i < word.length; i++) {
    const three = threeOf(word.charCodeAt(i - 2), word.charCodeAt(i - 1), word.charCodeAt(i))
    threes.push(three)
    if (i < 3) continue
    const four = oneMore(word.charCodeAt(i - 3), three)
    fours.push(four)
    if (i > 3) fives.push(oneMore(word.charCodeAt(i - 4), four))
  }
  return [...fives, ...fours, ...threes]
}

/** False when no text of the signature contains the word that sets these bits. */
export function mayContain(bits: Uint8Array, probes: readonly number[]): boolean {
  const mask = bits.length * 8 - 1
  for (const probe of probes) {
    const place = probe & mask
    if ((bits[place >>> 3]! & (1 << (place & 7))) === 0) return false
  }
  return true
}

function threeOf(a: number, b: number, c: number): number {
  return mixed(Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35))
}

/** The run that begins one code unit earlier. */
function oneMore(before: number, run: number): number {
  return mixed(Math.imul(before + 0x10000, 0x27d4eb2f) ^ run)
}

function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  return once ^ (once >>> 15)
}
