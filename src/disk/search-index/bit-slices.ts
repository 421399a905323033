/**
 * Signatures of one length, turned by a quarter: a row for each of their bits, in which each of them has a column. What
 * a word needs is in a few rows then, and the others need not be read. A row is its columns, 32 to a number, and a
 * checksum, so that it can be believed by itself.
 */

/** How many numbers a row has. `columns` is a multiple of 32. */
export function rowWidth(columns: number): number {
  return columns / 32 + 1
}

/** Puts a signature into its column, which is empty. */
export function addColumn(rows: Uint32Array, columns: number, column: number, bits: Uint8Array): void {
  const width = rowWidth(columns)
  const bit = 1 << (column & 31)
  const at = column >>> 5
  for (let i = 0; i < bits.length; i++) {
    for (let left = bits[i]!; left !== 0; left &= left - 1) {
      const place = 8 * i + 31 - Math.clz32(left & -left)
      rows[place * width + at]! |= bit
    }
  }
}

/** The signature in a column. */
export function columnOf(rows: Uint32Array, columns: number, column: number): Uint8Array {
  const width = rowWidth(columns)
  const bits = new Uint8Array(rows.length / width / 8)
  const at = column >>> 5
  for (let place = 0; place < bits.length * 8; place++) {
    bits[place >>> 3]! |= ((rows[place * width + at]! >>> (column & 31)) & 1) << (place & 7)
  }
  return bits
}

/** Gives rows their checksums, which hold for no other place and for no other `seed`. */
export function seal(rows: Uint32Array, columns: number, seed: number): void {
  const width = rowWidth(columns)
  for (let at = 0, place = 0; at < rows.length; at += width, place++) {
    rows[at + width - 1] = checksumOf(rows, at, width, seed, place)
  }
}

/** True for a row, `at` the start of it, that is as it was sealed. */
export function isSealed(rows: Uint32Array, at: number, columns: number, seed: number, place: number): boolean {
  const width = rowWidth(columns)
  return rows[at + width - 1] === checksumOf(rows, at, width, seed, place)
}

/** A single wrong number is always noticed. */
function checksumOf(rows: Uint32Array, at: number, width: number, seed: number, place: number): number {
  let sum = seed ^ Math.imul(place + 1, 0x9e3779b1)
  for (let i = at; i < at + width - 1; i++) {
    sum = Math.imul(sum ^ rows[i]!, 0x85ebca6b)
    sum ^= sum >>> 13
  }
  return sum >>> 0
}

/** Leaves in each row only the columns that are set in `mask`. */
export function keepColumns(rows: Uint32Array, mask: Uint32Array): void {
  const width = mask.length + 1
  for (let at = 0; at < rows.length; at += width) {
    for (let i = 0; i < mask.length; i++) rows[at + i]! &= mask[i]!
  }
}
