import { expect, test } from 'vitest'
import { LargeMap, LargeSet } from '../../src/base/large-map.js'

const KEYS = ['', 'a', '__proto__', 'é', '#12-9f6c4d07', ...Array.from({ length: 2_000 }, (_, n) => `m${n}`)]

test('a large set says what a set says', () => {
  const set = new LargeSet()
  expect([set.size, set.has('a')]).toEqual([0, false])
  for (const key of [...KEYS, ...KEYS]) set.add(key)
  expect(set.size).toBe(KEYS.length)
  expect(KEYS.filter((key) => !set.has(key))).toEqual([])
  expect(KEYS.filter((key) => set.has(`${key}.`))).toEqual([])
})

test('a large map says what a map says, for texts and for offsets', () => {
  const map = new LargeMap<string | number, number>()
  const offsets = KEYS.map((_, n) => n * 2 ** 40 + n)
  for (const [n, key] of [...KEYS, ...offsets, 'a'].entries()) map.set(key, n)
  expect(map.size).toBe(2 * KEYS.length)
  expect(map.get('a')).toBe(2 * KEYS.length)
  expect(map.get('m7')).toBe(KEYS.indexOf('m7'))
  expect(offsets.every((offset, n) => map.has(offset) && map.get(offset) === KEYS.length + n)).toBe(true)
  expect([map.has('m2000'), map.get('m2000'), map.has(1)]).toEqual([false, undefined, false])
})
