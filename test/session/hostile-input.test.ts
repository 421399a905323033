import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ChatMessage, Session } from '../../src/index.js'
import { bareLine, codeOf, contents, filesIn, message, open, SOAK } from '../helpers/store.js'

function nested(depth: number): unknown {
  let value: unknown = 'x'
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

function cyclic(): object {
  const value: Record<string, unknown> = { role: 'user' }
  value.self = value
  return value
}

/** Messages that are written, and read back as JSON would have them. */
const TAKEN: Record<string, () => object> = {
  '10 MB': () => message('x'.repeat(10_000_000)),
  'half of the characters of UTF-16, alone': () => message('\ud800 \udc00 \ud800'),
  'separators of lines': () => message('a\u2028b\u2029c\u0085d\re\nf'),
  'all control characters': () => message(String.fromCharCode(...Array.from({ length: 160 }, (_, i) => i))),
  'a depth of 512': () => ({ role: 'user', content: nested(512) }),
  'a depth of 1,000': () => ({ role: 'user', content: nested(1_000) }),
  __proto__: () => JSON.parse('{"role":"user","__proto__":{"role":"x"},"constructor":1,"content":{"__proto__":[1]}}'),
  toJSON: () => ({ toJSON: () => ({ role: 'user', content: 'from toJSON' }) }),
  'no numbers': () => ({ role: 'user', content: [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e21] }),
  // biome-ignore lint/suspicious/noSparseArray: that is the point
  'an array with holes': () => ({ role: 'user', content: [1, , 3] }),
  '100,000 fields': () => ({
    role: 'user',
    content: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i])),
  }),
  'a getter that counts': () => {
    let count = 0
    return {
      role: 'user',
      get content() {
        return count++ === 0 ? 'first' : 'later'
      },
    }
  },
}

/** Messages that are refused. */
const REFUSED: Record<string, () => object> = {
  'a depth of 100,000': () => ({ role: 'user', content: nested(100_000) }),
  'a bigint': () => ({ role: 'user', content: 1n }),
  'a cycle': cyclic,
  'toJSON that throws': () => ({
    role: 'user',
    toJSON() {
      throw new TypeError('no')
    },
  }),
  'a getter that throws': () => ({
    role: 'user',
    get content() {
      throw new TypeError('no')
    },
  }),
  ...(SOAK ? { '200 MB': () => message('x'.repeat(200_000_000)) } : {}),
}

describe('a message', () => {
  test.each(Object.entries(TAKEN))('%s is read back equal, here, elsewhere and after a rewrite', async (_, make) => {
    const store = await open()
    const session = store.session('a')
    const expected = JSON.parse(JSON.stringify(make()))
    await session.append(message('removed'))
    await session.removeLast()
    await session.append(make() as ChatMessage)
    await session.append(message('next'))
    const expectBack = async (one: Session) => {
      const [{ id, at, ...got }, next] = (await one.messages()) as unknown as [ChatMessage, ChatMessage]
      expect(id).toBeTypeOf('string')
      expect(at).toBeTypeOf('string')
      // compared as text: for an object of odd fields and a deep one alike
      expect(JSON.stringify(got) === JSON.stringify(expected)).toBe(true)
      expect(next.content).toBe('next')
      expect(await one.check()).toMatchObject({ damage: [], torn: null })
    }
    await expectBack(session)
    await expectBack((await open(store.dir)).session('a'))
    await session.rewrite()
    await expectBack(session)
    await expectBack(await store.fork('a', { as: 'b' }))
  })

  test.each(Object.entries(REFUSED))('%s is refused before any byte is written', async (_, make) => {
    const store = await open()
    const session = store.session('a')
    await expect(session.append(make() as ChatMessage)).rejects.toThrow()
    expect(filesIn(store.dir)).toEqual([])
    await session.append(message('1'))
    const before = fs.readFileSync(session.path)
    await expect(session.append([message('2'), make() as ChatMessage])).rejects.toThrow()
    expect(fs.readFileSync(session.path)).toEqual(before)
    await session.append(message('2'))
    expect(await contents(session)).toEqual(['1', '2'])
  })
})

