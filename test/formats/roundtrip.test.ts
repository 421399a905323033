/** What is exported is imported again unchanged. */
import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ExportFormat, exportSession, importFile } from '../../src/formats/index.js'
import { openStore, type Session } from '../../src/index.js'
import { totalUsage } from '../../src/log/fold.js'
import { internalsOf } from '../../src/store/store.js'
import { open, tempFolder } from '../helpers/store.js'
import { claudeSession, codexSession, piSession } from './histories.js'

async function textOf(session: Session, format: ExportFormat, options = {}): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of exportSession(session, format, options)) parts.push(part)
  return Buffer.concat(parts).toString()
}

function fileWith(text: string, name = 'export.jsonl'): string {
  const file = path.join(tempFolder(), name)
  fs.writeFileSync(file, text)
  return file
}

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((given) => given.replace(/\p{Surrogate}/gu, '?'))
const usage = fc.record({ promptTokens: fc.nat(1000), completionTokens: fc.nat(1000) })
const message = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'system'), content: text }),
  fc.record({ role: fc.constant('assistant'), content: text, usage, agent: fc.constantFrom('main', 'helper') }),
  fc.record({
    role: fc.constant('user'),
    content: fc.array(fc.record({ type: fc.constant('text'), text })),
    extra: fc.jsonValue({ maxDepth: 2 }),
  }),
  // fields of a message that are called as those of its line
  fc.record({
    role: fc.constant('user'),
    content: text,
    id: fc.oneof(fc.integer(), text),
    at: text,
    type: text,
    own: fc.jsonValue({ maxDepth: 1 }),
  }),
)

const step = fc.oneof(
  { weight: 6, arbitrary: message.map((given) => ({ do: 'append' as const, given })) },
  { weight: 1, arbitrary: fc.nat(20).map((place) => ({ do: 'remove' as const, place })) },
  { weight: 1, arbitrary: text.map((name) => ({ do: 'name' as const, name })) },
  { weight: 1, arbitrary: fc.tuple(text, text).map(([key, value]) => ({ do: 'metadata' as const, key, value })) },
  { weight: 1, arbitrary: fc.constant({ do: 'tag' as const }) },
  {
    weight: 1,
    arbitrary: fc.tuple(text, fc.nat(20)).map(([summary, place]) => ({ do: 'compact' as const, summary, place })),
  },
)

async function said(session: Session, root: string) {
  const store = await openStore(root)
  try {
    const same = store.session(session.key)
    const state = (await internalsOf(store).log(session.key).current())!
    const { name, tags, metadata } = state.summary.labels
    const usages = [...totalUsage(state.summary)].filter(([, one]) => Object.values(one).some((count) => count > 0))
    return {
      messages: await same.messages(),
      labels: { name: name ?? null, tags: tags ?? [], metadata: metadata ?? {} },
      usage: Object.fromEntries(usages),
      archived: state.summary.archived.messages,
    }
  } finally {
    await store.close()
  }
}

describe('jsonl', () => {
  test('a random session comes back: messages, labels, summaries, usage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const [from, to] = [tempFolder(), tempFolder()]
        const store = await openStore(from)
        const session = store.session('the session')
        await session.append({ role: 'user', content: 'first' })
        for (const one of steps) {
          const messages = await session.messages()
          if (one.do === 'append') await session.append(one.given as never)
          else if (one.do === 'name') await session.setName(one.name)
          else if (one.do === 'tag') await session.tag(['a', 'b'])
          else if (one.do === 'metadata') {
            if (one.key !== '') await session.setMetadata(one.key, one.value)
          } else if (one.do === 'remove' && messages.length > 1) {
            const id = messages[one.place % messages.length]?.id
            if (typeof id === 'string') await session.remove(id)
          }
        }
        await store.close()
        const again = await openStore(from)
        const exported = await textOf(again.session('the session'), 'jsonl')
        const before = await said(again.session('the session'), from)
        await again.close()
        const target = await openStore(to)
        await importFile(target, fileWith(exported))
        await target.close()
        expect(await said(session, to)).toEqual(before)
        const once = await openStore(to)
        const twice = await importFile(once, fileWith(exported))
        expect(twice.sessions.map(({ action }) => action)).toEqual(['unchanged'])
        await once.close()
      }),
      { numRuns: 25, seed: 20261128 },
    )
  })

  test('summaries keep what they archive', async () => {
    const [from, to] = [await open(), await open()]
    const file = path.join(tempFolder(), 's.jsonl')
    fs.writeFileSync(file, claudeSession(3))
    const [imported] = (await importFile(from, file, { final: true })).sessions
    const session = from.session(imported!.key)
    const ids = await idsOf(session)
    const line = { type: 'compaction', id: 'c1', at: '2026-01-01T00:00:00.000Z', summary: 'so far', through: ids[2] }
    fs.appendFileSync(session.path, `${JSON.stringify(line)}\n`)
    await importFile(to, fileWith(await textOf(session, 'jsonl')))
    expect(await textOf(to.session(session.key), 'jsonl', { context: true })).toBe(
      await textOf(session, 'jsonl', { context: true }),
    )
  })
})

