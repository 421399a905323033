import { describe, expect, test } from 'vitest'
import { archivedOf, foldAll, isCarryLine, timesOf } from '../../src/log/fold.js'
import { totalUsage } from '../../src/log/usage.js'
import { FILE_TIME, idAt } from './histories.js'
import { read } from './reading.js'

const at = (second: number) => `2026-11-21T07:00:0${second}.000Z`
const log = (...lines: unknown[]) =>
  Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
const fold = (...lines: unknown[]) => {
  const { pieces, visibility } = read(log(...lines))
  return foldAll(pieces, visibility)
}
const meta = (set: unknown, more = {}) => ({ type: 'meta', set, ...more })
const times = (...lines: unknown[]) => timesOf(fold(...lines), FILE_TIME)

describe('counts', () => {
  test('live messages with a role, and damage; bytes reach to the last whole line', () => {
    const bytes = Buffer.concat([
      log({ id: 'a', role: 'user' }, { id: 'a', role: 'user' }, { type: 'message', value: 1 }, 'damage', { role: 'x' }),
      log({ type: 'remove', ids: ['a'] }),
      Buffer.from('{"role":"torn'),
    ])
    const { pieces, visibility } = read(bytes)
    expect(foldAll(pieces, visibility)).toMatchObject({ messages: 1, damaged: 1, bytes: bytes.length - 13 })
  })

  test('of an empty log are all zero', () => {
    expect(fold()).toMatchObject({ messages: 0, damaged: 0, bytes: 0, version: 0, header: null, maxId: '' })
  })
})

describe('header', () => {
  test('is the first one; the greatest version of all counts', () => {
    const summary = fold(
      { type: 'session', version: 1, key: 'a', id: 'h', at: at(1), forkedFrom: 'b' },
      { type: 'session', version: 2, key: 'c', id: 'i', at: at(2), forkedFrom: 5 },
    )
    expect(summary).toMatchObject({ version: 2, header: { id: 'h', key: 'a', at: at(1), forkedFrom: 'b' } })
  })

  test('without an id or a time has none: no stand-in, since a rewrite may move the line', () => {
    expect(fold('', { type: 'session', version: 1, key: 'a', at: 'then', forkedFrom: 5 }).header).toEqual({
      id: '',
      key: 'a',
      at: null,
      forkedFrom: null,
    })
  })
})

describe('labels', () => {
  test('each key is replaced, metadata is merged key by key', () => {
    const { labels } = fold(
      meta({ name: 'a', tags: ['x'], metadata: { k: '1', todo: 't' } }),
      meta({ name: null, metadata: { k: '2' } }),
    )
    expect(labels).toEqual({ name: null, tags: ['x'], metadata: { k: '2', todo: 't' } })
  })

  test('the state is left in the log: it may be large', () => {
    expect(fold(meta({ state: { a: 1 }, name: 'n' })).labels).toEqual({ name: 'n' })
  })

  test('keys such as __proto__ are keys like others', () => {
    const { labels } = fold(
      '{"type":"meta","set":{"__proto__":{"name":"x"},"metadata":{"__proto__":"a","constructor":"b"}}}',
      meta({ metadata: { toString: 'c' } }),
    )
    expect(JSON.stringify(labels)).toBe(
      '{"__proto__":{"name":"x"},"metadata":{"__proto__":"a","constructor":"b","toString":"c"}}',
    )
    expect(labels.name).toBeUndefined()
  })

  test('a copy of a label line does not set it again', () => {
    const first = meta({ name: 'a' }, { id: idAt(1) })
    expect(fold(first, meta({ name: 'b' }, { id: idAt(2) }), first).labels.name).toBe('b')
  })
})

