import { describe, expect, test } from 'vitest'
import { isLine, type Line, type LineKind, type Piece } from '../../src/log/line.js'
import { isChat, isoTime, parseLines, standInId, standInOffset, timeOf } from '../../src/log/parse.js'

const parse = (text: string | Buffer, base = 0, atEnd = true) => parseLines(Buffer.from(text), base, atEnd)
const one = (text: string | Buffer): Piece => parse(text)[0] as Piece
const line = (text: string): Line => {
  const piece = one(text)
  if (!isLine(piece)) throw new Error(`not a line: ${text}`)
  return piece
}
const kinds = (text: string | Buffer) => parse(text).map(({ kind }) => kind)

describe('kinds of lines', () => {
  const table: Array<[LineKind, string]> = [
    ['session', '{"type":"session","version":1,"key":"k"}'],
    ['session', '{"type":"session","version":2,"key":""}'],
    ['unknown', '{"type":"session","version":"1","key":"k"}'],
    ['unknown', '{"type":"session","version":1}'],
    ['message', '{"role":"user","content":"hi"}'],
    ['message', '{"role":""}'],
    ['message', '{"type":"message","role":"user"}'],
    ['message', '{"type":"message","value":null}'],
    ['unknown', '{"type":"message"}'],
    ['unknown', '{"type":"message","role":5}'],
    ['unknown', '{"type":null,"role":"user"}'],
    ['unknown', '{"type":5,"role":"user"}'],
    ['unknown', '{"type":"note","role":"user"}'],
    ['unknown', '{"type":"constructor"}'],
    ['remove', '{"type":"remove","ids":[]}'],
    ['remove', '{"type":"remove","ids":["a","b"]}'],
    ['unknown', '{"type":"remove","ids":["a",1]}'],
    ['unknown', '{"type":"remove","ids":"a"}'],
    ['unknown', '{"type":"remove"}'],
    ['compaction', '{"type":"compaction","summary":"","through":null}'],
    ['compaction', '{"type":"compaction","summary":"s"}'],
    ['unknown', '{"type":"compaction","through":"a"}'],
    ['meta', '{"type":"meta","set":{}}'],
    ['unknown', '{"type":"meta","set":[]}'],
    ['unknown', '{"type":"meta","set":null}'],
    ['commit', '{"type":"commit"}'],
    ['tombstone', '{"type":"tombstone","ids":["n"]}'],
    ['unknown', '{"type":"tombstone","ids":[null]}'],
  ]
  test.each(table)('%s: %s', (kind, text) => {
    expect(one(`${text}\n`)).toMatchObject({ kind, offset: 0, end: text.length + 1, open: false })
  })

  test('a message of every contract has a string role', () => {
    expect(isChat(line('{"role":""}'))).toBe(true)
    expect(isChat(line('{"type":"message","value":1}'))).toBe(false)
    expect(isChat(line('{"type":"meta","set":{},"role":"user"}'))).toBe(false)
  })

  test('a field named __proto__ is a field like others and lends no type or role', () => {
    expect(line('{"role":"user","__proto__":{"type":"remove","ids":[]}}').kind).toBe('message')
    expect(kinds('{"__proto__":{"role":"user"}}\n')).toEqual(['damage'])
  })

  test('of two fields of one name the later one counts, as everywhere in JSON', () => {
    expect(line('{"id":"a","id":5,"role":"user"}').bare).toBe(true)
    expect(line('{"type":"note","type":"message","role":"user"}').kind).toBe('message')
  })
})

