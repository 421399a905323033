/** Lines of other contracts and other programs. */
import assert from 'node:assert/strict'
import type { Json } from '../../../src/contracts/session-backend/index.js'
import { all, calls, context, insert, label } from './notation.js'
import { create, idsOf, line, type PersistenceCase, raw, row, rowOf } from './scene.js'

/** Contents as other programs write them, and as text. */
const CONTENTS: ReadonlyArray<[content: Json, text: string | null]> = [
  [[{ type: 'text', text: 'hi' }], '[{"type":"text","text":"hi"}]'],
  [{ a: [1, null, 'ü'] }, '{"a":[1,null,"ü"]}'],
  [42, '42'],
  [true, 'true'],
  [[], '[]'],
  [null, null],
  ['text', 'text'],
]

export const foreignCases: PersistenceCase[] = [
  {
    name: 'case 49: what one contract writes the other reads',
    async run({ persistence, backend }) {
      const other = await backend()
      const id = await create(persistence)
      await other.append(id, { role: 'user', content: 'one' })
      await insert(persistence, id, 'a two')
      await other.append(id, { role: 'tool', content: 'three', toolCallId: 'x' })
      await insert(persistence, id, 'u four')
      const expected = [
        ['user', 'one'],
        ['assistant', 'two'],
        ['tool', 'three'],
        ['user', 'four'],
      ]
      const here = (await persistence.loadAllMessages(id)).map(({ role, content }) => [role, content])
      const there = (await other.load(id)).map(({ role, content }) => [role, content])
      assert.deepEqual(here, expected)
      assert.deepEqual(there, expected)
      assert.deepEqual(
        (await other.load(id)).map((message) => message.id),
        idsOf(await persistence.loadAllMessages(id)),
      )
    },
  },
  {
    name: 'foreign: a session that SessionBackend made',
    async run({ persistence, backend }) {
      const other = await backend()
      await other.append('telegram_user1', { role: 'user', content: 'hello' })
      assert.deepEqual(await all(persistence, 'telegram_user1'), ['u hello'])
      await insert(persistence, 'telegram_user1', 'a hi')
      assert.deepEqual(await context(persistence, 'telegram_user1'), ['u hello', 'a hi'])
      assert.equal(await persistence.compactSession('telegram_user1', 'sum', 1), 1)
      assert.deepEqual(await persistence.recentUserMessages(1), ['hello'])
      assert.equal((await other.load('telegram_user1')).length, 2)
      assert.equal(await persistence.purgeCompacted(0), 1)
      assert.equal((await other.load('telegram_user1')).length, 1)
      assert.equal(await persistence.deleteSession('telegram_user1'), true)
      assert.deepEqual(await other.listSessions(), [])
    },
  },
  {
    name: 'foreign: a message that SessionBackend removed is not shown here',
    async run({ persistence, backend }) {
      const other = await backend()
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'A[x]', 'T x', 'u two')
      await persistence.compactSession(id, 'sum', 1)
      assert.equal(await other.removeLast(id), true)
      assert.equal(await other.removeLast(id), true)
      assert.deepEqual(await all(persistence, id), ['u one', 'A[x]'])
      assert.deepEqual(await context(persistence, id), ['S sum'])
      assert.equal((await persistence.compactedStats()).messageCount, 2)
      await other.compact(id)
      assert.deepEqual(await context(persistence, id), ['S sum'])
      await insert(persistence, id, 'u three')
      assert.deepEqual(await context(persistence, id), ['S sum', 'u three'])
      assert.equal(await persistence.purgeCompacted(0), 2)
    },
  },
  {
    name: 'foreign: fields of a message that name a line are not the line’s',
    async run({ persistence, backend, clock }) {
      const other = await backend()
      const id = await create(persistence)
      await other.append(id, { role: 'user', content: 'x', id: 'mine', at: 7, type: 'note', own: 'o' })
      const [message] = await persistence.loadAllMessages(id)
      assert(message)
      assert.notEqual(message.id, 'mine')
      assert.equal(message.at, clock.iso)
      assert.deepEqual(message, row({ id: message.id, sessionId: id, role: 'user', content: 'x', at: clock.iso }))
      assert.equal(await persistence.compactSession(id, 'sum', 0), 1)
      assert.deepEqual(await context(persistence, id), ['S sum'])
    },
  },
  {
    name: 'foreign: a line is a message if it has a role and no other type',
    async run({ persistence, log, clock }) {
      const at = clock.iso
      const node = { nodeId: 'n1', timestamp: at, kind: 'event', event: { role: 'user', content: 'node' } }
      log('a').write(
        raw.header('a', clock.date),
        line('r1', clock.date, 'u flat'),
        { type: 'message', id: 'r2', at, role: 'user', content: 'typed' },
        { type: 'weather', id: 'r3', at, role: 'user', content: 'unknown' },
        { type: 'commit', id: 'r4', at, session: 'a', revision: 1, nodes: [node], leaf: 'n1', config: {}, usage: [] },
        { type: 'message', id: 'r5', at, value: { role: 'user' } },
        { id: 'r6', at, role: 5, content: 'no role' },
        raw.meta('l1', clock.date, { todo: 'x' }),
        line('r1', clock.date, 'u flat'),
        raw.compaction('c1', clock.date, 'sum', null),
        line('r7', clock.date, 'u removed'),
        raw.remove('x1', clock.date, ['r7', 'r9']),
        line('r8', clock.date, 'a last'),
      )
      assert.deepEqual(await all(persistence, 'a'), ['u flat', 'u typed', 'a last'])
      assert.deepEqual(idsOf(await persistence.loadAllMessages('a')), ['r1', 'r2', 'r8'])
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u flat', 'u typed', 'a last'])
      assert.equal(await persistence.lastUserMessage('a'), 'typed')
      assert.deepEqual(await persistence.recentUserMessages(10), ['typed', 'flat'])
    },
  },
  {
    name: 'foreign: other roles pass through, and stay where they are',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        raw.message('r1', at, '', 'developer'),
        raw.message('r2', at, 'x', 'toolResult'),
        raw.message('r3', at, null, ''),
        raw.message('r4', at, 'x', 'User'),
        raw.message('r5', at, ' ', 'Assistant'),
      )
      const messages = await persistence.loadContext('a')
      assert.deepEqual(
        messages.map(({ role, content }) => [role, content]),
        [
          ['developer', ''],
          ['toolResult', 'x'],
          ['', null],
          ['User', 'x'],
          ['Assistant', ' '],
        ],
      )
      assert.deepEqual(await persistence.loadAllMessages('a'), messages)
      assert.equal(await persistence.lastUserMessage('a'), '')
      assert.deepEqual(await persistence.recentUserMessages(10), [])
    },
  },
  {
    name: 'foreign: content that is no string is its JSON text',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(raw.header('a', at), ...CONTENTS.map(([content], i) => raw.message(`r${i}`, at, content)), {
        id: 'none',
        at: clock.iso,
        role: 'user',
      })
      const messages = await persistence.loadAllMessages('a')
      const expected = [...CONTENTS.map(([, text]) => text), null]
      assert.deepEqual(
        messages.map(({ content }) => content),
        expected,
      )
      assert.deepEqual(await persistence.loadContext('a'), messages)
      assert.equal(await persistence.lastUserMessage('a'), 'text')
    },
  },
  {
    name: 'foreign: content that is no string has text, its JSON text',
    async run({ persistence, log, clock }) {
      const at = clock.date
      const parts = [{ type: 'text', text: 'hi' }]
      log('a').write(
        raw.header('a', at),
        raw.message('r1', at, parts),
        raw.message('r2', at, parts, 'assistant'),
        raw.message('r3', at, null, 'assistant'),
      )
      assert.deepEqual(idsOf(await persistence.loadContext('a')), ['r1', 'r2'])
      assert.equal(await persistence.lastAssistantMessage('a'), JSON.stringify(parts))
      assert.equal(await persistence.lastUserMessage('a'), JSON.stringify(parts))
      assert.deepEqual(await persistence.recentUserMessages(1), [JSON.stringify(parts)])
      assert.equal(await persistence.compactSession('a', 'sum', 1), 1)
      assert.equal((await persistence.compactedStats()).sizeBytes, JSON.stringify(parts).length)
    },
  },
  {
    name: 'foreign: calls as an array, and the spellings of providers',
    async run({ persistence, log, clock }) {
      const at = clock.iso
      const array = [{ id: 'x', function: { name: 'bash' } }]
      log('a').write(
        raw.header('a', clock.date),
        { id: 'r1', at, role: 'assistant', content: null, toolCalls: array },
        { id: 'r2', at, role: 'tool', content: 'one', toolCallId: 'x' },
        { id: 'r3', at, role: 'assistant', content: null, tool_calls: [{ id: 'y' }] },
        { id: 'r4', at, role: 'tool', content: 'two', tool_call_id: 'y' },
        { id: 'r5', at, role: 'assistant', content: '', tool_calls: calls('z') },
        { id: 'r6', at, role: 'tool', content: 'three', toolCallId: 'z', tool_call_id: 'other' },
        { id: 'r7', at, role: 'assistant', content: 'both', toolCalls: '[]', tool_calls: calls('w') },
        { id: 'r8', at, role: 'tool', content: 'four', tool_call_id: 'w' },
      )
      const messages = await persistence.loadAllMessages('a')
      assert.deepEqual(
        messages.map(({ toolCalls, toolCallId }) => toolCalls ?? toolCallId),
        [JSON.stringify(array), 'x', '[{"id":"y"}]', 'y', calls('z'), 'z', '[]', 'w'],
      )
      assert.deepEqual(idsOf(await persistence.loadContext('a')), ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'])
      assert.equal(await persistence.compactSession('a', 'sum', 2), 4)
    },
  },
  {
    name: 'foreign: stand-ins for ids stay the same',
    async run({ persistence, log, clock, reopen }) {
      const at = clock.iso
      log('a').write(
        { role: 'user', content: 'one', at },
        { role: 'user', content: 'one', at },
        { id: '', role: 'assistant', content: 'two', at },
        { id: 7, role: 'user', content: 'three', at },
      )
      const before = await persistence.loadAllMessages('a')
      const ids = idsOf(before)
      assert.equal(new Set(ids).size, 4)
      for (const id of ids) assert(typeof id === 'string' && id !== '')
      assert.deepEqual(before.map(label), ['u one', 'u one', 'a two', 'u three'])
      assert.deepEqual(await persistence.loadContext('a'), before)
      await reopen()
      await insert(persistence, 'a', 'u four')
      assert.deepEqual((await persistence.loadAllMessages('a')).slice(0, 4), before)
      assert.equal(await persistence.compactSession('a', 'sum', 3), 2)
      assert.deepEqual(idsOf(await persistence.loadContext('a')).slice(1, 3), ids.slice(2))
    },
  },
  {
    name: 'foreign: the time of the file stands in for a time',
    only: 'fresh',
    async run({ persistence, log, clock }) {
      log('a').write('{"role":"user","content":"x"}', '{"id":"r1","at":"soon","role":"user","content":"y"}')
      log('a').touch(clock.date)
      const messages = await persistence.loadAllMessages('a')
      assert.deepEqual(
        messages.map(({ at }) => at),
        [clock.iso, clock.iso],
      )
    },
  },
  {
    name: 'foreign: two different lines of one id are two messages',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(
        raw.header('a', at),
        line('same', at, 'u one'),
        line('same', at, 'u two'),
        line('r3', at, 'u three'),
      )
      const messages = await persistence.loadAllMessages('a')
      assert.deepEqual(messages.map(label), ['u one', 'u two', 'u three'])
      assert.equal(new Set(idsOf(messages)).size, 3)
      assert.equal(messages[0]?.id, 'same')
      assert.equal(await persistence.compactSession('a', 'sum', 1), 2)
      assert.deepEqual(await persistence.loadAllMessages('a'), messages)
      assert.deepEqual(await context(persistence, 'a'), ['S sum', 'u three'])
    },
  },
  {
    name: 'foreign: agent and root as another program sets them',
    async run({ persistence, log, clock }) {
      const at = clock.date
      log('a').write(raw.header('a', at), raw.meta('l1', at, { projectRoot: '/p' }), line('r1', at, 'u one'))
      log('b').write(raw.header('b', at), raw.meta('l1', at, { agent: 'coder', projectRoot: '/p', name: 'named' }))
      log('c').write(raw.header('c', at), raw.meta('l1', at, { agent: 5, projectRoot: ['/p'], metadata: 'x' }))
      assert.deepEqual(
        idsOf(await persistence.listSessions(10, '/p')).filter((id) => id === 'c'),
        [],
      )
      assert.equal(await persistence.getMetadata('c', 'k'), null)
      const times = { createdAt: clock.iso, lastActivity: clock.iso, totalTokens: 0 }
      assert.deepEqual(await rowOf(persistence, 'a'), { id: 'a', agentName: '', ...times, messageCount: 1 })
      assert.deepEqual(await rowOf(persistence, 'b'), { id: 'b', agentName: 'coder', ...times, messageCount: 0 })
    },
  },
]
