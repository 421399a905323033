/** Which sessions a cleanup takes: decided on plain data. */

import { byKey } from '../session/info.js'
import type { CleanupRules } from './options.js'

/** What a decision is made on. */
export interface Candidate {
  key: string
  /** When something was written to it last, Unix milliseconds. */
  lastUse: number
  bytes: number
  tags: readonly string[]
  /** Nothing in it can be read, so nothing proves that it is not needed. */
  unreadable: boolean
  /** A process that may still live runs a turn in it. */
  running: boolean
}

/** The sessions that go, longest idle first. */
export function planCleanup(sessions: readonly Candidate[], rules: CleanupRules, now: number): Candidate[] {
  const oldestFirst = sessions
    .filter((session) => mayGo(session, rules, now))
    .sort((a, b) => a.lastUse - b.lastUse || byKey(a, b))
  const firstYoung = oldestFirst.findIndex(({ lastUse }) => !(now - lastUse > rules.olderThan))
  const old = firstYoung === -1 ? oldestFirst.length : firstYoung
  let count = Math.min(oldestFirst.length, Math.max(old, sessions.length - rules.maxSessions))
  let left = bytesOf(sessions) - bytesOf(oldestFirst.slice(0, count))
  if (left > rules.maxBytes) {
    for (; left > rules.downToBytes && count < oldestFirst.length; count++) left -= oldestFirst[count]!.bytes
  }
  return oldestFirst.slice(0, count)
}

function bytesOf(sessions: readonly Candidate[]): number {
  return sessions.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** A time in the future is no age: the session is as young as can be. */
export function mayGo(session: Candidate, { minAge, keep }: CleanupRules, now: number): boolean {
  const isPinned = session.tags.some((tag) => keep.includes(tag))
  return now - session.lastUse > minAge && !isPinned && !session.unreadable && !session.running
}
