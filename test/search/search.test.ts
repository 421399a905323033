/** A search finds what reading every message finds, for any spelling of the words on disk. */
import fs from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { message, open, tempFolder } from '../helpers/store.js'

const LETTERS = [
  ...'aAkKiIsSßſσςΣéÉ/\\"\n\t .*+(',
  '\u212a',
  '\u0130',
  '\u0131',
  '\u0301',
  '\u0307',
  '\u0338',
  ';',
  '\u037e',
  '\u1fef',
  '\ud800',
  '😀',
  '日',
]
const text = fc.array(fc.constantFrom(...LETTERS), { maxLength: 12 }).map((letters) => letters.join(''))
const word = fc.array(fc.constantFrom(...LETTERS), { minLength: 1, maxLength: 3 }).map((letters) => letters.join(''))

test('of any word in any text', async () => {
  const dir = tempFolder()
  const store = await open(dir)
  const texts = fc.sample(text, { numRuns: 150, seed: 7 })
  for (const [i, content] of texts.entries()) await store.session(`s${i}`).append(message(content))
  // as other programs spell them
  const escaped = (content: string) =>
    JSON.stringify(content).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  for (const [i, content] of texts.entries()) {
    const line = `{"role":"user","content":${escaped(content).replaceAll('/', '\\/')}}\n`
    fs.writeFileSync(`${dir}/f${i}.jsonl`, line)
  }
  for (const wanted of fc.sample(word, { numRuns: 400, seed: 8 })) {
    if (wanted.includes('"') || wanted.trim() === '') continue
    const found = (await store.search(`"${wanted}"`, { limit: 1_000 })).map(({ key }) => key)
    const folded = (one: string) => one.normalize('NFC').toLowerCase()
    const isIn = (content: string) => folded(content).includes(folded(wanted))
    const expected = texts.flatMap((content, i) => (isIn(content) ? [`s${i}`, `f${i}`] : []))
    expect(found.sort(), JSON.stringify(wanted)).toEqual(expected.sort())
  }
})
