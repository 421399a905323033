import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore, type SessionInfo, type StoredMessage } from 'jsonl-sessions'
import { testSessionBackend } from 'jsonl-sessions/conformance'
import { JsonlSessionBackend, type SessionBackend } from 'jsonl-sessions/session-backend'

const store = await openStore('./sessions')
const backend: SessionBackend = new JsonlSessionBackend(store)
await backend.append('telegram_ann', { role: 'user', content: 'hello' })
const messages: StoredMessage[] = await backend.load('telegram_ann')
const rows: SessionInfo[] = await store.list()
assert.equal(messages.length, 1)
assert.equal(rows[0]?.key, 'telegram_ann')
assert.equal(typeof testSessionBackend, 'function')
assert.equal(typeof test, 'function')
await store.close()
