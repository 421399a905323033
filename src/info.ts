import type { Known } from './catch-up.js'
import type { Run } from './disk/sidecar-file.js'
import { archivedOf, sumOf, timesOf, totalUsage } from './log/fold.js'
import type { Usage } from './log/line.js'
import { isoTime } from './log/parse.js'
import { labelsOf, shownLabels } from './log/whole-session.js'
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
  const { name, tags } = labelsOf(summary)
  const { created, active } = timesOf(summary, isoTime(mark.mtimeMs))
  return {
    key,
    name: name || null,
    tags,
    createdAt: new Date(created),
    lastActivity: new Date(active),
    messages: summary.messages,
    bytes: mark.size,
    damaged: summary.damaged,
    ...runStateOf(run),
  }
}

/** What the faces need of a session beside its row, all of it from the sidecar. */
export interface SessionDetails {
  /** As it was set, '' included. */
  name: string | null
  tags: string[]
  agent: string
  projectRoot: string | null
  forkedFrom: string | null
  /** Time of the last transaction, Unix milliseconds. */
  updated: number
  turnCount: number
  totalTokens: number
  usage: Usage
  /** `oldest`: since when the first of them is archived, ISO 8601 UTC. */
  archived: { messages: number; bytes: number; oldest: string | null }
}

export function detailsOf({ summary, mark }: Pick<Known, 'summary' | 'mark'>): SessionDetails {
  const { projectRoot } = summary.labels
  return {
    ...shownLabels(summary),
    projectRoot: typeof projectRoot === 'string' ? projectRoot : null,
    forkedFrom: summary.header?.forkedFrom ?? null,
    updated: Date.parse(timesOf(summary, isoTime(mark.mtimeMs)).updated),
    usage: sumOf(totalUsage(summary)),
    archived: archivedOf(summary, isoTime(mark.mtimeMs)),
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
