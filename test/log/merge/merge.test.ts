import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.js'
import { foldAll } from '../../../src/log/fold.js'
import { labelsOf } from '../../../src/log/labels.js'
import { type Merged, mergeLogs } from '../../../src/log/merge/merge.js'
import { isChat, parseLines } from '../../../src/log/parse.js'
import { totalUsage } from '../../../src/log/usage.js'
import { isLive, visibilityOf } from '../../../src/log/visibility.js'
import { archiveOf } from '../archive.js'
import { idAt } from '../histories.js'
import { read } from '../reading.js'
import { rewrite } from '../rewriting.js'

const FILE_TIME = '2026-11-24T12:00:00.000Z'

/** The n-th line: a message with the content `text`; anything else is the value of the line. */
function line(n: number, given: string | JsonObject): string {
  const value = typeof given === 'string' ? { role: 'user', content: given } : given
  return `${JSON.stringify({ id: idAt(n), at: new Date(Date.UTC(2026, 10, 21, 7, 0, n)).toISOString(), ...value })}\n`
}

const header = (n: number) => line(n, { type: 'session', version: 1, key: 'ann' })
const remove = (...places: number[]) => ({ type: 'remove', ids: places.map(idAt) })
const compaction = (summary: string, through: number) => ({ type: 'compaction', summary, through: idAt(through) })
const label = (set: JsonObject) => ({ type: 'meta', set })
const spent = (content: string, promptTokens: number) => ({ role: 'assistant', content, usage: { promptTokens } })

function log(...lines: Array<string | Buffer>): Buffer {
  return Buffer.concat(lines.map((each) => Buffer.from(each)))
}

function merged(base: Buffer, ours: Buffer, theirs: Buffer): Merged {
  const result = mergeLogs(base, ours, theirs)
  expect(mergeLogs(base, theirs, ours).bytes.toString()).toBe(result.bytes.toString())
  return result
}

function messages({ bytes }: { bytes: Buffer }): unknown[] {
  const { lines, visibility } = read(bytes)
  return lines.filter((each) => isChat(each) && isLive(each, visibility)).map(({ value }) => value.content)
}

function archived({ bytes }: Merged): { summary: string | undefined; texts: unknown[] } {
  const { pieces, lines, visibility } = read(bytes)
  const archive = archiveOf(pieces, visibility, FILE_TIME)
  return {
    summary: archive.summary?.text,
    texts: lines.filter(({ id }) => archive.archived.has(id)).map(({ value }) => value.content),
  }
}

function summaryOf(bytes: Buffer) {
  const pieces = parseLines(bytes)
  return foldAll(pieces, visibilityOf(pieces))
}

const prompts = (bytes: Buffer) => totalUsage(summaryOf(bytes)).get('main')?.promptTokens ?? 0

let made = 500
function rewritten(bytes: Buffer): Buffer {
  return rewrite(bytes, FILE_TIME, () => idAt(made++)) ?? bytes
}

const base = log(header(0), line(1, 'one'), line(2, 'two'))

