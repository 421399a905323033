/** Turned by a quarter, signatures say what they said before, and rows tell when they are not what was written. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addColumn,
  columnOf,
  isSealed,
  keepColumns,
  rowWidth,
  seal,
} from '../../../src/disk/search-index/bit-slices.js'

const LENGTH = 16
const COLUMNS = 96
const SEED = 0xdead_beef

const some = fc.array(fc.uint8Array({ minLength: LENGTH, maxLength: LENGTH }), { minLength: 1, maxLength: COLUMNS })

function rowsOf(signatures: readonly Uint8Array[]): Uint32Array {
  const rows = new Uint32Array(8 * LENGTH * rowWidth(COLUMNS))
  for (const [column, bits] of signatures.entries()) addColumn(rows, COLUMNS, column, bits)
  seal(rows, COLUMNS, SEED)
  return rows
}

const isWhole = (rows: Uint32Array, place: number, { at = place, seed = SEED } = {}) =>
  isSealed(rows, at * rowWidth(COLUMNS), COLUMNS, seed, place)

test('each column gives its signature back, and those without one give none', () => {
  fc.assert(
    fc.property(some, (signatures) => {
      const rows = rowsOf(signatures)
      for (let column = 0; column < COLUMNS; column++) {
        expect(columnOf(rows, COLUMNS, column)).toEqual(signatures[column] ?? new Uint8Array(LENGTH))
      }
    }),
    { numRuns: 30 },
  )
})

test('a row with any wrong bit, in another place or of other rows is not believed', () => {
  const places = fc.nat(8 * LENGTH - 1)
  fc.assert(
    fc.property(some, places, places, fc.nat(rowWidth(COLUMNS) * 32 - 1), (signatures, place, other, bit) => {
      const rows = rowsOf(signatures)
      expect(isWhole(rows, place)).toBe(true)
      if (other !== place) expect(isWhole(rows, place, { at: other })).toBe(false)
      expect(isWhole(rows, place, { seed: SEED + 1 })).toBe(false)
      rows[place * rowWidth(COLUMNS) + (bit >>> 5)]! ^= 1 << (bit & 31)
      expect(isWhole(rows, place)).toBe(false)
    }),
    { numRuns: 100 },
  )
})

test('a row of zeros, as power loss leaves it, is not believed', () => {
  const rows = new Uint32Array(8 * LENGTH * rowWidth(COLUMNS))
  for (let place = 0; place < 8 * LENGTH; place++) expect(isWhole(rows, place)).toBe(false)
})

test('what is left out of the columns is in no row', () => {
  const signatures = Array.from({ length: COLUMNS }, (_, i) => new Uint8Array(LENGTH).fill(i + 1))
  const rows = rowsOf(signatures)
  const mask = new Uint32Array(COLUMNS / 32)
  mask[1] = 1 << 7
  keepColumns(rows, mask)
  for (let column = 0; column < COLUMNS; column++) {
    const expected = column === 39 ? signatures[column] : new Uint8Array(LENGTH)
    expect(columnOf(rows, COLUMNS, column)).toEqual(expected)
  }
})
