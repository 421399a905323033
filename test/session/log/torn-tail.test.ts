import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contents, fill, message, open, quarantined, SOAK, tempFolder } from '../../helpers/store.js'

/** A session of two messages with this text at the end of its log. */
async function withTail(tail: string | Buffer) {
  const folder = tempFolder()
  const session = await fill(await open(folder), 'a', ['1', '2'])
  const size = fs.statSync(session.path).size
  fs.appendFileSync(session.path, tail)
  return { folder, session, size }
}

const TORN: Array<[string, string | Buffer]> = [
  ['half a line', '{"id":"019aa1b2","role":"us'],
  ['a run of NUL bytes', Buffer.alloc(5_000)],
  ['half a line and a run of NUL bytes', Buffer.concat([Buffer.from('{"role":"user"'), Buffer.alloc(300)])],
  ['half a character', Buffer.concat([Buffer.from('{"role":"user","content":"'), Buffer.from('é').subarray(0, 1)])],
  ['what is no text at all', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
  ['a long half line', `{"role":"user","content":"${'x'.repeat(700_000)}`],
]

describe('a torn tail', () => {
  test.each(TORN)(
    '%s is no message, stays as a damaged line before the next one, and goes to quarantine with a rewrite',
    async (_, tail) => {
      const { folder, session, size } = await withTail(tail)
      expect(await contents(session)).toEqual(['1', '2'])
      expect((await session.info())?.damaged).toBe(0)
      const length = Buffer.byteLength(tail)
      expect((await session.check())?.torn).toEqual({ offset: size, length })
      expect(fs.statSync(session.path).size).toBe(size + length)
      await session.append(message('3'))
      expect(await contents(session)).toEqual(['1', '2', '3'])
      expect(await session.check()).toMatchObject({ torn: null, messages: 3, damage: [{ offset: size }] })
      expect((await session.info())?.damaged).toBe(1)
      await session.rewrite()
      const line = Buffer.concat([Buffer.from(tail), Buffer.from('\n')])
      expect(quarantined(folder, 'a').map((bytes) => bytes.equals(line))).toEqual([true])
      expect(await session.check()).toMatchObject({ torn: null, damage: [], messages: 3 })
      expect(await contents(session)).toEqual(['1', '2', '3'])
    },
  )

  test.each(['setName', 'removeLast', 'rewrite', 'setState'] as const)('%s copes with it', async (call) => {
    const { folder, session } = await withTail('{"torn')
    if (call === 'setName') await session.setName('n')
    else if (call === 'setState') await session.setState('running', 't')
    else await session[call]()
    expect(await contents(session)).toEqual(call === 'removeLast' ? ['1'] : ['1', '2'])
    await session.append(message('3'))
    expect((await contents(session)).at(-1)).toBe('3')
    await session.rewrite()
    expect(quarantined(folder, 'a').map((bytes) => String(bytes).trimEnd())).toEqual(['{"torn'])
  })

  test('at every byte of a log: what is whole is read, and an append loses nothing but the torn line', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    const whole = await fill(store, 'whole', ['1', 'two é', '3'])
    const bytes = fs.readFileSync(whole.path)
    for (let cut = 1; cut < bytes.length; cut += SOAK ? 1 : 4) {
      const session = store.session(`cut${cut}`)
      fs.writeFileSync(session.path, bytes.subarray(0, cut))
      const texts = await contents(session)
      expect(texts).toEqual(['1', 'two é', '3'].slice(0, texts.length))
      await session.append(message('more'))
      expect(await contents(session)).toEqual([...texts, 'more'])
      expect(fs.readFileSync(session.path).subarray(0, cut).equals(bytes.subarray(0, cut))).toBe(true)
    }
  })
})

describe('an end that is not torn', () => {
  test('a whole last line without line feed counts, and gets its line feed with the next write', async () => {
    const { folder, session } = await withTail('{"role":"user","content":"by hand"}')
    expect(await contents(session)).toEqual(['1', '2', 'by hand'])
    await session.append(message('4'))
    expect(await contents(session)).toEqual(['1', '2', 'by hand', '4'])
    expect((await session.info())?.messages).toBe(4)
    expect(quarantined(folder, 'a')).toEqual([])
    expect((await session.check())?.lines).toBe(5)
  })

  test.each([
    ['half a line', '{"role":"us\n'],
    ['NUL bytes', `${'\0'.repeat(40)}\n`],
  ])('a last line that ends in a line feed is damage and stays: %s', async (_, tail) => {
    const { folder, session, size } = await withTail(tail)
    await session.append(message('3'))
    expect(await contents(session)).toEqual(['1', '2', '3'])
    expect((await session.info())?.damaged).toBe(1)
    expect((await session.check())?.damage).toMatchObject([{ line: 4, offset: size, length: tail.length }])
    expect(quarantined(folder, 'a')).toEqual([])
    expect((await session.rewrite())?.quarantined).toBe(1)
    expect(quarantined(folder, 'a').map(String)).toEqual([tail])
    expect(await contents(session)).toEqual(['1', '2', '3'])
  })
})
