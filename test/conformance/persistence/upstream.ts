/** The tests of the upstream project, by their names, adjusted where the contract differs on purpose. */
import assert from 'node:assert/strict'
import type { NewMessage } from '../../../src/contracts/persistence/index.js'
import { SECOND } from '../clock.js'
import { all, context, insert, numbered } from './notation.js'
import { answer, create, idsOf, NO_USAGE, type PersistenceCase, rowOf } from './scene.js'

const NO_STATS = { messageCount: 0, sessionCount: 0, sizeBytes: 0, oldest: null }

export const upstreamCases: PersistenceCase[] = [
  {
    name: 'upstream: test_create_session',
    async run({ persistence }) {
      assert.notEqual(await persistence.createSession('default', '/tmp/project'), '')
    },
  },
  {
    name: 'upstream: test_insert_and_load_messages',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u hello', 'a hi there!')
      const messages = await persistence.loadContext(id)
      assert.deepEqual(
        messages.map(({ role }) => role),
        ['user', 'assistant'],
      )
    },
  },
  {
    name: 'upstream: test_load_context_returns_all_active_messages',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(20))
      assert.equal((await persistence.loadContext(id)).length, 20)
    },
  },
  {
    name: 'upstream: test_sessions_are_isolated',
    async run({ persistence }) {
      const first = await persistence.createSession('agent-a', '/p')
      const second = await persistence.createSession('agent-b', '/p')
      await insert(persistence, first, 'u for a')
      await insert(persistence, second, 'u for b')
      assert.deepEqual(await context(persistence, first), ['u for a'])
      assert.deepEqual(await context(persistence, second), ['u for b'])
    },
  },
  {
    name: 'upstream: test_session_token_usage',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', answer('a', 100, 50), 'u two', answer('b', 200, 80))
      const { promptTokens, completionTokens, apiCalls } = await persistence.sessionTokenUsage(id)
      assert.deepEqual([promptTokens, completionTokens, apiCalls], [300, 130, 2])
    },
  },
  {
    name: 'upstream: test_token_usage_empty_session',
    async run({ persistence }) {
      assert.deepEqual(await persistence.sessionTokenUsage(await create(persistence)), NO_USAGE)
    },
  },
  {
    name: 'upstream: test_list_sessions',
    async run({ persistence, clock }) {
      for (const agent of ['agent-a', 'agent-b', 'agent-c']) {
        await persistence.createSession(agent, '/p')
        clock.move(SECOND)
      }
      const rows = await persistence.listSessions(10, '/p')
      assert.equal(rows.length, 3)
      assert.equal(rows[0]?.agentName, 'agent-c')
    },
  },
  {
    name: 'upstream: test_delete_session',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u hello')
      assert.equal(await persistence.deleteSession(id), true)
      assert.deepEqual(await persistence.listSessions(10, '/p'), [])
      assert.equal(await persistence.deleteSession(id), false)
    },
  },
  {
    name: 'upstream: test_has_pending_tool_calls',
    async run({ persistence }) {
      const id = await create(persistence)
      const seen = [await persistence.hasPendingToolCalls(id)]
      for (const label of ['u hello', 'A[t1]', 'T t1']) {
        await insert(persistence, id, label)
        seen.push(await persistence.hasPendingToolCalls(id))
      }
      assert.deepEqual(seen, [false, false, true, false])
    },
  },
  {
    name: 'upstream: test_session_metadata_and_todo',
    async run({ persistence }) {
      const id = await create(persistence)
      assert.equal(await persistence.getMetadata(id, 'k'), null)
      assert.equal(await persistence.getTodo(id), null)
      for (const text of ['first', 'second']) {
        await persistence.setMetadata(id, 'k', text)
        await persistence.setTodo(id, text)
        assert.equal(await persistence.getMetadata(id, 'k'), text)
        assert.equal(await persistence.getTodo(id), text)
      }
    },
  },
  {
    name: 'upstream: test_last_assistant_message',
    async run({ persistence }) {
      const id = await create(persistence)
      assert.equal(await persistence.lastAssistantMessage(id), '')
      await insert(persistence, id, 'u one', 'a answer 1', 'u two', 'a answer 2')
      assert.equal(await persistence.lastAssistantMessage(id), 'answer 2')
    },
  },
  {
    name: 'upstream: test_last_assistant_message_skips_tool_calls',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u go', 'A[t1]', 'T t1', 'a Done!')
      assert.equal(await persistence.lastAssistantMessage(id), 'Done!')
    },
  },
  {
    name: 'upstream: test_last_accessed_at_updated_on_insert',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      clock.move(SECOND)
      await insert(persistence, id, 'u hello')
      assert.equal((await rowOf(persistence, id))?.lastActivity, clock.iso)
    },
  },
  {
    name: 'upstream: test_recent_user_messages',
    async run({ persistence, clock }) {
      const id = await create(persistence)
      for (const text of ['first', 'second', 'third']) {
        await insert(persistence, id, `u ${text}`, 'a answer')
        clock.move(SECOND)
      }
      assert.deepEqual(await persistence.recentUserMessages(2), ['third', 'second'])
    },
  },
  {
    name: 'upstream: test_last_user_message',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u earlier', 'a answer', 'u latest', 'a answer')
      assert.equal(await persistence.lastUserMessage(id), 'latest')
    },
  },
  {
    name: 'upstream: test_session_usage_by_agent',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, answer('a', 100, 50))
      await persistence.insertMessageWithAgent(id, { ...answer('b', 300, 20), agentName: 'explore' })
      await persistence.insertMessageWithAgent(id, { ...answer('c', 1, 1), agentName: 'explore' })
      const rows = await persistence.sessionUsageByAgent(id)
      assert.deepEqual(
        rows.map(([name, { promptTokens, completionTokens, apiCalls }]) => [
          name,
          promptTokens,
          completionTokens,
          apiCalls,
        ]),
        [
          ['explore', 301, 21, 2],
          ['main', 100, 50, 1],
        ],
      )
    },
  },
  {
    name: 'upstream: session_persists_messages_across_two_turns',
    async run({ persistence, reopen }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u first question', 'a first answer')
      await reopen()
      await insert(persistence, id, 'u second question', 'a second answer')
      await reopen()
      const expected = ['u first question', 'a first answer', 'u second question', 'a second answer']
      assert.deepEqual(await context(persistence, id), expected)
      assert.deepEqual(await all(persistence, id), expected)
    },
  },
  {
    name: 'upstream: test_compact_session',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...Array.from({ length: 10 }, (_, i) => `u msg ${i}`))
      assert.equal(await persistence.compactSession(id, 'Summary of the talk', 2), 8)
      const messages = await persistence.loadContext(id)
      // no row of hints: 3, not 4
      assert.equal(messages.length, 3)
      const system = messages.filter(({ role }) => role === 'system')
      assert.equal(system.length, 1)
      assert(system[0]?.content?.includes('Summary of the talk'))
      assert.equal(messages.filter(({ content }) => content?.startsWith('msg ')).length, 2)
    },
  },
  {
    name: 'upstream: test_compact_preserves_zero',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(6))
      assert.equal(await persistence.compactSession(id, 'sum', 0), 6)
      assert.equal((await persistence.loadContext(id)).length, 1)
    },
  },
  {
    name: 'upstream: test_load_all_messages_includes_compacted',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(5))
      await persistence.compactSession(id, 'sum', 2)
      assert.deepEqual(await all(persistence, id), numbered(5))
    },
  },
  {
    name: 'upstream: the context is not served from before a compaction',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(10))
      assert.equal((await persistence.loadContext(id)).length, 10)
      assert.equal(await persistence.compactSession(id, 'sum', 3), 7)
      assert.deepEqual(await context(persistence, id), ['S sum', 'u m8', 'u m9', 'u m10'])
    },
  },
  {
    name: 'upstream pruning: nothing in, nothing out; a lone user stays',
    async run({ persistence }) {
      const id = await create(persistence)
      assert.deepEqual(await context(persistence, id), [])
      await insert(persistence, id, 'u hello')
      assert.deepEqual(await context(persistence, id), ['u hello'])
    },
  },
  {
    name: 'upstream pruning: a user and a pair',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u go', 'A[t1]', 'T t1')
      const messages = await persistence.loadContext(id)
      assert.equal(messages.length, 3)
      assert.equal(JSON.parse(messages[1]!.toolCalls!)[0].id, 't1')
    },
  },
  {
    name: 'upstream pruning: blank assistants are dropped, blank users and assistants with calls are not',
    async run({ persistence }) {
      const id = await create(persistence)
      const given: Array<string | NewMessage> = [
        { role: 'user', content: '' },
        { role: 'assistant', content: '  ' },
        'a',
        'A[t1]',
        'T t1',
      ]
      const ids = await insert(persistence, id, ...given)
      assert.deepEqual(
        idsOf(await persistence.loadContext(id)),
        [0, 3, 4].map((i) => ids[i]),
      )
    },
  },
  {
    name: 'upstream pruning: the latest of two results wins, results of other calls stay',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u go', 'A[t1,t2]', 'T t1 old', 'T t2', 'T t1 new')
      assert.deepEqual(await context(persistence, id), ['u go', 'A[t1,t2]', 'T t1 new', 'T t2'])
    },
  },
  {
    name: 'upstream pruning: test_prune_mismatched_tool_calls, closed by a user message',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', 'A[t1]', 'T t1', 'A[t2] text', 'u two')
      assert.deepEqual(await context(persistence, id), ['u one', 'A[t1]', 'T t1', 'u two'])
    },
  },
  {
    name: 'upstream pruning: a new result un-hides its assistant',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'A[t1]', 'u two')
      assert.deepEqual(await context(persistence, id), ['u two'])
      await insert(persistence, id, 'T t1')
      assert.deepEqual(await context(persistence, id), ['A[t1]', 'T t1', 'u two'])
    },
  },
  {
    name: 'upstream: test_compacted_stats_empty',
    async run({ persistence }) {
      assert.deepEqual(await persistence.compactedStats(), NO_STATS)
    },
  },
  {
    name: 'upstream: test_compacted_stats_after_compact',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      const archived = await persistence.compactSession(id, 'sum', 2)
      const { messageCount, sessionCount, sizeBytes, oldest } = await persistence.compactedStats()
      assert.deepEqual([messageCount, sessionCount], [archived, 1])
      assert(sizeBytes > 0)
      assert.notEqual(oldest, null)
    },
  },
  {
    name: 'upstream: test_purge_all',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      await persistence.compactSession(id, 'sum', 2)
      assert((await persistence.purgeCompacted(0)) > 0)
      assert.equal((await persistence.compactedStats()).messageCount, 0)
    },
  },
  {
    name: 'upstream: test_purge_with_age_filter',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, ...numbered(8))
      await persistence.compactSession(id, 'sum', 2)
      const stats = await persistence.compactedStats()
      assert.equal(await persistence.purgeCompacted(30), 0)
      assert.deepEqual(await persistence.compactedStats(), stats)
    },
  },
  {
    name: 'upstream: test_load_context_500_messages, without its time',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const at = clock.iso
      log(id).add(...Array.from({ length: 500 }, (_, i) => ({ id: `r${i}`, at, role: 'user', content: `msg ${i}` })))
      assert.equal((await persistence.loadContext(id)).length, 500)
    },
  },
]
