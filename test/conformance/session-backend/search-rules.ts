/** search: how a keyword is read, what matches, and in which order. Each text is a session of its own. */
import assert from 'node:assert/strict'
import type { Json, SessionBackend } from '../../../src/contracts/session-backend/index.js'
import type { Clock } from '../clock.js'
import { type BackendCase, found, user } from './scene.js'

/** Sessions by key, oldest first, each with these messages. */
async function fill(backend: SessionBackend, clock: Clock, sessions: { [key: string]: Json[] }): Promise<void> {
  for (const [key, messages] of Object.entries(sessions)) {
    for (const content of messages) await backend.append(key, user(content))
    clock.move(1)
  }
}

async function finds(
  backend: SessionBackend,
  table: ReadonlyArray<[keyword: string, ...keys: string[]]>,
): Promise<void> {
  for (const [keyword, ...keys] of table) assert.deepEqual(await found(backend, keyword), keys, `[${keyword}]`)
}

export const searchRuleCases: BackendCase[] = [
  {
    name: 'a phrase stands within one string',
    async run({ backend, clock }) {
      await fill(backend, clock, {
        parts: [['alpha', 'beta']],
        messages: ['alpha', 'beta'],
        fields: [{ a: 'alpha ', b: 'beta' }],
        one: [['x', 'alpha beta']],
      })
      await finds(backend, [
        ['"alpha beta"', 'one'],
        ['alpha beta', 'one', 'fields', 'messages', 'parts'],
        ['alphabeta'],
      ])
    },
  },
  {
    name: 'a phrase is taken as it stands, white space included',
    async run({ backend, clock }) {
      await fill(backend, clock, { single: ['Alpha beta'], double: ['alpha  beta'], inner: ['xalpha betax'] })
      await finds(backend, [
        ['"alpha beta"', 'inner', 'single'],
        ['"alpha  beta"', 'double'],
        ['"ALPHA BETA"', 'inner', 'single'],
        ['" beta"', 'inner', 'double', 'single'],
        ['"alpha "', 'inner', 'double', 'single'],
        ['"x"', 'inner'],
      ])
    },
  },
  {
    name: 'words are cut at any white space',
    async run({ backend, clock }) {
      await fill(backend, clock, { a: ['alpha'], b: ['beta'] })
      await finds(backend, [
        ['alpha\u3000beta', 'b', 'a'],
        ['alpha\u00a0beta', 'b', 'a'],
        ['\t\nalpha\r\n\u2028beta\u2003', 'b', 'a'],
        ['alpha\u200bbeta'],
      ])
    },
  },
  {
    name: 'a quotation mark without partner, or inside a word, is a character',
    async run({ backend, clock }) {
      await fill(backend, clock, { inch: ['a 19" rack'], open: ['say "hello there'], plain: ['hello'] })
      await finds(backend, [
        ['19"', 'inch'],
        ['"hello', 'open'],
        ['"', 'open', 'inch'],
        ['say "hello', 'open'],
        ['"hello there', 'open'],
        ['"" hello', 'plain', 'open'],
      ])
    },
  },
  {
    name: 'signs and operators are text',
    async run({ backend, clock }) {
      await fill(backend, clock, {
        not: ['do NOT go'],
        star: ['2 * 3'],
        paren: ['f(x)'],
        minus: ['well-known'],
        percent: ['100 % _sure_'],
        regex: ['a.c [x] ^$ \\d'],
        plain: ['abc go 23'],
      })
      await finds(backend, [
        ['NOT', 'not'],
        ['not', 'not'],
        ['*', 'star'],
        ['(', 'paren'],
        ['-', 'minus'],
        ['-known', 'minus'],
        ['%', 'percent'],
        ['_', 'percent'],
        ['a.c', 'regex'],
        ['[x]', 'regex'],
        ['\\d', 'regex'],
        ['^$', 'regex'],
        ['a*'],
        ['OR'],
        ['NEAR(a,b)'],
      ])
    },
  },
  {
    name: 'letter case does not matter, accents do',
    async run({ backend, clock }) {
      await fill(backend, clock, {
        german: ['ÄRGER'],
        french: ['Café'],
        bare: ['cafe'],
        russian: ['Привет Мир'],
        greek: ['ΟΔΟΣ'],
        kelvin: ['300 \u212Aelvin'],
        turkish: ['İstanbul'],
        sharp: ['Straße'],
      })
      await finds(backend, [
        ['ärger', 'german'],
        ['arger'],
        ['CAFÉ', 'french'],
        ['cafe', 'bare'],
        ['cafe\u0301', 'french'],
        ['ПРИВЕТ', 'russian'],
        ['мир', 'russian'],
        ['ΟΔΟΣ', 'greek'],
        ['kelvin', 'kelvin'],
        ['KELVIN', 'kelvin'],
        ['\u212A', 'kelvin'],
        ['İSTANBUL', 'turkish'],
        ['stanbul', 'turkish'],
        ['straße', 'sharp'],
        ['strasse'],
      ])
    },
  },
  {
    name: 'parts of words match, in every script',
    async run({ backend, clock }) {
      await fill(backend, clock, {
        japanese: ['東京都に住んでいます'],
        chinese: ['你好世界'],
        thai: ['สวัสดีชาวโลก'],
        emoji: ['well 👍🏽 done'],
        english: ['unbelievable'],
      })
      await finds(backend, [
        ['東京', 'japanese'],
        ['京都', 'japanese'],
        ['好世', 'chinese'],
        ['ชาว', 'thai'],
        ['👍', 'emoji'],
        ['believ', 'english'],
        ['able', 'english'],
        ['東京 世界', 'chinese', 'japanese'],
      ])
    },
  },
  {
    name: 'order: distinct words, then activity, then key',
    async run({ backend, clock }) {
      await fill(backend, clock, {
        three: ['alpha', 'beta', 'gamma'],
        often: ['alpha alpha alpha', 'alpha', 'ALPHA'],
        two: ['beta gamma'],
      })
      for (const key of ['tie-b', 'tie-a', 'tie-C']) await backend.append(key, user('alpha'))
      await finds(backend, [
        ['alpha beta gamma', 'three', 'two', 'tie-C', 'tie-a', 'tie-b', 'often'],
        ['alpha ALPHA Alpha beta', 'three', 'tie-C', 'tie-a', 'tie-b', 'two', 'often'],
        ['alpha "alpha" alpha', 'tie-C', 'tie-a', 'tie-b', 'often', 'three'],
        ['gamma', 'two', 'three'],
        ['nothing gamma nowhere', 'two', 'three'],
      ])
    },
  },
  {
    name: 'a keyword that is a long text is searched word by word',
    async run({ backend, clock }) {
      await fill(backend, clock, { a: ['needle'], b: ['word7 word8'] })
      const words = Array.from({ length: 500 }, (_, i) => `word${i}`)
      assert.deepEqual(await found(backend, words.join(' ')), ['b'])
      assert.deepEqual(await found(backend, 'x'.repeat(100_000)), [])
    },
  },
]
