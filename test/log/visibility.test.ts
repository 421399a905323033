import { describe, expect, test } from 'vitest'
import { standInId } from '../../src/log/parse.js'
import { isLive, knownId } from '../../src/log/visibility.js'
import { idAt } from './histories.js'
import { read } from './reading.js'

const log = (...lines: unknown[]) =>
  Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
/** For each line: its known id, and `-` in front when it does not count. */
const judged = (bytes: Buffer) => {
  const { lines, visibility } = read(bytes)
  return lines.map((line) => (isLive(line, visibility) ? '' : '-') + knownId(line, visibility))
}
const copies = (bytes: Buffer) => {
  const { lines, visibility } = read(bytes)
  return lines.flatMap(({ offset }) => visibility.copies.get(offset) ?? [])
}
const user = (id: string, content = 'x') => ({ id, role: 'user', content })

describe('copies', () => {
  test('the same id with equal content is a duplicate, in any order of its fields', () => {
    const bytes = log(user('a'), user('b'), '{ "content":"x", "role":"user", "id":"a" }')
    expect(judged(bytes)).toEqual(['a', 'b', '-a'])
  })

  test('the same id with other content is a message of its own, under a stand-in id', () => {
    const bytes = log(user(idAt(1), 'x'), user(idAt(1), 'y'))
    const [first, second] = judged(bytes)
    expect(first).toBe(idAt(1))
    expect(second).toMatch(/^#\d+-[0-9a-f]{8}$/)
    expect(copies(bytes)).toEqual(['contradiction'])
  })

  test('a copy of the contradiction is a duplicate of that', () => {
    const bytes = log(user('a', 'x'), user('a', 'y'), user('a', 'x'), user('a', 'y'))
    expect(copies(bytes)).toEqual(['contradiction', 'duplicate', 'duplicate'])
  })

  test('lines of different types with one id are all there', () => {
    const bytes = log({ type: 'commit', id: 'a' }, user('a'), { type: 'meta', id: 'a', set: { name: 'n' } })
    expect(copies(bytes)).toEqual(['contradiction', 'contradiction'])
  })

  test('equal lines without an id are different messages', () => {
    expect(judged(log({ role: 'user' }, { role: 'user' }))).toEqual(['#0-3dfa53b0', '#16-3dfa53b0'])
  })

  test('a written-down stand-in id that a line without id would have too does not make them one message', () => {
    const bare = '{"role":"user","content":"hi"}'
    const worn = JSON.stringify({ id: standInId(100, bare), role: 'user', content: 'hi' })
    const filler = `{"type":"note","pad":"${'.'.repeat(100 - worn.length - 1 - 25)}"}`
    const bytes = log(worn, filler, bare)
    expect(bytes.indexOf(`\n${bare}`)).toBe(99)
    const [first, , second] = judged(bytes)
    expect(first).toBe(standInId(100, bare))
    expect(second).not.toBe(first)
    const removal = { type: 'remove', id: 'r', ids: [second] }
    expect(judged(log(worn, filler, bare, removal))).toEqual([first, expect.anything(), `-${second}`, 'r'])
  })
})

describe('removals', () => {
  test('hold before and after the line that they name', () => {
    const bytes = log(
      { type: 'remove', ids: ['b', 'nobody'] },
      user('a'),
      user('b'),
      { type: 'remove', ids: ['a'] },
      user('c'),
    )
    const { lines, visibility } = read(bytes)
    expect(lines.filter((line) => line.kind === 'message' && isLive(line, visibility)).map(({ id }) => id)).toEqual([
      'c',
    ])
  })

  test('reach messages of both forms and compactions, and nothing else', () => {
    const types = [
      { role: 'user' },
      { type: 'message', value: 1 },
      { type: 'compaction', summary: 's', through: null },
      { type: 'meta', set: {} },
      { type: 'commit' },
      { type: 'tombstone', ids: [] },
      { type: 'note' },
      { type: 'session', version: 1, key: 'k' },
    ]
    const bytes = log(...types.map((line, n) => ({ ...line, id: `l${n}` })), {
      type: 'remove',
      id: 'r',
      ids: ['l0', 'l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7', 'r'],
    })
    expect(judged(bytes)).toEqual(['-l0', '-l1', '-l2', 'l3', 'l4', 'l5', 'l6', 'l7', 'r'])
  })

  test('take a message with its copies, and one of two contradicting messages alone', () => {
    const lines = [user('a', 'x'), user('a', 'y'), user('a', 'x')]
    const [, second] = judged(log(...lines)) as [string, string]
    expect(judged(log(...lines, { type: 'remove', id: 'r', ids: ['a'] }))).toEqual(['-a', second, '-a', 'r'])
    expect(judged(log(...lines, { type: 'remove', id: 'r', ids: [second] }))).toEqual(['a', `-${second}`, '-a', 'r'])
  })

  test('name a line without id by its stand-in', () => {
    const [, second] = judged(log({ role: 'user' }, { role: 'user' })) as [string, string]
    expect(judged(log({ role: 'user' }, { role: 'user' }, { type: 'remove', id: 'r', ids: [second] }))[1]).toBe(
      `-${second}`,
    )
  })
})