describe('lines of both sides', () => {
  test('are there once, by time', () => {
    const ours = log(base, line(3, 'a3'), line(6, 'a6'))
    const theirs = log(base, line(4, 'b4'), line(5, 'b5'), line(7, 'b7'))
    const result = merged(base, ours, theirs)
    expect(messages(result)).toEqual(['one', 'two', 'a3', 'b4', 'b5', 'a6', 'b7'])
    expect(result.report).toEqual({ onlyOurs: 2, onlyTheirs: 3, contradictions: [], unreadable: 0 })
  })

  test('keep their order where a clock was wrong', () => {
    const ours = log(base, line(9, 'late'), line(3, 'after it'))
    expect(messages(merged(base, ours, log(base, line(5, 'b5'))))).toEqual(['one', 'two', 'b5', 'late', 'after it'])
  })

  test('keep their bytes, in any spelling', () => {
    const odd = `{ "id":"${idAt(3)}", "n":1.0, "role":"user","role":"user", "big":12345678901234567890 }\n`
    expect(merged(base, log(base, odd), log(base, line(4, 'b'))).bytes.toString()).toContain(odd)
  })

  test('that are equal but for their spelling are one line', () => {
    const spaced = `{"role": "user", "content": "same", "id": "${idAt(3)}"}\n`
    const plain = `{"id":"${idAt(3)}","role":"user","content":"same"}\n`
    const result = merged(base, log(base, spaced, line(4, 'a')), log(base, plain, line(5, 'b')))
    expect(messages(result)).toEqual(['one', 'two', 'same', 'a', 'b'])
    expect(result.bytes.toString()).toContain(plain)
  })

  test('with CRLF and a byte order mark are the same lines', () => {
    const windows = log('\uFEFF', Buffer.from(base.toString().replaceAll('\n', '\r\n')), line(3, 'w'))
    const result = merged(base, windows, log(base, line(4, 'b')))
    expect(messages(result)).toEqual(['one', 'two', 'w', 'b'])
    expect(result.bytes.indexOf('\uFEFF')).toBe(-1)
  })

  test('of two logs without an ancestor are all there, the earlier header first', () => {
    const ours = log(header(2), line(3, 'a'), line(9, 'a9'))
    const theirs = log(header(1), line(4, 'b'))
    const result = merged(Buffer.alloc(0), ours, theirs)
    expect(messages(result)).toEqual(['a', 'b', 'a9'])
    expect(summaryOf(result.bytes).header?.id).toBe(idAt(1))
    expect(
      read(result.bytes)
        .lines.slice(0, 2)
        .map(({ kind }) => kind),
    ).toEqual(['session', 'session'])
  })
})

describe('what one side took away', () => {
  test('by a remove line stays removed, though the other side never saw the line', () => {
    const ours = log(base, line(3, remove(2)))
    expect(messages(merged(base, ours, log(base, line(4, 'b'))))).toEqual(['one', 'b'])
  })

  test('and rewrote away does not come back', () => {
    const ours = rewritten(log(base, line(3, remove(2))))
    const result = merged(base, ours, log(base, line(4, 'b')))
    expect(messages(result)).toEqual(['one', 'b'])
    expect(result.bytes.toString()).not.toContain('two')
  })

  test('stays removed though the other side edited it', () => {
    const ours = rewritten(log(base, line(3, remove(2))))
    expect(messages(merged(base, ours, log(header(0), line(1, 'one'), line(2, 'TWO'))))).toEqual(['one'])
  })

  test('comes back when its remove line is deleted from the file', () => {
    const before = log(base, line(3, remove(2)))
    expect(messages(merged(before, base, log(before, line(4, 'b'))))).toEqual(['one', 'two', 'b'])
  })

  test('stays away in the next merge with an old copy', () => {
    const ours = rewritten(log(base, line(3, remove(2))))
    const theirs = log(base, line(4, 'b'))
    const { bytes } = merged(base, ours, theirs)
    expect(merged(base, bytes, log(theirs, line(5, 'b5'))).bytes.toString()).toBe(`${bytes}${line(5, 'b5')}`)
  })
})

describe('lines that were changed', () => {
  const fixed = log(header(0), line(1, 'one'), line(2, 'too'))

  test('on one side only are kept in the edited form', () => {
    expect(messages(merged(base, fixed, log(base, line(4, 'b'))))).toEqual(['one', 'too', 'b'])
  })

  test('by both sides are both kept, and reported', () => {
    const result = merged(base, fixed, log(header(0), line(1, 'one'), line(2, 'zwei')))
    expect(new Set(messages(result))).toEqual(new Set(['one', 'too', 'zwei']))
    expect(result.report.contradictions).toEqual([idAt(2)])
    expect(new Set(read(result.bytes).lines.map(({ id }) => id)).size).toBe(4)
  })

  test('and contradict each other are known again when they are merged once more', () => {
    const theirs = log(header(0), line(1, 'one'), line(2, 'zwei'))
    const { bytes } = merged(base, fixed, theirs)
    for (const old of [fixed, theirs]) expect(merged(base, bytes, old).bytes.toString()).toBe(bytes.toString())
  })

  test('and removed under an id that means two lines: each side keeps what it did', () => {
    const [ours, theirs] = [line(3, { role: 'user', content: 'mine' }), line(3, { role: 'user', content: 'yours' })]
    const left = log(base, ours, line(4, remove(3)))
    expect(messages(merged(base, left, log(base, theirs)))).toEqual(['one', 'two', 'yours'])
    expect(messages(merged(base, left, log(base, theirs, line(5, remove(3)))))).toEqual(['one', 'two'])
  })
})

