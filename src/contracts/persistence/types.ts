/** The types of the contract `Persistence`. */
import type { Usage } from '../../log/line.js'

/** The session's key in the store; `createSession` makes a UUIDv7. */
export type SessionId = string
/** A UUIDv7, or the stand-in id of a line that has none. */
export type MessageId = string
export type Role = 'system' | 'user' | 'assistant' | 'tool'

/** One model call. Each counter is a safe integer >= 0; a missing one counts as 0. */
export interface TokenUsage {
  promptTokens: number
  completionTokens: number
  cacheReadTokens: number
  cacheCreationTokens: number
  thinkingTokens: number
  /** Kept on the line, never interpreted. */
  stopReason?: string
}

export interface NewMessage {
  role: Role
  /** Default null. */
  content?: string | null
  /** Serialised JSON array, opaque; only the `id` of its elements is read. */
  toolCalls?: string | null
  /** The id of the call to which a tool message is the result. */
  toolCallId?: string | null
  usage?: TokenUsage | null
}

export interface NewAgentMessage extends NewMessage {
  agentName?: string | null
}

export interface Message {
  id: MessageId
  sessionId: SessionId
  /** One of the four for everything written here; the roles of other programs pass through. */
  role: Role | (string & {})
  /** Only on the active summary that `loadContext` puts first. */
  kind?: 'summary'
  content: string | null
  toolCalls: string | null
  toolCallId: string | null
  agentName: string | null
  /** ISO 8601 UTC with milliseconds. */
  at: string
  /** The five counters are null together, when the message has no usage. */
  promptTokens: number | null
  completionTokens: number | null
  cacheReadTokens: number | null
  cacheCreationTokens: number | null
  thinkingTokens: number | null
}

/** Sums of the counters, and `apiCalls`: messages with usage, all-zero usage included. */
export type SessionUsage = Usage

export interface PersistedSessionInfo {
  id: SessionId
  /** '' when the session has none. */
  agentName: string
  /** ISO 8601 UTC with milliseconds. */
  createdAt: string
  /** When the last message was appended; what the list is ordered by. */
  lastActivity: string
  /** Always `(await loadAllMessages(id)).length`. */
  messageCount: number
  /** Prompt and completion tokens of `sessionTokenUsage`. */
  totalTokens: number
}

/** @deprecated Other types have this name: use `PersistedSessionInfo`. */
export type SessionInfo = PersistedSessionInfo

export interface CompactedStats {
  /** Archived messages still in the logs. */
  messageCount: number
  /** Sessions that hold at least one of them. */
  sessionCount: number
  /** UTF-8 bytes of their content and their tool calls. */
  sizeBytes: number
  /** The earliest archiving time among them. */
  oldest: string | null
}

export interface Persistence {
  /** Makes an empty session of a project. */
  createSession(agentName: string, projectRoot: string): Promise<SessionId>
  /** The project's sessions, latest activity first. */
  listSessions(limit: number, projectRoot: string): Promise<PersistedSessionInfo[]>
  /** Removes a session for good; true if it existed. */
  deleteSession(sessionId: SessionId): Promise<boolean>
  /** Appends one message. Rejects with ERR_SESSION_NOT_FOUND when there is no session. */
  insertMessage(sessionId: SessionId, message: NewMessage): Promise<MessageId>
  /** The same, and names the agent. */
  insertMessageWithAgent(sessionId: SessionId, message: NewAgentMessage): Promise<MessageId>
  /** What the model should see: the active summary, then the active messages without broken tool calls. */
  loadContext(sessionId: SessionId): Promise<Message[]>
  /** Every real message in order, archived ones too. */
  loadAllMessages(sessionId: SessionId): Promise<Message[]>
  /** The newest user texts of all sessions. */
  recentUserMessages(limit: number): Promise<string[]>
  /** The newest assistant text, or ''. */
  lastAssistantMessage(sessionId: SessionId): Promise<string>
  /** The newest user text, or ''. */
  lastUserMessage(sessionId: SessionId): Promise<string>
  /** True while the last calls wait for results and no user message follows them. */
  hasPendingToolCalls(sessionId: SessionId): Promise<boolean>
  /** Totals over all that was ever stored; they never shrink. */
  sessionTokenUsage(sessionId: SessionId): Promise<SessionUsage>
  /** The same by agent name, most tokens first. */
  sessionUsageByAgent(sessionId: SessionId): Promise<Array<[string, SessionUsage]>>
  /**
   * Archives all but so many of the last shown messages under a summary, or the shown messages up to and including
   * `through`; returns how many. Messages that wait for their turn stay.
   */
  compactSession(sessionId: SessionId, summary: string, preserve: number | { through: MessageId }): Promise<number>
  /**
   * What `purgeCompacted(minAgeDays)` would delete now: the archived messages of all sessions unless an age is given.
   */
  compactedStats(minAgeDays?: number): Promise<CompactedStats>
  /** Deletes archived messages for good; returns how many. 0: all of them. */
  purgeCompacted(minAgeDays: number): Promise<number>
  /** The value of one key, or null. */
  getMetadata(sessionId: SessionId, key: string): Promise<string | null>
  setMetadata(sessionId: SessionId, key: string, value: string): Promise<void>
  /** The metadata key "todo". */
  getTodo(sessionId: SessionId): Promise<string | null>
  setTodo(sessionId: SessionId, content: string): Promise<void>
}
