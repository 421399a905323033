import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { JsonlPersistence, type NewAgentMessage, type TokenUsage } from '../../src/contracts/persistence/index.js'
import { openStore } from '../../src/index.js'
import { folder, run, runAll, start } from './run.js'

// Every test starts a few processes, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

const DAY = 86_400_000
const HOSTILE = 'evil\x1b[2J\u202e\nbot'

let dir: string
let root: string

beforeEach(async () => {
  dir = await folder()
  root = join(dir, 'sessions')
})

const cli = (args: string[], options = {}) => run([...args, '--root', root], options)
const linesIn = (text: string) => text.split('\n').slice(0, -1)
const jsonLines = (text: string) => linesIn(text).map((line) => JSON.parse(line))

/** Works on the store as an agent's program would, at a time of `age` ms ago. */
async function agent<T>(work: (persistence: JsonlPersistence) => Promise<T>, age = 0): Promise<T> {
  const store = await openStore(root, { now: () => Date.now() - age })
  try {
    return await work(new JsonlPersistence(store))
  } finally {
    await store.close()
  }
}

/** A new session of these messages. */
async function session(persistence: JsonlPersistence, messages: readonly NewAgentMessage[]): Promise<string> {
  const id = await persistence.createSession('coder', dir)
  for (const message of messages) await persistence.insertMessageWithAgent(id, message)
  return id
}

function tokens(counts: Partial<TokenUsage>): TokenUsage {
  const none = { promptTokens: 0, completionTokens: 0, cacheReadTokens: 0, cacheCreationTokens: 0, thinkingTokens: 0 }
  return { ...none, ...counts }
}

const texts = (n: number): NewAgentMessage[] =>
  Array.from({ length: n }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: `message ${i + 1}` }))

/** Two sessions with usage and one without; the first one's agents are main, scout and a hostile name. */
async function spend(): Promise<{ big: string; small: string; none: string }> {
  return agent(async (persistence) => {
    const answer = (agentName: string | null, usage: TokenUsage): NewAgentMessage => ({
      role: 'assistant',
      content: 'done',
      agentName,
      usage,
    })
    const big = await session(persistence, [
      { role: 'user', content: 'go' },
      answer(null, tokens({ promptTokens: 1000, completionTokens: 200, cacheReadTokens: 50, thinkingTokens: 7 })),
      answer('scout', tokens({ promptTokens: 300, completionTokens: 40, cacheCreationTokens: 9 })),
      answer(HOSTILE, tokens({ promptTokens: 5 })),
    ])
    const small = await session(persistence, [answer('scout', tokens({ promptTokens: 30, completionTokens: 1 }))])
    const none = await session(persistence, [{ role: 'user', content: 'hi' }])
    return { big, small, none }
  })
}

test('wrong usage is 2, one line on stderr', async () => {
  const all = [
    ['show', 'a', '--context', '--last', '2'],
    ['usage', 'a', 'b'],
    ['usage', '--by', 'hour'],
    ['usage', '--by'],
    ['purge'],
    ['purge', 'a', '--older-than', '0'],
    ['purge', '--older-than', '0'],
    ['purge', '--older-than', '12x', '--yes'],
    ['purge', '--older-than', '30', '--yes'],
    ['purge', '--older-than', '-1d', '--yes'],
    ['purge', '--older-than', '1.5d', '--yes'],
    ['compact', 'a', '--summary', 'text'],
    ['compact', 'a', '--keep', '2'],
    ['compact', 'a', '--summary', '', '--keep', '2'],
    ['compact', 'a', '--summary', 'text', '--keep', 'some'],
    ['compact', 'a', '--summary', 'text', '--keep', '-1'],
    ['compact', 'a', 'b', '--summary', 'text', '--keep', '2'],
    ['compact', '--all', '--summary', 'text', '--keep', '2'],
    ['compact', 'a', '--all', '--summary', 'text', '--keep', '2'],
    ['compact', '--summary', 'text', '--keep', '2'],
  ]
  const results = await runAll(all.map((args) => [...args, '--root', root]))
  results.forEach(({ code, out, err }, i) => {
    expect([all[i], code, out]).toEqual([all[i], 2, ''])
    expect(err).toMatch(/^jsonl-sessions: [^\n]+\n$/)
  })
})

