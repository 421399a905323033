/** search: the numbered cases, and what is searched. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import { assistant, type BackendCase, found, keysOf, raw, user } from './scene.js'

/** Keywords that match nothing in texts that lack these characters. */
const KEYWORDS_WITHOUT_HITS = ['', '  ', '""', '(', '*', 'a"b', '"', '" "', '"  " ""', '\u3000\t', '-', 'NOT', '""""']

export const searchCases: BackendCase[] = [
  {
    name: 'case 33: words, parts of words, upper and lower case, CJK',
    async run({ backend, clock }) {
      await backend.append('code_chat', user('How do I parse JSON in Rust?'))
      clock.move(1)
      await backend.append('weather', user("What's the weather today?"))
      clock.move(1)
      await backend.append('chinese', user('你好世界'))
      assert.deepEqual(keysOf(await backend.search({ keyword: 'Rust', limit: 10 })), ['code_chat'])
      assert.deepEqual(await found(backend, 'pars'), ['code_chat'])
      assert.deepEqual(await found(backend, 'RUST weather'), ['weather', 'code_chat'])
      assert.deepEqual(await found(backend, '世界'), ['chinese'])
    },
  },
  {
    name: 'case 34: more distinct words first; a phrase as it stands',
    async run({ backend, clock }) {
      await backend.append('A', user('alpha beta'))
      clock.move(1)
      await backend.append('B', user('alpha'))
      assert.deepEqual(await found(backend, 'alpha beta'), ['A', 'B'])
      assert.deepEqual(await found(backend, '"alpha beta"'), ['A'])
      assert.deepEqual(await found(backend, '"beta alpha"'), [])
    },
  },
  {
    name: 'case 35: the limit',
    async run({ backend, clock, log }) {
      const keys: string[] = []
      for (let n = 0; n < 60; n++) {
        const key = `s${String(n).padStart(2, '0')}`
        const at = clock.move(1)
        log(key).write(raw.header(key, at), raw.message(`r${n}`, at, n === 0 ? 'needle thread' : 'needle'))
        keys.unshift(key)
      }
      assert.deepEqual(keysOf(await backend.search()), keys.slice(0, 50))
      assert.deepEqual(keysOf(await backend.search({ limit: null })), keys.slice(0, 50))
      assert.deepEqual(keysOf(await backend.search({ limit: 3 })), keys.slice(0, 3))
      assert.deepEqual(keysOf(await backend.search({ limit: 100 })), keys)
      assert.deepEqual(await backend.search({ limit: 0 }), [])
      await Promise.all(
        [-1, 1.5, Number.NaN, Infinity, -Infinity].flatMap((limit) => [
          assert.rejects(backend.search({ limit }), RangeError),
          assert.rejects(backend.search({ keyword: 'needle', limit }), RangeError),
          assert.rejects(backend.search({ keyword: ' ', limit }), RangeError),
        ]),
      )
      assert.deepEqual(keysOf(await backend.search({ keyword: 'needle' })), keys.slice(0, 50))
      assert.deepEqual(keysOf(await backend.search({ keyword: 'needle thread', limit: 2 })), ['s00', 's59'])
      assert.deepEqual(await backend.search({ keyword: 'needle', limit: 0 }), [])
    },
  },
  {
    name: 'case 36: blanks and lone signs find nothing and are no errors',
    async run({ backend }) {
      await backend.append('a', user('alpha beta'))
      await backend.append('b', assistant('gamma'))
      for (const keyword of KEYWORDS_WITHOUT_HITS) assert.deepEqual(await found(backend, keyword), [], `[${keyword}]`)
      assert.equal((await backend.search({ keyword: null })).length, 2)
    },
  },
  {
    name: 'case 37: removed text is not found',
    async run({ backend, clock }) {
      for (const key of ['removed', 'deleted', 'stale', 'kept']) await backend.append(key, user('needle'))
      assert.deepEqual(await found(backend, 'needle'), ['deleted', 'kept', 'removed', 'stale'])
      await backend.removeLast('removed')
      assert.deepEqual(await found(backend, 'needle'), ['deleted', 'kept', 'stale'])
      await backend.deleteSession('deleted')
      assert.deepEqual(await found(backend, 'needle'), ['kept', 'stale'])
      clock.move(100 * HOUR)
      await backend.append('kept', user('more'))
      assert.equal(await backend.cleanupStale(48), 2)
      assert.deepEqual(await found(backend, 'needle'), ['kept'])
      for (const key of ['removed', 'deleted', 'stale']) await backend.append(key, user('thread'))
      assert.deepEqual(await found(backend, 'needle'), ['kept'])
      assert.deepEqual(await found(backend, 'thread'), ['deleted', 'removed', 'stale'])
    },
  },
  {
    name: 'a hit is the row of the list',
    async run({ backend, clock }) {
      await backend.append('a', user('needle'))
      await backend.setSessionName('a', 'named')
      await backend.append('b', user('thread'))
      clock.move(HOUR)
      await backend.append('a', user('more'))
      await backend.removeLast('a')
      const [row] = await backend.listSessionsWithMetadata()
      assert.deepEqual(row, {
        key: 'a',
        name: 'named',
        createdAt: new Date(clock.ms - HOUR),
        lastActivity: clock.date,
        messageCount: 1,
      })
      assert.deepEqual(await backend.search({ keyword: 'needle' }), [row])
      assert.deepEqual(await backend.search({ limit: 1 }), [row])
    },
  },
  {
    name: 'without a keyword the newest come, those without messages too',
    async run({ backend, clock }) {
      await backend.append('a', user('x'))
      clock.move(1)
      await backend.setSessionName('b', 'no messages')
      clock.move(1)
      await backend.append('c', user('x'))
      await backend.removeLast('c')
      const all = await backend.listSessionsWithMetadata()
      assert.deepEqual(keysOf(all), ['c', 'b', 'a'])
      for (const query of [undefined, {}, { keyword: null }, { keyword: null, limit: null }, { limit: 50 }]) {
        assert.deepEqual(await backend.search(query), all)
      }
    },
  },
  {
    name: 'every role is searched, and strings anywhere inside the content',
    async run({ backend }) {
      await backend.append('system', { role: 'system', content: 'needle' })
      await backend.append('odd', { role: '', content: 'a Needle' })
      await backend.append(
        'parts',
        user([
          { type: 'text', text: 'x' },
          { type: 'text', text: 'needle' },
        ]),
      )
      await backend.append('deep', user({ a: [{ b: { c: ['xneedlex'] } }, null, 5, true] }))
      await backend.append('none', user(['x', null, 5]))
      assert.deepEqual(await found(backend, 'needle'), ['deep', 'odd', 'parts', 'system'])
    },
  },
  {
    name: 'keys, names, roles, ids, field names and other fields are not searched',
    async run({ backend, log, clock }) {
      await backend.append('needle', { role: 'needle', content: { needle: 'x' }, needle: 'needle', id: 'needle' })
      await backend.setSessionName('needle', 'needle')
      await backend.setSessionState('needle', 'running', 'needle')
      log('needle').add(raw.message('needle', clock.date, 'y'), raw.compaction('c1', clock.date, 'needle', 'needle'))
      await backend.append('null', { role: 'user', content: null })
      await backend.append('numbers', { role: 'user', content: 12345 })
      assert.deepEqual(await found(backend, 'needle'), [])
      for (const keyword of ['content', 'role', 'user', 'null', '12345', 'type', 'session', '2026', '{', ':', '"']) {
        assert.deepEqual(await found(backend, keyword), [], keyword)
      }
    },
  },
  {
    name: 'damaged lines and copies are not searched',
    async run({ backend, log, clock }) {
      const copy = raw.message('r1', clock.date, 'alpha')
      log('a').write(copy, copy, '{"role":"user","content":"needle"', '["needle"]', '{"content":"needle"}')
      log('a').addBytes('{"role":"user","content":"needle')
      assert.deepEqual(await found(backend, 'needle'), [])
      assert.deepEqual(await found(backend, 'alpha'), ['a'])
    },
  },
  {
    name: 'a text is searched by its characters, in any spelling in the log',
    async run({ backend, log }) {
      log('a').write('{"role":"user","content":"\\u0061lpha \\u4e16\\u754c \\ud83d\\ude00"}')
      log('b').write('{"role":"user","content":"gamma\\/delta \\"quoted\\" back\\\\slash\\ttab"}')
      assert.deepEqual(await found(backend, 'alpha'), ['a'])
      assert.deepEqual(await found(backend, '世界'), ['a'])
      assert.deepEqual(await found(backend, '😀'), ['a'])
      assert.deepEqual(await found(backend, 'gamma/delta'), ['b'])
      assert.deepEqual(await found(backend, 'back\\slash'), ['b'])
      for (const keyword of ['u0061', '\\u', 'ttab', '\\t', '\\/', '\\\\', 'ud83d']) {
        assert.deepEqual(await found(backend, keyword), [], keyword)
      }
      await backend.append('c', user('one\ntwo\u2028three\u0001four'))
      assert.deepEqual(await found(backend, '"one\ntwo"'), ['c'])
      assert.deepEqual(await found(backend, 'ntwo'), [])
      assert.deepEqual(await found(backend, 'three\u0001four'), ['c'])
    },
  },
]
