/** Messages with the lines that they stand in, and the ids by which callers name them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EntriesOptions, Session } from '../../../src/index.js'
import { fill, message, open } from '../../helpers/store.js'

async function textsOf(session: Session, options?: EntriesOptions): Promise<unknown[]> {
  const texts: unknown[] = []
  for await (const { message } of session.entries(options)) texts.push(message.content)
  return texts
}

async function idsOf(session: Session): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of session.entries()) ids.push(id)
  return ids
}

describe('entries', () => {
  test('give the line and the message apart', async () => {
    const session = (await open()).session('a')
    const own = { role: 'user', content: 'hi', id: 'tg-7', at: 'noon' }
    const id = await session.append(own)
    const found: unknown[] = []
    for await (const entry of session.entries()) found.push(entry)
    expect(found).toEqual([{ id, at: expect.any(Date), message: own }])
  })

  test('are those that the options name: the same as a slice of all', async () => {
    const session = await fill(await open(), 'a', ['0', '1', '2', '3', '4', '5', '6', '7'])
    await session.remove((await idsOf(session))[3] as string)
    const texts = ['0', '1', '2', '4', '5', '6', '7']
    const ids = await idsOf(session)
    const place = fc.option(fc.nat(6), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(place, place, fc.option(fc.nat(9), { nil: undefined }), async (before, after, last) => {
        const start = after === undefined ? 0 : after + 1
        const inside = texts.slice(start, Math.max(start, before ?? 7))
        const options: EntriesOptions = {}
        if (before !== undefined) options.before = ids[before] as string
        if (after !== undefined) options.after = ids[after] as string
        if (last !== undefined) options.last = last
        const wanted = last === undefined ? inside : last === 0 ? [] : inside.slice(-last)
        if (before !== undefined && after !== undefined && before <= after) return
        expect(await textsOf(session, options)).toEqual(wanted)
      }),
      { numRuns: 200 },
    )
  })

  test('of a session that is not there are none; an id that is not there is an error', async () => {
    const store = await open()
    expect(await textsOf(store.session('none'))).toEqual([])
    expect(await textsOf(store.session('none'), { last: 3 })).toEqual([])
    const session = await fill(store, 'a', ['0', '1'])
    for (const options of [{ before: 'x' }, { after: 'x' }, { before: 'x', last: 1 }, { after: 'x', last: 1 }])
      await expect(textsOf(session, options)).rejects.toMatchObject({
        code: 'ERR_MESSAGE_NOT_FOUND',
        details: { id: 'a', message: 'x' },
      })
  })

  test('end when the signal fires', async () => {
    const session = await fill(await open(), 'a', ['0', '1', '2'])
    const stop = new AbortController()
    const seen: unknown[] = []
    const reading = async () => {
      for await (const { message } of session.entries({ signal: stop.signal })) {
        seen.push(message.content)
        stop.abort(new Error('enough'))
      }
    }
    await expect(reading()).rejects.toThrow('enough')
    expect(seen).toEqual(['0'])
  })

  test('refuse what they do not know', async () => {
    const session = (await open()).session('a')
    for (const options of [{ first: 1 }, { last: '1' }, { before: 1 }, { signal: {} }, null])
      expect(() => session.entries(options as never)).toThrow(TypeError)
    expect(() => session.entries({ last: -1 })).toThrow(RangeError)
  })
})

describe("a message's own id", () => {
  const own = (id: string) => ({ role: 'user', content: `text ${id}`, id })

  test('names it where exactly one live message has it', async () => {
    const store = await open()
    const session = store.session('a')
    for (const id of ['m1', 'm2', 'm2', 'm3', 'm4']) await session.append(own(id))
    expect(await session.remove(['m2', 'm1', 'none'])).toBe(1)
    expect(await textsOf(session, { after: 'm3' })).toEqual(['text m4'])
    expect(await textsOf(session, { before: 'm3', last: 1 })).toEqual(['text m2'])
    const copy = await store.fork('a', { as: 'b', at: 'm3' })
    expect(await textsOf(copy)).toEqual(['text m2', 'text m2', 'text m3'])
    expect(await session.rewind({ to: 'm3' })).toBe(1)
    await expect(session.rewind({ to: 'm2' })).rejects.toMatchObject({ code: 'ERR_MESSAGE_NOT_FOUND' })
    await session.restore('m4')
    expect(await textsOf(session)).toEqual(['text m2', 'text m2', 'text m3', 'text m4'])
  })

  test('of a line goes before that of a message', async () => {
    const session = (await open()).session('a')
    const line = await session.append(message('first'))
    await session.append({ ...own(line), content: 'second' })
    expect(await session.remove(line)).toBe(1)
    expect(await textsOf(session)).toEqual(['second'])
  })

  test('appended once is written once, in whatever process', async () => {
    const store = await open()
    const session = store.session('a')
    const first = await session.append(own('m1'))
    expect(await session.append(own('m1'), { once: true })).toBe(first)
    const [again, second, twice] = await session.append([own('m1'), own('m2'), own('m2')], { once: true })
    expect([again, twice]).toEqual([first, second])
    const other = (await open(store.dir)).session('a')
    const [a, b] = await Promise.all([
      session.append(own('m3'), { once: true }),
      other.append(own('m3'), { once: true }),
    ])
    expect(a).toBe(b)
    expect(await textsOf(session)).toEqual(['text m1', 'text m2', 'text m3'])
    await other.rewrite()
    expect(await session.append(own('m2'), { once: true })).toBe(second)
    await other.remove('m2')
    expect(await session.append(own('m2'), { once: true })).not.toBe(second)
    expect(await textsOf(session)).toEqual(['text m1', 'text m3', 'text m2'])
  })

  test('is needed for that', async () => {
    const session = (await open()).session('a')
    await expect(session.append(message('x'), { once: true })).rejects.toThrow('needs an id of its own')
    await expect(session.append(message('x'), { twice: true } as never)).rejects.toThrow('append knows no option twice')
    expect(await session.info()).toBeNull()
  })
})
