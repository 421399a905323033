/** What the cases of `Persistence` share. */
import fs from 'node:fs'
import type {
  Message,
  NewMessage,
  Persistence,
  SessionId,
  SessionInfo,
  SessionUsage,
  TokenUsage,
} from '../../../src/contracts/persistence/index.js'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import type { Case } from '../framework.js'
import type { Scene } from '../scene.js'
import { message } from './notation.js'

export { raw } from '../session-backend/scene.js'

export interface OpenedPersistence {
  persistence: Persistence
  /** The same store under the contract `SessionBackend`, where the implementation has it. */
  backend?: SessionBackend
  /** Rewrites the log of a session without its dead and damaged lines. */
  rewrite(key: string): Promise<void>
  close(): Promise<void>
}

export interface PersistenceScene extends Scene<Persistence, object> {
  readonly persistence: Persistence
  /** One more instance, seen as `SessionBackend`. A suite without one skips these cases by name. */
  backend(): Promise<SessionBackend>
}

export type PersistenceCase = Case<PersistenceScene>

export const DAY = 86_400_000
/** A session id that does not exist. */
export const UNKNOWN = '0190a000-0000-7000-8000-000000000000'
export const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** The id of a line that a program with a later clock made, the `n`th of them. */
export const laterId = (n: number): string => `019f0000-000${n}-7000-8000-000000000000`

/** A value of a type that TypeScript would refuse. */
export const wrong = <T>(value: unknown): T => value as T

export const NO_USAGE: SessionUsage = {
  promptTokens: 0,
  completionTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  thinkingTokens: 0,
  apiCalls: 0,
}

/** Counters of one call. */
export function tokens(promptTokens: number, completionTokens: number): TokenUsage {
  return { promptTokens, completionTokens, cacheReadTokens: 0, cacheCreationTokens: 0, thinkingTokens: 0 }
}

/** An assistant's answer with its counters. */
export function answer(content: string, promptTokens: number, completionTokens: number): NewMessage {
  return { role: 'assistant', content, usage: tokens(promptTokens, completionTokens) }
}

/** A message as it is read, with only the fields named here. */
export function row(fields: Partial<Message> & Pick<Message, 'id' | 'sessionId' | 'role' | 'at'>): Message {
  return {
    content: null,
    toolCalls: null,
    toolCallId: null,
    agentName: null,
    promptTokens: null,
    completionTokens: null,
    cacheReadTokens: null,
    cacheCreationTokens: null,
    thinkingTokens: null,
    ...fields,
  }
}

/** The line of another program that holds the message of a label. */
export function line(id: string, at: Date, label: string): { id: string; at: string } & NewMessage {
  return { id, at: at.toISOString(), ...message(label) }
}

/** A session of project /p. */
export function create(persistence: Persistence): Promise<SessionId> {
  return persistence.createSession('main', '/p')
}

export function idsOf(rows: ReadonlyArray<{ id: string }>): string[] {
  return rows.map(({ id }) => id)
}

export async function rowOf(persistence: Persistence, id: SessionId, root = '/p'): Promise<SessionInfo | undefined> {
  return (await persistence.listSessions(1000, root)).find((info) => info.id === id)
}

/** What every read returns for these sessions and for the folder. */
export async function answers(persistence: Persistence, ids: readonly SessionId[], root = '/p'): Promise<unknown> {
  const sessions: Record<string, unknown> = {}
  for (const id of ids) {
    sessions[id] = {
      context: await persistence.loadContext(id),
      all: await persistence.loadAllMessages(id),
      lastAssistant: await persistence.lastAssistantMessage(id),
      lastUser: await persistence.lastUserMessage(id),
      pending: await persistence.hasPendingToolCalls(id),
      usage: await persistence.sessionTokenUsage(id),
      byAgent: await persistence.sessionUsageByAgent(id),
      note: await persistence.getMetadata(id, 'note'),
      todo: await persistence.getTodo(id),
    }
  }
  return {
    sessions,
    list: await persistence.listSessions(1000, root),
    recent: await persistence.recentUserMessages(1000),
    stats: await persistence.compactedStats(),
  }
}

/** Deletes every sidecar; returns how many there were. */
export function loseSidecars(dir: string): number {
  const names = fs.readdirSync(dir).filter((name) => name.endsWith('.meta.json'))
  for (const name of names) fs.rmSync(`${dir}/${name}`)
  return names.length
}

const LOG = '.jsonl'

/** The weather `rewritten`. A log of a newer version cannot be rewritten, and must not be. */
export async function rewriteAll(dir: string, { rewrite }: OpenedPersistence): Promise<void> {
  for (const name of fs.readdirSync(dir)) {
    if (!name.endsWith(LOG)) continue
    await rewrite(name.slice(0, -LOG.length)).catch((error: { code?: unknown }) => {
      if (!['ERR_VERSION_UNSUPPORTED', 'ERR_NOT_A_LOG'].includes(String(error.code))) throw error
    })
  }
}
