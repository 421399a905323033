/** The framework's own suite: all 726 cases. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { JsonlCheckpointSaver } from '../../src/adapters/langgraph.js'
import { openStore, type SessionStore } from '../../src/index.js'

// the suite was written for a runner whose functions are global
const globals = { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it }
Object.assign(globalThis, globals)
const { deltaChannelHistoryTests, validate } = await import('@langchain/langgraph-checkpoint-validation')

let folder = ''
let store: SessionStore
let made = 0

const initializer = {
  checkpointerName: 'jsonl-sessions',
  async beforeAll() {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-'))
    store = await openStore(folder)
  },
  async afterAll() {
    await store.close()
    fs.rmSync(folder, { recursive: true, force: true })
    for (const name of Object.keys(globals)) delete (globalThis as Record<string, unknown>)[name]
  },
  createCheckpointer: () => new JsonlCheckpointSaver(store, { prefix: `${++made}_` }),
}
validate(initializer)
deltaChannelHistoryTests(initializer)
