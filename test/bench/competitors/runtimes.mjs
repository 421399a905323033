/** The state of one agent runtime behind the same calls: ours, a plain append of the same bytes, and lash's tables. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import Database from 'better-sqlite3'

const build = path.resolve(process.env.BENCH_LIBRARY ?? path.join(import.meta.dirname, '../../../dist'))
const load = (file) => import(pathToFileURL(path.join(build, 'src', file)).href)
const { openStore } = await load('index.js')
const { JsonlRuntimePersistence } = await load('contracts/runtime-persistence/index.js')

const KEY = 'agent'
const CONFIG = {
  providerId: 'provider',
  configuredModel: 'model',
  contextWindow: 200_000,
  executionMode: 'standard',
  standardContextApproach: null,
  modelVariant: null,
}
const CHECKPOINT = { toolState: { generation: 1, tools: { read: { on: true } } } }
const USAGE = { source: 'turn', model: 'model', usage: { inputTokens: 900, outputTokens: 60 } }

export class OurRuntime {
  static title = 'jsonl-sessions'

  static async open(dir) {
    const runtime = new OurRuntime()
    runtime.store = await openStore(path.join(dir, 'sessions'))
    runtime.persistence = new JsonlRuntimePersistence(runtime.store, KEY)
    runtime.revision = (await runtime.load())?.headRevision ?? null
    return runtime
  }

  async commit(node) {
    const { headRevision } = await this.persistence.commitRuntimeState({
      sessionId: KEY,
      expectedHeadRevision: this.revision,
      config: CONFIG,
      graph: { kind: 'append', nodes: [node], leafNodeId: node.nodeId },
      checkpoint: CHECKPOINT,
      usageDeltas: [USAGE],
    })
    this.revision = headRevision
  }

  async fill(nodes) {
    for (const node of nodes) await this.commit(node)
  }

  load() {
    return this.persistence.loadSession({ kind: 'fullGraph' })
  }

  async count() {
    return (await this.load()).graph.nodes.length
  }

  close() {
    return this.store.close()
  }
}

/** A message whose line is as long as a commit's, to the byte, appended by the same store. */
export class AppendOnly {
  static title = 'append of the same bytes'
  revision = 0

  static async open(dir) {
    const runtime = new AppendOnly()
    runtime.store = await openStore(path.join(dir, 'sessions'))
    runtime.session = runtime.store.session(KEY)
    runtime.revision = (await runtime.session.info())?.messages ?? 0
    return runtime
  }

  commit(node) {
    const usage = [{ ...USAGE, usage: { ...USAGE.usage, cachedInputTokens: 0, reasoningTokens: 0 } }]
    const rest = {
      session: KEY,
      revision: ++this.revision,
      leaf: node.nodeId,
      config: CONFIG,
      checkpoint: 'f'.repeat(64),
      usage,
    }
    return this.session.append({ role: 'commit', nodes: [node], ...rest })
  }

  async fill(nodes) {
    for (const node of nodes) await this.commit(node)
  }

  async count() {
    return (await this.session.info()).messages
  }

  close() {
    return this.store.close()
  }
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 1), session_id TEXT, revision INTEGER, config TEXT,
    checkpoint TEXT, leaf TEXT);
  CREATE TABLE IF NOT EXISTS nodes (seq INTEGER PRIMARY KEY, node_id TEXT UNIQUE NOT NULL, parent_id TEXT, record TEXT NOT NULL,
    tombstoned INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS blobs (hash TEXT PRIMARY KEY, content BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS usage (source TEXT, model TEXT, input INTEGER, output INTEGER, cached INTEGER, reasoning INTEGER,
    PRIMARY KEY (source, model));`

export class SqliteRuntime {
  static title = 'sqlite'

  static async open(dir) {
    const runtime = new SqliteRuntime()
    const db = new Database(path.join(dir, 'runtime.db'))
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.exec(SCHEMA)
    const addNode = db.prepare('INSERT INTO nodes (node_id, parent_id, record) VALUES (?, ?, ?)')
    const addBlob = db.prepare('INSERT OR IGNORE INTO blobs VALUES (?, ?)')
    const setHead = db.prepare('INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?, ?)')
    const addUsage = db.prepare(`INSERT INTO usage VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT DO UPDATE SET
      input = input + excluded.input, output = output + excluded.output`)
    runtime.db = db
    runtime.head = db.prepare('SELECT * FROM head')
    runtime.nodes = db.prepare('SELECT node_id, parent_id, record FROM nodes WHERE tombstoned = 0 ORDER BY seq')
    runtime.blob = db.prepare('SELECT content FROM blobs WHERE hash = ?').pluck()
    runtime.usage = db.prepare('SELECT * FROM usage ORDER BY rowid')
    const put = (content) => {
      const hash = createHash('sha256').update(content).digest('hex')
      addBlob.run(hash, content)
      return hash
    }
    runtime.commit = db.transaction((node) => {
      const revision = (runtime.head.get()?.revision ?? 0) + 1
      addNode.run(node.nodeId, node.parentNodeId ?? null, JSON.stringify(node))
      const toolStateRef = put(Buffer.from(JSON.stringify(CHECKPOINT.toolState)))
      const manifest = put(Buffer.from(JSON.stringify({ turnState: {}, toolStateRef })))
      addUsage.run(USAGE.source, USAGE.model, USAGE.usage.inputTokens, USAGE.usage.outputTokens)
      setHead.run(KEY, revision, JSON.stringify(CONFIG), manifest, node.nodeId)
    })
    return runtime
  }

  fill(nodes) {
    this.db.transaction(() => {
      for (const node of nodes) this.commit(node)
    })()
  }

  load() {
    return this.db.transaction(() => {
      const { revision, config, checkpoint, leaf } = this.head.get()
      const manifest = JSON.parse(this.blob.get(checkpoint))
      const toolState = JSON.parse(this.blob.get(manifest.toolStateRef))
      const nodes = this.nodes.all().map(({ record }) => JSON.parse(record))
      return {
        headRevision: revision,
        config: JSON.parse(config),
        graph: { nodes, leafNodeId: leaf },
        checkpoint: { ...manifest, toolState },
        tokenLedger: this.usage.all(),
      }
    })()
  }

  count() {
    return this.load().graph.nodes.length
  }

  close() {
    this.db.close()
  }
}
