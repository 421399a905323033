import { describe, expect, test } from 'vitest'
import { IdSource, isV7, timeInId } from '../../src/base/ids.js'

const NOW = Date.parse('2026-11-21T07:00:00.000Z')
const hexOf = (ms: number) => ms.toString(16).padStart(12, '0')
const lastAt = (ms: number) => `${hexOf(ms).slice(0, 8)}-${hexOf(ms).slice(8)}-7fff-bfff-ffffffffffff`

function expectRising(ids: string[]): void {
  for (const id of ids) expect(isV7(id), id).toBe(true)
  expect(ids).toEqual([...new Set(ids)].sort())
}

describe('ids', () => {
  test('are UUIDv7 of the time given', () => {
    expect(timeInId(new IdSource().next(NOW))).toBe(NOW)
    expect(timeInId(new IdSource().next(NOW + 0.9))).toBe(NOW)
  })

  test('rise while the clock runs, stands still or steps back', () => {
    const source = new IdSource()
    const clock = [0, 1, 1, 1, 500, 500, 3, -100_000, -100_000, 501].map((step) => NOW + step)
    expectRising(clock.map((ms) => source.next(ms)))
    expectRising(Array.from({ length: 5000 }, () => source.next(NOW)))
  })

  test('are greater than the id they follow, also one from the future', () => {
    const source = new IdSource()
    const future = new IdSource().next(NOW + 1_000_000)
    const next = source.next(NOW, future)
    expectRising([future, next, source.next(NOW, next)])
    expect(timeInId(next)).toBe(NOW + 1_000_000)
  })

  test('a log that is ahead of the clock does not take the ids of other logs along', () => {
    const source = new IdSource()
    const first = source.next(NOW)
    source.next(NOW, lastAt(NOW + 1_000_000))
    const next = source.next(NOW + 1)
    expectRising([first, next])
    expect(timeInId(next)).toBe(NOW + 1)
  })

  test('do not care for an id of the past or of another kind', () => {
    const source = new IdSource()
    const former = new IdSource().next(NOW - 1000)
    expect(timeInId(source.next(NOW, former))).toBe(NOW)
    for (const odd of ['', 'zzz', 'm1', '#12-00000000', lastAt(NOW + 5).toUpperCase()]) {
      expect(timeInId(source.next(NOW, odd))).toBe(NOW)
    }
  })

  test('continue in the next millisecond when one is used up', () => {
    const source = new IdSource()
    const id = source.next(NOW, lastAt(NOW))
    expect(timeInId(id)).toBe(NOW + 1)
    expectRising([lastAt(NOW), id, source.next(NOW, id)])
  })

  test('take any number for a time', () => {
    const times = [Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 60]
    for (const ms of times) expect(isV7(new IdSource().next(ms))).toBe(true)
  })

  test('are still ids of the usual shape after the last id there is', () => {
    const source = new IdSource()
    const ids = [source.next(NOW, lastAt(2 ** 48 - 1)), source.next(NOW), source.next(NOW)]
    for (const id of ids) expect(isV7(id)).toBe(true)
    expect(new Set(ids).size).toBe(3)
  })
})

describe('the shape of UUIDv7', () => {
  test.each([
    ['019aa1b2-c000-7000-8000-000000000001', true],
    ['019aa1b2-c000-7000-bfff-ffffffffffff', true],
    ['019AA1B2-c000-7000-8000-000000000001', false],
    ['019aa1b2-c000-4000-8000-000000000001', false],
    ['019aa1b2-c000-7000-c000-000000000001', false],
    ['019aa1b2-c000-7000-8000-00000000000', false],
    ['019aa1b2-c000-7000-8000-000000000001 ', false],
    ['019aa1b2c0007000800000000000000001', false],
    ['', false],
  ])('%s: %s', (id, wanted) => {
    expect(isV7(id)).toBe(wanted)
  })
})