describe('lines without an id', () => {
  const bare = '{"role":"user","content":"typed"}\n'
  const before = log(base, bare)
  const id = read(before).lines.at(-1)?.id as string

  test('keep the id that they were known by', () => {
    const result = merged(before, log(before, line(3, 'a')), log(before, line(4, { type: 'remove', ids: [id] })))
    expect(messages(result)).toEqual(['one', 'two', 'a'])
    const again = merged(before, log(before, line(3, 'a')), log(before, line(4, 'b')))
    expect(again.bytes.toString()).toContain(`{"role":"user","content":"typed","id":"${id}"}`)
  })

  test('that a rewrite gave an id are the same lines as before', () => {
    const ours = rewritten(log(before, line(3, remove(1))))
    const result = merged(before, ours, log(before, line(4, 'b')))
    expect(messages(result)).toEqual(['two', 'typed', 'b'])
  })

  test('and both rewrote at different times are one line, of the earlier time', () => {
    const [early, late] = ['2026-11-24T01:00:00.000Z', '2026-11-24T02:00:00.000Z'].map(
      (time) => rewrite(log(before, line(3, remove(1))), time, () => idAt(made++)) as Buffer,
    ) as [Buffer, Buffer]
    const result = merged(before, early, log(late, line(4, 'b')))
    expect(messages(result)).toEqual(['two', 'typed', 'b'])
    expect(read(result.bytes).lines.find(({ value }) => value.content === 'typed')?.at).toBe('2026-11-24T01:00:00.000Z')
  })

  test('that both sides wrote at different places are two lines', () => {
    const result = merged(base, log(base, bare, line(5, 'a')), log(base, line(4, 'b'), bare))
    expect(messages(result).filter((text) => text === 'typed')).toHaveLength(2)
  })

  test('and without a time stay behind the line that they follow', () => {
    const ours = log(base, line(3, 'a3'), bare, '{"role":"user","content":"and more"}\n', line(8, 'a8'))
    const result = merged(base, ours, log(base, line(3, { role: 'user', content: 'b3', id: 'b' }), line(4, 'b4')))
    expect(messages(result)).toEqual(['one', 'two', 'a3', 'typed', 'and more', 'b3', 'b4', 'a8'])
  })
})

describe('what cannot be read', () => {
  const bad = '{"id":"x","role":"us\n'

  test('is kept once, where it stood', () => {
    const before = log(base, bad)
    const result = merged(before, log(before, line(3, 'a')), log(before, line(4, 'b'), 'not json\n'))
    expect(result.report.unreadable).toBe(2)
    expect(result.bytes.toString().split('\n').slice(3)).toEqual([
      bad.trim(),
      line(3, 'a').trim(),
      line(4, 'b').trim(),
      'not json',
      '',
    ])
  })

  test('and one side set aside stays aside', () => {
    const before = log(base, bad, line(3, 'three'))
    const result = merged(before, rewritten(before), log(before, line(4, 'b')))
    expect(result.bytes.toString()).not.toContain(bad)
    expect(messages(result)).toEqual(['one', 'two', 'three', 'b'])
  })

  test('at the end of one side is a line of its own, which the other side cannot be glued to', () => {
    const torn = line(3, 'half').slice(0, 60)
    const result = merged(base, log(base, torn), log(base, line(4, 'b')))
    expect(messages(result)).toEqual(['one', 'two', 'b'])
    expect(result.bytes.toString()).toContain(`${torn}\n`)
    expect(parseLines(result.bytes).filter(({ kind }) => kind === 'damage')).toHaveLength(1)
  })

  test('at the end of one side goes when the other has the whole line', () => {
    const whole = line(3, 'whole')
    const result = merged(base, log(base, line(1, 'again'), whole.slice(0, 60)), log(base, whole))
    expect(result.report.unreadable).toBe(0)
    expect(messages(result)).toContain('whole')
  })

  test('because it was torn goes when its writer comes with the whole line', () => {
    const torn = line(3, 'half').slice(0, 60)
    const first = merged(base, log(base, torn), log(base, line(4, 'b')))
    const second = merged(log(base, torn), first.bytes, log(base, line(3, 'half'), line(5, 'a5')))
    expect(messages(second)).toEqual(['one', 'two', 'half', 'b', 'a5'])
    expect(second.report.unreadable).toBe(0)
  })

  test('a last line that only lacks its line feed is a line', () => {
    expect(messages(merged(base, log(base, line(3, 'open').trim()), log(base, line(4, 'b'))))).toEqual([
      ...['one', 'two', 'open', 'b'],
    ])
  })
})