describe('damage', () => {
  const table: Array<[string, string | Buffer]> = [
    ['not JSON', 'this is not valid json'],
    ['not JSON', '{"role":"user"'],
    ['not JSON', '{"role":"user"}{"role":"user"}'],
    ['not JSON', '{"role":"user"},'],
    ['not JSON', '\u0000\u0000\u0000'],
    ['not JSON', '{"role":"user"}\u0000'],
    ['not JSON', '{"role":"user","content":"\u0001"}'],
    ['not JSON', '\u00a0{"role":"user"}'],
    ['not a JSON object', '["user","hi"]'],
    ['not a JSON object', '42'],
    ['not a JSON object', '"x"'],
    ['not a JSON object', 'null'],
    ['not a JSON object', 'true'],
    ['neither a type nor a string role', '{}'],
    ['neither a type nor a string role', '{"role":5,"content":"x"}'],
    ['neither a type nor a string role', '{"id":"a","content":"x"}'],
    ['not UTF-8', Buffer.from('{"role":"\xff"}', 'latin1')],
    ['not UTF-8', Buffer.from([0xed, 0xa0, 0x80])],
    ['not UTF-8', Buffer.from([0xc0, 0xaf])],
  ]
  test.each(table)('%s: %j', (reason, text) => {
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from('\n')])
    expect(parse(bytes)).toEqual([{ kind: 'damage', offset: 0, end: bytes.length, reason, open: false }])
  })

  test('costs its own line only', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"role":"a"}\n'),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('{"role":"b"}\n'),
    ])
    expect(parse(bytes)).toMatchObject([
      { kind: 'message', offset: 0, end: 13 },
      { kind: 'damage', offset: 13, end: 15 },
      { kind: 'message', offset: 15, end: 28 },
    ])
  })

  test('a line nests up to 1,000 levels below itself; what is deeper is damage', () => {
    const line = (depth: number, open = '[', close = ']') =>
      `{"role":"user","content":${open.repeat(depth)}1${close.repeat(depth)}}\n`
    expect(kinds(line(1_000))).toEqual(['message'])
    expect(kinds(line(1_000, '{"a":', '}'))).toEqual(['message'])
    for (const deep of [1_001, 3_600, 10_000, 50_000]) {
      expect(kinds(line(deep))).toEqual(['damage'])
      expect(kinds(line(deep, '{"a":', '}'))).toEqual(['damage'])
    }
    // braces in texts, and many of them beside each other, are no depth
    expect(kinds(`{"role":"user","content":"${'{['.repeat(5_000)}"}\n`)).toEqual(['message'])
    expect(kinds(`{"role":"user","content":"\\\\\\"${'[{'.repeat(5_000)}"}\n`)).toEqual(['message'])
    expect(kinds(`{"role":"user","content":[${'[{}],'.repeat(5_000)}1]}\n`)).toEqual(['message'])
  })
})

describe('the end of the file', () => {
  test('a last line without line feed counts when it parses', () => {
    expect(parse('{"role":"a"}\n{"role":"b"}')).toMatchObject([
      { kind: 'message', open: false },
      { kind: 'message', open: true, offset: 13, end: 25 },
    ])
    expect(one('42')).toMatchObject({ kind: 'damage', open: true })
    expect(one('  ')).toMatchObject({ kind: 'blank', open: true })
  })

  test.each([
    ['half a line', Buffer.from('{"role":"us')],
    ['half a character', Buffer.from([0x7b, 0x22, 0xf0, 0x9f])],
    ['half a byte order mark', Buffer.from([0xef, 0xbb])],
    ['NULs', Buffer.alloc(4)],
    ['a line and NULs', Buffer.from('{"role":"user"}\u0000\u0000')],
  ])('%s without line feed is torn', (_, tail) => {
    expect(parse(Buffer.concat([Buffer.from('{"role":"a"}\n'), tail]))).toMatchObject([
      { kind: 'message' },
      { kind: 'torn', offset: 13, end: 13 + tail.length },
    ])
  })

  test('the same with a line feed is damage: another program wrote on', () => {
    expect(kinds('{"role":"us\n')).toEqual(['damage'])
    expect(kinds('\u0000\u0000\n')).toEqual(['damage'])
  })

  test('an empty file has no lines', () => {
    expect(parse('')).toEqual([])
  })
})

describe('what is no damage', () => {
  test('blank lines, CR before the line feed, white space around a line', () => {
    expect(kinds('\n \t\r\n{"role":"a"}\r\n\t {"role":"b"} \n')).toEqual(['blank', 'blank', 'message', 'message'])
  })

  test('a byte order mark at the start of the file, and only there', () => {
    expect(kinds('\uFEFF{"role":"a"}\n')).toEqual(['message'])
    expect(kinds('\uFEFF\n{"role":"a"}\n')).toEqual(['blank', 'message'])
    expect(kinds('{"role":"a"}\n\uFEFF{"role":"b"}\n')).toEqual(['message', 'damage'])
    expect(parse('\uFEFF{"role":"a"}\n', 100)).toMatchObject([{ kind: 'damage' }])
  })

  test('no other character ends a line', () => {
    expect(line('{"role":"user","content":"a\u2028b\u2029c\u0085d"}').value.content).toBe('a\u2028b\u2029c\u0085d')
  })
})

