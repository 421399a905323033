/** What the API answers: shapes and numbers are those of the store's own calls. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlRuntimePersistence } from '../../../src/contracts/runtime-persistence/index.js'
import type {
  CheckAnswer,
  FindLine,
  GraphAnswer,
  LinePage,
  QuarantineAnswer,
  RunningAnswer,
  SearchAnswer,
  SessionFacts,
  SessionList,
  UsageAnswer,
} from '../../../src/viewer/index.js'
import { fill, message, tempFolder, until } from '../../helpers/store.js'
import { linesOf, scene } from '../scene.js'

describe('the list', () => {
  test('has the rows of the store, in pages, sorted and filtered', async () => {
    const { store, ask } = await scene()
    for (const key of ['a', 'b', 'c']) await fill(store, key, ['x'])
    await fill(store, 'b', ['x', 'x'])
    await store.session('c').setName('Zoe')
    await store.session('c').tag(['ops'])
    await store.session('a').setState('error', 't')
    const keys = async (query: string) =>
      (await ask<SessionList>(`/api/sessions?${query}`)).body.rows.map(({ key }) => key)
    expect(await keys('')).toEqual((await store.list()).map(({ key }) => key))
    expect(await keys('sort=messages&limit=1')).toEqual(['b'])
    expect(await keys('sort=name&after=1')).toEqual(['b', 'c'])
    expect(await keys('q=zo')).toEqual(['c'])
    expect(await keys('tag=ops')).toEqual(['c'])
    expect(await keys('state=error')).toEqual(['a'])
    const { body } = await ask<SessionList>('/api/sessions?q=zo')
    expect(body).toMatchObject({ total: 1, all: 3, tags: ['ops'], rows: [{ name: 'Zoe', messages: 1, damaged: 0 }] })
  })

  test.each(['sort=nothing', 'state=asleep', 'limit=-1', 'after=x'])('refuses %s', async (query) => {
    const { ask } = await scene()
    expect(await ask(`/api/sessions?${query}`)).toMatchObject({ status: 400, body: { code: 'ERR_VIEWER_BAD_REQUEST' } })
  })
})

test('a log that another tool named is shown and found as any other', async () => {
  const { store, ask } = await scene()
  await fill(store, 'b', ['x'])
  fs.writeFileSync(
    path.join(store.dir, 'My Chat.jsonl'),
    '{"role":"user","content":"needle","usage":{"promptTokens":5}}\n',
  )
  expect((await ask<SessionList>('/api/sessions?q=my')).body.rows).toMatchObject([{ key: 'My Chat', messages: 1 }])
  expect((await ask<SessionFacts>('/api/s/My%20Chat')).body).toMatchObject({
    key: 'My Chat',
    usage: [{ promptTokens: 5 }],
  })
  expect((await ask<LinePage>('/api/s/My%20Chat/lines?at=end')).body.lines).toHaveLength(1)
  expect((await ask<SearchAnswer>('/api/search?q=needle')).body.sessions).toMatchObject([
    { session: { key: 'My Chat' } },
  ])
})

describe('lines', () => {
  test('come in pages by offset, from the end, from any byte, without a gap', async () => {
    const { store, ask } = await scene()
    const texts = Array.from({ length: 250 }, (_, i) => `text ${i}`)
    const session = await fill(store, 's/1', texts)
    const page = async (query: string) => (await ask<LinePage>(`/api/s/s%2F1/lines?${query}`)).body
    const last = await page('at=end&limit=100')
    expect(last.lines).toHaveLength(100)
    expect(last.to).toBe(fs.statSync(session.path).size)
    const found = [...last.lines]
    for (let from = last.from; from > 0; ) {
      const before = await page(`at=${from}&dir=before&limit=100&log=${last.log}`)
      expect(before.to).toBe(from)
      found.unshift(...before.lines)
      from = before.from
    }
    const messages = found.filter(({ kind }) => kind === 'message')
    expect(messages.map(({ value }) => value?.content)).toEqual(texts)
    expect(found.map(({ line }) => line)).toEqual(found.map((_, i) => i + 1))
    const middle = messages[100]!
    expect((await page(`at=${middle.offset + 7}&dir=after&limit=1`)).lines).toMatchObject([{ id: middle.id }])
    expect((await page(`id=${middle.id}&limit=1`)).lines).toMatchObject([{ offset: middle.offset }])
  })

  test('say what later lines say of them', async () => {
    const { store, ask } = await scene()
    const session = await fill(store, 's', ['a', 'b', 'c'])
    const [first] = await session.messages()
    await session.remove(first!.id as string)
    const line = fs.readFileSync(session.path, 'utf8').split('\n')[2]
    fs.appendFileSync(session.path, `${line}\n`)
    const { body } = await ask<LinePage>('/api/s/s/lines?at=0')
    const marks = body.lines.filter(({ kind }) => kind === 'message').map(({ marks }) => marks)
    expect(body.marked).toBe(true)
    expect(marks).toEqual([['removed'], undefined, undefined, ['duplicate']])
  })

  test('archived messages are marked when a compaction comes later', async () => {
    const { store, ask } = await scene()
    const session = await fill(store, 's', ['a', 'b', 'c'])
    const before = await ask<LinePage>('/api/s/s/lines?at=0')
    expect(before.body.lines.every(({ marks }) => marks === undefined)).toBe(true)
    const through = (await session.messages())[1]!.id
    fs.appendFileSync(session.path, `${JSON.stringify({ type: 'compaction', summary: 'so far', through, id: 'x' })}\n`)
    await until(async () => {
      const { body } = await ask<LinePage>('/api/s/s/lines?at=0')
      const marks = body.lines.filter(({ kind }) => kind === 'message').map(({ marks }) => marks?.[0] ?? '')
      return marks.join() === 'archived,archived,'
    })
  })

  test('that cannot be read stand in their place, with their bytes', async () => {
    const { store, ask, fetch } = await scene()
    const session = await fill(store, 's', ['a'])
    const start = fs.statSync(session.path).size
    const bad = Buffer.concat([Buffer.from('{"role":"us'), Buffer.from([0xff, 0x0a])])
    fs.appendFileSync(session.path, bad)
    fs.appendFileSync(session.path, '{"role":"user","content":"b"}\n{"torn')
    const { body } = await ask<LinePage>('/api/s/s/lines?at=0')
    expect(body.lines.map(({ kind }) => kind)).toEqual(['session', 'message', 'damage', 'message', 'torn'])
    expect(body.lines[2]).toMatchObject({ offset: start, end: start + bad.length, reason: 'not UTF-8', line: 3 })
    const raw = await fetch(`/api/raw?key=s&at=${start}&length=${bad.length}`)
    expect(raw.headers.get('content-type')).toBe('application/octet-stream')
    expect(raw.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(bad)
  })

  test('of a log that was rewritten are not mixed with former ones', async () => {
    const { store, ask } = await scene()
    const session = await fill(store, 's', ['a', 'b'])
    const { body } = await ask<LinePage>('/api/s/s/lines?at=end')
    await session.removeLast()
    await session.rewrite()
    const query = `at=${body.from}&dir=after&log=${body.log}`
    expect(await ask(`/api/s/s/lines?${query}`)).toMatchObject({
      status: 409,
      body: { code: 'ERR_VIEWER_LOG_REWRITTEN' },
    })
    const kept = body.lines.find(({ value }) => value?.content === 'a')!
    const again = await ask<LinePage>(`/api/s/s/lines?id=${kept.id}`)
    expect(again.body.lines[0]?.value?.content).toBe('a')
  })

  test('of great length come cut, and whole when they are asked for', async () => {
    const { store, ask } = await scene()
    const session = store.session('s')
    await session.append({ role: 'user', content: 'x'.repeat(3_000_000) })
    const { body } = await ask<LinePage>('/api/s/s/lines?at=end&limit=1')
    const line = body.lines[0]!
    expect(line.cut).toBe(true)
    expect(`${line.value?.content}`.length).toBeLessThan(10_000)
    const whole = await ask<{ value: { content: string } }>(`/api/s/s/line?at=${line.offset}`)
    expect(whole.body.value.content).toHaveLength(3_000_000)
  })

  test('that are nested without end, or have a key __proto__, are lines like others', async () => {
    const { store, ask } = await scene()
    const session = await fill(store, 's', ['a'])
    fs.appendFileSync(session.path, `{"role":"user","content":${'['.repeat(20_000)}${']'.repeat(20_000)}}\n`)
    fs.appendFileSync(session.path, '{"role":"user","content":{"__proto__":{"x":"polluted"}}}\n')
    const { body, status } = await ask<LinePage>('/api/s/s/lines?at=0')
    expect(status).toBe(200)
    expect(body.lines).toHaveLength(4)
    expect(JSON.stringify(body.lines[3]?.value)).toContain('polluted')
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })
})

describe('one session', () => {
  test('its facts, with usage of the sessions below it', async () => {
    const { store, ask } = await scene()
    const usage = { promptTokens: 10, completionTokens: 5 }
    await store.session('top').append({ role: 'assistant', content: 'a', usage })
    await store.session('sub').append({ role: 'assistant', content: 'b', usage, agent: 'helper' })
    await store.session('sub').setMetadata('parent', 'top')
    const { body } = await ask<SessionFacts>('/api/s/top')
    expect(body).toMatchObject({
      key: 'top',
      messages: 1,
      tokens: 15,
      tokensWithChildren: 30,
      children: [{ key: 'sub', tokens: 15 }],
      file: store.session('top').path,
      writable: false,
    })
    expect((await ask<SessionFacts>('/api/s/sub')).body).toMatchObject({ parent: 'top', usage: [{ name: 'helper' }] })
    expect(await ask('/api/s/none')).toMatchObject({ status: 404, body: { code: 'ERR_SESSION_NOT_FOUND' } })
  })

  test.each(['.', '..', '~', 'a/b', 'ä ✓', '%2e', '#', '?', '__proto__', '../../etc/passwd'])(
    'the key %s has an address',
    async (key) => {
      const { segmentOf } = await import('../../../src/viewer/api/addresses.js')
      const { store, ask } = await scene()
      await fill(store, key, ['x'])
      expect((await ask<SessionFacts>(`/api/s/${segmentOf(key)}`)).body.key).toBe(key)
    },
  )

  test('what the model sees is what session.context gives', async () => {
    const { store, ask } = await scene()
    const session = await fill(store, 's', ['a', 'b', 'c'])
    const { body } = await ask<{ messages: unknown[]; whole: boolean }>('/api/s/s/context')
    expect(body).toEqual({ messages: await session.context(), whole: true })
  })
})

describe('finding', () => {
  test('a text in a session: each message with a snippet, upper and lower case alike', async () => {
    const { store, fetch } = await scene()
    await fill(store, 's', ['one needle', 'hay', 'two NEEDLES', 'a "quoted" text'])
    const found = await linesOf<FindLine>(await fetch('/api/s/s/find?q=needle'))
    const hits = found.flatMap((line) => ('hit' in line ? [line.hit] : []))
    expect(hits.map(({ snippet }) => snippet.match)).toEqual(['needle', 'NEEDLE'])
    expect(found.at(-1)).toEqual({ done: { hits: 2, more: false } })
    const quoted = await linesOf<FindLine>(await fetch(`/api/s/s/find?q=${encodeURIComponent('"quoted"')}`))
    expect(quoted).toHaveLength(2)
  })

  test('a text in a log of many blocks: every hit once, at its offset', async () => {
    const { store, fetch } = await scene()
    const session = store.session('s')
    const filler = 'x'.repeat(2_000)
    await session.append(Array.from({ length: 2_000 }, (_, i) => message(i % 500 === 7 ? `${filler} needle` : filler)))
    const found = await linesOf<FindLine>(await fetch('/api/s/s/find?q=needle'))
    const hits = found.flatMap((line) => ('hit' in line ? [line.hit] : []))
    const ids = (await session.messages()).filter((_, i) => i % 500 === 7).map(({ id }) => id)
    expect(hits.map(({ id }) => id)).toEqual(ids)
    const bytes = fs.readFileSync(session.path)
    for (const { offset, id } of hits) expect(bytes.subarray(offset, offset + 4_000).toString()).toContain(`${id}`)
  })

  test('words in all sessions: those of store.search, with a message of each', async () => {
    const { store, ask } = await scene()
    await fill(store, 'a', ['rust is fine', 'no'])
    await fill(store, 'b', ['rust and json'])
    await fill(store, 'c', ['nothing'])
    const { sessions } = (await ask<SearchAnswer>('/api/search?q=rust%20json')).body
    expect(sessions.map(({ session }) => session.key)).toEqual((await store.search('rust json')).map(({ key }) => key))
    expect(sessions[0]).toMatchObject({ session: { key: 'b' }, hit: { snippet: 'rust and json' } })
  })
})

describe('what runs, what is broken, what was used', () => {
  test('running turns with their owner, sessions in error, damage', async () => {
    const { store, ask } = await scene()
    await fill(store, 'a', ['x'])
    await store.session('a').setState('running', 't1')
    await store.session('b').setState('error', 't2')
    fs.appendFileSync((await fill(store, 'c', ['x'])).path, 'bad\n')
    const { body } = await ask<RunningAnswer>('/api/running')
    expect(body.running).toMatchObject([
      { key: 'a', turnId: 't1', stuck: null, owner: { pid: process.pid, liveness: 'alive' } },
    ])
    expect(body.errors.map(({ key }) => key)).toEqual(['b'])
    expect(body.damaged).toEqual([{ key: 'c', name: null, damaged: 1 }])
  })

  test('the check finds what `check` finds, and names the command that mends it', async () => {
    const folder = tempFolder()
    const { store, ask } = await scene({}, folder)
    fs.appendFileSync((await fill(store, "it's", ['x'])).path, 'bad\n')
    fs.writeFileSync(path.join(folder, 'a.sync-conflict-20261121-070000-ABCDEFG.jsonl'), '')
    const answer = async () => (await ask<CheckAnswer>('/api/check')).body
    await until(async () => (await answer()).state === 'done')
    const { findings, checked } = await answer()
    expect(checked).toBe(1)
    expect(findings.find(({ kind }) => kind === 'damaged-line')).toMatchObject({
      key: "it's",
      line: 3,
      command: "jsonl-sessions check --fix 'it'\\''s'",
    })
  })

  test('the quarantine is listed and sent as downloads; no name of the client is a path', async () => {
    const { store, ask, fetch } = await scene()
    const session = await fill(store, 's', ['x', 'y'])
    fs.appendFileSync(session.path, '<script>bad\n')
    await session.removeLast()
    await session.rewrite()
    const { body } = await ask<QuarantineAnswer>('/api/quarantine')
    expect(body.files).toHaveLength(1)
    const [kept] = body.files
    const answer = await fetch(`/api/quarantine/file?name=s&file=${kept?.file}`)
    expect(await answer.text()).toBe('<script>bad\n')
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
    for (const file of ['../../s.jsonl', '..', '', '%00']) {
      expect((await fetch(`/api/quarantine/file?name=s&file=${encodeURIComponent(file)}`)).status).toBe(404)
    }
  })

  test('usage by session, agent, day and model', async () => {
    const { store, ask } = await scene()
    const usage = { promptTokens: 100, completionTokens: 20 }
    await store.session('a').append({ role: 'assistant', content: 'x', usage, model: 'small' })
    await store.session('a').append({ role: 'assistant', content: 'x', usage, model: 'large', agent: 'helper' })
    await store.session('b').append({ role: 'assistant', content: 'x', usage })
    const answer = async () => (await ask<UsageAnswer>('/api/usage')).body
    await until(async () => (await answer()).ready.sessions === 2)
    const { total, sessions, agents, days, models } = await answer()
    const tokens = (rows: UsageAnswer['days']) => rows.map((row) => [row.name, row.promptTokens + row.completionTokens])
    expect(total).toMatchObject({ promptTokens: 300, completionTokens: 60, apiCalls: 3 })
    expect(tokens(sessions)).toEqual([
      ['a', 240],
      ['b', 120],
    ])
    expect(tokens(agents)).toEqual([
      ['main', 240],
      ['helper', 120],
    ])
    expect(tokens(models)).toEqual([
      ['large', 120],
      ['small', 120],
      ['unknown', 120],
    ])
    expect(tokens(days)).toEqual([[new Date(store.now()).toISOString().slice(0, 10), 360]])
  })
})

test('the blobs that checkpoints saved are listed with the graph, and are downloads', async () => {
  const { store, ask, fetch } = await scene()
  const runtime = new JsonlRuntimePersistence(store, 'agent')
  await runtime.commitRuntimeState({
    ...{ sessionId: 'agent', expectedHeadRevision: null, usageDeltas: [] },
    graph: {
      kind: 'replaceFull',
      graph: { nodes: [{ nodeId: 'a', timestamp: 't', kind: 'event', event: {} }], leafNodeId: 'a' },
    },
    config: {
      ...{ providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' },
      ...{ standardContextApproach: null, modelVariant: null },
    },
    checkpoint: { executionState: Buffer.from('<script>') },
  } as never)
  const { body } = await ask<GraphAnswer>('/api/s/agent/graph')
  expect(body.blobs).toHaveLength(2)
  const ref = createHash('sha256').update('<script>').digest('hex')
  expect(body.blobs).toContainEqual({ ref, bytes: 8 })
  const answer = await fetch(`/api/s/agent/blob?ref=${ref}`)
  expect(answer.headers.get('content-type')).toBe('application/octet-stream')
  expect(answer.headers.get('content-disposition')).toContain('attachment')
  expect(await answer.text()).toBe('<script>')
  for (const other of ['0'.repeat(64), '../agent.jsonl', '']) {
    expect(await ask(`/api/s/agent/blob?ref=${encodeURIComponent(other)}`)).toMatchObject({ status: 404 })
  }
})