test('what is not there is 3', async () => {
  await spend()
  for (const args of [
    ['show', 'nobody', '--context'],
    ['usage', 'nobody'],
    ['usage', 'nobody', '--by', 'agent', '--json'],
    ['compact', 'nobody', '--summary', 'text', '--keep', '0'],
  ]) {
    const { code, out, err } = await cli(args)
    expect([args, code, out]).toEqual([args, 3, ''])
    expect(err).toBe('jsonl-sessions: no session nobody\n')
  }
})

test('a missing root is an error, of a list only a note', async () => {
  for (const args of [
    ['show', 'a', '--context'],
    ['usage', 'a'],
    ['purge', '--older-than', '0', '--dry-run'],
    ['compact', 'a', '--summary', 'text', '--keep', '0'],
  ]) {
    const { code, err } = await cli(args)
    expect([args, code]).toEqual([args, 3])
    expect(err).toContain('ENOENT')
  }
  expect(await cli(['usage'])).toEqual({ code: 0, out: '', err: `no sessions: ${root} does not exist\n` })
  const { out } = await cli(['usage', '--json'])
  expect(JSON.parse(out)).toMatchObject({ root, total: { apiCalls: 0, totalTokens: 0 }, sessions: [] })
})

test('the help names the commands', async () => {
  const { out } = await run(['--help'])
  for (const name of ['purge', 'usage']) expect(out).toContain(`  ${name} `)
  expect((await run(['compact', '--help'])).out).toContain('--summary')
})