async function idsOf(session: Session): Promise<string[]> {
  const lines = fs
    .readFileSync(session.path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines
    .map((line) => JSON.parse(line))
    .flatMap((line) => (typeof line.role === 'string' ? [line.id as string] : []))
}

interface Turn {
  role: string
  content: unknown
  calls: Array<{ name: unknown; arguments: unknown }>
  /** Which of the calls so far it answers. */
  answers: number | null
}

async function turnsOf(session: Session): Promise<Turn[]> {
  const open: string[] = []
  const turns: Turn[] = []
  for (const { role, content, toolCalls, toolCallId } of await session.messages()) {
    const calls =
      typeof toolCalls === 'string'
        ? (JSON.parse(toolCalls) as Array<{ id: string; name: unknown; arguments: unknown }>)
        : []
    const answers = typeof toolCallId === 'string' ? open.indexOf(toolCallId) : -1
    for (const { id } of calls) open.push(id)
    turns.push({
      role,
      content: typeof content === 'string' && content !== '' ? content : null,
      calls: calls.map(({ name, arguments: given }) => ({ name, arguments: given })),
      answers: answers === -1 ? null : answers,
    })
  }
  return turns
}

describe.each(['openai', 'sharegpt'] as const)('%s', (format) => {
  test('roles, texts, calls and their results come back', async () => {
    for (const [seed, source] of [claudeSession, codexSession, piSession].entries()) {
      const [from, to] = [await open(), await open()]
      const { sessions } = await importFile(from, fileWith(source(seed + 5), 's.jsonl'), { final: true })
      const session = from.session(sessions[0]!.key)
      const again = await importFile(to, fileWith(await textOf(session, format)))
      const before = await turnsOf(session)
      const after = await turnsOf(to.session(again.sessions[0]!.key))
      if (format === 'openai') expect(after).toEqual(before)
      else {
        // a text and a call are two turns there, and what said nothing is an empty turn
        const flat = (turns: Turn[]) =>
          turns.flatMap((turn) =>
            turn.calls.length > 0 && turn.content !== null
              ? [
                  { ...turn, calls: [] },
                  { ...turn, content: null },
                ]
              : [turn],
          )
        expect(flat(after)).toEqual(flat(before))
      }
    }
  })
})

test('a line of openai is the same value when it is exported again', async () => {
  const lines = [
    {
      messages: [
        { role: 'developer', content: 'x' },
        { role: 'user', content: 'y', name: 'ann', unknown: { a: [1] } },
      ],
      tools: [],
      other: null,
    },
    {
      messages: [
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: '1' },
      ],
    },
    {
      input: { messages: [{ role: 'user', content: 'q' }], tools: [] },
      preferred_output: [{ role: 'assistant', content: 'a' }],
      non_preferred_output: [],
    },
    {
      messages: [
        { role: 'user', content: [{ type: 'text', text: 't' }] },
        { role: 'assistant', content: 'z', refusal: null, weight: 0 },
      ],
      parallel_tool_calls: false,
    },
  ]
  const store = await open()
  const { sessions } = await importFile(store, fileWith(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
  const back = []
  for (const { key } of sessions) back.push(JSON.parse(await textOf(store.session(key), 'openai')))
  expect(back).toEqual(lines)
})

test('with raw, the lines of the source can be put together again', async () => {
  for (const source of [claudeSession, codexSession, piSession]) {
    const store = await open()
    const given = source(9)
    const { sessions } = await importFile(store, fileWith(given, 's.jsonl'), { raw: true, final: true })
    const found = new Map<number, unknown>()
    for (const line of fs
      .readFileSync(store.session(sessions[0]!.key).path, 'utf8')
      .split('\n')
      .filter((one) => one !== '')) {
      const value = JSON.parse(line)
      if (value.type === 'record') found.set(value.line, value.record)
      const { raw, lines, line: first } = value.source ?? {}
      raw?.forEach((one: unknown, index: number) => {
        found.set(lines?.[index] ?? first, one)
      })
    }
    const lines = given
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
    expect(lines.map((_, index) => found.get(index + 1))).toEqual(lines)
  }
})

test('a page loads nothing from elsewhere, and message content is shown as text', async () => {
  const store = await open()
  const session = store.session('<script>alert(1)</script>')
  await session.append({ role: 'user', content: '</pre><script>alert(2)</script>\u001b[31m\u202e' })
  await session.append({
    role: 'user',
    content: [
      { type: 'image', source: { media_type: 'image/png', data: 'iVBORw0KGgo=' } },
      { type: 'image_url', image_url: { url: 'https://example.org/x.png' } },
    ],
  })
  const page = await textOf(session, 'html')
  expect(page).not.toMatch(/<script|\u001b|\u202e/)
  expect(page).not.toMatch(/(src|href)="(?!data:)/)
  expect(page).toContain('src="data:image/png;base64,iVBORw0KGgo="')
  expect(page).toContain("default-src 'none'")
  const markdown = await textOf(session, 'markdown')
  expect(markdown).not.toMatch(/\u001b|\u202e/)
  expect(markdown).toContain('\\x1b')
})

test('a fence in a message does not end the block that shows it', async () => {
  const store = await open()
  const session = store.session('s')
  await session.append({ role: 'tool', content: 'a\n````\nb', toolCallId: 'c' })
  await session.append({ role: 'user', content: 'open\n```js\nnever closed' })
  const markdown = await textOf(session, 'markdown')
  expect(markdown).toContain('`````\na\n````\nb\n`````')
  expect(markdown).toContain('never closed\n```')
})
