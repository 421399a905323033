/** What the cases of `SessionManager` share. */
import assert from 'node:assert/strict'
import type { Persistence } from '../../../src/contracts/persistence/index.js'
import type { SessionBackend } from '../../../src/contracts/session-backend/index.js'
import type { Json, Session, SessionManager, SessionMetadata } from '../../../src/contracts/session-manager/index.js'
import type { Clock } from '../clock.js'
import type { Case } from '../framework.js'
import type { RawLog } from '../raw-log.js'
import type { Scene } from '../scene.js'

export interface ManagerOptions {
  /** A longer message is refused with ERR_TOO_LARGE. */
  maxMessageBytes?: number
}

/** The contracts over one store. Cases that need one of the others can be skipped where it is not there. */
export interface Faces {
  manager: SessionManager
  backend: SessionBackend
  persistence: Persistence
}

export interface ManagerScene extends Omit<Scene<object, ManagerOptions>, 'subject' | 'another'>, Faces {
  /** One more instance on the same folder, without weather. */
  another(options?: ManagerOptions): Promise<Faces>
}

export type ManagerCase = Case<ManagerScene>

export const u = { role: 'user', content: 'what is on today?' }
export const a = { role: 'assistant', content: 'Two meetings.' }
export const u2 = { role: 'user', content: 'move the second' }
export const a2 = { role: 'assistant', content: 'Moved.' }

export type Given = Partial<SessionMetadata> & { messages?: Json[]; state?: Json }

/** A session to save; what is not given is as empty as can be. */
export function session(id: string, { messages = [], state = null, ...metadata }: Given = {}): Session {
  return {
    metadata: {
      id,
      name: null,
      tags: [],
      agentName: '',
      createdAt: 0,
      updatedAt: 0,
      turnCount: 0,
      totalTokens: 0,
      ...metadata,
    },
    messages,
    state,
  }
}

/** The session "s(3)" of the contract's cases, or one that differs in some fields. */
export function three(given: Given = {}, id = 's'): Session {
  const base: Given = {
    messages: [u, a, u],
    turnCount: 2,
    totalTokens: 100,
    tags: ['x'],
    name: 'n',
    agentName: 'coder',
    state: { k: 1 },
  }
  return session(id, { ...base, ...given })
}

/** What `resume` answers of a session that was saved as `given` at the time of `clock`, and is no fork. */
export function stored(given: Session, clock: Clock, more: Partial<SessionMetadata> = {}): Session {
  const now = seconds(clock)
  return { ...given, metadata: { ...given.metadata, createdAt: now, updatedAt: now, forkedFrom: null, ...more } }
}

/** The clock's time in the unit of the contract. */
export function seconds(clock: Clock): number {
  return Math.floor(clock.ms / 1000)
}

export async function idsInList(manager: SessionManager): Promise<string[]> {
  return (await manager.list()).map(({ id }) => id)
}

export async function messagesOf(manager: SessionManager, id: string): Promise<Json[]> {
  return (await manager.resume(id)).messages
}

export async function metadataOf(manager: SessionManager, id: string): Promise<SessionMetadata> {
  return (await manager.resume(id)).metadata
}

/** The ids of the lines of a session's messages. */
export async function lineIds(backend: SessionBackend, id: string): Promise<Json[]> {
  return (await backend.load(id)).map((message) => message.id)
}

/** A line of a log, of any kind. */
// biome-ignore lint/suspicious/noExplicitAny: what a line holds is what the cases find out
export type ParsedLine = Record<string, any>

/** The lines that an action adds to a log, in which it must not change a byte. */
export async function addedLines(log: RawLog, action: () => Promise<unknown>): Promise<ParsedLine[]> {
  const before = log.bytes()
  await action()
  const after = log.bytes()
  assert.deepEqual(after.subarray(0, before.length), before, 'what was there is a prefix of the log')
  return parsed(after.subarray(before.length).toString())
}

export function parsed(text: string): ParsedLine[] {
  assert(text === '' || text.endsWith('\n'), 'the log ends with a whole line')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

/** What a line is, in one word. */
export function kindOf(line: ParsedLine): string {
  return line.type ?? 'message'
}

/** For arguments of wrong types. */
export const wrong = <T>(value: unknown): T => value as T
