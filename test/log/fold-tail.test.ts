import { describe, expect, test } from 'vitest'
import { foldAll } from '../../src/log/fold.js'
import { BackwardReading, canFollow, foldTail, idsToLookUp, liveAmong } from '../../src/log/fold-tail.js'
import { isLine } from '../../src/log/line.js'
import { parseLines, standInId } from '../../src/log/parse.js'
import { toStored } from '../../src/log/views.js'
import { visibilityOf } from '../../src/log/visibility.js'
import { idAt } from './histories.js'

const text = (lines: unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
const user = (n: number) => ({ id: idAt(n), role: 'user' })
const remove = (n: number, ...ids: string[]) => ({ type: 'remove', id: idAt(n), ids })

function tail(below: unknown[], added: unknown[]) {
  const start = Buffer.from(text(below))
  const pieces = parseLines(start)
  const summary = foldAll(pieces, visibilityOf(pieces))
  const more = parseLines(Buffer.from(text(added)), start.length)
  return { summary, pieces, more, named: idsToLookUp(summary, more) }
}

describe('what a fold must look up below a watermark', () => {
  test('nothing for new lines, and for removals of new lines', () => {
    expect(tail([user(1)], [user(2), { role: 'bare' }, remove(3, idAt(2))]).named).toEqual(new Set())
  })

  test('the ids that removals name and the added lines do not hold', () => {
    expect(tail([user(1)], [user(5), remove(6, idAt(1), 'm1', idAt(5), '#0-00000000')]).named).toEqual(
      new Set([idAt(1), 'm1', '#0-00000000']),
    )
  })

  test('no id that is greater than all below: it names nothing yet', () => {
    expect(tail([user(1)], [remove(2, idAt(9))]).named).toEqual(new Set())
  })

  test('an id that does not rise takes a reading of the whole log', () => {
    expect(tail([user(5)], [user(5)]).named).toBeUndefined()
    expect(tail([user(5)], [user(4)]).named).toBeUndefined()
    expect(tail([user(5)], [user(6), user(6)]).named).toBeUndefined()
    expect(tail([user(5)], [{ id: 'm1', role: 'user' }]).named).toBeUndefined()
    expect(tail([user(1), remove(2, idAt(8))], [user(7)]).named).toBeUndefined()
    expect(tail([user(1)], [remove(2, idAt(8)), user(7)]).named).toBeUndefined()
  })

  test('a line without id is new unless its place was named before it stood there', () => {
    expect(tail([{ role: 'a' }, remove(1, '#0-00000000')], [{ role: 'a' }]).named).toEqual(new Set())
    expect(tail([remove(1, '#900-00000000')], [{ role: 'a' }]).named).toBeUndefined()
    expect(tail([], [{ id: '#900-00000000', role: 'a' }]).named).toBeUndefined()
  })
})

test('a removal below the watermark is taken off the count', () => {
  const { summary, more, named } = tail([user(1), user(2)], [user(3), remove(4, idAt(1), 'nobody'), remove(5, idAt(3))])
  expect(named).toEqual(new Set([idAt(1), 'nobody']))
  foldTail(summary, more, new Set([idAt(1)]))
  expect(summary.messages).toBe(1)
})

describe('what the sums of a tail cannot follow', () => {
  const compaction = (n: number, through: string | null) => ({ type: 'compaction', id: idAt(n), summary: 's', through })
  const follows = (below: unknown[], ...removed: string[]) => {
    const { summary, pieces } = tail(below, [])
    const live = liveAmong(pieces.toReversed(), summary, new Set(removed)).next().value
    return live !== undefined && canFollow(summary, new Set(removed), live)
  }

  test('a compaction among the added lines, or one below that names a line to come', () => {
    expect(tail([user(1)], [compaction(2, idAt(1))]).named).toBeUndefined()
    expect(tail([compaction(1, idAt(5))], [user(5)]).named).toBeUndefined()
    expect(tail([compaction(1, '#900-00000000')], [{ role: 'a' }]).named).toBeUndefined()
  })

  test('the removal of an archived message', () => {
    const below = [user(1), user(2), user(3), compaction(4, idAt(2))]
    expect(follows(below, idAt(3))).toBe(true)
    expect(follows(below, idAt(2))).toBe(false)
    expect(follows(below, idAt(3), idAt(1))).toBe(false)
    const bare = standInId(text([user(1)]).length, '{"role":"a"}')
    expect(follows([user(1), { role: 'a' }, compaction(2, bare)], idAt(1))).toBe(false)
    expect(follows([user(1), compaction(2, null)], idAt(1))).toBe(true)
  })

  test('of whatever ids: the place of a message says whether it is archived', () => {
    const numbered = (n: number) => ({ id: `${n}`, role: 'user' })
    const below = [numbered(3), numbered(2), numbered(9), compaction(4, '2'), numbered(1)]
    expect(follows(below, '1', '9')).toBe(true)
    expect(follows(below, '2')).toBe(false)
    expect(follows(below, '3', '9')).toBe(false)
  })

  test('the removal of a compaction, or of a value without a role', () => {
    const named = new Set([idAt(2)])
    expect(canFollow(tail([user(1), compaction(2, null)], []).summary, named, new Set())).toBe(false)
    expect(canFollow(tail([{ type: 'message', id: idAt(2), value: 1 }], []).summary, named, new Set())).toBe(false)
    expect(canFollow(tail([user(1)], []).summary, named, new Set())).toBe(true)
  })

  test('a time that is carried over to an archive whose compaction names none', () => {
    const below = [{ ...user(1), at: '2026-11-21T07:00:00.000Z' }, { ...compaction(2, idAt(1)) }]
    expect(tail(below, [user(3)]).named).toBeUndefined()
  })
})

describe('reading backwards', () => {
  const back = (lines: unknown[]) => {
    const pieces = parseLines(Buffer.from(text(lines)))
    const reading = new BackwardReading(foldAll(pieces, visibilityOf(pieces)))
    const seen: string[] = []
    for (const piece of pieces.toReversed()) {
      const live = reading.add(piece)
      if (reading.uncertain) return [...seen, 'uncertain']
      if (live && 'id' in piece) seen.push(piece.id)
    }
    return seen
  }

  test('gives live messages, last first', () => {
    expect(back([user(1), user(2), remove(3, idAt(2)), { type: 'meta', id: idAt(4), set: {} }, user(5)])).toEqual([
      idAt(5),
      idAt(1),
    ])
  })

  test('stays certain after a removal of a line without id', () => {
    expect(back([{ role: 'a' }, { role: 'a' }, remove(1, '#13-9f6c4d07'), { role: 'b' }])).not.toContain('uncertain')
  })

  test('knows how far a compaction reaches, and the time that was carried over to lines without one', () => {
    const lines = [
      { id: idAt(1), role: 'a' },
      { ...user(2), at: '2026-11-21T07:00:00.000Z' },
      { type: 'compaction', id: idAt(3), summary: 's', through: idAt(1) },
      { type: 'meta', id: idAt(4), set: { lastActivity: '2026-11-22T07:00:00Z' } },
    ]
    const pieces = parseLines(Buffer.from(text(lines)))
    const reading = new BackwardReading(foldAll(pieces, visibilityOf(pieces)))
    const seen = pieces
      .toReversed()
      .flatMap((piece) => (reading.add(piece) && isLine(piece) ? [[piece, reading.archived] as const] : []))
    expect(seen.map(([line, archived]) => [line.id, archived])).toEqual([
      [idAt(2), false],
      [idAt(1), true],
    ])
    expect(seen.map(([line]) => toStored(line, reading.visibility, 'unused').at)).toEqual([
      '2026-11-21T07:00:00.000Z',
      '2026-11-22T07:00:00.000Z',
    ])
  })

  test('is certain where ids do not rise and are not repeated', () => {
    expect(back([user(3), { id: 'm1', role: 'user' }, user(1)])).toEqual([idAt(1), 'm1', idAt(3)])
  })

  test('is uncertain before an id that is repeated, or that an earlier line names', () => {
    const m1 = { id: 'm1', role: 'user' }
    expect(back([user(1), m1, user(2), m1, user(3)])).toEqual([idAt(3), 'uncertain'])
    expect(back([user(1), remove(2, 'm1'), m1, user(3)])).toEqual([idAt(3), 'uncertain'])
    const compaction = { type: 'compaction', id: idAt(2), summary: 's', through: 'm1' }
    expect(back([user(1), compaction, m1, user(3)])).toEqual([idAt(3), 'uncertain'])
    expect(back([remove(1, '#100-00000000'), { role: 'a' }, user(3)])).toEqual([idAt(3), 'uncertain'])
  })
})
