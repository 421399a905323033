import { describe, expect, test } from 'vitest'
import { bar } from '../../../src/cli/terminal/bar.js'
import { add, byTokens, counters } from '../../../src/cli/usage/rows.js'

describe('bar', () => {
  test('fills its width by eighths', () => {
    expect([1, 0.5, 0.53, 0.001, 0].map((share) => bar(share, 10, 'blocks'))).toEqual([
      '██████████',
      '█████',
      '█████▎',
      '▏',
      '',
    ])
  })

  test('plain, and never empty for something', () => {
    expect([1, 0.5, 0.001, 0, Number.NaN].map((share) => bar(share, 10, 'plain'))).toEqual([
      '##########',
      '#####',
      '#',
      '',
      '',
    ])
  })
})

test('rows add up and are ordered by tokens, then by name', () => {
  const sums = new Map()
  add(sums, 'b', [
    { ...counters(), apiCalls: 1, promptTokens: 3 },
    { ...counters(), apiCalls: 1, completionTokens: 4 },
  ])
  add(sums, 'c', [{ ...counters(), apiCalls: 1, cacheReadTokens: 900 }])
  add(sums, 'a', [{ ...counters(), apiCalls: 1 }])
  expect(byTokens(sums).map(([name, { totalTokens, apiCalls }]) => [name, totalTokens, apiCalls])).toEqual([
    ['b', 7, 2],
    ['a', 0, 1],
    ['c', 0, 1],
  ])
})
