import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isLine, type Line } from '../../src/log/line.js'
import { cutByIds } from '../../src/log/orderly.js'
import { parseLines } from '../../src/log/parse.js'
import { messageLine, messageText } from '../../src/log/serialize.js'
import { idAt, inFormerOrder } from './histories.js'

const lookAlikes = fs.readFileSync(new URL('../../fixtures/v1-people-first/store/look-alikes.jsonl', import.meta.url))
const written = Array.from({ length: 40 }, (_, n) =>
  messageLine({ id: idAt(n), at: '2026-11-21T07:00:00.000Z' }, messageText({ role: 'user', content: 'x'.repeat(n) })),
)

describe('lines that are looked for by their ids', () => {
  it.each([
    ['as they are written', Buffer.from(written.join(''))],
    ['as they were written before', Buffer.from(written.map(inFormerOrder).join(''))],
    ['first as before, then as now', Buffer.from(written.map((l, n) => (n < 9 ? inFormerOrder(l) : l)).join(''))],
    ['that look like others', lookAlikes],
  ])('are found, each alone and all together: %s', (_, log) => {
    const lines = parseLines(log).filter(isLine)
    const ids = lines.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].sort())
    for (const line of lines) expect(cutByIds(log, 0, [line.id], 0)).toEqual([line])
    expect(cutByIds(log, 0, ids, 0)).toEqual(lines)
    expect(cutByIds(log, 0, ids, ids.length - 2)).toEqual(lines.slice(-2))
  })

  it('where one is missing, the one behind its place is given', () => {
    const log = Buffer.from(written.toSpliced(5, 1).join(''))
    const [found, ...others] = cutByIds(log, 0, [idAt(5)], 0) as Line[]
    expect([found?.id, others]).toEqual([idAt(6), []])
  })
})
