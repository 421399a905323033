/** The contract `SessionManager`: save, resume, fork, rewind and label whole conversations. */
import type { Json } from '../json.js'

export type { Json } from '../json.js'

export interface SessionMetadata {
  /** The session's key in the store. */
  id: string
  name: string | null
  /** No duplicates, in order of first appearance. */
  tags: string[]
  /** '' when the session has none. */
  agentName: string
  /** Unix seconds, a whole number; 0 lets the first save set it. */
  createdAt: number
  /** Unix seconds, a whole number; set by the store, ignored by `save`. */
  updatedAt: number
  /** As given to `save`; set by `rewind`. */
  turnCount: number
  /** As given to `save`. */
  totalTokens: number
  /** The session that this one was forked from, null in results when there is none; ignored by `save`. */
  forkedFrom?: string | null
}

export interface Session {
  metadata: SessionMetadata
  /** Any JSON values; usually objects with role and content. */
  messages: Json[]
  /** Plug-in state, folder, environment: whatever the agent wants to find again. */
  state: Json
}

export interface SessionManager {
  /** All sessions, latest update first, ties by id. */
  list(): Promise<SessionMetadata[]>
  /** The whole session. Rejects with ERR_SESSION_NOT_FOUND, as all that follow but `save`. */
  resume(sessionId: string): Promise<Session>
  /** Creates the session, or makes it exactly what is given. */
  save(session: Session): Promise<void>
  /** Removes a session for good, with all that belongs to it. */
  delete(sessionId: string): Promise<void>
  /** Makes an independent copy under a new id. Without a name it is called "<name> (fork)". */
  fork(sessionId: string, newName?: string | null): Promise<SessionMetadata>
  /** Keeps the first `turnIndex` messages and removes the others. */
  rewind(sessionId: string, turnIndex: number): Promise<Session>
  /** Adds the tags that are not there yet. */
  tag(sessionId: string, tags: string[]): Promise<void>
  /** Sets the name, '' included. */
  rename(sessionId: string, newName: string): Promise<void>
}