describe('labels', () => {
  test('of both sides: the later one counts, metadata key by key', () => {
    const ours = log(base, line(3, label({ name: 'ours', tags: ['a'], metadata: { x: '1' } })))
    const theirs = log(base, line(4, label({ name: 'theirs', metadata: { y: '2' } })))
    const { labels } = summaryOf(merged(base, ours, theirs).bytes)
    expect(labelsOf({ labels })).toMatchObject({ name: 'theirs', tags: ['a'] })
    expect(labels.metadata).toEqual({ x: '1', y: '2' })
  })
})

describe('compactions', () => {
  test('do not archive what the other side wrote meanwhile', () => {
    const ours = log(base, line(3, 'a3'), line(6, 'a6'), line(7, compaction('all of a', 6)))
    const theirs = log(base, line(4, 'b4'), line(5, 'b5'))
    const result = merged(base, ours, theirs)
    expect(messages(result)).toEqual(['one', 'two', 'a3', 'a6', 'b4', 'b5'])
    expect(archived(result)).toEqual({ summary: 'all of a', texts: ['one', 'two', 'a3', 'a6'] })
  })

  test('of both sides archive what each archived; the later summary counts', () => {
    const ours = log(base, line(3, 'a3'), line(5, compaction('of a', 3)), line(9, 'a9'))
    const theirs = log(base, line(4, 'b4'), line(6, compaction('of b', 4)), line(8, 'b8'))
    const result = merged(base, ours, theirs)
    expect(archived(result)).toEqual({ summary: 'of b', texts: ['one', 'two', 'a3', 'b4'] })
    expect(messages(result).slice(-2)).toEqual(['b8', 'a9'])
  })

  test('end at the nearest message left when the other side took the last one out', () => {
    const ours = log(base, line(3, compaction('both', 2)))
    const theirs = rewritten(log(base, line(4, remove(2)), line(5, 'b5')))
    const result = merged(base, ours, theirs)
    expect(archived(result)).toEqual({ summary: 'both', texts: ['one'] })
    expect(messages(result)).toEqual(['one', 'b5'])
  })
})

describe('usage', () => {
  const used = log(header(0), line(1, spent('one', 10)), line(2, spent('two', 20)), line(3, spent('three', 40)))

  test('of what one side rewrote away is counted once, though the other side still has the lines', () => {
    const ours = rewritten(log(used, line(4, remove(1))))
    const result = merged(used, ours, log(used, line(5, spent('b', 100))))
    expect(messages(result)).toEqual(['two', 'three', 'b'])
    expect(prompts(result.bytes)).toBe(170)
  })

  test('of what both sides rewrote away is counted once', () => {
    const ours = rewritten(log(used, line(4, spent('gone', 1000)), line(5, remove(1, 2, 4))))
    const theirs = rewritten(log(used, line(6, spent('b', 100)), line(7, remove(2, 3))))
    const result = merged(used, ours, theirs)
    expect(messages(result)).toEqual(['b'])
    expect(prompts(result.bytes)).toBe(1170)
    for (const old of [ours, theirs]) expect(prompts(merged(used, result.bytes, old).bytes)).toBe(1170)
    expect(prompts(rewritten(log(result.bytes, line(8, remove(6)))))).toBe(1170)
  })

  test('without an ancestor is never less than that of either side, nor counted twice', () => {
    const ours = rewritten(log(used, line(4, remove(1))))
    const theirs = log(used, line(5, spent('b', 100)))
    expect(prompts(merged(Buffer.alloc(0), ours, theirs).bytes)).toBe(170)
    const apart = rewritten(log(header(6), line(7, spent('x', 7)), line(8, remove(7))))
    expect(prompts(merged(Buffer.alloc(0), ours, apart).bytes)).toBe(77)
  })
})

