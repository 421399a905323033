import { describe, expect, test } from 'vitest'
import { membersOf } from '../../src/log/rewrite/json-text.js'
import type { RewritePlan } from '../../src/log/rewrite/rewrite.js'
import { FILE_TIME, idAt } from './histories.js'
import { read, readingOf } from './reading.js'
import { applyPlan, planOf, rewrite } from './rewriting.js'

const AT = '2026-11-21T07:00:00.000Z'
const LATER = '2026-11-22T07:00:00.000Z'
const DAMAGE = 'this is not valid json'

type Given = string | Record<string, unknown>
const text = (lines: Given[]) =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
const log = (...lines: Given[]) => Buffer.from(text(lines))
const user = (id: string, more = {}) => ({ id, at: AT, role: 'user', ...more })
const remove = (...ids: string[]) => ({ type: 'remove', id: 'r', at: AT, ids })
const header = { type: 'session', version: 1, key: 'k', at: AT, id: idAt(0) }
const carried = (set: unknown, at = AT) => ({ type: 'meta', set, at, id: 'new' })

/** The rewritten lines; checks that no reader sees a difference and that a second rewrite has nothing to do. */
function rewritten(...lines: Given[]): string[] {
  const before = log(...lines)
  const after = rewrite(before, FILE_TIME, () => 'new')
  if (after === null) throw new Error('nothing to take out')
  expect(readingOf(after, '2027-01-01T00:00:00.000Z')).toEqual(readingOf(before, FILE_TIME))
  expect(planOf(after, FILE_TIME)).toBeNull()
  return after.toString().split('\n').slice(0, -1)
}
const lines = (...given: Given[]) => text(given).split('\n').slice(0, -1)

describe('nothing to do', () => {
  test.each([
    ['an empty log', []],
    ['a clean log', [header, user('a'), user('b')]],
    ['lines without id and time', ['{"role":"user"}', '{"role":"user"}']],
    ['blank lines', ['', user('a'), '']],
    ['two different lines of one id', [user('a'), user('a', { content: 'other' })]],
    [
      'a copy of a line of an unknown type',
      [
        { type: 'note', id: 'n' },
        { type: 'note', id: 'n' },
      ],
    ],
    ['a removal of what is not there', [user('a'), remove('nobody')]],
    ['carry lines', [carried({}), carried({ createdAt: AT })]],
  ] as Array<[string, Given[]]>)('%s', (_, given) => {
    expect(planOf(log(...given), FILE_TIME)).toBeNull()
  })

  test('a last line without its line feed', () => {
    expect(planOf(Buffer.from(JSON.stringify(user('a'))), FILE_TIME)).toBeNull()
  })
})

describe('what is taken out', () => {
  test('removed lines and the removals that named them', () => {
    expect(rewritten(header, user('a'), user('b'), remove('a'))).toEqual(lines(header, user('b')))
  })

  test('but no removal that names anything else as well', () => {
    expect(rewritten(header, user('a'), user('b'), remove('a', 'nobody'))).toEqual(
      lines(header, user('b'), remove('a', 'nobody')),
    )
  })

  test('a removal that stands before its line, and one of nothing at all', () => {
    expect(rewritten(header, remove('a'), user('a'), { ...remove(), id: 's' })).toEqual(lines(header))
  })

  test('a removal of a line that cannot be removed: it does nothing', () => {
    expect(rewritten(header, remove(idAt(0)))).toEqual(lines(header))
  })

  test('second copies, also of removals and labels, but not of lines of unknown types', () => {
    const meta = { type: 'meta', id: 'm', at: AT, set: { name: 'n' } }
    const note = { type: 'note', id: 'n' }
    expect(rewritten(header, meta, note, remove('x'), user('a'), meta, note, remove('x'), user('a'), header)).toEqual(
      lines(header, meta, note, remove('x'), user('a'), note),
    )
  })

  test('an expired value, by a tidying only where it hides none that must keep its place', () => {
    const value = (more = {}) => ({ type: 'value', name: 'n', value: 1, at: AT, id: idAt(1), ...more })
    const expired = value({ id: idAt(2), expires: '2026-11-20T00:00:00.000Z' })
    const placed = { role: 'user', at: AT }
    const tidied = (...given: Given[]) => planOf(log(...given), FILE_TIME, { tidies: true })?.edits.length
    expect(tidied(value(), expired)).toBe(1)
    expect(tidied(value(), placed, expired)).toBeUndefined()
    expect(rewritten(value(), placed, expired)).toHaveLength(1)
  })

  test('a superseded value, by a tidying only where no copy of it follows', () => {
    const value = (n: number) => ({ type: 'value', name: 'n', value: n, at: AT, id: idAt(n) })
    const tidied = (...given: Given[]) => planOf(log(...given), FILE_TIME, { tidies: true })?.edits.length
    expect(tidied(value(1), value(2))).toBe(1)
    expect(tidied(value(1), value(2), value(1))).toBeUndefined()
    expect(rewritten(value(1), value(2), value(1))).toHaveLength(1)
  })

  test('blank lines, when the log is rewritten anyway', () => {
    expect(rewritten('', header, ' \t', DAMAGE, '')).toEqual(lines(header))
  })

  test('joined stretches: neighbours of one kind are one edit', () => {
    const given = [header, user('a'), user('b'), DAMAGE, '42', '', remove('a', 'b')]
    const end = (count: number) => log(...given.slice(0, count)).length
    expect(planOf(log(...given), FILE_TIME)?.edits).toEqual([
      { offset: end(1), end: end(3), action: 'drop' },
      { offset: end(3), end: end(5), action: 'aside' },
      { offset: end(5), end: end(7), action: 'drop' },
    ])
  })

  test('a torn tail is set aside; the open line before the carry line gets its line feed', () => {
    const torn = Buffer.concat([log(header, user('a')), Buffer.from('{"id":"b"')])
    expect(rewrite(torn, FILE_TIME, () => 'new')?.toString()).toBe(text([header, user('a')]))
    const open = Buffer.from(text([header, user('a', { at: LATER }), remove('a'), user('b')]).slice(0, -1))
    expect(rewrite(open, FILE_TIME, () => 'new')?.toString()).toBe(
      text([header, user('b'), carried({ lastActivity: LATER }, LATER)]),
    )
  })
})

