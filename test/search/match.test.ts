/** What a search shows of a session: the message that matches, and its text around the words. */
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { snippetOf } from '../../src/search/match.js'
import { wordsOf } from '../../src/search/words.js'
import { fill, open, tempFolder } from '../helpers/store.js'

describe('a hit', () => {
  test('names the first message that holds most of the words', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['green tea', 'black coffee', 'tea and coffee', 'tea or coffee'])
    const [hit] = await store.search('tea coffee')
    const { match } = hit!
    expect(match).toMatchObject({ role: 'user', snippet: 'tea and coffee', at: expect.any(Date) })
    expect(fs.readFileSync(session.path, 'latin1').slice(match!.offset)).toMatch(/^{"role":"user","content":"tea and/)
    for await (const { message } of session.entries({ after: match!.id })) expect(message.content).toBe('tea or coffee')
    expect(await store.search('tea nowhere')).toMatchObject([{ match: { snippet: 'green tea' } }])
    expect(await store.search()).toMatchObject([{ key: 'a', match: null }])
  })

  test('is found in any text of a message but its role and ids, in the content only, or where a function says', async () => {
    const store = await open(tempFolder(), { search: { index: true } })
    await store
      .session('ui')
      .append({ role: 'user', id: 'needle-id', parts: [{ type: 'text', text: 'needle in parts' }] })
    await store
      .session('tool')
      .append({ role: 'assistant', toolCalls: [{ id: 't', name: 'grep', args: { q: 'NEEDLE' } }] })
    await store.session('needle').append({ role: 'needle', content: 'nothing' })
    const keys = async (options?: Parameters<typeof store.search>[1], words = 'needle') =>
      (await store.search(words, options)).map(({ key }) => key).sort()
    expect(await keys()).toEqual(['tool', 'ui'])
    expect(await keys({ texts: 'content' })).toEqual([])
    expect(await keys({ texts: ({ role }) => role })).toEqual(['needle'])
    expect(await keys({ texts: ({ content }) => [String(content).toUpperCase(), 'x'] }, 'nothing')).toEqual(['needle'])
    expect(await keys(undefined, 'needle-id')).toEqual([])
    await expect(store.search('x', { fields: 'all' } as never)).rejects.toThrow('search knows no option fields')
    await expect(store.search('x', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })

  test('is found by the index in any field', async () => {
    const store = await open()
    for (let i = 0; i < 300; i++) await store.session(`k${i}`).append({ role: 'user', text: `word${i} here` })
    for (let round = 0; round < 2; round++) {
      expect(await store.search('word123')).toMatchObject([{ key: 'k123', match: { snippet: 'word123 here' } }])
    }
  })
})

test('words, phrases and odd quotes', () => {
  expect(wordsOf('Foo  "two Words" bar foo')).toEqual(['foo', 'two words', 'bar'])
  expect(wordsOf('5" nail')).toEqual(['5"', 'nail'])
})

test('a snippet is one line around the word', () => {
  const text = `${'before '.repeat(20)}\nthe Needle\nis here ${'after '.repeat(100)}`
  expect(snippetOf(text, ['needle'])).toMatch(/^…before the Needle is here after .*…$/)
  expect(snippetOf('needle', ['absent', 'needle'])).toBe('needle')
  const emoji = `${'😀'.repeat(20)}needle${'😀'.repeat(300)}`
  expect(snippetOf(emoji, ['needle'])).not.toMatch(/\p{Surrogate}/u)
})
