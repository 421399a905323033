/** An agent's history behind the same calls: ours through the contract Persistence, and a table of messages. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import Database from 'better-sqlite3'

const build = path.resolve(process.env.BENCH_LIBRARY ?? path.join(import.meta.dirname, '../../../dist'))
const load = (file) => import(pathToFileURL(path.join(build, 'src', file)).href)
const { openStore } = await load('index.js')
const { JsonlPersistence } = await load('contracts/persistence/index.js')

const ROOT = '/project'

export class OurAgent {
  static title = 'jsonl-sessions'

  static async open(dir) {
    const agent = new OurAgent()
    agent.store = await openStore(path.join(dir, 'sessions'))
    agent.persistence = new JsonlPersistence(agent.store)
    const [first] = await agent.persistence.listSessions(1, ROOT)
    agent.id = first?.id ?? (await agent.persistence.createSession('coder', ROOT))
    return agent
  }

  async fill(messages) {
    for (const message of messages) await this.insert(message)
    await this.setMetadata('branch', 'main')
  }

  insert(message) {
    return this.persistence.insertMessage(this.id, message)
  }

  lastAssistant() {
    return this.persistence.lastAssistantMessage(this.id)
  }

  hasPending() {
    return this.persistence.hasPendingToolCalls(this.id)
  }

  getMetadata(key) {
    return this.persistence.getMetadata(this.id, key)
  }

  setMetadata(key, value) {
    return this.persistence.setMetadata(this.id, key, value)
  }

  context() {
    return this.persistence.loadContext(this.id)
  }

  close() {
    return this.store.close()
  }
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, agent TEXT, root TEXT, created_at TEXT, last_accessed_at TEXT);
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT, tool_calls TEXT, tool_call_id TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER, compacted INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS by_session ON messages (session_id, id);
  CREATE TABLE IF NOT EXISTS metadata (session_id TEXT, key TEXT, value TEXT, PRIMARY KEY (session_id, key));`

export class SqliteAgent {
  static title = 'sqlite'

  static async open(dir) {
    const agent = new SqliteAgent()
    const db = new Database(path.join(dir, 'agent.db'))
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.exec(SCHEMA)
    db.prepare("INSERT OR IGNORE INTO sessions VALUES ('s', 'coder', ?, '', '')").run(ROOT)
    const add = db.prepare(`INSERT INTO messages (session_id, role, content, tool_calls, tool_call_id, prompt_tokens,
      completion_tokens, created_at) VALUES ('s', ?, ?, ?, ?, ?, ?, ?)`)
    const touch = db.prepare("UPDATE sessions SET last_accessed_at = ? WHERE id = 's'")
    agent.db = db
    agent.add = db.transaction(({ role, content = null, toolCalls = null, toolCallId = null, usage }) => {
      const now = new Date().toISOString()
      const { promptTokens = null, completionTokens = null } = usage ?? {}
      const { lastInsertRowid } = add.run(role, content, toolCalls, toolCallId, promptTokens, completionTokens, now)
      touch.run(now)
      return lastInsertRowid
    })
    agent.last = db.prepare(`SELECT content FROM messages WHERE session_id = 's' AND role = 'assistant'
      AND trim(coalesce(content, '')) <> '' ORDER BY id DESC LIMIT 1`)
    agent.tail =
      db.prepare(`SELECT role, tool_calls, tool_call_id FROM messages WHERE session_id = 's' AND compacted = 0
      ORDER BY id DESC LIMIT 20`)
    agent.get = db.prepare("SELECT value FROM metadata WHERE session_id = 's' AND key = ?")
    agent.put = db.prepare("INSERT OR REPLACE INTO metadata VALUES ('s', ?, ?)")
    agent.active = db.prepare("SELECT * FROM messages WHERE session_id = 's' AND compacted = 0 ORDER BY id")
    return agent
  }

  fill(messages) {
    this.db.transaction(() => {
      for (const message of messages) this.add(message)
    })()
    this.setMetadata('branch', 'main')
  }

  insert(message) {
    return this.add(message)
  }

  lastAssistant() {
    return this.last.get()?.content ?? ''
  }

  hasPending() {
    const answered = new Set()
    for (const row of this.tail.all()) {
      if (row.role === 'user') return false
      if (row.role === 'tool') answered.add(row.tool_call_id)
      const calls = row.role === 'assistant' && row.tool_calls ? JSON.parse(row.tool_calls) : []
      if (calls.length > 0) return calls.some(({ id }) => !answered.has(id))
    }
    return false
  }

  getMetadata(key) {
    return this.get.get(key)?.value ?? null
  }

  setMetadata(key, value) {
    this.put.run(key, value)
  }

  /** All rows, less calls without results and results without calls. */
  context() {
    const rows = this.active.all()
    const answered = new Set(rows.flatMap((row) => (row.role === 'tool' ? [row.tool_call_id] : [])))
    const called = new Set()
    for (const row of rows) {
      row.calls = row.tool_calls ? JSON.parse(row.tool_calls) : []
      for (const { id } of row.calls) if (answered.has(id)) called.add(id)
    }
    return rows.filter((row) =>
      row.role === 'tool' ? called.has(row.tool_call_id) : row.calls.every(({ id }) => answered.has(id)),
    )
  }

  close() {
    this.db.close()
  }
}
