/** compact: the log without dead and damaged lines; no reader sees a difference. */
import assert from 'node:assert/strict'
import { HOUR } from '../clock.js'
import { assistant, type BackendCase, raw, texts, user } from './scene.js'

export const compactCases: BackendCase[] = [
  {
    name: 'case 25: a bad line moves to quarantine',
    async run({ backend, log, clock, filesHolding }) {
      log('a').write(
        raw.message('r1', clock.date, 'ok'),
        'corrupt line',
        raw.message('r2', clock.date, 'hi', 'assistant'),
      )
      const before = await backend.load('a')
      assert.deepEqual(before, [
        { ...user('ok'), id: 'r1', at: clock.iso },
        { ...assistant('hi'), id: 'r2', at: clock.iso },
      ])
      await backend.compact('a')
      assert.deepEqual(await backend.load('a'), before)
      assert(!log('a').text().includes('corrupt'))
      const kept = filesHolding('corrupt line')
      assert.notDeepEqual(kept, [])
      for (const file of kept) assert.match(file, /^\.quarantine\//)
    },
  },
  {
    name: 'case 26: a clean log is not touched',
    only: 'fresh',
    async run({ backend, log, clock, reopen, snapshot }) {
      await backend.append('a', user('one'))
      await backend.append('a', user('two'))
      await backend.setSessionName('a', 'named')
      log('a').add({ type: 'weather', id: 'u1', at: clock.iso }, raw.compaction('c1', clock.date, 'sum', null))
      await reopen(() => log('a').touch(new Date(clock.ms - HOUR)))
      const before = snapshot()
      await backend.compact('a')
      assert.deepEqual(snapshot(), before)
      assert.equal(log('a').mtimeMs, clock.ms - HOUR)
    },
  },
  {
    name: 'case 27: removed text and copies leave the file, reads give the same, twice is once',
    async run({ backend, log, clock, weather }) {
      await backend.append('a', user('first'))
      clock.move(HOUR)
      await backend.append('a', assistant('a secret'))
      clock.move(HOUR)
      assert.equal(await backend.removeLast('a'), true)
      const firstLine = log('a')
        .lines()
        .find((line) => line.includes('"first"'))
      log('a').add(firstLine!)
      const messages = await backend.load('a')
      const row = await backend.getSessionMetadata('a')
      assert.deepEqual([messages.length, row?.messageCount], [1, 1])
      await backend.compact('a')
      assert.deepEqual(await backend.load('a'), messages)
      assert.deepEqual(await backend.getSessionMetadata('a'), row)
      const lines = log('a').lines()
      assert(!log('a').text().includes('secret'))
      assert.equal(lines.filter((line) => line.includes('"first"')).length, 1)
      assert(!lines.some((line) => line.includes('"type":"remove"')))
      if (weather !== 'fresh') return
      log('a').touch(new Date(clock.ms - HOUR))
      const before = log('a').bytes()
      await backend.compact('a')
      assert.deepEqual(log('a').bytes(), before)
      assert.equal(log('a').mtimeMs, clock.ms - HOUR)
    },
  },
  {
    name: 'case 28: unknown lines and unknown fields stay',
    async run({ backend, log, clock }) {
      const unknown =
        '{"type":"weather", "id":"w1","at":"2026-01-01T00:00:00.000Z","deg":1.0,"big":12345678901234567890}'
      const message =
        '{"id":"r1","at":"2026-01-01T12:00:00.000Z","role":"user","content":"one","mood":{"b":1.0,"a":[null]}}'
      log('a').write(raw.header('a', clock.date), unknown, message)
      await backend.append('a', user('two'))
      assert.equal(await backend.removeLast('a'), true)
      await backend.compact('a')
      const lines = log('a').lines()
      assert(lines.includes(unknown))
      assert(lines.includes(message))
      assert(!log('a').text().includes('two'))
    },
  },
  {
    name: 'a torn tail moves to quarantine, byte for byte',
    async run({ backend, log, filesHolding }) {
      await backend.append('a', user('one'))
      log('a').addBytes(Buffer.from('{"role":"user","content":"torn text \xe9', 'latin1'))
      await backend.compact('a')
      assert(!log('a').text().includes('torn text'))
      assert(log('a').text().endsWith('\n'))
      const kept = filesHolding('{"role":"user","content":"torn text ')
      assert.notDeepEqual(kept, [])
      for (const file of kept) assert.match(file, /^\.quarantine\//)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
  {
    name: 'no message changes, nor its place, its id or its time',
    async run({ backend, log, clock }) {
      const at = clock.iso
      log('a').write(
        raw.header('a', clock.date),
        raw.message('r1', clock.date, 'one'),
        { role: 'user', content: 'no id', at },
        'damage',
        { role: 'user', content: 'no id', at },
        raw.message('same', clock.date, 'two'),
        raw.message('same', clock.date, 'three'),
        { type: 'message', id: 'r3', at, role: 'user', content: 'four', own: { id: 'mine', at: 5 } },
        raw.message('r4', clock.date, 'five'),
        raw.message('r1', clock.date, 'one'),
        raw.remove('x1', clock.date, ['r4', 'unknown']),
      )
      const before = await backend.load('a')
      assert.deepEqual(
        before.map(({ content }) => content),
        ['one', 'no id', 'no id', 'two', 'three', 'four'],
      )
      await backend.compact('a')
      assert.deepEqual(await backend.load('a'), before)
      await backend.append('a', user('six'))
      await backend.removeLast('a')
      await backend.compact('a')
      assert.deepEqual(await backend.load('a'), before)
    },
  },
  {
    name: 'a removal of what is not there yet outlives a rewrite',
    async run({ backend, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        raw.message('r1', at, 'one'),
        raw.message('r2', at, 'two'),
        raw.remove('x1', at, ['r2', 'r9']),
        'damage',
      )
      await backend.compact('a')
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      assert(!log('a').text().includes('two'))
      log('a').add(raw.message('r9', at, 'nine'))
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
  {
    name: 'labels, state and search answers stay',
    async run({ backend, log, clock }) {
      await backend.append('a', user('kept needle'))
      await backend.append('a', user('dropped thread'))
      await backend.setSessionName('a', 'first name')
      await backend.setSessionName('a', 'second name')
      await backend.setSessionState('a', 'error', 'turn-1')
      await backend.removeLast('a')
      log('a').add('damage')
      const state = await backend.getSessionState('a')
      assert.deepEqual(state, { state: 'error', turnId: 'turn-1', turnStartedAt: clock.date })
      clock.move(HOUR)
      await backend.compact('a')
      assert.deepEqual(await backend.getSessionState('a'), state)
      assert.equal(await backend.getSessionName('a'), 'second name')
      assert.equal((await backend.search({ keyword: 'needle' })).length, 1)
      assert.equal((await backend.search({ keyword: 'thread' })).length, 0)
    },
  },
  {
    name: 'messages that arrive during a rewrite are kept, in call order',
    async run({ backend, log }) {
      await backend.append('a', user('before'))
      log('a').add('damage')
      const numbers = Array.from({ length: 30 }, (_, i) => i)
      await Promise.all(
        numbers.flatMap((n) => {
          const calls: Promise<unknown>[] = [backend.append('a', user(n))]
          if (n % 10 === 5) calls.push(backend.compact('a'))
          return calls
        }),
      )
      assert.deepEqual(await texts(backend, 'a'), ['before', ...numbers])
      assert(!log('a').text().includes('damage'))
    },
  },
  {
    name: 'a session that was emptied is still a session after a rewrite',
    async run({ backend, log, clock }) {
      const t1 = clock.date
      await backend.append('a', user('x'))
      clock.move(HOUR)
      await backend.removeLast('a')
      await backend.compact('a')
      assert(log('a').exists())
      assert.deepEqual(await backend.getSessionMetadata('a'), {
        key: 'a',
        name: null,
        createdAt: t1,
        lastActivity: t1,
        messageCount: 0,
      })
      await backend.append('a', user('y'))
      assert.deepEqual(await texts(backend, 'a'), ['y'])
    },
  },
]
