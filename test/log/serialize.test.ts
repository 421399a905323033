import { describe, expect, test } from 'vitest'
import { SessionError } from '../../src/base/errors.js'
import type { Json } from '../../src/base/json.js'
import { isLine, type Line } from '../../src/log/line.js'
import { parseLines } from '../../src/log/parse.js'
import { againLine } from '../../src/log/rewrite/restored-line.js'
import { compactionLine, headerLine, messageLine, messageText, metaLine, removeLine } from '../../src/log/serialize.js'
import { asGiven, toStored } from '../../src/log/views.js'
import { NOTHING_KNOWN } from '../../src/log/visibility.js'
import { endedBy, refOf } from '../../src/log/waiting.js'

const STAMP = { id: '019aa1b2-c000-7000-8000-000000000001', at: '2026-11-21T07:00:00.000Z' }

function reread(text: string): Line {
  const [piece, ...others] = parseLines(Buffer.from(text))
  expect(others).toEqual([])
  if (piece === undefined || !isLine(piece)) throw new Error(`not a line: ${text}`)
  expect(piece.open).toBe(false)
  return piece
}
const written = (message: unknown) => messageLine(STAMP, messageText(message))
const roundTrip = (message: unknown) => asGiven(reread(written(message)))

describe('messages', () => {
  const end = `,"at":"${STAMP.at}","id":"${STAMP.id}"}\n`

  test.each([
    [{ role: 'user', content: 'hi', n: 1 }, '{"role":"user","content":"hi","n":1'],
    [{ n: 1, content: 'hi', a: 2, role: 'user' }, '{"role":"user","content":"hi","n":1,"a":2'],
    [{ role: 'user', n: 1, content: null }, '{"role":"user","content":null,"n":1'],
    [{ n: 1, role: 'user', content: undefined }, '{"role":"user","n":1'],
    [{ role: 'tool' }, '{"role":"tool"'],
    [{ id: 7, role: 'user', n: 1, content: 'x' }, '{"type":"message","role":"user","content":"x","n":1,"own":{"id":7}'],
    [{ toJSON: () => ({ n: 1, role: 'user' }) }, '{"role":"user","n":1'],
  ])('are flat lines: role and content, the other fields in their order, time and id: %j', (message, line) => {
    expect(written(message)).toBe(line + end)
  })

  test.each([
    [{ id: 'm1' }],
    [{ at: 7 }],
    [{ type: 'remove', ids: ['x'] }],
    [{ own: 'text' }],
    [{ received: 'mine', answers: ['x'] }],
    [{ received: 5, answers: null }],
    [{ own: { id: 'deeper' } }],
    [{ id: null, at: 'then', type: 'session', own: [1] }],
  ])('fields that would clash with the line’s come back: %j', (clash) => {
    const message = { role: 'user', content: 'x', ...clash }
    const line = reread(written(message))
    expect(line).toMatchObject({ kind: 'message', ...STAMP, value: { type: 'message' } })
    expect(asGiven(line)).toEqual(message)
    expect(toStored(line, NOTHING_KNOWN, 'unused')).toEqual({ ...STAMP, ...message })
  })

  test.each([
    'a\nb\r\nc\t\u0000',
    'a\u2028b\u2029c',
    '\ud800 alone \udc00',
    '👩‍👩‍👧 写真',
    '{"role":"x"}',
    '\\" \\\\',
    'x'.repeat(3_000_000),
  ])('text is exact and on one line', (content) => {
    const text = written({ role: 'user', content })
    expect(text.indexOf('\n')).toBe(text.length - 1)
    expect(reread(text).value.content).toBe(content)
  })

  test('content can be any JSON value, and other fields too', () => {
    const message = { role: 'tool', content: [null, { type: 'text', parts: [1.5, true] }], meta: { a: [1, null] } }
    expect(roundTrip(message)).toEqual(message)
  })

  test('the fields of the line are no part of its message, also where the message has fields of these names', () => {
    for (const clash of [{}, { received: 'mine' }, { answers: [1], id: 'm1' }]) {
      const message = { role: 'user', content: 'x', ...clash }
      const text = messageLine(STAMP, messageText(message), { received: 'r1', answers: ['q1'] })
      const line = reread(text)
      expect([refOf(line), endedBy(line)]).toEqual(['r1', ['q1']])
      expect(asGiven(line)).toEqual(message)
      expect(toStored(line, NOTHING_KNOWN, 'unused')).toEqual({ ...STAMP, ...message })
      const again = reread(againLine(text, line, { ...STAMP, id: 'other' }))
      expect([refOf(again), endedBy(again), asGiven(again)]).toEqual([undefined, [], message])
    }
  })

  test('a field named __proto__ comes back, with and without a clash', () => {
    for (const text of [
      '{"role":"user","__proto__":{"a":1}}',
      '{"role":"user","id":1,"own":{"__proto__":2},"__proto__":3}',
    ]) {
      const back = roundTrip(JSON.parse(text))
      expect(JSON.stringify(back, Object.keys(back).sort())).toBe(
        JSON.stringify(JSON.parse(text), Object.keys(back).sort()),
      )
      expect(Object.hasOwn(back, '__proto__')).toBe(true)
    }
  })

  test('what JSON drops or turns into null is dropped or null', () => {
    expect(
      roundTrip({ role: 'user', id: undefined, gone: undefined, f: () => 1, list: [undefined, Number.NaN], n: -0 }),
    ).toEqual({ role: 'user', list: [null, null], n: 0 })
  })

  test('toJSON is called, of the message and inside it', () => {
    const at = new Date('2026-11-21T07:00:00Z')
    expect(roundTrip({ role: 'user', sent: at })).toEqual({ role: 'user', sent: '2026-11-21T07:00:00.000Z' })
    class Note {
      toJSON = () => ({ role: 'user', id: 'own', content: 'x' })
    }
    expect(roundTrip(new Note())).toEqual({ role: 'user', id: 'own', content: 'x' })
  })

  test.each([
    [null],
    [undefined],
    ['text'],
    [[{ role: 'user' }]],
    [{}],
    [{ content: 'x' }],
    [{ role: 5 }],
    [{ role: null, id: 'a' }],
    [new Date()],
    [new Map([['role', 'user']])],
    [Object.create({ role: 'inherited' })],
    [Object.defineProperty({}, 'role', { value: 'hidden' })],
    [{ role: 'user', toJSON: () => undefined }],
    [{ role: 'user', toJSON: () => ({ content: 'no role' }) }],
    [{ role: 'user', content: 10n }],
  ])('no message: %o', (value) => {
    expect(() => messageText(value)).toThrow(TypeError)
  })

  test('a cycle is a TypeError, too deep a nesting ERR_TOO_LARGE', () => {
    const cycle: Record<string, unknown> = { role: 'user' }
    cycle.self = cycle
    expect(() => messageText(cycle)).toThrow(TypeError)
    let deep: Json = 'x'
    for (let depth = 0; depth < 200_000; depth++) deep = [deep]
    try {
      messageText({ role: 'user', content: deep })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(SessionError)
      expect((error as SessionError).code).toBe('ERR_TOO_LARGE')
    }
  })

  test('are read at the call', () => {
    const message = { role: 'user', content: 'before', usage: { promptTokens: 1 } }
    const text = messageText(message)
    message.content = 'after'
    message.usage.promptTokens = 2
    expect(reread(messageLine(STAMP, text)).value.content).toBe('before')
    expect(text.facts.usage).toEqual({ promptTokens: 1 })
  })

  test('the facts for the fold are those of the line', () => {
    const message = {
      role: 'user',
      agent: 'coder',
      usage: { promptTokens: Number.NaN, toJSON: () => ({ promptTokens: 3 }) },
    }
    expect(messageText(message).facts).toEqual({ role: 'user', agent: 'coder', usage: { promptTokens: 3 } })
    expect(messageText({ role: 'user', content: 'long', id: 'x' }).facts).toEqual({ role: 'user' })
  })
})

describe('control lines', () => {
  test('read as what they are', () => {
    expect(reread(headerLine(STAMP, 'a/b', { forkedFrom: 'c' }))).toMatchObject({
      kind: 'session',
      ...STAMP,
      value: { type: 'session', version: 1, key: 'a/b', forkedFrom: 'c' },
    })
    expect(reread(removeLine(STAMP, ['a']))).toMatchObject({ kind: 'remove', ...STAMP, value: { ids: ['a'] } })
    expect(reread(metaLine(STAMP, { name: null }))).toMatchObject({
      kind: 'meta',
      ...STAMP,
      value: { set: { name: null } },
    })
    expect(reread(compactionLine(STAMP, 'so far', null))).toMatchObject({
      kind: 'compaction',
      ...STAMP,
      value: { summary: 'so far', through: null },
    })
  })
})