describe('times', () => {
  const header = { type: 'session', version: 1, key: 'k', at: at(2) }

  test('created: a given time, else the header’s, else the first that a line names, else the file’s', () => {
    const message = { role: 'user', at: at(1) }
    expect(times(message, header, meta({ createdAt: '2020-01-01' })).created).toBe('2020-01-01T00:00:00.000Z')
    expect(times(message, header, meta({ createdAt: 'no time' })).created).toBe(at(2))
    expect(times(header, meta({ createdAt: 'table 5' })).created).toBe(at(2))
    expect(times(header, meta({ createdAt: '+012026-01-01T00:00:00.000Z' })).created).toBe(
      '+012026-01-01T00:00:00.000Z',
    )
    expect(times({ role: 'user' }, { type: 'note', at: at(3) }, message).created).toBe(at(3))
    expect(times({ role: 'user' }).created).toBe(FILE_TIME)
  })

  test('active: the last message or commit, a removed one included, never before the header', () => {
    expect(times(header, { role: 'user', at: at(1) }).active).toBe(at(2))
    const lines = [
      header,
      { id: 'a', role: 'user', at: at(4) },
      { type: 'remove', ids: ['a'], at: at(6) },
      meta({}, { at: at(7) }),
    ]
    expect(times(...lines).active).toBe(at(4))
    expect(times(...lines, { type: 'commit', at: at(5) }).active).toBe(at(5))
    expect(times(...lines, { type: 'commit' }).active).toBe(at(4))
    expect(times(...lines, { type: 'message', value: 1, at: at(8) }).active).toBe(at(4))
    expect(times(...lines, meta({ lastActivity: at(8) })).active).toBe(at(8))
    expect(times(meta({ name: 'n' }, { at: at(3) })).active).toBe(at(3))
  })

  test('updated: the greatest time of any line', () => {
    expect(times(header, meta({}, { at: at(9) }), { type: 'note', at: at(5) }).updated).toBe(at(9))
  })

  test('the file’s time stands in for that of a message or compaction, but not of a line of another type', () => {
    expect(times(header, { role: 'user' })).toEqual({ created: at(2), active: FILE_TIME, updated: FILE_TIME })
    expect(times(header, { type: 'compaction', summary: 's' }).updated).toBe(FILE_TIME)
    expect(times(header, meta({}), { type: 'commit' }, { type: 'note' })).toEqual({
      created: at(2),
      active: at(2),
      updated: at(2),
    })
  })
})

describe('what was carried over', () => {
  const message = { role: 'user' }
  const carry = { type: 'meta', set: { lastActivity: at(5) } }

  test('is the time of the messages before it that name none, and so of the last change', () => {
    expect(times(message, carry)).toEqual({ created: FILE_TIME, active: at(5), updated: at(5) })
    expect(times(carry, message)).toEqual({ created: FILE_TIME, active: FILE_TIME, updated: FILE_TIME })
    expect(times({ ...message, at: at(9) }, message, carry)).toMatchObject({ active: at(9), updated: at(9) })
  })
})

describe('the archive', () => {
  const compaction = (more: object) => ({ type: 'compaction', summary: 's', through: 'b', ...more })
  const archive = (...lines: unknown[]) => archivedOf(fold(...lines), FILE_TIME)
  const two = [
    { id: 'a', role: 'user', content: 'é', toolCalls: '[]' },
    { id: 'b', role: 'user', content: [1] },
    { id: 'c', role: 'user', content: 'active' },
  ]

  test('counts messages, the bytes of their texts, and since when', () => {
    expect(archive(...two)).toEqual({ messages: 0, bytes: 0, oldest: null })
    expect(archive(...two, compaction({ at: at(3) }), compaction({ at: at(1) }))).toEqual({
      messages: 2,
      bytes: 7,
      oldest: at(3),
    })
  })

  test('since the file’s time, where a compaction names none and no time was carried over to it', () => {
    expect(archive(...two, compaction({})).oldest).toBe(FILE_TIME)
    expect(archive(...two, compaction({}), { type: 'meta', set: { lastActivity: at(5) } }).oldest).toBe(at(5))
  })
})

