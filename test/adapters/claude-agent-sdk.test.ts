import fs from 'node:fs'
import {
  foldSessionSummary,
  getSessionMessages,
  InMemorySessionStore,
  listSessions,
  renameSession,
  type SessionStoreEntry,
} from '@anthropic-ai/claude-agent-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonlClaudeSessionStore } from '../../src/adapters/claude-agent-sdk.js'
import { canonical, toJson } from '../../src/base/json.js'
import { bytesRead } from '../helpers/file-calls.js'
import { codeOf, open, tempFolder } from '../helpers/store.js'
import { objectsLike } from './json.js'
import { describeMessageAdapter } from './message-adapter.js'

const KEY = { projectKey: '-home-ann-shop', sessionId: '7f3b1c7e-0a52-4c6c-9d5e-1f2a3b4c5d6e' }

function said(uuid: string, content: string, more: object = {}): SessionStoreEntry {
  const head = { parentUuid: null, sessionId: KEY.sessionId, timestamp: '2026-11-21T07:00:00.000Z', isSidechain: false }
  return { type: 'user', uuid, ...head, cwd: '/home/ann/shop', message: { role: 'user', content }, ...more }
}

describeMessageAdapter('claude-agent-sdk', {
  chat(store, sessionId) {
    const sessions = new JsonlClaudeSessionStore(store)
    const key = { projectKey: 'p', sessionId }
    return {
      add: (text) => sessions.append(key, [said(crypto.randomUUID(), text)]),
      texts: async () =>
        ((await sessions.load(key)) ?? []).map(({ message }) => (message as { content: string }).content),
    }
  },
  keyOf: (id) => `claude/p/${id.replaceAll('%', '%25').replaceAll('/', '%2F')}`,
  refusesEmptyIds: false,
})

