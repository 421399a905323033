import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { LogReader } from '../../../src/disk/log/log-reader.js'
import { randomOf, tempFolder } from '../../helpers/store.js'

test('backwards gives the pieces of a log in reverse, for any lengths and characters', async () => {
  const file = path.join(tempFolder(), 'a.jsonl')
  const random = randomOf(3)
  const pick = <T>(choices: readonly T[]) => choices[Math.floor(random() * choices.length)] as T
  for (let round = 0; round < 25; round++) {
    const lines = Array.from({ length: 1 + Math.floor(random() * 40) }, () => {
      const length = Math.floor(random() * pick([10, 400, 5_000, 40_000, 140_000]))
      return `{"role":"user","content":"${pick(['x', 'é', '\u{1f600}']).repeat(length)}"}${pick(['\n', '\n', '\r\n', '\n\n'])}`
    })
    fs.writeFileSync(file, lines.join('') + pick(['', '{"torn', '{"role":"user"}', 'x'.repeat(50_000)]))
    await LogReader.using(file, async (reader) => {
      const pieces = await reader.pieces()
      expect([...reader.backwards()].reverse()).toEqual(pieces)
      const end = pieces[Math.floor(random() * pieces.length)]?.offset
      expect([...reader.backwards(end)].reverse()).toEqual(pieces.filter(({ offset }) => offset < (end as number)))
    })
  }
})