describe('the graph of an agent', () => {
  const commit = (n: number, revision: number, nodes: JsonObject[]) =>
    line(n, { type: 'commit', session: 'ann', revision, nodes, leaf: null, usage: [] })
  const node = (nodeId: string, parentNodeId?: string): JsonObject =>
    parentNodeId === undefined ? { nodeId } : { nodeId, parentNodeId }
  const grown = log(base, commit(3, 1, [node('a'), node('b', 'a'), node('c', 'b')]))
  const linesOf = (bytes: Buffer, kind: string) => read(bytes).lines.filter((each) => each.kind === kind)

  test('has the commits of both sides, those of one revision too', () => {
    const result = merged(grown, log(grown, commit(4, 2, [node('d', 'c')])), log(grown, commit(5, 2, [node('e', 'c')])))
    expect(linesOf(result.bytes, 'commit').map(({ id }) => id)).toEqual([idAt(3), idAt(4), idAt(5)])
  })

  test('that one side vacuumed is vacuumed when the other did nothing to it', () => {
    const ours = log(base, commit(3, 1, [node('a'), node('c', 'a')]))
    const result = merged(
      log(grown, line(4, { type: 'tombstone', ids: ['b'] })),
      ours,
      log(grown, line(4, { type: 'tombstone', ids: ['b'] }), line(5, 'b')),
    )
    expect(linesOf(result.bytes, 'commit').map(({ value }) => value.nodes)).toEqual([[node('a'), node('c', 'a')]])
    expect(linesOf(result.bytes, 'tombstone')).toEqual([])
  })

  test('that one side vacuumed while the other built on it keeps the nodes, as tombstoned ones', () => {
    const ours = log(base, commit(3, 1, [node('a'), node('c', 'a')]))
    const result = merged(grown, ours, log(grown, commit(5, 2, [node('d', 'b')])))
    expect(linesOf(result.bytes, 'commit').map(({ value }) => value.nodes)).toEqual([
      [node('a'), node('b', 'a'), node('c', 'b')],
      [node('d', 'b')],
    ])
    expect(linesOf(result.bytes, 'tombstone').map(({ value }) => value.ids)).toEqual([['b']])
    expect(merged(grown, ours, result.bytes).bytes.toString()).toBe(result.bytes.toString())
  })
})

test('a graph that both sides vacuumed is whole, with what either took out as tombstoned nodes', () => {
  const commit = (nodes: JsonObject[]) => log(base, line(3, { type: 'commit', revision: 1, nodes, leaf: 'd' }))
  const grown = [
    { nodeId: 'a' },
    ...['ab', 'bc', 'cd'].map(([up, id]) => ({ nodeId: id as string, parentNodeId: up as string })),
  ]
  const [ours, theirs] = [
    commit([{ nodeId: 'a' }, { nodeId: 'c', parentNodeId: 'a' }, { nodeId: 'd', parentNodeId: 'c' }]),
    commit([{ nodeId: 'a' }, { nodeId: 'b', parentNodeId: 'a' }, { nodeId: 'd', parentNodeId: 'b' }]),
  ]
  const { lines } = read(merged(commit(grown), ours as Buffer, theirs as Buffer).bytes)
  expect(lines.slice(-2).map(({ kind, value }) => [kind, value.nodes ?? value.ids])).toEqual([
    ['commit', grown],
    ['tombstone', ['b', 'c']],
  ])
})

test('a log of a newer format is not merged', () => {
  const newer = log(base, line(3, { type: 'session', version: 2, key: 'ann' }))
  expect(() => mergeLogs(base, newer, log(base, line(4, 'b')))).toThrowError(
    expect.objectContaining({ code: 'ERR_VERSION_UNSUPPORTED' }),
  )
})
