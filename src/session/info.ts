import type { Run } from '../disk/sidecar/sidecar-file.js'
import { archivedOf, timesOf } from '../log/fold.js'
import { shownLabels } from '../log/labels.js'
import type { Usage } from '../log/line.js'
import { isoTime } from '../log/parse.js'
import { sumOf, totalUsage } from '../log/usage.js'
import { firstOfEach } from '../log/waiting.js'
import { believed } from './clock.js'
import type { LogState } from './log/log-state.js'
import { type RunState, runStateOf } from './state/run-state.js'

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
  /** The beginning of the first user message, where `list` was to read it: at most 256 UTF-16 code units. */
  preview?: string
}

type Seen = Pick<LogState, 'summary' | 'mark'>

export function infoOf(key: string, seen: Seen, run: Run | null, now: number): SessionInfo {
  return listedOf(key, seen, run, now).info
}

/** A session as the faces list it: its row, and what only they show. */
export interface ListedSession {
  info: SessionInfo
  details: SessionDetails
}

/** In place of a time of use that is too far ahead of `now`, Unix milliseconds, the log's modification time counts. */
export function listedOf(key: string, { summary, mark }: Seen, run: Run | null, now: number): ListedSession {
  const labels = shownLabels(summary)
  const fileTime = isoTime(mark.mtimeMs)
  const times = timesOf(summary, fileTime)
  const used = (at: string) => believed(Date.parse(at), mark.mtimeMs, now)
  const { projectRoot } = summary.labels
  const { state, turnId, turnStartedAt } = runStateOf(run)
  // no spreads: they took most of the time of a list
  const info = {
    key,
    name: labels.name || null,
    tags: labels.tags,
    createdAt: new Date(times.created),
    lastActivity: new Date(used(times.active)),
    messages: summary.messages,
    bytes: mark.size,
    damaged: summary.damaged,
    state,
    turnId,
    turnStartedAt,
  }
  const details = {
    name: labels.name,
    tags: labels.tags,
    agent: labels.agent,
    turnCount: labels.turnCount,
    totalTokens: labels.totalTokens,
    projectRoot: typeof projectRoot === 'string' ? projectRoot : null,
    forkedFrom: summary.header?.forkedFrom ?? null,
    updated: used(times.updated),
    roleless: summary.roleless,
    waiting: firstOfEach(summary.waiting).length,
    usage: sumOf(totalUsage(summary)),
    archived: archivedOf(summary, fileTime),
  }
  return { info, details }
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
  /** Messages without a role. */
  roleless: number
  /** Messages that wait for an answer. */
  waiting: number
  usage: Usage
  /** `oldest`: since when the first of them is archived, ISO 8601 UTC. */
  archived: { messages: number; bytes: number; oldest: string | null }
}

/** Newest activity first, ties by key. */
export function byActivity(a: SessionInfo, b: SessionInfo): number {
  return b.lastActivity.getTime() - a.lastActivity.getTime() || byKey(a, b)
}

/** By UTF-16 code units. */
export function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