describe('transcripts of Claude', () => {
  test('come back as they were appended', async () => {
    const sessions = new JsonlClaudeSessionStore(await open())
    let n = 0
    const entries = fc.array(
      objectsLike({
        type: fc.constantFrom('user', 'assistant', 'summary', 'ai-title'),
        message: objectsLike({ role: fc.constantFrom('user', 'assistant'), content: fc.string() }),
      }),
      { minLength: 1, maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        const key = { projectKey: 'p', sessionId: `${n++}` }
        await sessions.append(key, given as never)
        expect((await sessions.load(key))?.map((entry) => canonical(toJson(entry)))).toEqual(given.map(canonical))
      }),
      { numRuns: 50 },
    )
  })

  test('are null until something is written, and nothing makes none', async () => {
    const store = await open()
    const sessions = new JsonlClaudeSessionStore(store)
    await sessions.append(KEY, [])
    expect(await sessions.load(KEY)).toBeNull()
    expect(await sessions.load({ ...KEY, subpath: 'subagents/a' })).toBeNull()
    await sessions.delete(KEY)
    expect(await store.keys()).toEqual([])
    await expect(sessions.append({ ...KEY, subpath: '' }, [said('a', 'x')])).rejects.toThrow(TypeError)
    expect(() => new JsonlClaudeSessionStore(store, { folder: 'x' } as never)).toThrow(TypeError)
  })

  test('hold an entry of a uuid once, whoever appended it, and those without one as often as they come', async () => {
    const folder = tempFolder()
    const [one, two] = [new JsonlClaudeSessionStore(open(folder)), new JsonlClaudeSessionStore(open(folder))]
    const title = { type: 'ai-title', aiTitle: 'Shop' }
    await one.append(KEY, [said('a', '1'), title, said('a', 'again'), said('b', '2')])
    await two.append(KEY, [said('b', 'again'), said('c', '3'), title])
    await one.append(KEY, [said('c', 'again'), said('a', 'again')])
    expect(await one.load(KEY)).toEqual([said('a', '1'), title, said('b', '2'), said('c', '3'), title])
    const session = (await open(folder)).session(`claude/${KEY.projectKey}/${KEY.sessionId}`)
    await session.removeLast()
    await session.removeLast()
    await one.append(KEY, [said('c', '3')])
    expect((await one.load(KEY))?.map(({ uuid }) => uuid)).toEqual(['a', undefined, 'b', 'c'])
  })

  test('of a process read the log once, and then what was added', async () => {
    const sessions = new JsonlClaudeSessionStore(await open())
    await sessions.append(
      KEY,
      Array.from({ length: 2_000 }, (_, n) => said(`${n}`, 'x'.repeat(500))),
    )
    await sessions.append(KEY, [said('first', '1')])
    expect(await bytesRead(() => sessions.append(KEY, [said('next', '2')]))).toBeLessThan(20_000)
  })

  test('stand apart by project, id and path below, whatever these are', async () => {
    const store = await open()
    const sessions = new JsonlClaudeSessionStore(store)
    const keys = [
      { projectKey: 'p', sessionId: 'a/b' },
      { projectKey: 'p', sessionId: 'a', subpath: 'b' },
      { projectKey: 'p/a', sessionId: 'b' },
      { projectKey: 'p%2Fa', sessionId: 'b' },
      { projectKey: 'p', sessionId: 'a%2Fb' },
      { projectKey: 'p', sessionId: 'a', subpath: 'subagents/agent-1' },
      { projectKey: 'p', sessionId: 'a' },
    ]
    for (const [n, key] of keys.entries()) await sessions.append(key, [said(`${n}`, `${n}`)])
    for (const [n, key] of keys.entries()) expect(await sessions.load(key)).toEqual([said(`${n}`, `${n}`)])
    expect(await sessions.listSubkeys({ projectKey: 'p', sessionId: 'a' })).toEqual(['b', 'subagents/agent-1'])
    const ids = async (projectKey: string) =>
      (await sessions.listSessions(projectKey)).map(({ sessionId }) => sessionId)
    expect((await ids('p')).sort()).toEqual(['a', 'a%2Fb', 'a/b'])
    expect(await ids('p/a')).toEqual(['b'])
    expect(await ids('none')).toEqual([])
    await sessions.delete({ projectKey: 'p', sessionId: 'a', subpath: 'b' })
    expect(await sessions.listSubkeys({ projectKey: 'p', sessionId: 'a' })).toEqual(['subagents/agent-1'])
    await sessions.delete({ projectKey: 'p', sessionId: 'a' })
    expect(await sessions.listSubkeys({ projectKey: 'p', sessionId: 'a' })).toEqual([])
    expect((await ids('p')).sort()).toEqual(['a%2Fb', 'a/b'])
  })

  test('have summaries: those that the memory store keeps, from values alone', async () => {
    const store = await open()
    const [ours, memory] = [new JsonlClaudeSessionStore(store), new InMemorySessionStore()]
    const batches: SessionStoreEntry[][] = [
      [said('a', 'Rename the shop'), said('b', 'please')],
      [{ type: 'assistant', uuid: 'c', message: { role: 'assistant', content: [{ type: 'text', text: 'Done' }] } }],
      [{ type: 'custom-title', customTitle: 'The shop', sessionId: KEY.sessionId }],
      [{ type: 'summary', summary: 'Renamed', leafUuid: 'c' }],
    ]
    for (const batch of batches) {
      for (const sessions of [ours, memory]) await sessions.append(KEY, batch)
      const [mine] = await ours.listSessionSummaries(KEY.projectKey)
      const [its] = await memory.listSessionSummaries(KEY.projectKey)
      expect(mine).toEqual({ ...its, mtime: mine?.mtime })
      expect(await ours.listSessions(KEY.projectKey)).toEqual([{ sessionId: KEY.sessionId, mtime: mine?.mtime }])
    }
    const session = store.session(`claude/${KEY.projectKey}/${KEY.sessionId}`)
    const text = fs.readFileSync(session.path, 'utf8')
    expect(text.split('"name":"summary"').length - 1).toBeLessThan(4)
    // an entry of another writer, behind the value
    await session.append({
      role: 'event',
      claude: { type: 'custom-title', customTitle: 'By hand', sessionId: KEY.sessionId },
    })
    const [later] = await ours.listSessionSummaries(KEY.projectKey)
    expect(later?.data).toEqual(foldSessionSummary(undefined, KEY, (await ours.load(KEY)) as never).data)
    await session.deleteValue('summary')
    expect((await ours.listSessionSummaries(KEY.projectKey))[0]?.data).toEqual(later?.data)
    await ours.append({ ...KEY, subpath: 'subagents/a' }, [said('z', 'below')])
    expect(await ours.listSessionSummaries(KEY.projectKey)).toHaveLength(1)
  })

  test('are what the SDK lists, reads and renames; a hand-typed line is one of them', async () => {
    const store = await open()
    const sessionStore = new JsonlClaudeSessionStore(store)
    const dir = tempFolder()
    const projectKey = fs.realpathSync(dir).replaceAll(/[^a-zA-Z0-9]/g, '-')
    const key = { ...KEY, projectKey }
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()]
    const answer = {
      parentUuid: a,
      type: 'assistant',
      message: { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
    }
    await sessionStore.append(key, [said(a, 'hi'), said(b, '', answer)])
    const log = store.session(`claude/${projectKey}/${KEY.sessionId}`).path
    fs.appendFileSync(log, '{"role":"user","content":"typed by hand"}\n')
    await renameSession(KEY.sessionId, 'The shop', { dir, sessionStore })
    const [listed] = await listSessions({ dir, sessionStore })
    expect(listed).toMatchObject({ sessionId: KEY.sessionId, customTitle: 'The shop', firstPrompt: 'hi' })
    const messages = await getSessionMessages(KEY.sessionId, { dir, sessionStore })
    expect(messages.map(({ type }) => type)).toEqual(['user', 'assistant', 'user'])
    expect(messages[2]?.message).toEqual({ role: 'user', content: 'typed by hand' })
  })

  test('reject with the error of a store that cannot be read', async () => {
    const folder = tempFolder()
    const sessions = new JsonlClaudeSessionStore(open(folder))
    await sessions.append(KEY, [said('a', '1')])
    fs.renameSync(folder, `${folder}-away`)
    expect(await codeOf(sessions.load(KEY))).toBe('ERR_STORE_GONE')
    expect(await codeOf(sessions.listSessions(KEY.projectKey))).toBe('ERR_STORE_GONE')
    expect(await codeOf(sessions.append(KEY, [said('b', '2')]))).toBe('ERR_STORE_GONE')
    fs.renameSync(`${folder}-away`, folder)
    expect(await sessions.load(KEY)).toEqual([said('a', '1')])
  })
})
