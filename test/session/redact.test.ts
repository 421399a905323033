/** The option `redact`: a secret reaches no byte of the folder, through whatever door it comes. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlChatStore } from '../../src/adapters/ai-sdk.js'
import { createJsonlState } from '../../src/adapters/chat-sdk.js'
import { JsonlClaudeSessionStore } from '../../src/adapters/claude-agent-sdk.js'
import { JsonlStorageAdapter } from '../../src/adapters/grammy.js'
import { JsonlKeyvStore } from '../../src/adapters/keyv.js'
import { JsonlChatMessageHistory } from '../../src/adapters/langchain.js'
import { JsonlAgentsSession } from '../../src/adapters/openai-agents.js'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { JsonlSessionBackend } from '../../src/contracts/session-backend/index.js'
import { JsonlSessionManager } from '../../src/contracts/session-manager/index.js'
import { importFile } from '../../src/formats/index.js'
import type { Redact, SessionStore } from '../../src/index.js'
import { commit, G, replaceFull } from '../conformance/runtime-persistence/scene.js'
import { codeOf, contents, filesIn, message, open, tempFolder } from '../helpers/store.js'

const SECRET = 'sk-4711'
const redact: Redact = (value) => JSON.parse(JSON.stringify(value).replaceAll(SECRET, '[key]'))

function bytesIn(folder: string): string {
  return filesIn(folder)
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .map((name) => fs.readFileSync(path.join(folder, name), 'latin1'))
    .join('\n')
}

const TEXT = `the key is ${SECRET}, keep it`
const metadata = (id: string) => ({
  ...{ id, name: TEXT, tags: [SECRET], agentName: SECRET },
  ...{ createdAt: 5, updatedAt: 5, turnCount: 1, totalTokens: 0 },
})

const DOORS: Record<string, (store: SessionStore) => Promise<unknown>> = {
  async 'the verbs of a session'(store) {
    const a = store.session('a')
    await a.append([message(TEXT), { role: 'assistant', content: null, toolCalls: [{ id: '1', input: { TEXT } }] }])
    await a.append({ role: 'user', content: TEXT, id: 'own', at: 7, type: 'x' })
    await a.setName(TEXT)
    await a.tag([TEXT])
    await a.setMetadata('k', { deep: [TEXT] })
    await a.setValue('v', { deep: [TEXT] })
    await a.updateValue('w', () => TEXT)
    await a.change({}, () => ({ append: [message(TEXT)], values: [['x', TEXT]], result: 0 }))
    await a.setState('running', 't')
    await store.fork('a', { as: 'b', name: TEXT })
  },
  async 'a turn'(store) {
    const a = store.session('a')
    await a.receive(message(TEXT), { ref: 'r' })
    await a.turn(async (turn) => {
      turn.draft(TEXT)
      await turn.append({ role: 'assistant', content: TEXT })
      await turn.answer({ role: 'assistant', content: TEXT })
    })
  },
  async SessionBackend(store) {
    const backend = new JsonlSessionBackend(store)
    await backend.append('a', message(TEXT))
    await backend.setSessionName('a', TEXT)
  },
  async Persistence(store) {
    const persistence = new JsonlPersistence(store)
    const id = await persistence.createSession('main', '/p')
    await persistence.insertMessage(id, { role: 'user', content: TEXT })
    await persistence.compactSession(id, TEXT, 0)
    await persistence.setTodo(id, TEXT)
    await persistence.setMetadata(id, 'k', TEXT)
  },
  SessionManager: (store) =>
    new JsonlSessionManager(store).save({ metadata: metadata('m'), messages: [message(TEXT), TEXT], state: { TEXT } }),
  async RuntimePersistence(store) {
    const runtime = new JsonlRuntimePersistence(store, 'alpha')
    const node = { nodeId: 'n', timestamp: '2026-11-24T08:00:00Z', kind: 'event', event: { text: TEXT } }
    const checkpoint = { toolState: { generation: 1, tools: { shell: TEXT } } }
    await runtime.commitRuntimeState(
      commit(
        null,
        { kind: 'replaceFull', graph: { nodes: [node], leafNodeId: 'n' } } as never,
        { checkpoint } as never,
      ),
    )
    await runtime.saveSessionMeta({
      sessionId: 'alpha',
      sessionName: TEXT,
      createdAt: '',
      model: 'm',
      cwd: null,
      parentSessionId: null,
    })
  },
  async adapters(store) {
    await new JsonlChatStore(store).append('chat', { id: 'm1', role: 'user', parts: [{ type: 'text', text: TEXT }] })
    await new JsonlAgentsSession(store, 'agent').addItems([{ role: 'user', content: TEXT }])
    await new JsonlChatMessageHistory({ store, sessionId: 'lc' }).addUserMessage(TEXT)
    await new JsonlStorageAdapter(store).write('g', { TEXT })
    await new JsonlKeyvStore(store).set('k', TEXT)
    const state = createJsonlState(store)
    await state.connect()
    await state.set('k', TEXT)
    const entry = { type: 'user', uuid: crypto.randomUUID(), message: { role: 'user', content: TEXT } }
    await new JsonlClaudeSessionStore(store).append({ projectKey: 'p', sessionId: 's' }, [entry] as never)
  },
  async 'a merge'(store) {
    const copy = path.join(tempFolder(), 'copy.jsonl')
    fs.writeFileSync(copy, `${JSON.stringify(message(TEXT))}\n${JSON.stringify({ ...message(TEXT), id: 'x' })}\n`)
    await store.session('merged').merge(copy)
    await store.session('merged').append(message('mine'))
    await store.session('merged').merge(copy)
  },
  async 'an import'(store) {
    const file = path.join(tempFolder(), 'chat.json')
    const messages = [message(TEXT), { role: 'assistant', content: TEXT }]
    fs.writeFileSync(file, JSON.stringify({ messages, title: TEXT }))
    const imported = await importFile(store, file, { format: 'openai-chat' })
    expect(imported.sessions.map(({ action }) => action)).toEqual(['created'])
    const again = await importFile(store, file, { format: 'openai-chat' })
    expect(again.sessions.map(({ action }) => action)).toEqual(['unchanged'])
  },
}

describe('a secret', () => {
  test.each(Object.entries(DOORS))('reaches no byte of the folder through %s', async (_, write) => {
    const folder = tempFolder()
    const store = await open(folder, { redact })
    await write(store)
    await store.search('key')
    await store.list()
    await store.close()
    const bytes = bytesIn(folder)
    expect(bytes).toContain('[key]')
    expect(bytes).not.toContain(SECRET)
    const plain = tempFolder()
    await write(await open(plain))
    expect(bytesIn(plain)).toContain(SECRET)
  })

  test('is not read back either', async () => {
    const store = await open(undefined, { redact })
    const session = store.session('a')
    await session.append({ ...message(TEXT), usage: { promptTokens: 7 } })
    expect(await session.messages()).toMatchObject([{ content: 'the key is [key], keep it' }])
    await session.setName(SECRET)
    expect(await session.info()).toMatchObject({ name: '[key]', messages: 1 })
    expect(await session.usage()).toMatchObject({ promptTokens: 7 })
  })
})

describe('a function that throws', () => {
  const failures: Record<string, Redact> = {
    'an error': () => {
      throw new Error('no')
    },
    nothing: () => undefined,
    'a promise': async (value) => value,
    'what is no message': () => 5,
  }
  test.each(Object.entries(failures))('or returns %s rejects the call, and nothing is written', async (_, failing) => {
    const folder = tempFolder()
    const before = await open(folder)
    await before.session('a').append(message('1'))
    await before.close()
    const bytes = fs.readFileSync(path.join(folder, 'a.jsonl'))
    const names = fs.readdirSync(folder).filter((name) => !name.startsWith('.'))
    const store = await open(folder, { redact: failing })
    const runtime = new JsonlRuntimePersistence(store, 'alpha')
    const calls = [
      () => store.session('a').append(message('2')),
      () => store.session('new').append([message('2'), message('3')]),
      () => store.session('a').setName('x'),
      () => new JsonlSessionManager(store).save({ metadata: metadata('m'), messages: [message('1')], state: null }),
      () => runtime.commitRuntimeState(commit(null, replaceFull(G), {})),
    ]
    for (const call of calls) expect(await codeOf(call())).toBe('ERR_REDACT')
    expect(fs.readFileSync(path.join(folder, 'a.jsonl'))).toEqual(bytes)
    expect(fs.readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual(names)
    expect(await contents(store.session('a'))).toEqual(['1'])
  })
})

test('it is applied once to each text, with key and kind, on a copy', async () => {
  const seen: unknown[] = []
  const marking: Redact = (value, key, kind) => {
    seen.push([key, kind])
    if (typeof value.content === 'string') value.content += '!'
    return value
  }
  const store = await open(undefined, { redact: marking })
  const given = message('1')
  await store.session('a').append(given)
  await store.session('a').setName('n')
  await store.session('a').setValue('v', {})
  expect(given).toEqual(message('1'))
  expect(seen).toEqual([
    ['a', 'message'],
    ['a', 'labels'],
    ['a', 'value'],
  ])
  expect(await contents(store.session('a'))).toEqual(['1!'])
})

test('what is saved again is compared as it is written', async () => {
  const store = await open(undefined, { redact })
  const manager = new JsonlSessionManager(store)
  const messages = [message(TEXT), message('2')]
  await manager.save({ metadata: metadata('m'), messages, state: null })
  const [first] = await store.session('m').messages()
  await manager.save({ metadata: metadata('m'), messages: [...messages, message('3')], state: null })
  expect((await store.session('m').messages()).map(({ id }) => id)[0]).toBe(first!.id)
  const chats = new JsonlChatStore(store)
  const parts = (text: string) => [{ type: 'text' as const, text }]
  const ui = [{ id: 'm1', role: 'user' as const, parts: parts(TEXT) }]
  await chats.save({ chatId: 'c', messages: ui })
  const log = fs.readFileSync(path.join(store.dir, 'c.jsonl'), 'utf8')
  await chats.save({ chatId: 'c', messages: ui })
  expect(fs.readFileSync(path.join(store.dir, 'c.jsonl'), 'utf8')).toBe(log)
})