describe('usage', () => {
  const used = (usage: unknown, more = {}) => ({ role: 'assistant', usage, ...more })
  const total = (...lines: unknown[]) => Object.fromEntries(totalUsage(fold(...lines)))

  test('is summed by agent; no agent is "main"; a removed message counts, a copy does not', () => {
    const sums = total(
      used({ promptTokens: 1, completionTokens: 2 }),
      used({ promptTokens: 10 }, { agent: 'main' }),
      used({ cacheReadTokens: 3, cacheCreationTokens: 4, thinkingTokens: 5 }, { agent: 'coder', id: 'a' }),
      used({ cacheReadTokens: 3, cacheCreationTokens: 4, thinkingTokens: 5 }, { agent: 'coder', id: 'a' }),
      { type: 'remove', ids: ['a'] },
    )
    expect(sums).toEqual({
      main: {
        promptTokens: 11,
        completionTokens: 2,
        cacheReadTokens: 0,
        cacheCreationTokens: 0,
        thinkingTokens: 0,
        apiCalls: 2,
      },
      coder: {
        promptTokens: 0,
        completionTokens: 0,
        cacheReadTokens: 3,
        cacheCreationTokens: 4,
        thinkingTokens: 5,
        apiCalls: 1,
      },
    })
  })

  test('each message with usage is one call, whatever count it carries', () => {
    expect(total(used({}), used({ apiCalls: 7 }), used({ apiCalls: 0 }), used(null), used(5)).main).toMatchObject({
      apiCalls: 3,
    })
  })

  test('counters that are no safe whole numbers count 0, and a sum stays a safe number', () => {
    const odd = { promptTokens: -1, completionTokens: 1.5, cacheReadTokens: '9', thinkingTokens: 2 ** 53 }
    expect(total(used(odd)).main).toMatchObject({
      promptTokens: 0,
      completionTokens: 0,
      cacheReadTokens: 0,
      thinkingTokens: 0,
    })
    const most = used({ promptTokens: Number.MAX_SAFE_INTEGER })
    expect(total(most, most, most).main).toMatchObject({ promptTokens: Number.MAX_SAFE_INTEGER, apiCalls: 3 })
  })

  test('that was carried over is added; a later carried one replaces an earlier one', () => {
    const carried = (promptTokens: number) => meta({ carriedUsage: { main: { promptTokens, apiCalls: 2 } } })
    expect(total(used({ promptTokens: 1 }), carried(5), carried(7)).main).toMatchObject({
      promptTokens: 8,
      apiCalls: 3,
    })
  })
})

test('a carry line does nothing but carry', () => {
  const carry = (set: unknown) => read(log(meta(set))).lines.every(isCarryLine)
  expect([{}, { createdAt: 1 }, { carriedUsage: {}, lastActivity: 'x' }].map(carry)).toEqual([true, true, true])
  expect([{ name: 'a' }, { createdAt: 1, tags: [] }].map(carry)).toEqual([false, false])
})

describe('the ordered part', () => {
  const user = (id: string) => ({ id, role: 'user' })
  const ends = (...lines: unknown[]) => lines.map((_, n) => log(...lines.slice(0, n + 1)).length)

  test('is the whole log while ids are UUIDv7 that rise', () => {
    expect(fold(user(idAt(1)), { role: 'user' }, user(idAt(3)))).toMatchObject({
      orderedFrom: 0,
      bareFrom: 0,
      maxId: idAt(3),
    })
  })

  test('begins behind an id that does not rise or is of another kind', () => {
    const lines = [user(idAt(3)), user(idAt(1)), user(idAt(4)), user('m1'), user(idAt(5))]
    expect(fold(...lines.slice(0, 3)).orderedFrom).toBe(ends(...lines)[1])
    expect(fold(...lines).orderedFrom).toBe(ends(...lines)[3])
  })

  test('begins behind a line that was removed before it stood there', () => {
    const lines = [{ ...user(idAt(1)), type: 'remove', ids: [idAt(5)] }, user(idAt(2)), user(idAt(6))]
    expect(fold(...lines)).toMatchObject({ orderedFrom: ends(...lines)[1], maxId: idAt(6) })
  })

  test('for lines without an id begins behind the place of a stand-in id that came earlier', () => {
    expect(
      fold({ role: 'user' }, { role: 'user' }, { type: 'remove', id: idAt(1), ids: ['#16-c83ae6c9'] }).bareFrom,
    ).toBe(0)
    expect(fold({ type: 'remove', id: idAt(1), ids: ['#500-c83ae6c9', '#700-00000000'] }).bareFrom).toBe(701)
    expect(fold({ id: '#300-c83ae6c9', role: 'user' }).bareFrom).toBe(301)
  })
})
