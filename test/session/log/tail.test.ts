import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ChatMessage, Session } from '../../../src/index.js'
import { RemoteStore } from '../../helpers/child.js'
import { bytesRead } from '../../helpers/file-calls.js'
import { bareLine, fill, message, open, randomOf, tempFolder } from '../../helpers/store.js'

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

async function filled(texts: readonly string[] = numbers(0, 20)): Promise<Session> {
  return fill(await open(), 'a', texts)
}

async function lastTexts(session: Session, count: number): Promise<unknown[]> {
  return (await session.tail(count)).map(({ content }) => content)
}

describe('the last messages', () => {
  test('hold what this process has appended and removed meanwhile', async () => {
    const session = await filled()
    await session.tail(5)
    await session.append(message('20'))
    await session.append([message('21'), message('22')])
    await session.removeLast()
    await session.setName('n')
    expect(await lastTexts(session, 5)).toEqual(['17', '18', '19', '20', '21'])
    expect(await lastTexts(session, 3)).toEqual(['19', '20', '21'])
  })

  test('cost about the same reading for a log of any length', async () => {
    const session = await filled(numbers(0, 300))
    const short = await bytesRead(() => session.tail(20))
    await session.append(numbers(300, 6_000).map(message))
    await session.info()
    expect((await bytesRead(() => session.tail(20))) / short).toBeCloseTo(1, 1)
  })

  test('are the same as the end of all messages', async () => {
    const session = await filled()
    const odd: ChatMessage[] = [
      { role: 'user', content: 'x', id: 'm1', at: 7, type: 'note', own: { a: 1 } },
      {
        role: 'user',
        content: [{ type: 'text', text: 'é\u2028\ud800' }],
        undef: undefined,
        when: new Date(0) as never,
      },
      JSON.parse('{"role":"user","content":{"__proto__":{"x":1}},"__proto__":{"y":[1]}}'),
      { role: 'assistant', content: null, usage: { promptTokens: 1 }, nan: Number.NaN, zero: -0 },
    ]
    await session.tail(3)
    for (const one of odd) {
      await session.append(one)
      expect(await session.tail(3)).toEqual((await session.messages()).slice(-3))
      expect(await session.tail(3)).toEqual((await session.messages()).slice(-3))
    }
    expect(await session.tail(100)).toEqual(await session.messages())
    expect(JSON.stringify(await session.tail(100))).toBe(JSON.stringify(await session.messages()))
  })

  test('may be changed by the caller', async () => {
    const session = await filled(['1'])
    await session.append({ role: 'user', content: [{ text: 'old' }], meta: { tags: ['old'] } })
    const before = await session.messages()
    for (let i = 0; i < 3; i++) {
      const last = await session.tail(2)
      expect(last).toEqual(before)
      for (const one of last) {
        one.content = 'new'
        one.more = true
        const meta = one.meta as { tags: string[] } | undefined
        meta?.tags.push('new')
      }
    }
    expect(await session.messages()).toEqual(before)
  })

  test('an object that its writer changes after the append is what it was', async () => {
    const session = await filled(['1'])
    await session.tail(2)
    const mine = { role: 'user', content: { text: 'then' } }
    await session.append(mine)
    mine.content.text = 'later'
    expect((await session.tail(1))[0]?.content).toEqual({ text: 'then' })
  })

  test('what is nested a thousand levels deep comes back', async () => {
    const session = await filled(['1'])
    await session.tail(2)
    let deep: unknown = 'bottom'
    for (let i = 0; i < 1_000; i++) deep = [deep]
    await session.append({ role: 'user', content: deep as never })
    for (let i = 0; i < 3; i++) expect(JSON.stringify(await session.tail(2))).toContain('[["bottom"]]')
  })

  test('hold what another program appended', async () => {
    const session = await filled()
    await session.tail(5)
    fs.appendFileSync(session.path, bareLine('theirs'))
    expect(await lastTexts(session, 2)).toEqual(['19', 'theirs'])
    await session.append(message('mine'))
    expect(await lastTexts(session, 3)).toEqual(['19', 'theirs', 'mine'])
    fs.appendFileSync(session.path, bareLine('theirs too'))
    await session.append(message('mine too'))
    expect(await lastTexts(session, 4)).toEqual(['theirs', 'mine', 'theirs too', 'mine too'])
  })

  test('hold what another store appended, also when this one appended after it', async () => {
    const folder = tempFolder()
    const mine = await fill(await open(folder), 'a', ['1'])
    const theirs = (await open(folder)).session('a')
    await mine.tail(3)
    await theirs.append(message('2'))
    await mine.append(message('3'))
    expect(await lastTexts(mine, 3)).toEqual(['1', '2', '3'])
    await theirs.removeLast()
    await mine.append(message('4'))
    expect(await lastTexts(mine, 3)).toEqual(['1', '2', '4'])
  })

  test('hold an edit in place that does not change the size', async () => {
    const session = await filled(['cat', 'dog'])
    expect(await lastTexts(session, 2)).toEqual(['cat', 'dog'])
    fs.writeFileSync(session.path, fs.readFileSync(session.path, 'utf8').replace('cat', 'cow'))
    expect(await lastTexts(session, 2)).toEqual(['cow', 'dog'])
    await session.append(message('hen'))
    expect(await lastTexts(session, 3)).toEqual(['cow', 'dog', 'hen'])
  })

  test('hold an edit that is saved by renaming', async () => {
    const session = await filled(['cat', 'dog'])
    await session.tail(2)
    fs.writeFileSync(`${session.path}.new`, fs.readFileSync(session.path, 'utf8').replace('dog', 'pig'))
    fs.renameSync(`${session.path}.new`, session.path)
    expect(await lastTexts(session, 2)).toEqual(['cat', 'pig'])
  })

  test('are those of a rewritten log, and of a session that was deleted and created again', async () => {
    const session = await filled()
    await session.tail(5)
    const [, second] = await session.messages()
    await session.remove(String(second?.id))
    await session.rewrite()
    expect(await lastTexts(session, 100)).toEqual(['0', ...numbers(2, 20)])
    await session.delete()
    expect(await session.tail(5)).toEqual([])
    await session.append(message('new'))
    expect(await lastTexts(session, 5)).toEqual(['new'])
  })

  test('are as many as requested', async () => {
    const session = await filled()
    for (const count of [1, 3, 2, 20, 21, 5])
      expect(await lastTexts(session, count)).toEqual(numbers(0, 20).slice(-count))
    for (const text of numbers(20, 400)) await session.append(message(text))
    for (const count of [5, 50, 300, 1_000])
      expect(await lastTexts(session, count)).toEqual(numbers(0, 400).slice(-count))
  })

  test('undated lines keep to the time of the file', async () => {
    const session = await filled([])
    fs.mkdirSync(session.path.replace(/[^/]*$/, ''), { recursive: true })
    fs.writeFileSync(session.path, bareLine('1') + bareLine('2'))
    expect(await lastTexts(session, 2)).toEqual(['1', '2'])
    fs.utimesSync(session.path, 1_000, 1_000)
    expect((await session.tail(2)).map(({ at }) => at)).toEqual(Array(2).fill(new Date(1_000_000).toISOString()))
    await session.append(message('3'))
    expect(await session.tail(3)).toEqual(await session.messages())
  })

  test('of many sessions, of two processes, after any changes: always what the log says', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    const other = await RemoteStore.open(folder)
    const random = randomOf(9)
    const pick = (count: number) => Math.floor(random() * count)
    for (let i = 0; i < 300; i++) {
      const key = `s${pick(4)}`
      const session = store.session(key)
      const act = pick(8)
      if (act < 3) await session.append(message(`${i}`))
      else if (act === 3) await session.removeLast()
      else if (act === 4) await other.append(key, `${i}`)
      else if (act === 5) await other.call('removeLast', key)
      else if (act === 6) await session.rewrite()
      else await session.append([message(`${i}a`), message(`${i}b`)])
      const count = 1 + pick(9)
      expect(await session.tail(count)).toEqual((await session.messages()).slice(-count))
    }
  })
})
