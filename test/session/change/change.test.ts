import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/index.js'
import { codeOf, contents, filesIn, message, open, tempFolder } from '../../helpers/store.js'

function linesOf(session: Session): string[] {
  return fs.readFileSync(session.path, 'utf8').split('\n').slice(0, -1)
}

/** What names the file: another one after a rewrite. */
function fileOf(session: Session): number {
  return fs.statSync(session.path).ino
}

describe('a change', () => {
  test('is decided on messages and values, and returns what the function gives', async () => {
    const session = (await open()).session('a')
    const seen = await session.change({}, ({ messages, entries, value }) => ({
      append: [message('first')],
      values: [['n', 1]],
      result: { messages, entries, n: value('n') },
    }))
    expect(seen).toEqual({ messages: [], entries: [], n: undefined })
    await session.append(message('second'))
    const [first, second] = await session.messages()
    await session.change({}, (view) => {
      expect(view.messages).toEqual([first, second])
      expect(view.entries).toMatchObject([{ id: first!.id, message: message('first') }, { id: second!.id }])
      expect(view.value('n')).toBe(1)
      expect(view.value('none')).toBeUndefined()
      return { result: undefined }
    })
    expect(await session.change({ last: 1 }, ({ messages }) => ({ result: messages }))).toEqual([second])
    expect(await session.change({ last: 0 }, ({ messages }) => ({ result: messages }))).toEqual([])
    expect(await session.change({ last: 9 }, ({ messages }) => ({ result: messages.length }))).toBe(2)
  })

  test('that changes nothing writes nothing, not even a folder', async () => {
    const store = await open()
    expect(await store.session('a').change({}, () => ({ result: 7 }))).toBe(7)
    expect(filesIn(store.dir)).toEqual([])
  })

  test('of one line, or of messages alone, is one write; all else writes the log anew', async () => {
    const session = (await open()).session('a')
    await session.append([message('1'), message('2'), message('3')])
    await session.setName('kept')
    const file = fileOf(session)
    await session.change({}, () => ({ append: [message('4'), message('5')], result: 0 }))
    await session.change({}, () => ({ values: [['x', 1]], result: 0 }))
    await session.change({}, ({ messages }) => ({ remove: [messages[0]!.id], result: 0 }))
    expect(fileOf(session)).toBe(file)
    expect(await contents(session)).toEqual(['2', '3', '4', '5'])
    await session.change({ last: 2 }, ({ messages }) => ({
      remove: messages.map(({ id }) => id),
      append: [message('six'), message('seven')],
      values: [
        ['x', 2],
        ['y', { a: 1 }, { expires: Date.now() + 60_000 }],
      ],
      result: 0,
    }))
    expect(fileOf(session)).not.toBe(file)
    expect(await contents(session)).toEqual(['2', '3', 'six', 'seven'])
    expect([await session.getValue('x'), await session.getValue('y')]).toEqual([2, { a: 1 }])
    expect(linesOf(session).filter((line) => /"content":"[145]"/.test(line))).toEqual([])
    expect(await session.name()).toBe('kept')
    const ids = linesOf(session).map((line) => JSON.parse(line).id)
    expect(ids).toEqual([...ids].sort())
    expect(await session.check()).toMatchObject({ damage: [], duplicates: 0, contradictions: [] })
  })

  test('takes a summary away with a message that it stands for', async () => {
    const session = (await open()).session('a')
    await session.append([message('1'), message('2'), message('3')])
    const [, second] = await session.messages()
    const through = JSON.stringify(second!.id)
    fs.appendFileSync(session.path, `{"type":"compaction","summary":"one and two","through":${through}}\n`)
    await session.change({ last: 1 }, ({ messages }) => ({
      remove: [messages[0]!.id],
      append: [message('three')],
      result: 0,
    }))
    expect(await session.context()).toMatchObject([{ role: 'system' }, { content: 'three' }])
    await session.change({ last: 2 }, ({ messages }) => ({
      remove: [messages[0]!.id],
      append: [message('two')],
      result: 0,
    }))
    expect(await session.context()).toMatchObject([{ content: '1' }, { content: 'three' }, { content: 'two' }])
  })

  test('names messages by the ids of their lines or their own; one that it did not see is an error', async () => {
    const session = (await open()).session('a')
    await session.append([message('1'), { ...message('2'), id: 'own' }, message('3')])
    await session.change({}, ({ messages }) => ({ remove: [messages[1]!.id, messages[2]!.id], result: 0 }))
    expect(await contents(session)).toEqual(['1'])
    const before = linesOf(session)
    const wrong = session.change({}, () => ({ remove: ['nobody'], append: [message('x')], result: 0 }))
    expect(await codeOf(wrong)).toBe('ERR_MESSAGE_NOT_FOUND')
    expect(linesOf(session)).toEqual(before)
  })

  test('that is wrong or throws writes nothing', async () => {
    const session = (await open()).session('a')
    await session.append(message('1'))
    const before = linesOf(session)
    const change = (decided: unknown) => session.change({}, () => decided as never)
    await expect(change(undefined)).rejects.toThrow(TypeError)
    await expect(change({ append: [{ no: 'role' }], result: 0 })).rejects.toThrow(TypeError)
    await expect(change({ append: message('x'), result: 0 })).rejects.toThrow(TypeError)
    await expect(change({ appends: [], result: 0 })).rejects.toThrow(TypeError)
    await expect(change({ values: [['x', 1n]], append: [message('x')], result: 0 })).rejects.toThrow(TypeError)
    await expect(session.change({}, (async () => ({ result: 0 })) as never)).rejects.toThrow(TypeError)
    await expect(session.change({ first: 1 } as never, () => ({ result: 0 }))).rejects.toThrow(TypeError)
    await expect(
      session.change({}, () => {
        throw new Error('from the function')
      }),
    ).rejects.toThrow('from the function')
    expect(linesOf(session)).toEqual(before)
  })

  test('comes in call order, and two of two stores at once are both whole', async () => {
    const folder = tempFolder()
    const stores = [await open(folder), await open(folder)]
    const replace = (session: Session) =>
      session.change<number>({}, ({ messages, value }) => ({
        remove: messages.map(({ id }) => id),
        append: [...messages.map(({ content }) => message(String(content))), message(`${messages.length}`)],
        values: [['n', (value<number>('n') ?? 0) + 1]],
        result: messages.length,
      }))
    const done = stores.flatMap((store) => Array.from({ length: 5 }, () => replace(store.session('a'))))
    expect((await Promise.all(done)).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const session = stores[0]!.session('a')
    expect(await contents(session)).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`))
    expect(await session.getValue('n')).toBe(10)
  })
})
