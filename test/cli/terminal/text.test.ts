import { describe, expect, test } from 'vitest'
import { escapeBlock, escapeLine, flatten, jsonLine } from '../../../src/cli/terminal/escape.js'
import { ago, count, size, stamp } from '../../../src/cli/terminal/format.js'
import { messageText } from '../../../src/cli/terminal/message.js'

describe('escape', () => {
  test('controls, escapes and bidi marks are written out', () => {
    expect(escapeLine('a\x1b[31mb\x07\x7f\x9bc')).toBe('a\\x1b[31mb\\x07\\x7f\\x9bc')
    expect(escapeLine('\u202egpj.exe\u2066\u200f\u061c')).toBe('\\u202egpj.exe\\u2066\\u200f\\u061c')
    expect(escapeLine('\ud800x\udc00 \u2028\ufeff')).toBe('\\ud800x\\udc00 \\u2028\\ufeff')
    expect(escapeLine('a\nb\tc\r')).toBe('a\\nb\\tc\\r')
  })

  test('what is not seen is written out, and a joiner where no script needs it', () => {
    expect(escapeLine('a\u200bnn \u2060\u00ad\u3164')).toBe('a\\u200bnn \\u2060\\xad\\u3164')
    expect(escapeLine('a\u200cnn \u200d')).toBe('a\\u200cnn \\u200d')
    expect(escapeLine('x\u{e0041}\u{e007f}')).toBe('x\\u{e0041}\\u{e007f}')
    expect(JSON.parse(jsonLine('x\u{e0041}\u200b\x9b'))).toBe('x\u{e0041}\u200b\x9b')
    expect(jsonLine('x\u{e0041}\u200b\x9b')).toBe('"x\\udb40\\udc41\\u200b\\u009b"')
  })

  test('a block keeps its line breaks and tabs', () => {
    expect(escapeBlock('a\r\nb\n\tc\rd\x1b')).toBe('a\nb\n\tc\\rd\\x1b')
  })

  test('ordinary text is not changed', () => {
    for (const text of ['नमस्ते', '👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿', 'السلام', 'می‌خواهم', '日本語', 'é ñ', '"C:\\x"']) {
      expect(escapeLine(text)).toBe(text)
    }
  })

  test('printed JSON is harmless and means the same', () => {
    const value = { text: '\x1b[2J\x9b\u202e\u2028\ufeff\ud800 ü' }
    const line = jsonLine(value)
    expect(line).toMatch(/^[\x20-\x7e ü]*$/)
    expect(JSON.parse(line)).toEqual(value)
  })

  test('flatten leaves single spaces', () => {
    expect(flatten(' a\n\n b\tc\u2028d ')).toBe('a b c d')
  })
})

describe('messageText', () => {
  test('no text can pose as another message', () => {
    const text = messageText({ id: '1', at: '2026-11-21T07:00:00.000Z', role: 'user', content: 'hi\nassistant  2026' })
    expect(text.split('\n').slice(1)).toEqual(['  hi', '  assistant  2026'])
  })

  test('text parts are text, the unknown is JSON, fields of the message follow', () => {
    const content = [
      { type: 'text', text: 'look' },
      { type: 'image', url: 'x\x1b' },
    ]
    const text = messageText({ id: '1', at: 7, role: 'us\x1ber', content, usage: { n: 1 } } as never)
    expect(text).toBe('us\\x1ber  7\n  look\n  {"type":"image","url":"x\\u001b"}\n  usage: {"n":1}')
  })
})

describe('format', () => {
  test('sizes', () => {
    expect([0, 1023, 1024, 10_240, 1_047_500, 1_048_576, 5e9].map(size)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KB',
      '10 KB',
      '1023 KB',
      '1.0 MB',
      '4.7 GB',
    ])
  })

  test('times', () => {
    const now = new Date(2026, 10, 21, 12, 0, 0)
    const before = (seconds: number) => ago(new Date(now.getTime() - seconds * 1000), now)
    expect([0, 30, 90, 7200, 90_000, 86_400 * 5].map(before)).toEqual([
      'just now',
      '30 s ago',
      '1 min ago',
      '2 h ago',
      'yesterday',
      '5 days ago',
    ])
    expect(before(86_400 * 200)).toBe('2026-05-05')
    expect(before(-3600)).toBe('2026-11-21 13:00:00')
    expect(stamp(new Date(Number.NaN))).toBe('unknown time')
  })

  test('counts', () => {
    expect([count(1, 'turn'), count(1200, 'turn'), count(2, 'stretch', 'stretches')]).toEqual([
      '1 turn',
      '1,200 turns',
      '2 stretches',
    ])
  })
})
