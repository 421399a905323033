/**
 * What the API of the viewer returns, as JSON: for the page, and for programs that call it. Times are ISO 8601 UTC,
 * sizes and offsets are bytes, spans are milliseconds.
 */
import type { LineKind } from '../../log/line.js'

/** Any failure. `code` is stable: that of a `SessionError`, or one of `ViewerErrorCode`. */
export interface ErrorAnswer {
  code: string
  message: string
}

export type ViewerErrorCode =
  | 'ERR_VIEWER_HOST'
  | 'ERR_VIEWER_SITE'
  | 'ERR_VIEWER_ORIGIN'
  | 'ERR_VIEWER_TOKEN'
  | 'ERR_VIEWER_METHOD'
  | 'ERR_VIEWER_NOT_FOUND'
  | 'ERR_VIEWER_BAD_REQUEST'
  | 'ERR_VIEWER_TOO_LARGE'
  | 'ERR_VIEWER_BUSY'
  | 'ERR_VIEWER_READ_ONLY'
  | 'ERR_VIEWER_LOG_REWRITTEN'
  | 'ERR_VIEWER_FAILED'

export type SessionState = 'idle' | 'running' | 'error'

/** One row of the list. */
export interface SessionRow {
  key: string
  name: string | null
  tags: string[]
  state: SessionState
  lastActivity: string
  createdAt: string
  messages: number
  bytes: number
  /** Prompt and completion tokens. */
  tokens: number
  damaged: number
}

export type SortBy = 'activity' | 'name' | 'messages' | 'bytes' | 'tokens' | 'damaged'

/** `GET /api/sessions?after=&limit=&sort=&q=&state=&tag=&days=`. */
export interface SessionList {
  /** Rows that the filters let through, of which these are `limit` from the place `after` on. */
  total: number
  /** All sessions of the store. */
  all: number
  after: number
  rows: SessionRow[]
  /** The tags in use, most frequent first, at most 100. */
  tags: string[]
}

export interface Counters {
  promptTokens: number
  completionTokens: number
  cacheReadTokens: number
  cacheCreationTokens: number
  thinkingTokens: number
  apiCalls: number
}

export interface UsageRow extends Counters {
  name: string
}

/** `GET /api/s/<key>`. */
export interface SessionFacts extends SessionRow {
  turnId: string | null
  turnStartedAt: string | null
  /** Absolute paths. */
  file: string
  sidecar: string
  forkedFrom: string | null
  metadata: Record<string, unknown>
  archived: { messages: number; bytes: number }
  waiting: number
  usage: UsageRow[]
  /** The session that `metadata.parent` names. */
  parent: string | null
  /** Sessions whose `metadata.parent` is this one. */
  children: Array<{ key: string; name: string | null; tokens: number }>
  /** Tokens of this session and all below it. */
  tokensWithChildren: number
  /** `/api/s/<key>/graph` has nodes, as far as the log was read. */
  hasGraph: boolean
  /** Which bytes the responses are about: changes when the log is rewritten. */
  log: string
  writable: boolean
}

/** What a later line or the whole log says of a line. */
export type LineMark = 'removed' | 'archived' | 'duplicate' | 'contradiction'

export interface LogLine {
  /** Of the first byte, and behind the last one. */
  offset: number
  end: number
  /** Counted from 1; absent while the lines are being counted. */
  line?: number
  kind: LineKind | 'damage' | 'blank' | 'torn'
  id?: string
  at?: string
  /** The parsed line; long texts in it are cut if `cut` is true. */
  value?: Record<string, unknown>
  cut?: boolean
  marks?: LineMark[]
  /** Of bytes that cannot be read: why, and how they begin, as text in which what is no UTF-8 is replaced. */
  reason?: string
  text?: string
}

/**
 * `GET /api/s/<key>/lines?at=<offset>|end&dir=before|after&limit=&before=&log=`, or `?id=<message id>&limit=&before=`.
 */
export interface LinePage {
  log: string
  /** Bytes of the log now. */
  size: number
  /** Where the first of the lines begins, and where the last one ends. */
  from: number
  to: number
  /** Where the requested line begins; `before` lines stand before it. */
  start: number
  lines: LogLine[]
  /** False while the whole log has not been read yet: then no line has marks. */
  marked: boolean
}

