import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { cut, fit, measureFor, table } from '../../../src/cli/terminal/table.js'

const WIDE = Number.POSITIVE_INFINITY
const columns = [{ title: 'KEY' }, { title: 'N', right: true }, { title: 'TEXT' }]

describe('table', () => {
  test('aligns text to the left and numbers to the right', async () => {
    const rows = [
      ['a', '1', 'x'],
      ['longer', '200', ''],
    ]
    expect(await table(columns, rows, WIDE)).toBe('KEY       N  TEXT\na         1  x\nlonger  200')
  })

  test('wide characters, emoji and marks take the columns that they take', async () => {
    const rows = ['日本語', '👨‍👩‍👧‍👦', 'नमस्ते', 'plain', 'é', '한국'].map((key) => [key, '1', '|'])
    const places = (await table(columns, rows, WIDE))
      .split('\n')
      .map((line) => stringWidth(line.replace(/(TEXT|\|)$/, '')))
    expect(new Set(places).size).toBe(1)
  })

  test('fits into the width it is given', async () => {
    const rows = [
      ['telegram_123456789', '12', `a long text ${'日本 '.repeat(40)}`],
      ['matrix_@someone:example.org!room', '3', 'short'],
    ]
    for (const width of [120, 80, 60, 40, 20]) {
      const lines = (await table(columns, rows, width)).split('\n')
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width)
    }
  })

  test('colours are given what is shown and take no room', async () => {
    const red = { title: 'A', paint: (text: string) => `\x1b[31m${text}\x1b[39m` }
    const text = await table([red, { title: 'B' }], [['abcdefghij', 'x']], 8)
    expect(text).toBe('A      B\n\x1b[31mabcd…\x1b[39m  x')
  })
})

test('fit takes from the widest columns first', () => {
  expect(fit([10, 3, 30], 50)).toEqual([10, 3, 30])
  expect(fit([10, 3, 30], 23)).toEqual([10, 3, 10])
  expect(fit([10, 3, 30], 20)).toEqual([8, 3, 9])
  expect(fit([5, 5], 0)).toEqual([1, 1])
})

test('cut keeps whole characters', async () => {
  const measure = await measureFor(['日本語👨‍👩‍👧‍👦'])
  expect(cut('日本語', 6, measure)).toBe('日本語')
  expect(cut('日本語', 5, measure)).toBe('日本…')
  expect(cut('日本語', 4, measure)).toBe('日…')
  expect(cut('👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 3, measure)).toBe('👨‍👩‍👧‍👦…')
  expect(cut('ab', 0, measure)).toBe('')
})
