/** What is exported is imported again unchanged. */
import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import { importFile } from '../../src/formats/index.js'
import { openStore, type Session } from '../../src/index.js'
import { open, tempFolder } from '../helpers/store.js'
import { claudeSession, codexSession, piSession, roleSession } from './histories.js'
import { contentIn, fileWith, flat, rawLinesIn, textOf, turnsOf } from './seen.js'

/** Random histories per law. `LAW_RUNS=2000` is the long form. */
const RUNS = Number(process.env.LAW_RUNS ?? 25)

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((given) => given.replace(/\p{Surrogate}/gu, '?'))
const usage = fc.record({ promptTokens: fc.nat(1000), completionTokens: fc.nat(1000) })
const message = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'system'), content: text }),
  fc.record({
    role: fc.constant('assistant'),
    content: fc.constant(null),
    toolCalls: fc.constant('[{"id":"c1","name":"ls","arguments":{}}]'),
  }),
  fc.record({ role: fc.constant('tool'), content: text, toolCallId: fc.constant('c1') }),
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
          } else if (one.do === 'compact')
            await new JsonlPersistence(store).compactSession(session.key, one.summary, one.place)
        }
        const exported = await textOf(session, 'jsonl')
        const context = await textOf(session, 'jsonl', { context: true })
        await store.close()
        const before = await contentIn(from, session.key)
        const target = await openStore(to)
        await importFile(target, fileWith(exported))
        await target.close()
        expect(await contentIn(to, session.key)).toEqual(before)
        const once = await openStore(to)
        const twice = await importFile(once, fileWith(exported))
        expect(twice.sessions.map(({ action }) => action)).toEqual(['unchanged'])
        const messagesOf = (text: string) => text.split('\n').slice(1)
        expect(messagesOf(await textOf(once.session(session.key), 'jsonl', { context: true }))).toEqual(
          messagesOf(context),
        )
        await once.close()
      }),
      { numRuns: RUNS, seed: 20261128 },
    )
  })

  test('messages that a summary leaves active stay so', async () => {
    const [from, to] = [await open(), await open()]
    const session = from.session('s')
    await session.append([
      { role: 'assistant', content: null, toolCalls: '[{"id":"c1","name":"ls"}]' },
      { role: 'user', content: 'between' },
      { role: 'tool', toolCallId: 'c1', content: 'a.ts' },
      { role: 'assistant', content: 'one file' },
    ])
    const ids = await idsOf(session)
    const persistence = new JsonlPersistence(from)
    await persistence.compactSession('s', 'so far', { through: ids[2] as string })
    expect(fs.readFileSync(session.path, 'utf8')).toContain('"keep":[')
    await importFile(to, fileWith(await textOf(session, 'jsonl')))
    expect(await to.session('s').context()).toEqual(await session.context())
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

/** Messages as a provider takes them: results stand behind their calls, in their order. */
const exchanges = fc
  .array(
    fc.record({
      role: fc.constantFrom('user', 'system', 'assistant'),
      content: text,
      calls: fc.array(fc.record({ name: text, arguments: fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })) }), {
        maxLength: 2,
      }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((turns) =>
    turns.flatMap(({ role, content, calls }, turn): object[] => {
      if (role !== 'assistant' || calls.length === 0) return [{ role, content }]
      const named = calls.map((call, i) => ({ id: `c${turn}-${i}`, ...call }))
      const results = named.map(({ id }) => ({ role: 'tool', toolCallId: id, content: `of ${id}` }))
      return [{ role, content: content === '' ? null : content, toolCalls: JSON.stringify(named) }, ...results]
    }),
  )

describe.each(['openai', 'sharegpt'] as const)('%s', (format) => {
  const same = format === 'openai' ? <T>(turns: T) => turns : flat

  test('roles, texts, calls and their results come back', async () => {
    await fc.assert(
      fc.asyncProperty(exchanges, async (messages) => {
        const [from, to] = [await openStore(tempFolder()), await openStore(tempFolder())]
        const session = from.session('s')
        await session.append(messages as never)
        // a file without a turn does not tell what it is
        const exported = fileWith(await textOf(session, format))
        const again = await importFile(to, exported, { format: format === 'openai' ? 'openai-chat' : format })
        expect(await turnsOf(to.session(again.sessions[0]!.key))).toEqual(same(await turnsOf(session)))
        await Promise.all([from.close(), to.close()])
      }),
      { numRuns: RUNS, seed: 20261128 },
    )
  })

  test('so do those of imported sessions', async () => {
    for (const [seed, source] of [claudeSession, codexSession, piSession].entries()) {
      const [from, to] = [await open(), await open()]
      const { sessions } = await importFile(from, fileWith(source(seed + 5)), { final: true })
      const session = from.session(sessions[0]!.key)
      const again = await importFile(to, fileWith(await textOf(session, format)))
      expect(flat(await turnsOf(to.session(again.sessions[0]!.key)))).toEqual(flat(await turnsOf(session)))
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

test.each([claudeSession, codexSession, piSession, roleSession])(
  'with raw, the lines of the source can be put together again: %o',
  async (source) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), async (seed) => {
        const store = await openStore(tempFolder())
        const given = source(seed)
        const { sessions } = await importFile(store, fileWith(given), { raw: true, final: true })
        const found = rawLinesIn(sessions.map(({ key }) => store.session(key)))
        const lines = given.split('\n').slice(0, -1)
        expect(lines.map((_, index) => found.get(index + 1))).toEqual(lines.map((line) => JSON.parse(line)))
        await store.close()
      }),
      { numRuns: Math.ceil(RUNS / 3), seed: 20261128 },
    )
  },
)

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
