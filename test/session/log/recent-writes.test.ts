import { expect, test } from 'vitest'
import { RecentWrites } from '../../../src/session/log/recent-writes.js'

const WRITES = 4_000
const KILOBYTE = 1024

test('remembered small writes keep no other memory alive', () => {
  const writes = new RecentWrites()
  for (let i = 0; i < WRITES; i++) {
    writes.note(`s${i % 2}`, Buffer.from(`write ${i}`.padEnd(100)))
    // what others take from the same pool
    Buffer.allocUnsafe(3 * KILOBYTE)
  }
  const taken = [...writes.take('s0'), ...writes.take('s1')]
  expect(taken.map(String).sort()).toEqual(Array.from({ length: WRITES }, (_, i) => `write ${i}`.padEnd(100)).sort())
  const held = [...new Set(taken.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0)
  expect(held).toBeLessThan(WRITES * 100 + 200 * KILOBYTE)
})

test('the oldest go first, and at most 4 MB stay', () => {
  const writes = new RecentWrites()
  for (let i = 0; i < 50; i++) writes.note('s', Buffer.alloc(100 * KILOBYTE, i))
  const taken = writes.take('s')
  expect(taken.map(([first]) => first)).toEqual(Array.from({ length: 40 }, (_, i) => i + 10))
  expect(writes.take('s')).toEqual([])
})
