import { describe, expect, test } from 'vitest'
import { splitLines } from '../../../src/cli/bot/split-lines.js'

async function split(chunks: (string | Buffer)[], maxBytes?: number) {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  const lines: { number: number; text: string | null; length: number }[] = []
  const options = maxBytes === undefined ? {} : { maxBytes }
  for await (const { number, data, length } of splitLines(source(), options)) {
    lines.push({ number, text: data?.toString() ?? null, length })
  }
  return lines
}

describe('splitLines', () => {
  test('splits at line feeds only', async () => {
    const text = 'a\r\nb\u2028c\u0085d\re\n'
    expect((await split([text])).map((line) => line.text)).toEqual(['a\r', 'b\u2028c\u0085d\re'])
  })

  test('gives the same lines wherever the chunks are cut', async () => {
    const bytes = Buffer.from('eins\n\nzwei 🐌\nlast')
    const whole = await split([bytes])
    expect(whole.map((line) => line.text)).toEqual(['eins', '', 'zwei 🐌', 'last'])
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(await split([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
    }
    expect(await split(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole)
  })

  test('counts lines from 1 and their bytes add up to the input', async () => {
    const bytes = Buffer.from('ä\n\nlong line\nno end')
    const lines = await split([bytes])
    expect(lines.map((line) => line.number)).toEqual([1, 2, 3, 4])
    expect(lines.reduce((sum, line) => sum + line.length, 0)).toBe(bytes.length)
  })

  test('an input without lines has none', async () => {
    expect(await split([])).toEqual([])
    expect(await split([''])).toEqual([])
  })

  test('skips a line that is too long and continues with the next one', async () => {
    const lines = await split(['ok\n', 'x'.repeat(6), 'x'.repeat(6), '\nexactly 10\n', 'y'.repeat(11)], 10)
    expect(lines).toEqual([
      { number: 1, text: 'ok', length: 3 },
      { number: 2, text: null, length: 13 },
      { number: 3, text: 'exactly 10', length: 11 },
      { number: 4, text: null, length: 11 },
    ])
  })

  test('takes a chunk only when the lines of the last one are gone', async () => {
    let taken = 0
    async function* source() {
      for (let i = 0; i < 5; i++) {
        taken++
        yield Buffer.from('a\nb\n')
      }
    }
    const lines = splitLines(source())
    await lines.next()
    await lines.next()
    expect(taken).toBe(1)
    await lines.next()
    expect(taken).toBe(2)
  })
})
