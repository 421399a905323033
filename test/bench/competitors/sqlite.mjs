/** better-sqlite3 as a session backend uses it: WAL, synchronous NORMAL, one transaction per change. */
import path from 'node:path'
import Database from 'better-sqlite3'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    key TEXT PRIMARY KEY, name TEXT, created INTEGER NOT NULL, active INTEGER NOT NULL, messages INTEGER NOT NULL,
    state TEXT NOT NULL, turn_id TEXT, turn_started INTEGER);
  CREATE INDEX IF NOT EXISTS sessions_active ON sessions (active);
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, at INTEGER NOT NULL, role TEXT NOT NULL, content TEXT, extra TEXT);
  CREATE INDEX IF NOT EXISTS messages_session ON messages (session, id);`

const FTS = `
  CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (content, content = 'messages', content_rowid = 'id');
  CREATE TRIGGER IF NOT EXISTS words_insert AFTER INSERT ON messages BEGIN
    INSERT INTO words (rowid, content) VALUES (new.id, new.content);
  END;
  CREATE TRIGGER IF NOT EXISTS words_delete AFTER DELETE ON messages BEGIN
    INSERT INTO words (words, rowid, content) VALUES ('delete', old.id, old.content);
  END;`

export class Sqlite {
  static title = 'sqlite'

  static async open(dir) {
    return new Sqlite(database(dir))
  }

  constructor(db) {
    this.db = db
    this.insert = db.prepare('INSERT INTO messages (session, at, role, content, extra) VALUES (?, ?, ?, ?, ?)')
    this.touch = db.prepare(`INSERT INTO sessions VALUES (?, NULL, ?, ?, 1, 'idle', NULL, NULL)
      ON CONFLICT (key) DO UPDATE SET active = excluded.active, messages = messages + 1`)
    this.all = db.prepare('SELECT id, at, role, content, extra FROM messages WHERE session = ? ORDER BY id')
    this.tail = db.prepare(
      'SELECT id, at, role, content, extra FROM messages WHERE session = ? ORDER BY id DESC LIMIT ?',
    )
    this.sessions = db.prepare('SELECT * FROM sessions ORDER BY active DESC, key')
    this.top = db.prepare('SELECT * FROM sessions ORDER BY active DESC LIMIT ?')
    this.one = db.prepare('SELECT * FROM sessions WHERE key = ?')
    this.drop = db.prepare(
      'DELETE FROM messages WHERE id = (SELECT id FROM messages WHERE session = ? ORDER BY id DESC LIMIT 1)',
    )
    this.dropped = db.prepare('UPDATE sessions SET messages = messages - 1 WHERE key = ?')
    this.name = db.prepare('UPDATE sessions SET name = ? WHERE key = ?')
    this.state = db.prepare('UPDATE sessions SET state = ?, turn_id = ?, turn_started = ? WHERE key = ?')
    this.like = db.prepare("SELECT DISTINCT session FROM messages WHERE content LIKE '%' || ? || '%'")
    this.appendOne = db.transaction((key, message) => this.add(key, message))
    this.appendMany = db.transaction((key, messages) => {
      for (const message of messages) this.add(key, message)
    })
    this.removeOne = db.transaction((key) => {
      const { changes } = this.drop.run(key)
      if (changes > 0) this.dropped.run(key)
      return changes > 0
    })
  }

  add(key, { role, content, ...extra }) {
    const at = Date.now()
    this.insert.run(key, at, role, content, JSON.stringify(extra))
    this.touch.run(key, at, at)
  }

  append(key, message) {
    this.appendOne(key, message)
  }

  fill(key, messages) {
    this.appendMany(key, messages)
  }

  load(key) {
    return this.all.all(key).map(message)
  }

  last(key, count) {
    return this.tail.all(key, count).map(message).reverse()
  }

  list() {
    return this.sessions.all().map(metadata)
  }

  newest(count) {
    return this.top.all(count).map(metadata)
  }

  metadata(key) {
    return metadata(this.one.get(key))
  }

  removeLast(key) {
    return this.removeOne(key)
  }

  setName(key, name) {
    this.name.run(name, key)
  }

  setState(key, state, turnId) {
    this.state.run(state, turnId, Date.now(), key)
  }

  /** Keys of sessions: those with most of the words first, then the newest. */
  search(words) {
    const counts = new Map()
    for (const word of words) {
      for (const { session } of this.holding(word)) counts.set(session, (counts.get(session) ?? 0) + 1)
    }
    return [...counts.keys()]
      .map((key) => ({ key, count: counts.get(key), active: this.one.get(key).active }))
      .sort((a, b) => b.count - a.count || b.active - a.active || (a.key < b.key ? -1 : 1))
      .slice(0, 50)
      .map(({ key }) => key)
  }

  holding(word) {
    return this.like.all(word)
  }

  close() {
    this.db.close()
  }
}

export class SqliteFts extends Sqlite {
  static title = 'sqlite+FTS5'

  static async open(dir) {
    const db = database(dir)
    db.exec(FTS)
    return new SqliteFts(db)
  }

  constructor(db) {
    super(db)
    this.match = db.prepare(
      'SELECT DISTINCT session FROM words JOIN messages ON messages.id = words.rowid WHERE words MATCH ?',
    )
  }

  /** Whole words only. */
  holding(word) {
    return this.match.all(`"${word}"`)
  }
}

/** Every transaction is on disk when it ends. */
export class SqliteFull extends Sqlite {
  static async open(dir) {
    const db = database(dir)
    db.pragma('synchronous = FULL')
    return new SqliteFull(db)
  }
}

function database(dir) {
  // the longest wait for other processes, ms
  const db = new Database(path.join(dir, 'sessions.sqlite'), { timeout: 30_000 })
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  db.exec(SCHEMA)
  return db
}

function message({ id, at, role, content, extra }) {
  return { id, at, role, content, ...JSON.parse(extra) }
}

function metadata({ key, name, created, active, messages, state, turn_id, turn_started }) {
  return {
    key,
    name,
    createdAt: new Date(created),
    lastActivity: new Date(active),
    messages,
    state,
    turnId: turn_id,
    turnStartedAt: turn_started === null ? null : new Date(turn_started),
  }
}