describe('show --context', () => {
  const calls = JSON.stringify([{ id: 't1', name: 'read' }])

  test('is what the model would see, the summary first', async () => {
    const id = await agent(async (persistence) => {
      const id = await session(persistence, texts(4))
      await persistence.compactSession(id, 'They said\nhello.\x1b[31m', 1)
      await persistence.insertMessageWithAgent(id, { role: 'tool', content: 'an orphan', toolCallId: 'gone' })
      await persistence.insertMessageWithAgent(id, {
        role: 'assistant',
        content: null,
        toolCalls: calls,
        agentName: HOSTILE,
        usage: tokens({ promptTokens: 4711 }),
      })
      return id
    })
    const { code, out, err } = await cli(['show', id, '--context'])
    expect([code, err]).toEqual([0, ''])
    const [head, ...blocks] = out.trimEnd().split('\n\n')
    expect(head).toBe(`${id}  3 in context of 6 messages`)
    expect(blocks[0]).toMatch(/^system \(summary\) {2}\d{4}-.*\n {2}They said\n {2}hello\.\\x1b\[31m$/)
    expect(blocks[1]).toMatch(/^assistant {2}.*\n {2}message 4$/)
    const [title, ...rest] = blocks[2]!.split('\n')
    expect(title).toMatch(/^assistant {2}/)
    expect(rest).toEqual([`  toolCalls: ${JSON.stringify(calls)}`, '  agentName: "evil\\u001b[2J\\u202e\\nbot"'])
    expect(out).not.toContain('4711')
    expect((await cli(['show', id])).out).toContain('an orphan')
  })

  test('--json: one message a line, as the contract has it', async () => {
    const id = await agent(async (persistence) => {
      const id = await session(persistence, texts(3))
      await persistence.compactSession(id, 'short', 1)
      return id
    })
    const expected = await agent((persistence) => persistence.loadContext(id))
    const { code, out } = await cli(['show', id, '--context', '--json'])
    expect(code).toBe(0)
    expect(jsonLines(out)).toEqual(expected)
    expect(expected.map(({ kind, role }) => [kind, role])).toEqual([
      ['summary', 'system'],
      [undefined, 'user'],
    ])
  })

  test('of a conversation by another program', async () => {
    const store = await openStore(root)
    await store.session('ann').append({ role: 'user', content: 'tea?' })
    await store.close()
    const { out } = await cli(['show', 'an', '--context'])
    expect(out).toMatch(/^ann {2}1 in context of 1 message\n\nuser {2}.*\n {2}tea\?\n$/)
  })
})

describe('usage', () => {
  test('all sessions, most tokens first, with bars and totals', async () => {
    const { big, small, none } = await spend()
    const { code, out, err } = await cli(['usage'])
    expect([code, err]).toEqual([0, ''])
    const rows = linesIn(out).map((line) => line.split(/ {2,}/))
    expect(rows).toEqual([
      ['KEY', 'CALLS', 'PROMPT', 'COMPLETION', 'CACHE READ', 'CACHE CREATION', 'THINKING', 'TOTAL'],
      [big, '3', '1,305', '240', '50', '9', '7', '1,545', '#'.repeat(30)],
      [small, '1', '30', '1', '0', '0', '0', '31', '#'],
      [none, '0', '0', '0', '0', '0', '0', '0'],
      ['3 sessions', '4', '1,335', '241', '50', '9', '7', '1,576'],
    ])
  })

  test('--json is one object', async () => {
    const { big, small, none } = await spend()
    const { out } = await cli(['usage', '--json'])
    expect(linesIn(out)).toHaveLength(1)
    const total = {
      apiCalls: 4,
      promptTokens: 1335,
      completionTokens: 241,
      cacheReadTokens: 50,
      cacheCreationTokens: 9,
      thinkingTokens: 7,
      totalTokens: 1576,
    }
    const { sessions, ...rest } = JSON.parse(out)
    expect(rest).toEqual({ root, total })
    expect(sessions.map(({ key, totalTokens }: never) => [key, totalTokens])).toEqual([
      [big, 1545],
      [small, 31],
      [none, 0],
    ])
    expect(Object.keys(sessions[0])).toEqual(['key', ...Object.keys(total)])
  })

  test('of one session', async () => {
    const { big, none } = await spend()
    const { code, out } = await cli(['usage', big])
    expect(code).toBe(0)
    expect(linesIn(out).map((line) => line.split(/ {2,}/))[1]).toEqual([
      big,
      '3',
      '1,305',
      '240',
      '50',
      '9',
      '7',
      '1,545',
    ])
    expect(linesIn(out)).toHaveLength(2)
    const json = JSON.parse((await cli(['usage', big, '--json'])).out)
    expect(json).toMatchObject({ root, key: big, total: { apiCalls: 3, totalTokens: 1545 } })
    expect(Object.keys(json)).toEqual(['root', 'key', 'total'])
    expect((await cli(['usage', none])).code).toBe(0)
  })

  test('--by agent, of one session and of all; names are escaped', async () => {
    const { big, none } = await spend()
    const names = (out: string) => linesIn(out).map((line) => line.split(/ {2,}/)[0])
    const one = await cli(['usage', big, '--by', 'agent'])
    expect(names(one.out)).toEqual(['AGENT', 'main', 'scout', 'evil\\x1b[2J\\u202e\\nbot', '3 agents'])
    expect(one.out).toMatch(/\nscout +1 +300 +40 +0 +9 +0 +340 +#{9}\n/)
    const all = await cli(['usage', '--by', 'agent'])
    expect(names(all.out)).toEqual(names(one.out))
    expect(all.out).toMatch(/\nscout +2 +330 +41 +0 +9 +0 +371 +#{9}\n/)

    const { key, total, agents, ...rest } = JSON.parse((await cli(['usage', big, '--by', 'agent', '--json'])).out)
    expect(rest).toEqual({ root })
    expect([key, total.totalTokens]).toEqual([big, 1545])
    expect(agents.map(({ agent, totalTokens }: never) => [agent, totalTokens])).toEqual([
      ['main', 1200],
      ['scout', 340],
      [HOSTILE, 5],
    ])
    expect((await cli(['usage', '--by', 'agent', '--json'])).out).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/)
    expect(await cli(['usage', none, '--by', 'agent'])).toEqual({ code: 0, out: '', err: 'no token counts\n' })
  })

  test('totals outlive a purge', async () => {
    const { big } = await spend()
    const before = await cli(['usage', '--json'])
    expect((await cli(['compact', big, '--summary', 'gone', '--keep', '0'])).code).toBe(0)
    expect((await cli(['purge', '--older-than', '0', '--yes'])).out).toBe('deleted 4 archived messages\n')
    expect(await cli(['usage', '--json'])).toEqual(before)
  })

  test('is quiet when its reader goes away', async () => {
    const { big } = await spend()
    for (const args of [['usage'], ['usage', '--json'], ['show', big, '--context']]) {
      const { child, done } = start([...args, '--root', root])
      child.stdout.destroy()
      const { code, err } = await done
      expect([args, code, err]).toEqual([args, 0, ''])
    }
  })
})

describe('compact --summary', () => {
  test('archives all but the last messages of one session', async () => {
    const id = await agent((persistence) => session(persistence, texts(6)))
    expect(await cli(['compact', id, '--summary', 'so far', '--keep', '2'])).toEqual({
      code: 0,
      out: `${id}: 4 messages archived\n`,
      err: '',
    })
    const context = await agent((persistence) => persistence.loadContext(id))
    expect(context.map(({ content }) => content)).toEqual(['so far', 'message 5', 'message 6'])
    expect(linesIn((await cli(['show', id, '--json'])).out)).toHaveLength(6)
    const log = await readFile(join(root, `${id}.jsonl`))
    expect((await cli(['compact', id, '--summary', 'again', '--keep', '2'])).out).toBe(`${id}: nothing to archive\n`)
    expect(await readFile(join(root, `${id}.jsonl`))).toEqual(log)
    expect((await cli(['compact', id, '--summary', 'once more', '--keep', '1'])).out).toBe(
      `${id}: 1 message archived\n`,
    )
  })

  test('without --summary it stays the rewrite', async () => {
    const id = await agent((persistence) => session(persistence, texts(2)))
    expect(await cli(['compact', id])).toEqual({
      code: 0,
      out: `${id}: nothing to do\n`,
      err: 'compact without --summary is now: jsonl-sessions rewrite\n',
    })
  })
})

describe('purge', () => {
  /** One session archived 40 days ago and one archived just now. */
  async function archive(): Promise<{ old: string; fresh: string }> {
    const compacted = async (persistence: JsonlPersistence) => {
      const id = await session(persistence, texts(5))
      await persistence.compactSession(id, 'so far', 2)
      return id
    }
    return { old: await agent(compacted, 40 * DAY), fresh: await agent(compacted) }
  }

  const archived = () => agent(async (persistence) => (await persistence.compactedStats()).messageCount)

  test('needs --yes without a terminal', async () => {
    await archive()
    const { code, out, err } = await cli(['purge', '--older-than', '30d'])
    expect([code, out]).toEqual([2, ''])
    expect(err).toBe('jsonl-sessions: purge deletes for good: without a terminal to ask on it needs --yes\n')
    expect(await archived()).toBe(6)
  })

  test('deletes what was archived long enough ago', async () => {
    const { old, fresh } = await archive()
    const yes = (age: string) => cli(['purge', '--older-than', age, '--yes'])
    expect(await yes('41d')).toEqual({ code: 0, out: 'nothing to purge\n', err: '' })
    expect(await yes('30d')).toEqual({ code: 0, out: 'deleted 3 archived messages\n', err: '' })
    expect(await archived()).toBe(3)
    expect(linesIn((await cli(['show', old, '--json'])).out)).toHaveLength(2)
    expect(linesIn((await cli(['show', fresh, '--json'])).out)).toHaveLength(5)
    expect((await yes('0')).out).toBe('deleted 3 archived messages\n')
    expect((await yes('0')).out).toBe('nothing to purge\n')
  })

  test('a session that fails does not stop the others', async () => {
    const { old } = await archive()
    const file = join(root, `${old}.jsonl`)
    const log = (await readFile(file, 'utf8')).replace('"version":1', '"version":99')
    await writeFile(file, log)
    const { code, out, err } = await cli(['purge', '--older-than', '0', '--yes'])
    expect([code, out]).toEqual([1, 'deleted 3 archived messages\n'])
    expect(err).toMatch(/^jsonl-sessions: [^\n]*ERR_VERSION_UNSUPPORTED[^\n]*\n$/)
    expect(await readFile(file, 'utf8')).toBe(log)
  })

  test('--dry-run reports and changes nothing, with --yes too', async () => {
    const { old } = await archive()
    const log = await readFile(join(root, `${old}.jsonl`))
    const dry = async (age: string) => (await cli(['purge', '--older-than', age, '--dry-run', '--yes'])).out
    expect(await dry('0')).toBe('would delete 6 archived messages of 2 sessions, 54 B of text\n')
    expect(await dry('0d')).toBe(await dry('0'))
    expect(await dry('41d')).toBe('nothing to purge\n')
    expect(await dry('30d')).toBe('would delete 3 archived messages of 1 session, 27 B of text\n')
    expect(await archived()).toBe(6)
    expect(await readFile(join(root, `${old}.jsonl`))).toEqual(log)
  })
})
