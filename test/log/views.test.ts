import { describe, expect, test } from 'vitest'
import { asGiven, messagesOf, textsOf } from '../../src/log/views.js'
import { archiveOf } from './archive.js'
import { FILE_TIME } from './histories.js'
import { read } from './reading.js'

const AT = '2026-11-21T07:00:00.000Z'
const log = (...lines: unknown[]) =>
  read(Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')))
const messages = (...lines: unknown[]) => {
  const { pieces, visibility } = log(...lines)
  return messagesOf(pieces, visibility, FILE_TIME)
}
const user = (id: string) => ({ id, at: AT, role: 'user' })
const compaction = (through: unknown, id = 'c') => ({
  type: 'compaction',
  id,
  at: AT,
  summary: `to ${through}`,
  through,
})
const archive = (...lines: unknown[]) => {
  const { pieces, visibility } = log(...lines)
  const { summary, archived } = archiveOf(pieces, visibility, FILE_TIME)
  return [summary?.text ?? null, ...archived]
}

describe('messages', () => {
  test('come in line order, with the id and time of their line', () => {
    expect(messages({ ...user('b'), content: 'x' }, user('a'), { type: 'meta', set: {} })).toEqual([
      { id: 'b', at: AT, role: 'user', content: 'x' },
      { id: 'a', at: AT, role: 'user' },
    ])
  })

  test('a line without id or time has stand-ins, also when only the time is missing', () => {
    expect(messages({ id: 'a', role: 'user' })).toEqual([{ id: 'a', at: FILE_TIME, role: 'user' }])
    expect(messages({ at: AT, role: 'user' })).toEqual([{ id: '#0-bc04409d', at: AT, role: 'user' }])
    expect(messages({ id: 'a', at: '2026-11-21T09:00:00+02:00', role: 'user' })).toEqual([
      { id: 'a', at: AT, role: 'user' },
    ])
  })

  test('a line without a time has the next one that was carried over', () => {
    const carry = (lastActivity: unknown) => ({ type: 'meta', set: { lastActivity } })
    const lines = [{ id: 'a', role: 'x' }, carry('no time'), carry(AT), carry('2026-11-30'), { id: 'b', role: 'x' }]
    expect(messages(...lines).map(({ at }) => at)).toEqual([AT, FILE_TIME])
    expect(messages(...lines, carry('2026-12-01')).map(({ at }) => at)).toEqual([AT, '2026-12-01T00:00:00.000Z'])
  })

  test('an id or time that a line cannot have is the message’s own', () => {
    expect(messages({ id: 5, at: 'then', role: 'user' })).toEqual([{ id: 5, at: 'then', role: 'user' }])
  })

  test('what stands in `own` comes back under its name, of type "message" only', () => {
    expect(messages({ type: 'message', ...user('a'), own: { id: 1, at: 2, type: 'note', own: 3 } })).toEqual([
      { id: 1, at: 2, type: 'note', own: 3, role: 'user' },
    ])
    expect(messages({ ...user('a'), own: { id: 1 } })).toEqual([{ ...user('a'), own: { id: 1 } }])
    expect(messages({ type: 'message', ...user('a'), own: 'text' })).toEqual([{ ...user('a'), own: 'text' }])
  })

  test('of two contradicting messages the later one has a stand-in id', () => {
    const [first, second] = messages({ ...user('a'), content: 'x' }, { ...user('a'), content: 'y' })
    expect(first?.id).toBe('a')
    expect(second).toMatchObject({ content: 'y', id: expect.stringMatching(/^#/) })
  })

  test('as given are without the line’s id and time', () => {
    const given = log(user('a'), { role: 'x', id: 5 }, { type: 'message', ...user('b'), own: { id: 1 } }).lines.map(
      asGiven,
    )
    expect(given).toEqual([{ role: 'user' }, { role: 'x', id: 5 }, { role: 'user', id: 1 }])
  })
})

describe('archive', () => {
  const three = [user('a'), user('b'), user('d')]

  test('the last compaction holds the summary; what it or an earlier one covers is archived', () => {
    expect(archive(...three)).toEqual([null])
    expect(archive(...three, compaction('b'))).toEqual(['to b', 'a', 'b'])
    expect(archive(...three, compaction('b', 'c1'), compaction('a', 'c2'))).toEqual(['to a', 'a', 'b'])
  })

  test.each([[null], ['nobody'], ['c'], [5], [['b']], [undefined]])(
    'a through that names no message archives nothing: %j',
    (through) => {
      expect(archive(...three, compaction(through))).toEqual([`to ${through}`])
    },
  )

  test('null does not name a message whose id is the text null', () => {
    expect(archive(user('null'), compaction(null))).toEqual(['to null'])
  })

  test('a removed compaction is not there, and the one before is in force again', () => {
    const lines = [...three, compaction('a', 'c1'), compaction('d', 'c2')]
    expect(archive(...lines, { type: 'remove', ids: ['c2'] })).toEqual(['to a', 'a'])
  })

  test('through a removed message reaches as far as that stood; removed messages are not archived', () => {
    expect(archive(...three, compaction('b'), { type: 'remove', ids: ['b'] })).toEqual(['to b', 'a'])
  })

  test('values without a role are archived like messages', () => {
    expect(archive({ type: 'message', id: 'v', value: 1 }, user('a'), compaction('a'))).toEqual(['to a', 'v', 'a'])
  })

  test('a compaction without id or time has stand-ins', () => {
    const { pieces, visibility } = log({ type: 'compaction', summary: 's' })
    expect(archiveOf(pieces, visibility, FILE_TIME).summary).toEqual({ id: '#0-bd9cdd41', at: FILE_TIME, text: 's' })
  })
})

test('texts are all strings inside the content, at any depth', () => {
  const texts = (content: unknown) => log({ role: 'user', content, name: 'not this' }).lines.flatMap(textsOf)
  expect(texts('a')).toEqual(['a'])
  expect(texts([{ type: 't', text: 'b' }, ['c', 1, null]]).sort()).toEqual(['b', 'c', 't'])
  expect(texts(null)).toEqual([])
  expect(log('{"role":"user"}').lines.flatMap(textsOf)).toEqual([])
  const deep = `{"role":"user","content":${'['.repeat(1_000)}"x"${']'.repeat(1_000)}}`
  expect(log(deep).lines.flatMap(textsOf)).toEqual(['x'])
})
