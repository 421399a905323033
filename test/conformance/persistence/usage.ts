/** Token counts: every call that was ever stored counts, for good. */
import assert from 'node:assert/strict'
import type { SessionUsage, TokenUsage } from '../../../src/contracts/persistence/index.js'
import { insert } from './notation.js'
import { answer, create, laterId, NO_USAGE, type PersistenceCase, raw, rowOf, tokens, wrong } from './scene.js'

const sum = (promptTokens: number, completionTokens: number, apiCalls: number): SessionUsage => {
  return { ...NO_USAGE, promptTokens, completionTokens, apiCalls }
}

export const usageCases: PersistenceCase[] = [
  {
    name: 'case 33: totals of a session',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', answer('a', 100, 50), 'u two', answer('b', 200, 80))
      assert.deepEqual(await persistence.sessionTokenUsage(id), sum(300, 130, 2))
      assert.equal((await rowOf(persistence, id))?.totalTokens, 430)
    },
  },
  {
    name: 'case 34: usage of zeros is a call, no usage is none',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, answer('a', 0, 0), 'a b', { role: 'assistant', content: 'c', usage: null })
      assert.deepEqual(await persistence.sessionTokenUsage(id), sum(0, 0, 1))
      assert.deepEqual(await persistence.sessionUsageByAgent(id), [['main', sum(0, 0, 1)]])
    },
  },
  {
    name: 'case 35: totals by agent, most tokens first, ties by name',
    async run({ persistence }) {
      const id = await create(persistence)
      await persistence.insertMessageWithAgent(id, { ...answer('a', 10, 5), agentName: null })
      await persistence.insertMessageWithAgent(id, { ...answer('b', 20, 0), agentName: 'zeta' })
      await persistence.insertMessageWithAgent(id, { ...answer('c', 15, 5), agentName: 'beta' })
      assert.deepEqual(await persistence.sessionUsageByAgent(id), [
        ['beta', sum(15, 5, 1)],
        ['zeta', sum(20, 0, 1)],
        ['main', sum(10, 5, 1)],
      ])
    },
  },
  {
    name: 'case 45: a purge takes nothing from the totals',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u one', answer('a', 100, 50), 'u two')
      await persistence.insertMessageWithAgent(id, { ...answer('b', 7, 3), agentName: 'helper' })
      await insert(persistence, id, answer('c', 0, 0), 'u last')
      const total = await persistence.sessionTokenUsage(id)
      const byAgent = await persistence.sessionUsageByAgent(id)
      assert.deepEqual(total, sum(107, 53, 3))
      assert.equal(await persistence.compactSession(id, 'sum', 1), 5)
      assert.deepEqual(await persistence.sessionTokenUsage(id), total)
      assert.equal(await persistence.purgeCompacted(0), 5)
      assert.deepEqual(await persistence.sessionTokenUsage(id), total)
      assert.deepEqual(await persistence.sessionUsageByAgent(id), byAgent)
      assert.equal((await rowOf(persistence, id))?.totalTokens, 160)
    },
  },
  {
    name: 'usage: all five counters are added up',
    async run({ persistence }) {
      const id = await create(persistence)
      const usage: TokenUsage = {
        promptTokens: 1,
        completionTokens: 2,
        cacheReadTokens: 3,
        cacheCreationTokens: 4,
        thinkingTokens: 5,
      }
      await insert(persistence, id, { role: 'assistant', usage }, { role: 'assistant', usage }, { role: 'tool', usage })
      const total = { promptTokens: 3, completionTokens: 6, cacheReadTokens: 9, cacheCreationTokens: 12 }
      const expected = { ...total, thinkingTokens: 15, apiCalls: 3 }
      assert.deepEqual(await persistence.sessionTokenUsage(id), expected)
      assert.deepEqual(await persistence.sessionUsageByAgent(id), [['main', expected]])
      // prompt and completion tokens alone
      assert.equal((await rowOf(persistence, id))?.totalTokens, 9)
    },
  },
  {
    name: 'usage: a missing counter is 0, and no counter at all is a call of zeros',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(
        persistence,
        id,
        { role: 'assistant', content: 'a', usage: wrong<TokenUsage>({ completionTokens: 7 }) },
        { role: 'assistant', content: 'b', usage: wrong<TokenUsage>({}) },
        { role: 'assistant', content: 'c', usage: wrong<TokenUsage>({ promptTokens: undefined, stopReason: 'end' }) },
        'a d',
      )
      const counters = (await persistence.loadAllMessages(id)).map((message) => [
        message.promptTokens,
        message.completionTokens,
        message.cacheReadTokens,
        message.cacheCreationTokens,
        message.thinkingTokens,
      ])
      const zeros = [0, 0, 0, 0, 0]
      assert.deepEqual(counters, [[0, 7, 0, 0, 0], zeros, zeros, [null, null, null, null, null]])
      assert.deepEqual(await persistence.sessionTokenUsage(id), sum(0, 7, 3))
    },
  },
  {
    name: 'usage: of lines by other programs too',
    async run({ persistence, log, clock }) {
      const at = clock.date
      const usage = (id: string, counters: object | null, agent?: string) => {
        return { ...raw.message(id, at, id, 'assistant'), usage: counters, ...(agent === undefined ? {} : { agent }) }
      }
      log('a').write(
        raw.header('a', at),
        usage('r1', {}),
        usage('r2', { promptTokens: 4, other: 'x' }, 'helper'),
        usage('r3', null),
        usage('r2', { promptTokens: 4, other: 'x' }, 'helper'),
      )
      assert.deepEqual(await persistence.sessionTokenUsage('a'), sum(4, 0, 2))
      assert.deepEqual(await persistence.sessionUsageByAgent('a'), [
        ['helper', sum(4, 0, 1)],
        ['main', sum(0, 0, 1)],
      ])
      const messages = await persistence.loadAllMessages('a')
      assert.deepEqual(
        messages.map(({ promptTokens, thinkingTokens, agentName }) => [promptTokens, thinkingTokens, agentName]),
        [
          [0, 0, null],
          [4, 0, 'helper'],
          [null, null, null],
        ],
      )
    },
  },
  {
    name: 'usage: no agent and the agent main are one; the session’s own agent does not count',
    async run({ persistence }) {
      const id = await persistence.createSession('coder', '/p')
      await insert(persistence, id, answer('a', 1, 1))
      await persistence.insertMessageWithAgent(id, { ...answer('b', 2, 2), agentName: 'main' })
      await persistence.insertMessageWithAgent(id, { role: 'assistant', content: 'c', agentName: 'silent' })
      assert.deepEqual(await persistence.sessionUsageByAgent(id), [['main', sum(3, 3, 2)]])
    },
  },
  {
    name: 'usage: any name can be an agent’s, ties go by code units',
    async run({ persistence, reopen }) {
      const id = await create(persistence)
      const names = ['', 'Z', '__proto__', 'a', 'constructor', '\uffee', '😀'].sort()
      for (const agentName of [...names].reverse()) {
        await persistence.insertMessageWithAgent(id, { ...answer(agentName, 1, 0), agentName })
      }
      await insert(persistence, id, 'u last')
      const expected = names.map((name) => [name, sum(1, 0, 1)])
      assert.deepEqual(await persistence.sessionUsageByAgent(id), expected)
      await persistence.compactSession(id, 'sum', 1)
      assert.equal(await persistence.purgeCompacted(0), names.length)
      assert.deepEqual(await persistence.sessionUsageByAgent(id), expected)
      await reopen()
      assert.deepEqual(await persistence.sessionUsageByAgent(id), expected)
      assert.deepEqual(await persistence.sessionTokenUsage(id), sum(names.length, 0, names.length))
    },
  },
  {
    name: 'usage: removed messages count on, through every rewrite',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [one] = await insert(persistence, id, answer('a', 5, 1), 'u q')
      const two = await persistence.insertMessageWithAgent(id, { ...answer('b', 7, 0), agentName: 'helper' })
      log(id).add(raw.remove(laterId(1), clock.date, [one!, two]))
      const byAgent = [
        ['helper', sum(7, 0, 1)],
        ['main', sum(5, 1, 1)],
      ]
      assert.deepEqual(await persistence.sessionTokenUsage(id), sum(12, 1, 2))
      assert.deepEqual(await persistence.sessionUsageByAgent(id), byAgent)
      await persistence.compactSession(id, 'sum', 0)
      assert.equal(await persistence.purgeCompacted(0), 1)
      assert.deepEqual(await persistence.sessionUsageByAgent(id), byAgent)
      await insert(persistence, id, answer('c', 1, 1))
      assert.deepEqual(await persistence.sessionTokenUsage(id), sum(13, 2, 3))
      await persistence.compactSession(id, 'sum', 0)
      await persistence.purgeCompacted(0)
      assert.deepEqual(await persistence.sessionTokenUsage(id), sum(13, 2, 3))
    },
  },
  {
    name: 'usage: what a rewrite of an earlier day carried over',
    async run({ persistence, log, clock }) {
      const carried = { ...sum(50, 20, 3), cacheReadTokens: 9 }
      log('a').write(
        raw.header('a', clock.date),
        { ...raw.message('r1', clock.date, 'x', 'assistant'), usage: tokens(1, 1) },
        raw.meta('l1', clock.date, {
          carriedUsage: { helper: { ...carried }, main: { ...sum(2, 2, 1) }, silent: { ...NO_USAGE } },
        }),
      )
      assert.deepEqual(await persistence.sessionUsageByAgent('a'), [
        ['helper', carried],
        ['main', sum(3, 3, 2)],
      ])
      assert.deepEqual(await persistence.sessionTokenUsage('a'), { ...sum(53, 23, 5), cacheReadTokens: 9 })
    },
  },
]
