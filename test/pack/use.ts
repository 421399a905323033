import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { openStore, type SessionInfo, type StoredMessage } from 'jsonl-sessions'
import {
  testPersistence,
  testRuntimePersistence,
  testSessionBackend,
  testSessionManager,
} from 'jsonl-sessions/conformance'
import { detect, exportSession, type ImportReport, importFile } from 'jsonl-sessions/import-export'
import { JsonlPersistence, type Persistence } from 'jsonl-sessions/persistence'
import { JsonlRuntimePersistence, type RuntimePersistence } from 'jsonl-sessions/runtime-persistence'
import { JsonlSessionBackend, type SessionBackend } from 'jsonl-sessions/session-backend'
import { JsonlSessionManager, type SessionManager } from 'jsonl-sessions/session-manager'
import { createViewer, type SessionList } from 'jsonl-sessions/viewer'

const store = await openStore('./sessions')
const backend: SessionBackend = new JsonlSessionBackend(store)
await backend.append('telegram_ann', { role: 'user', content: 'hello' })
const messages: StoredMessage[] = await backend.load('telegram_ann')
const rows: SessionInfo[] = await store.list()
assert.equal(messages.length, 1)
assert.equal(rows[0]?.key, 'telegram_ann')

const persistence: Persistence = new JsonlPersistence(store)
assert.equal(await persistence.lastUserMessage('telegram_ann'), 'hello')
const manager: SessionManager = new JsonlSessionManager(store)
assert.equal((await manager.resume('telegram_ann')).messages.length, 1)
const runtime: RuntimePersistence = new JsonlRuntimePersistence(store, 'telegram_ann')
assert.equal(await runtime.loadSession({ kind: 'fullGraph' }), null)

const host = '127.0.0.1:8000'
const viewer = createViewer(store, { hosts: [host] })
const page = await viewer.fetch(new Request(`http://${host}/`, { headers: { host } }))
assert.equal(page.status, 200)
const headers = { host, authorization: `Bearer ${viewer.token}` }
const list = await viewer.fetch(new Request(`http://${host}/api/sessions`, { headers }))
const { total } = (await list.json()) as SessionList
assert.equal(total, 1)
await viewer.close()

// @ts-expect-error what the parts of a store share is no public property
assert.equal(store.internals, undefined)
// @ts-expect-error nor is a session's log
assert.equal(store.session('telegram_ann').log, undefined)

await writeFile('lines.jsonl', '{"messages":[{"role":"user","content":"from elsewhere"}]}\n')
assert.equal((await detect('lines.jsonl'))[0]?.format, 'openai-chat')
const report: ImportReport = await importFile(store, 'lines.jsonl', { final: true })
const [imported] = report.sessions
assert.equal(imported?.action, 'created')
let exported = ''
for await (const bytes of exportSession(store.session(imported.key), 'markdown')) exported += Buffer.from(bytes)
assert.match(exported, /from elsewhere/)

for (const suite of [testSessionBackend, testPersistence, testSessionManager, testRuntimePersistence])
  assert.equal(typeof suite, 'function')
await store.close()
