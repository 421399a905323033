/** What the cases of `SessionBackend` share. */
import type {
  ChatMessage,
  Json,
  SessionBackend,
  SessionMetadata,
  StoredMessage,
} from '../../../src/contracts/session-backend/index.js'
import type { Case } from '../framework.js'
import type { Scene } from '../scene.js'

export interface BackendOptions {
  /** A longer message is refused with ERR_TOO_LARGE. */
  maxMessageBytes?: number
}

export interface BackendScene extends Scene<SessionBackend, BackendOptions> {
  readonly backend: SessionBackend
}

export type BackendCase = Case<BackendScene>

export const user = (content: Json): ChatMessage => ({ role: 'user', content })
export const assistant = (content: Json): ChatMessage => ({ role: 'assistant', content })

/** A message without the id and time that stand beside what was given. */
export function given({ id: _, at: __, ...message }: StoredMessage): ChatMessage {
  return message
}

export function contents(messages: StoredMessage[]): Array<Json | undefined> {
  return messages.map(({ content }) => content)
}

export async function texts(backend: SessionBackend, key: string): Promise<Array<Json | undefined>> {
  return contents(await backend.load(key))
}

export function keysOf(rows: SessionMetadata[]): string[] {
  return rows.map(({ key }) => key)
}

/** The keys that a search finds, best first. */
export async function found(backend: SessionBackend, keyword: string): Promise<string[]> {
  return keysOf(await backend.search({ keyword }))
}

/** Hand-written lines, as FORMAT.md shows them. */
export const raw = {
  header: (key: string, at: Date, version = 1) => ({ type: 'session', version, key, id: `header-${key}`, at: iso(at) }),
  message: (id: string, at: Date, content: Json, role = 'user') => ({ id, at: iso(at), role, content }),
  remove: (id: string, at: Date, ids: string[]) => ({ type: 'remove', id, at: iso(at), ids }),
  meta: (id: string, at: Date, set: { [key: string]: Json }) => ({ type: 'meta', id, at: iso(at), set }),
  compaction: (id: string, at: Date, summary: string, through: Json) => {
    return { type: 'compaction', id, at: iso(at), summary, through }
  },
}

function iso(at: Date): string {
  return at.toISOString()
}

/** The weather `rewritten`. A log of a newer version cannot be rewritten, and must not be. */
export async function rewriteAll(backend: SessionBackend): Promise<void> {
  for (const key of await backend.listSessions()) {
    await backend.compact(key).catch((error: { code?: unknown }) => {
      if (!['ERR_VERSION_UNSUPPORTED', 'ERR_NOT_A_LOG'].includes(String(error.code))) throw error
    })
  }
}
