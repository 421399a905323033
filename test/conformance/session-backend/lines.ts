/** Which lines of a log are messages, and which messages are live. */
import assert from 'node:assert/strict'
import type { ChatMessage } from '../../../src/contracts/session-backend/index.js'
import { type BackendCase, found, given, raw, texts, user } from './scene.js'

export const lineCases: BackendCase[] = [
  {
    name: 'no message can act as a control line',
    async run({ backend, clock, reopen }) {
      await backend.append('a', user('first'))
      const [first] = await backend.load('a')
      const id = first!.id as string
      const messages: ChatMessage[] = [
        { role: 'user', type: 'remove', ids: [id] },
        { role: 'user', type: 'meta', set: { name: 'no name' } },
        { role: 'user', type: 'session', version: 99, key: 'other' },
        { role: 'user', type: 'compaction', summary: 's', through: id },
        { role: 'user', type: 'message', content: 'x' },
        { role: 'user', type: null },
        { role: 'user', id, content: 'not a copy' },
        { role: 'user', id, content: 'not a copy' },
        { role: 'user', id: { a: 1 }, at: '1999-01-01T00:00:00.000Z' },
        { role: 'user', own: { id: 5 } },
        { role: 'user', own: 'x', type: 'message', id: '', at: null },
      ]
      for (const message of messages) await backend.append('a', message)
      await reopen()
      const loaded = await backend.load('a')
      assert.deepEqual(loaded[0], { ...user('first'), id, at: clock.iso })
      for (const [i, message] of messages.entries()) {
        const { id: ownId, at: ownAt, ...others } = loaded[i + 1]!
        const { id: givenId, at: givenAt, ...more } = message
        assert.deepEqual(others, more, `message ${i}`)
        if ('id' in message) assert.deepEqual(ownId, givenId, `message ${i}`)
        else assert.equal(typeof ownId, 'string', `message ${i}`)
        assert.deepEqual(ownAt, 'at' in message ? givenAt : clock.iso, `message ${i}`)
      }
      assert.deepEqual(await backend.getSessionMetadata('a'), {
        key: 'a',
        name: null,
        createdAt: clock.date,
        lastActivity: clock.date,
        messageCount: messages.length + 1,
      })
      assert.deepEqual(await backend.listSessions(), ['a'])
    },
  },
  {
    name: 'a clashing message is a line of type message with its fields in own',
    only: 'fresh',
    async run({ backend, log, clock }) {
      await backend.append('a', { role: 'user', content: 'x', id: 'm1', at: 7, type: 'note', own: [1], more: 2 })
      const [header, line, ...others] = log('a')
        .lines()
        .map((text) => JSON.parse(text))
      assert.deepEqual(others, [])
      assert.deepEqual(header, { type: 'session', version: 1, key: 'a', id: header.id, at: clock.iso })
      assert.equal(typeof header.id, 'string')
      assert.deepEqual(line, {
        type: 'message',
        id: line.id,
        at: clock.iso,
        role: 'user',
        content: 'x',
        more: 2,
        own: { id: 'm1', at: 7, type: 'note', own: [1] },
      })
      assert.equal(typeof line.id, 'string')
      assert.notEqual(line.id, 'm1')
    },
  },
  {
    name: 'a message line is what has a role, from any writer',
    async run({ backend, log, clock }) {
      const at = clock.iso
      log('a').write(
        raw.header('a', clock.date),
        { id: 'r1', at, role: 'user', content: 'flat' },
        { type: 'message', id: 'r2', at, role: 'user', content: 'typed' },
        { type: 'message', id: 'r3', at, role: 'user', content: 'own', own: { id: 'mine', type: 'note' } },
        { id: 'r4', at: '2026-01-01T13:00:00+01:00', role: 'tool', content: null },
      )
      assert.deepEqual(await backend.load('a'), [
        { id: 'r1', at, role: 'user', content: 'flat' },
        { id: 'r2', at, role: 'user', content: 'typed' },
        { id: 'mine', at, type: 'note', role: 'user', content: 'own' },
        { id: 'r4', at, role: 'tool', content: null },
      ])
    },
  },
  {
    name: 'lines without an id are different messages with ids that stay',
    async run({ backend, log, reopen, clock }) {
      const at = clock.iso
      log('a').write({ role: 'user', content: 'hi', at }, { role: 'user', content: 'hi', at })
      const first = await backend.load('a')
      assert.deepEqual(first.map(given), [user('hi'), user('hi')])
      for (const { id } of first) assert.equal(typeof id, 'string')
      assert.notEqual(first[0]?.id, first[1]?.id)
      await reopen()
      assert.deepEqual(await backend.load('a'), first)
      await backend.append('a', user('more'))
      assert.deepEqual((await backend.load('a')).slice(0, 2), first)
    },
  },
  {
    name: 'the modification time of the file stands in for a time that is not there',
    only: 'fresh',
    async run({ backend, log, clock }) {
      log('a').write(
        { id: 'r1', role: 'user', content: 'none' },
        { id: 'r2', at: 'soon', role: 'user', content: 'bad' },
      )
      log('a').touch(clock.date)
      assert.deepEqual(
        (await backend.load('a')).map(({ id, content }) => [id, content]),
        [
          ['r1', 'none'],
          ['r2', 'bad'],
        ],
      )
      assert.equal((await backend.load('a'))[0]?.at, clock.iso)
      const row = await backend.getSessionMetadata('a')
      assert.deepEqual([row?.createdAt, row?.lastActivity], [clock.date, clock.date])
    },
  },
  {
    name: 'a second copy of a line does not count, another content does',
    async run({ backend, log, clock }) {
      const at = clock.date
      const one = raw.message('same', at, 'one')
      log('a').write(raw.header('a', at), one, raw.message('r2', at, 'two'), one, raw.message('same', at, 'other'), one)
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two', 'other'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 3)
      const loaded = await backend.load('a')
      assert.equal(loaded[0]?.id, 'same')
      assert.equal(new Set(loaded.map(({ id }) => id)).size, 3)
      assert.deepEqual(await backend.load('a'), loaded)
    },
  },
  {
    name: 'of two messages with one id each is removed alone',
    async run({ backend, log, clock }) {
      const at = clock.date
      log('a').write(raw.header('a', at), raw.message('same', at, 'one'), raw.message('same', at, 'other'))
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), [])
      assert.equal(await backend.removeLast('a'), false)
    },
  },
  {
    name: 'a removed message and its copies are not shown',
    async run({ backend, log, clock }) {
      const at = clock.date
      const one = raw.message('r1', at, 'one')
      log('a').write(raw.header('a', at), one, raw.remove('x1', at, ['r1']), raw.message('r2', at, 'two'), one)
      assert.deepEqual(await texts(backend, 'a'), ['two'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 1)
    },
  },
  {
    name: 'a removal holds wherever it stands',
    async run({ backend, log, clock }) {
      const at = clock.date
      log('a').write(raw.header('a', at), raw.remove('x1', at, ['r2', 'r3']), raw.message('r1', at, 'one'))
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      log('a').add(raw.message('r2', at, 'two'), raw.message('r4', at, 'four'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'four'])
      log('a').add(raw.message('r3', at, 'three'))
      assert.deepEqual(await texts(backend, 'a'), ['one', 'four'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
      assert.deepEqual(await found(backend, 'two three'), [])
    },
  },
  {
    name: 'case 29: archived messages are messages, a summary is not',
    async run({ backend, log, clock }) {
      const all = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6']
      for (const text of all) await backend.append('a', user(text))
      const fourth = (await backend.load('a'))[3]!
      assert.equal(fourth.content, 'm4')
      log('a').add(raw.compaction('c1', clock.date, 'the summary', fourth.id))
      assert.deepEqual(await texts(backend, 'a'), all)
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 6)
      assert.deepEqual(await found(backend, 'summary'), [])
      await backend.removeLast('a')
      await backend.compact('a')
      assert.deepEqual(await texts(backend, 'a'), all.slice(0, 5))
      assert(log('a').text().includes('the summary'))
    },
  },
  {
    name: 'a removal that names a compaction takes no message away',
    async run({ backend, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        raw.message('r1', at, 'one'),
        raw.compaction('c1', at, 'sum', 'r1'),
        raw.remove('x1', at, ['c1']),
        raw.message('r2', at, 'two'),
      )
      assert.deepEqual(await texts(backend, 'a'), ['one', 'two'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 2)
      assert.equal(await backend.removeLast('a'), true)
      assert.deepEqual(await texts(backend, 'a'), ['one'])
    },
  },
  {
    name: 'graph lines, labels, values without a role and unknown lines are not messages',
    async run({ backend, log, clock }) {
      const at = clock.iso
      const node = { nodeId: 'n1', timestamp: at, kind: 'event', event: { role: 'user', content: 'node needle' } }
      log('a').write(
        raw.header('a', clock.date),
        raw.message('r1', clock.date, 'one'),
        { type: 'commit', id: 'g1', at, session: 'a', revision: 1, nodes: [node], leaf: 'n1', config: {}, usage: [] },
        { type: 'tombstone', id: 'g2', at, ids: ['r1', 'n1'] },
        { type: 'message', id: 'v1', at, value: ['value needle'] },
        { type: 'message', id: 'v2', at, value: { role: 5, content: 'value needle' } },
        { type: 'weather', id: 'u1', at, role: 'user', content: 'unknown needle' },
        raw.meta('l1', clock.date, { todo: 'label needle' }),
      )
      assert.deepEqual(await texts(backend, 'a'), ['one'])
      assert.equal((await backend.getSessionMetadata('a'))?.messageCount, 1)
      assert.deepEqual(await found(backend, 'needle'), [])
      assert.equal(await backend.removeLast('a'), true)
      assert.equal(await backend.removeLast('a'), false)
      assert.deepEqual(await texts(backend, 'a'), [])
    },
  },
]