describe('stand-ins are written down', () => {
  const mended = (line: string) => rewritten(header, line, DAMAGE)[1] as string

  test('time and id of a message, at the end; its other bytes stay the same', () => {
    const line = '{"role":"user","content":"a\\u0062 \\/","n":1.0,"big":12345678901234567890,"e":1E2}'
    expect(mended(line)).toBe(`${line.slice(0, -1)},"at":"${FILE_TIME}","id":"#117-90d0b0dc"}`)
  })

  test('only what is missing', () => {
    expect(mended('{"role":"user","id":"a"}')).toBe(`{"role":"user","at":"${FILE_TIME}","id":"a"}`)
    expect(JSON.parse(mended(`{"role":"user","at":"${AT}"}`))).toEqual({ id: expect.any(String), role: 'user', at: AT })
  })

  test('into a line of the order before, which has both at its end then', () => {
    expect(mended('{"id":"a","role":"user"}')).toBe(`{"role":"user","at":"${FILE_TIME}","id":"a"}`)
    expect(mended(`{"at":"${AT}","role":"user"}`)).toMatch(
      new RegExp(`^\\{"role":"user","at":"${AT}","id":"#117-[0-9a-f]{8}"\\}$`),
    )
  })

  test('an id and a time that are the message’s own move into `own`, with the same bytes', () => {
    const line = `{"id":1.0,"role":"user","at":12345678901234567890}`
    expect(mended(line)).toBe(
      `{"type":"message","role":"user","own":{"id":1.0,"at":12345678901234567890},"at":"${FILE_TIME}","id":"#117-07753b3d"}`,
    )
  })

  test('what stands in `own` already stays there and goes before', () => {
    expect(JSON.parse(mended('{"type":"message","id":5,"own":{"id":7,"at":1.0},"role":"user"}')).own).toEqual({
      id: 7,
      at: 1,
    })
    expect(mended('{"type":"message","id":5,"own":{"at":1.0},"role":"user"}')).toContain('"own":{"id":5,"at":1.0}')
    expect(JSON.parse(mended('{"id":5,"own":{"at":1.0},"role":"user"}')).own).toEqual({ id: 5, own: { at: 1 } })
    expect(JSON.parse(mended('{"type":"message","id":5,"own":["a"],"role":"user"}')).own).toEqual({ id: 5, own: ['a'] })
  })

  test.each([
    ['white space', ' \t{ "role" : "user" , "content" : { "a" : [ 1.0 , "}," ] } }\r'],
    ['escapes', '{"role":"us\\"er\\\\","con\\"tent":"\\\\\\"}","x":"\\\\"}'],
    ['an escaped name', '{"\\u0069d":5,"role":"user"}'],
    ['two fields of one name', '{"id":5,"role":"user","id":6,"role":"tool"}'],
    ['a field named as those of every object', '{"toString":1,"constructor":2,"__proto__":{"id":"x"},"role":"user"}'],
    ['an empty value', '{"role":"","content":{},"list":[]}'],
  ])('%s', (_, line) => {
    const { id, at, own, type, ...rest } = JSON.parse(mended(line))
    const { id: ownId, ...given } = JSON.parse(line)
    expect(typeof id).toBe('string')
    expect(at).toBe(FILE_TIME)
    expect(own?.id).toBe(ownId)
    expect(type).toBe(ownId === undefined ? undefined : 'message')
    expect(Object.keys(rest)).toEqual(Object.keys(given))
    expect(rest).toEqual(given)
  })

  test('in a line that nests as deep as a line may', () => {
    const line = `{"role":"user","content":${'['.repeat(1_000)}${']'.repeat(1_000)}}`
    const after = rewrite(log(line, DAMAGE), FILE_TIME, () => 'new')?.toString()
    expect(after?.startsWith(line.slice(0, -1))).toBe(true)
    expect(after?.slice(line.length - 1)).toMatch(new RegExp(`^,"at":"${FILE_TIME}","id":"#0-[0-9a-f]{8}"\\}\n$`))
  })

  test('at the start of a file with a byte order mark', () => {
    const given = Buffer.from(`\uFEFF{"role":"user"}\n${DAMAGE}\n`)
    expect(rewrite(given, FILE_TIME, () => 'new')?.toString()).toBe(
      `{"role":"user","at":"${FILE_TIME}","id":"#0-3dfa53b0"}\n`,
    )
  })

  test('the stand-in id of the later of two different messages of one id', () => {
    const [, first, second] = rewritten(header, user('a'), user('a', { content: 'other', n: '1.0' }), DAMAGE)
    expect(JSON.parse(first as string).id).toBe('a')
    expect(second).toMatch(/^\{"role":"user","content":"other","n":"1.0","at":"[^"]*","id":"#\d+-[0-9a-f]{8}"\}$/)
  })

  test('an id but no time for a value without a role, since no view shows its time', () => {
    expect(mended('{"type":"message","value":1.0}')).toBe('{"type":"message","value":1.0,"id":"#117-eb0c5a10"}')
  })

  test('but nothing in lines of other types: their bytes stay', () => {
    const given = [
      '{"type":"note","n":1.0}',
      '{"type":"commit","revision":1.0}',
      '{"type":"tombstone","ids":[]}',
      '{"type":"meta","set":{"n":1.0}}',
    ]
    expect(rewritten(header, ...given, DAMAGE)).toEqual(lines(header, ...given))
  })
})

describe('through', () => {
  const compaction = (through: string | null, more = {}) => ({
    type: 'compaction',
    id: 'c',
    at: AT,
    summary: 's',
    through,
    ...more,
  })

  test('moves to the nearest earlier message that stays, or to null', () => {
    expect(rewritten(header, user('a'), user('b'), user('c1'), compaction('c1'), remove('b', 'c1')).at(-1)).toBe(
      '{"type":"compaction","summary":"s","through":"a","at":"2026-11-21T07:00:00.000Z","id":"c"}',
    )
    expect(JSON.parse(rewritten(header, user('a'), compaction('a'), remove('a'))[1] as string)).toEqual(
      compaction(null),
    )
  })

  test('stays with a copied message, and where it names nothing', () => {
    expect(rewritten(header, user('a'), user('a'), compaction('a'))).toEqual(lines(header, user('a'), compaction('a')))
    expect(rewritten(header, user('a'), compaction('b'), remove('a'))).toEqual(lines(header, compaction('b')))
  })

  test('moves in a compaction that is itself without id, and in a contradicting one', () => {
    const bare = { type: 'compaction', summary: 's', through: 'b' }
    const [, , first, second] = rewritten(
      ...[header, user('a'), user('b'), compaction('b', { id: 'a' }), bare, remove('b')],
    ).map((line) => JSON.parse(line))
    expect([first.through, second.through]).toEqual(['a', 'a'])
    expect([first.id, second.id]).toEqual([expect.stringMatching(/^#/), expect.stringMatching(/^#/)])
  })
})

describe('what is carried over', () => {
  const used = (promptTokens: number, more = {}) => ({ usage: { promptTokens, stopReason: 'end' }, ...more })
  const sums = (promptTokens: number, apiCalls: number) => ({
    promptTokens,
    completionTokens: 0,
    cacheReadTokens: 0,
    cacheCreationTokens: 0,
    thinkingTokens: 0,
    apiCalls,
  })

  test('the usage of dropped messages, by agent', () => {
    const given = [
      user('a', used(5)),
      user('b', used(7, { agent: 'coder' })),
      user('c', used(9)),
      user('d', used(1, { agent: 'coder' })),
    ]
    expect(rewritten(header, ...given, remove('a', 'b')).at(-1)).toBe(
      JSON.stringify(carried({ carriedUsage: { main: sums(5, 1), coder: sums(7, 1) } })),
    )
  })

  test('in one line: former carry lines go into the new one', () => {
    const former = [
      { ...carried({ carriedUsage: { main: sums(100, 3) }, createdAt: '2026-11-01T00:00:00.000Z' }), id: 'x' },
      { ...carried({ lastActivity: LATER }), id: 'y' },
    ]
    expect(rewritten(header, ...former, user('a', used(5)), user('b'), remove('a'))).toEqual(
      lines(
        ...[header, user('b')],
        carried(
          { carriedUsage: { main: sums(105, 4) }, createdAt: '2026-11-01T00:00:00.000Z', lastActivity: LATER },
          LATER,
        ),
      ),
    )
  })

  test('and disappear when the remaining lines hold it all', () => {
    expect(rewritten(header, { ...carried({ createdAt: AT }), id: 'x' }, user('a'), DAMAGE)).toEqual(
      lines(header, user('a')),
    )
  })

  test('wrong values of a kept label line are corrected', () => {
    const label = {
      type: 'meta',
      id: 'm',
      at: AT,
      set: { name: 'n', carriedUsage: { main: sums(9, 1) }, createdAt: LATER },
    }
    const former = { ...carried({ carriedUsage: {}, createdAt: AT }), id: 'x' }
    expect(rewritten(header, label, former, DAMAGE)).toEqual(
      lines(header, label, carried({ carriedUsage: {}, createdAt: AT })),
    )
  })

  test('the last activity of a dropped message, and the time of the last change', () => {
    expect(rewritten(header, user('a', { at: LATER }), { ...remove('a'), at: '2026-11-23T07:00:00.000Z' })).toEqual(
      lines(header, carried({ lastActivity: LATER }, '2026-11-23T07:00:00.000Z')),
    )
    expect(rewritten(header, user('a'), { ...remove('a'), at: LATER })).toEqual(lines(header, carried({}, LATER)))
  })

  test('of two messages of one reference, the one that went in a former rewrite', () => {
    const compaction = { type: 'compaction', id: 'k', at: AT, summary: 's', through: 'a' }
    const former = carried({ carriedRefs: [['r', 'gone']] })
    const before = log(header, user('a', { received: 'r' }), compaction, former)
    const plan = planOf(before, FILE_TIME, { purge: true }) as RewritePlan
    const after = applyPlan(before, plan, read(before).visibility, FILE_TIME, () => 'new')
    expect(plan.carry).toMatchObject({ carriedRefs: [['r', 'gone']] })
    expect(readingOf(after, LATER).refs).toEqual(readingOf(before, FILE_TIME).refs)
  })

  test('the creation time, when the line that gave it goes', () => {
    expect(rewritten(user('a', { at: AT }), user('b', { at: LATER }), remove('a'))).toEqual(
      lines(user('b', { at: LATER }), carried({ createdAt: AT }, LATER)),
    )
    expect(rewritten({ ...remove('nobody'), at: AT }, user('b', { at: LATER }), DAMAGE)).toHaveLength(2)
  })

  test('the file’s time, where it stood in: the file has another one afterwards', () => {
    expect(rewritten(DAMAGE)).toEqual(lines(carried({ createdAt: FILE_TIME }, FILE_TIME)))
    expect(rewritten({ type: 'note' }, DAMAGE)).toEqual(
      lines({ type: 'note' }, carried({ createdAt: FILE_TIME }, FILE_TIME)),
    )
    expect(rewritten(header, '{"role":"user"}', '{"role":"x"}', remove('#117-3dfa53b0')).at(-1)).not.toContain('"meta"')
    expect(rewritten(header, '{"role":"user"}', remove('#117-3dfa53b0')).at(-1)).toBe(
      JSON.stringify(carried({ lastActivity: FILE_TIME }, FILE_TIME)),
    )
  })
})

describe('fields keep their bytes', () => {
  test.each([
    ['{}', []],
    [' { } ', []],
    ['{"a":1}', [['a', '1']]],
    [
      '{"a" : [1, {"b":"]"}] ,\r\n"b":"x\\\\", "c":-1.0e5\t}',
      [
        ['a', '[1, {"b":"]"}]'],
        ['b', '"x\\\\"'],
        ['c', '-1.0e5'],
      ],
    ],
    [
      '{"\\u0061\\"":null,"a\\"":true}',
      [
        ['a"', 'null'],
        ['a"', 'true'],
      ],
    ],
  ] as Array<[string, string[][]]>)('%s', (given, wanted) => {
    expect(membersOf(given).map(({ key, text: value }) => [key, value])).toEqual(wanted)
  })

  test('takes long texts', () => {
    const long = `"${'\\"x'.repeat(2_000_000)}"`
    expect(membersOf(`{"a":${long},"b":1}`).map((member) => member.text.length)).toEqual([long.length, 1])
  })
})
