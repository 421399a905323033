import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { folder, inbox, linesOf, messagesOf, repliesIn, run, start, statesOf, summaryIn } from './run.js'

const FIXTURE = fileURLToPath(new URL('../../fixtures/inbox.jsonl', import.meta.url))

// Every test starts a few processes, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

const PATIENT = { timeout: 30_000 }

let dir: string
let root: string

beforeEach(async () => {
  dir = await folder()
  root = join(dir, 'sessions')
})

const bot = (args: string[], options = {}) => run(['bot', '--root', root, ...args], options)

describe('bot', () => {
  test('serves the inbox of the fixtures, twice', async () => {
    const lines = (await linesOf(FIXTURE)).map((line) => JSON.parse(line))
    const senders = [...new Set(lines.map(({ sender }) => sender))]
    for (const round of [1, 2]) {
      const { code, out, err } = await bot([FIXTURE, '--json'])
      expect(code).toBe(0)
      const replies = repliesIn(out)
      expect(replies.map(({ sender }) => sender).sort()).toEqual(lines.map(({ sender }) => sender).sort())
      for (const { reply, turn } of replies) expect([typeof reply, typeof turn]).toEqual(['string', 'string'])
      const summary = summaryIn(err)
      expect(summary).toMatchObject({
        root,
        input: FIXTURE,
        turns: lines.length,
        failed: 0,
        badLines: 0,
        unserved: 0,
        sessions: senders.length,
        messages: lines.length * 2 * round,
        leftRunning: 0,
        stoppedBy: null,
      })
      expect(summary.senders.map(({ key }: { key: string }) => key).sort()).toEqual(senders.toSorted())
    }
    const transcripts = await Promise.all(senders.map((sender) => messagesOf(root, sender)))
    for (const [i, sender] of senders.entries()) {
      const own = lines.filter((line) => line.sender === sender)
      const shown = transcripts[i]!
      const users = shown.filter(({ role }) => role === 'user').map(({ content }) => content)
      expect(users).toEqual([...own, ...own].map(({ text }) => text))
      expect(shown.map(({ role }) => role)).toEqual(own.flatMap(() => ['user', 'assistant', 'user', 'assistant']))
      own.forEach(({ reply }, turn) => {
        if (typeof reply === 'string') expect(shown[turn * 2 + 1]!.content).toBe(reply)
      })
    }
    expect(new Set(Object.values(await statesOf(root)))).toEqual(new Set(['idle']))
  })

  test('prints a table, totals and the folder at the end', async () => {
    const file = await inbox(
      dir,
      Array.from({ length: 25 }, (_, i) => ({ sender: `user${i}`, text: 'hi', reply: 'yo' })),
    )
    const { out, err, code } = await bot([file, '--concurrency', '1'])
    expect(code).toBe(0)
    expect(repliesIn(out)[24]).toMatchObject({ sender: 'user24', reply: 'yo' })
    const table = err.slice(err.indexOf('SENDER'))
    const lines = table.split('\n')
    expect(lines[0]).toMatch(/^SENDER +TURNS +FAILED +MESSAGES +FILE$/)
    expect(lines[1]).toMatch(/^user0 +1 +0 +2 +user0\.jsonl$/)
    expect(lines[21]).toBe('… and 5 more senders')
    expect(err).toMatch(/25 turns in 25 sessions, 50 messages now, 0 left running, \d\.\d\d s/)
    expect(err).toContain(root)
    const quiet = await bot([file, '--quiet'])
    expect([quiet.err, repliesIn(quiet.out).length]).toEqual(['', 25])
  })

  test('the built-in responder sees the conversation', async () => {
    const file = await inbox(dir, [
      { sender: 'ann', text: 'tea', reply: null },
      { sender: 'ann', text: 'with milk' },
    ])
    expect((await bot([file])).code).toBe(0)
    expect((await messagesOf(root, 'ann')).map(({ content }) => content)).toEqual([
      'tea',
      'You said “tea”. That was message 1 of our conversation.',
      'with milk',
      'You said “with milk”. That was message 3 of our conversation; before it you said “tea”.',
    ])
  })

  test('bad lines are reported with their number and do not stop the rest', async () => {
    const file = await inbox(dir, [
      { sender: 'ann', text: 'one', reply: 'ok' },
      'not json',
      '',
      '[]',
      { sender: '', text: 'x' },
      { sender: 'ann', text: 5 },
      { sender: 'ann', text: 'x', reply: {} },
      { sender: 'ann', text: 'two', reply: 'ok' },
    ])
    const { code, err } = await bot([file, '--json'])
    expect(code).toBe(1)
    expect(err.match(/^jsonl-sessions: line \d+/gm)).toEqual(
      [2, 4, 5, 6, 7].map((number) => `jsonl-sessions: line ${number}`),
    )
    expect(summaryIn(err)).toMatchObject({ turns: 2, failed: 0, badLines: 5, messages: 4 })
  })

  test('reads a pipe line by line while it stays open', async () => {
    const { child, done } = start(['bot', '--root', root, '--json'])
    child.stdin.write('{"sender":"ann","text":"one","reply":"1"}\n{"sender":"bob","te')
    await expect.poll(() => messagesOf(root, 'ann'), PATIENT).toHaveLength(2)
    child.stdin.write('xt":"zwei 🐌","reply":"2"}\n')
    await expect.poll(() => messagesOf(root, 'bob'), PATIENT).toHaveLength(2)
    child.stdin.end('{"sender":"ann","text":"no line feed","reply":"3"}')
    const { code, err } = await done
    expect(code).toBe(0)
    expect(summaryIn(err)).toMatchObject({ input: 'standard input', turns: 3, sessions: 2, messages: 6 })
  })

  test('--default is read when no input is named, - is a pipe', async () => {
    const file = await inbox(dir, [{ sender: 'file', text: 'x', reply: 'y' }])
    const input = '{"sender":"pipe","text":"x","reply":"y"}\n'
    expect((await bot(['--default', file], { input })).code).toBe(0)
    expect(Object.keys(await statesOf(root))).toEqual(['file'])
    expect((await bot(['-', '--default', file], { input })).code).toBe(0)
    expect(Object.keys(await statesOf(root)).sort()).toEqual(['file', 'pipe'])
  })

  test('hostile senders and texts stay text', async () => {
    const key = '../../\x1b[31mevil\u202e'
    const file = await inbox(dir, [
      { sender: key, text: '\x1b]0;pwned\x07\u202eabc\nuser  2026', reply: '\x9b2J' },
      { sender: '\x1b[2J', text: 5 },
    ])
    const { err, out } = await bot([file])
    const listed = await run(['list', '--root', root])
    const shown = await run(['show', '../../', '--root', root])
    const found = await run(['search', 'pwned', '--root', root])
    for (const text of [err, out, listed.out, shown.out, found.out])
      expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
    expect(listed.out).toContain('../../\\x1b[31mevil\\u202e')
    expect(shown.out).toContain('\n  \\x1b]0;pwned\\x07\\u202eabc\n  user  2026\n')
    expect(await messagesOf(root, key)).toHaveLength(2)
  })
})

test('a damaged session is served, and the damage reported', async () => {
  const file = await inbox(dir, [{ sender: 'ann', text: 'one', reply: '1' }])
  expect((await bot([file])).code).toBe(0)
  await appendFile(join(root, 'ann.jsonl'), 'garbage\n')
  expect((await bot([file])).code).toBe(0)
  expect(await messagesOf(root, 'ann')).toHaveLength(4)
})
