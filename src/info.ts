import type { Known } from './catch-up.js'
import type { Run } from './disk/sidecar-file.js'
import { timesOf } from './log/fold.js'
import { isoTime } from './log/parse.js'
import { type RunState, runStateOf } from './run-state.js'

/** One row of a list. */
export interface SessionInfo extends RunState {
  key: string
  name: string | null
  tags: string[]
  createdAt: Date
  /** When the last message was appended. */
  lastActivity: Date
  /** Live messages. */
  messages: number
  /** Size of the log. */
  bytes: number
  /** Lines that cannot be read. */
  damaged: number
}

export function infoOf(key: string, { summary, mark }: Pick<Known, 'summary' | 'mark'>, run: Run | null): SessionInfo {
  const { name, tags } = summary.labels
  const { created, active } = timesOf(summary, isoTime(mark.mtimeMs))
  return {
    key,
    name: typeof name === 'string' && name !== '' ? name : null,
    tags: Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [],
    createdAt: new Date(created),
    lastActivity: new Date(active),
    messages: summary.messages,
    bytes: mark.size,
    damaged: summary.damaged,
    ...runStateOf(run),
  }
}

/** A row that its receiver may change. */
export function copyOfInfo(info: SessionInfo): SessionInfo {
  const { tags, createdAt, lastActivity, turnStartedAt } = info
  const dates = { createdAt: new Date(createdAt), lastActivity: new Date(lastActivity) }
  return { ...info, ...dates, tags: [...tags], turnStartedAt: turnStartedAt && new Date(turnStartedAt) }
}

/** Newest activity first, ties by key. */
export function byActivity(a: SessionInfo, b: SessionInfo): number {
  return b.lastActivity.getTime() - a.lastActivity.getTime() || byKey(a, b)
}

/** By UTF-16 code units. */
export function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