/** `GET /api/s/<key>/context`: what the model would see now. */
export interface ContextPage {
  messages: Array<Record<string, unknown>>
  /** False when there are more before these. */
  whole: boolean
}

/** One line of the response of `GET /api/s/<key>/find?q=`. */
export type FindLine =
  | { hit: { offset: number; id: string; at: string | null; role: string; snippet: Snippet } }
  | { progress: { at: number; size: number } }
  | { done: { hits: number; more: boolean } }

export interface Snippet {
  before: string
  match: string
  after: string
}

/** `GET /api/search?q=`: the sessions that hold the words, each with the message that holds most of them. */
export interface SearchAnswer {
  sessions: Array<{ session: SessionRow; hit: { offset: number; id: string; role: string; snippet: string } | null }>
}

export type StuckReason = 'too-long' | 'owner-dead' | 'heartbeat-lost'

export interface RunningTurn {
  key: string
  name: string | null
  turnId: string | null
  since: string
  runningMs: number
  owner: { host: string; pid: number; liveness: 'alive' | 'dead' | 'unknown' }
  /** For how long nothing was heard of the owner; null where it has no run log. */
  silentMs: number | null
  stuck: StuckReason | null
}

/** `GET /api/running`. */
export interface RunningAnswer {
  now: string
  /** Stuck turns first, then the latest start. */
  running: RunningTurn[]
  /** Sessions in which messages wait for a turn. */
  waiting: number
  /** Sessions that ended in state error. */
  errors: Array<{ key: string; name: string | null; lastActivity: string }>
  damaged: Array<{ key: string; name: string | null; damaged: number }>
  sessions: number
  dir: string
  writable: boolean
}

export interface HealthFinding {
  kind: string
  key: string | null
  /** Relative to the folder of the store. */
  file: string
  line: number | null
  offset: number | null
  length: number | null
  reason: string
  isDamage: boolean
  /** The command that mends it; null where a person must decide. */
  command: string | null
}

/** `GET /api/check`: begins a check unless one runs or is there; `?again=1` begins a new one. */
export interface CheckAnswer {
  state: 'running' | 'done'
  checked: number
  sessions: number
  messages: number
  startedAt: string
  findings: HealthFinding[]
  failed: Array<{ key: string; message: string }>
}

/** `GET /api/quarantine`. */
export interface QuarantineAnswer {
  files: Array<{ name: string; file: string; bytes: number }>
}

/** `GET /api/usage`. */
export interface UsageAnswer {
  /** Days and models come from the logs: how many of them are read. */
  ready: { sessions: number; of: number }
  total: Counters
  sessions: UsageRow[]
  agents: UsageRow[]
  days: UsageRow[]
  models: UsageRow[]
}

/** `GET /api/s/<key>/graph`. A blob is downloaded from `/api/s/<key>/blob?ref=<ref>`. */
export interface GraphAnswer {
  revision: number
  leaf: string | null
  path: string[]
  divergences: number[]
  nodes: Array<{ id: string; parent: string | null; kind: string; at: string | null; text: string }>
  /** False when there are more nodes than these. */
  whole: boolean
  /** The files beside the log, largest first: what checkpoints saved. */
  blobs: Array<{ ref: string; bytes: number }>
}

/** The data of an event of `GET /api/events?s=<key>&list=1`. Events are hints: request again what they are about. */
export type ViewerEvent =
  | { type: 'hello' }
  | { type: 'runs' }
  | { type: 'list' }
  | { type: 'grew'; key: string; size: number; log: string }
  | { type: 'rewritten'; key: string; size: number; log: string }
  | { type: 'marked'; key: string }
  | { type: 'gone'; key: string }

/** The body of `POST /api/change`. */
export type Change =
  | { do: 'rename'; key: string; name: string | null }
  | { do: 'tag' | 'untag'; key: string; tag: string }
  | { do: 'restore'; key: string; id: string }
  | { do: 'end-dead-turn'; key: string }
  | { do: 'trash'; key: string }