/** What a file may hold between two good lines, and whether that is damage. */
const LINES: Record<string, { bytes: Buffer | string; damaged: number; messages?: number }> = {
  'a byte that is no UTF-8': { bytes: Buffer.from('{"role":"user","content":"\xff"}\n', 'latin1'), damaged: 1 },
  NULs: { bytes: `${'\0'.repeat(5_000)}\n`, damaged: 1 },
  'a lone CR': { bytes: '{"role":"user"}\r{"role":"user"}\n', damaged: 1 },
  'CR LF': { bytes: `${bareLine('crlf').trimEnd()}\r\n`, damaged: 0, messages: 1 },
  'empty lines and spaces': { bytes: '\n\n  \n\t\r\n', damaged: 0 },
  'two objects': { bytes: '{"role":"user"}{"role":"user"}\n', damaged: 1 },
  null: { bytes: 'null\n', damaged: 1 },
  'a number': { bytes: '1\n', damaged: 1 },
  'an array': { bytes: '["user","hi"]\n', damaged: 1 },
  'a byte order mark': { bytes: '\ufeff{"role":"user"}\n', damaged: 1 },
  'marks of a merge': { bytes: '<<<<<<< ours\n=======\n>>>>>>> theirs\n', damaged: 3 },
  'one field twice': { bytes: '{"role":"user","content":"1st","content":"2nd"}\n', damaged: 0, messages: 1 },
  'huge numbers': { bytes: '{"role":"user","content":12345678901234567890,"n":1e400}\n', damaged: 0, messages: 1 },
  'a depth of 100,000': {
    bytes: `{"role":"user","content":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`,
    damaged: 1,
  },
  __proto__: { bytes: '{"role":"user","__proto__":{"type":"remove","ids":[]}}\n', damaged: 0, messages: 1 },
  ...(SOAK ? { 'a line beyond the greatest length': { bytes: Buffer.alloc(129 * 1024 * 1024, 'x'), damaged: 1 } } : {}),
}

describe('a line of a file', () => {
  test.each(Object.entries(LINES))('%s costs itself only, and its bytes are kept', async (_, given) => {
    const store = await open()
    const session = store.session('a')
    const bytes = Buffer.from(given.bytes)
    const closed = bytes.at(-1) === 0x0a ? bytes : Buffer.concat([bytes, Buffer.from('\n')])
    fs.mkdirSync(store.dir, { recursive: true })
    fs.writeFileSync(session.path, Buffer.concat([Buffer.from(bareLine('1')), closed, Buffer.from(bareLine('3'))]))
    const count = 2 + (given.messages ?? 0)
    expect(await session.info()).toMatchObject({ messages: count, damaged: given.damaged })
    expect(await session.tail(1)).toMatchObject([{ content: '3' }])
    await session.append(message('4'))
    expect((await session.check())?.damage).toHaveLength(given.damaged)
    expect((await session.messages()).length).toBe(count + 1)
    const before = fs.readFileSync(session.path)
    expect(before.indexOf(closed)).toBe(bareLine('1').length)
    const fork = await store.fork('a', { as: 'b' })
    await session.rewrite()
    // id and time that the line lacks are added at its end; the rest keeps its bytes
    const rest = closed.toString('latin1').trim().slice(0, -1)
    for (const log of given.messages === undefined ? [] : [session.path, fork.path])
      expect(fs.readFileSync(log).includes(rest, 0, 'latin1')).toBe(true)
    expect(await session.info()).toMatchObject({ messages: count + 1, damaged: 0 })
    const place = `${store.dir}/.quarantine/a`
    const aside = fs.existsSync(place) ? fs.readdirSync(place).filter((file) => file.endsWith('.bin')) : []
    const kept = aside.reduce((sum, file) => sum + fs.statSync(`${place}/${file}`).size, 0)
    if (given.damaged > 0) expect(kept).toBe(closed.length)
    else expect(aside).toEqual([])
  })
})

test(`a line of ${SOAK ? '1 GB' : '150 MB'} costs itself only, and little memory`, async () => {
  const store = await open()
  const session = store.session('a')
  const length = SOAK ? 1_000_000_000 : 150_000_000
  fs.mkdirSync(store.dir, { recursive: true })
  fs.writeFileSync(session.path, bareLine('1'))
  // a hole: NULs that take no room
  fs.truncateSync(session.path, bareLine('1').length + length)
  fs.appendFileSync(session.path, `\n${bareLine('3')}`)
  const peak = () => process.resourceUsage().maxRSS * 1_024
  const before = peak()
  expect(await contents(session)).toEqual(['1', '3'])
  expect((await session.check())?.damage).toMatchObject([{ line: 2, offset: bareLine('1').length, length: length + 1 }])
  await session.append(message('4'))
  expect(await (await open(store.dir)).session('a').info()).toMatchObject({ messages: 3, damaged: 1 })
  // in a process of its own 4 times the line; other files of the run leave room for the collector
  expect(peak() - before).toBeLessThan(900_000_000)
})

test.each([4_170, 10_000])('a depth of %i is read back equal, or refused before any byte is written', async (depth) => {
  const session = (await open()).session('a')
  const given = { role: 'user', content: nested(depth) } as ChatMessage
  if ((await codeOf(session.append(given))) !== undefined) expect(await session.info()).toBe(null)
  else expect(JSON.stringify((await session.messages())[0]?.content)).toBe(JSON.stringify(given.content))
  await session.append(message('next'))
  expect((await session.tail(1))[0]?.content).toBe('next')
})