describe('blocks', () => {
  test('offsets count from the start of the file', () => {
    expect(parse('{"role":"a"}\n\nx\n', 1000)).toMatchObject([
      { offset: 1000, end: 1013 },
      { kind: 'blank', offset: 1013, end: 1014 },
      { kind: 'damage', offset: 1014, end: 1016 },
    ])
  })

  test('a rest without line feed is left for the next block, also inside a character', () => {
    const bytes = Buffer.from('{"role":"a"}\n{"role":"é"}')
    expect(parse(bytes, 0, false)).toMatchObject([{ kind: 'message', end: 13 }])
    expect(parse(bytes.subarray(0, 23), 0, false)).toMatchObject([{ kind: 'message', end: 13 }])
    expect(parse('{"role":"a"}', 0, false)).toEqual([])
  })
})

describe('ids', () => {
  test('a string id is the line’s own', () => {
    expect(line('{"role":"user","id":"m1"}')).toMatchObject({ id: 'm1', bare: false })
  })

  test.each(['', ',"id":""', ',"id":5', ',"id":null', ',"id":["a"]'])('stand-in for "%s"', (id) => {
    const text = `{"role":"user"${id}}`
    expect(line(text)).toMatchObject({ id: standInId(0, text), bare: true })
  })

  test('a stand-in id depends on the offset and the text, not on the line ending', () => {
    const text = '{"role":"user","content":"hi"}'
    const [first, second] = parse(`${text}\n${text}`)
    expect(first).toMatchObject({ id: '#0-5de3a9ac' })
    expect(second).toMatchObject({ id: '#31-5de3a9ac' })
    expect(one(`\uFEFF${text}\n`)).toMatchObject({ id: '#0-5de3a9ac' })
    expect(parse(text, 31)).toMatchObject([{ id: '#31-5de3a9ac' }])
  })

  test('the offset can be read from a stand-in, and from nothing else', () => {
    expect(standInOffset(standInId(1234, 'x'))).toBe(1234)
    expect(
      ['m1', '#12', '#-1-00000000', '#12-0000000g', '019aa1b2-c000-7000-8000-000000000001'].map(standInOffset),
    ).toEqual([-1, -1, -1, -1, -1])
  })
})

describe('times', () => {
  test.each([
    ['2026-11-21T07:00:00.120Z', '2026-11-21T07:00:00.120Z'],
    ['2026-11-21T07:00:00Z', '2026-11-21T07:00:00.000Z'],
    ['2026-11-21T07:00:00.123456Z', '2026-11-21T07:00:00.123Z'],
    ['2026-11-21T09:00:00+02:00', '2026-11-21T07:00:00.000Z'],
    ['2026-11-21T09:00+0200', '2026-11-21T07:00:00.000Z'],
    ['2026-11-21 07:00:00.5', '2026-11-21T07:00:00.500Z'],
    ['2026-11-21T07:00:00', '2026-11-21T07:00:00.000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
  ])('%s is read as %s, in every time zone', (given, wanted) => {
    expect(timeOf(given)).toBe(wanted)
  })

  test.each([
    '',
    'yesterday',
    'table 5',
    '5',
    '2026',
    '2026-13-01T00:00:00Z',
    '21.11.2026',
    '2026-11-21T25:00:00.000Z',
    7,
    null,
    {},
  ])('%s is no time', (given) => {
    expect(timeOf(given)).toBeUndefined()
  })

  test('stay within what ISO 8601 writes in four digits', () => {
    expect(isoTime(Date.parse('2026-11-21T07:00:00.120Z'))).toBe('2026-11-21T07:00:00.120Z')
    expect(isoTime(-1e18)).toBe('0000-01-01T00:00:00.000Z')
    expect(isoTime(1e18)).toBe('9999-12-31T23:59:59.999Z')
  })
})
