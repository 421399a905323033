import { describe, expect, test } from 'vitest'
import { readIncoming } from '../../src/cli/bot/inbox.js'
import { answerIn, context } from '../../src/cli/bot/openai-responder.js'
import { barLine } from '../../src/cli/bot/progress.js'
import { builtInAnswer } from '../../src/cli/bot/responder.js'

const read = (text: string | Buffer | null) =>
  readIncoming({ number: 1, data: text === null ? null : Buffer.from(text), length: 0 })

describe('readIncoming', () => {
  test('a message, with or without reply', () => {
    const message = { sender: 'ann', text: 'hi', reply: null }
    expect(read('{"sender":"ann","text":"hi"}')).toEqual(message)
    expect(read('\ufeff{"sender":"ann","text":"hi","reply":null}\r')).toEqual(message)
    expect(read('{"sender":"ann","text":"","reply":"","more":1}')).toEqual({ sender: 'ann', text: '', reply: '' })
  })

  test('blank lines are nothing', () => {
    for (const blank of ['', ' \t\r']) expect(read(blank)).toBeNull()
  })

  test('bad lines have a reason', () => {
    expect(read(null)).toBe('longer than 16 MB')
    expect(read(Buffer.from([0xff, 0x7b]))).toBe('not UTF-8')
    expect(read('{"sender":')).toBe('not JSON')
    for (const text of ['[]', 'null', '1', '"x"']) expect(read(text)).toBe('not a JSON object')
    for (const text of ['{}', '{"sender":"","text":"x"}', '{"sender":1,"text":"x"}'])
      expect(read(text)).toMatch(/^sender/)
    expect(read('{"sender":"\\ud800","text":"x"}')).toMatch(/^sender/)
    expect(read('{"sender":"a","text":null}')).toMatch(/^text/)
    expect(read('{"sender":"a","text":"x","reply":3}')).toMatch(/^reply/)
  })
})

test('the built-in answer shows what it knows', () => {
  expect(builtInAnswer({ text: 'hi\nyou', before: null, number: 1 })).toBe(
    'You said “hi you”. That was message 1 of our conversation.',
  )
  expect(builtInAnswer({ text: '🐌'.repeat(300), before: 'hi', number: 3 })).toBe(
    `You said “${'🐌'.repeat(119)}…”. That was message 3 of our conversation; before it you said “hi”.`,
  )
})

describe('endpoint', () => {
  test('the context is role and content', () => {
    const at = '2026-11-21T07:00:00.000Z'
    const messages = [
      { id: '1', at, role: 'user', content: 'a', more: 1 },
      { id: '2', at, role: 'tool', content: 'result' },
      { id: '3', at, role: 'assistant', content: null, tool_calls: [] },
      { id: '4', at, role: 'user', content: [{ type: 'text', text: 'b' }] },
    ]
    const said = [
      { role: 'user', content: 'a' },
      { role: 'user', content: [{ type: 'text', text: 'b' }] },
    ]
    expect(context(messages)).toEqual(said)
    expect(context(messages, 'be kind')).toEqual([{ role: 'system', content: 'be kind' }, ...said])
  })

  test('an answer without text is an error that says so', () => {
    expect(answerIn('{"choices":[{"message":{"content":"yes"}}]}')).toBe('yes')
    for (const body of ['null', '[]', '{}', '{"choices":[]}', '{"choices":[{"message":{"content":null}}]}']) {
      expect(() => answerIn(body)).toThrow('no choices[0].message.content')
    }
    expect(() => answerIn('<html>\x1b[2J')).toThrow("the endpoint's response is not JSON: <html>\\x1b[2J")
    expect(() => answerIn('{"choices":[{"message":{"content":""}}]}')).toThrow('empty')
  })
})

test('the progress bar', () => {
  const progress = { done: 12, failed: 1, running: 3, share: 0.5 }
  expect(barLine(progress, 6)).toBe('[############............]  50 %  12 turns, 1 failed, 3 running, 2.0/s')
  expect(barLine({ ...progress, failed: 0, share: null }, 0.1)).toBe('12 turns, 3 running')
})
