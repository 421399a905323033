/**
 * What a list shows of one session, and the marks of the files that it was read from; also as it stands in the list
 * cache.
 */

import { type FileMark, isSettled, markOf, sameMark } from '../disk/log/file-mark.js'
import type { Run } from '../disk/sidecar/sidecar-file.js'
import type { Range } from '../log/line.js'
import { countersOf } from '../log/usage.js'
import { believed } from '../session/clock.js'
import { type ListedSession, listedOf, type SessionDetails } from '../session/info.js'
import type { LogState } from '../session/log/log-state.js'

/** Fields that few sessions have are absent: a store may have very many rows. Times are Unix milliseconds. */
export interface Row {
  key: string
  log: FileMark
  sidecar?: FileMark | undefined
  /** A file can still change without a change of its mark. */
  isUnsettled?: true | undefined
  run?: Run | undefined
  created: number
  active: number
  updated: number
  messages: number
  turns?: number | undefined
  damaged?: number | undefined
  tokens?: number | undefined
  values?: number | undefined
  waiting?: number | undefined
  name?: string | undefined
  tags?: string[] | undefined
  agent?: string | undefined
  projectRoot?: string | undefined
  forkedFrom?: string | undefined
  usage?: SessionDetails['usage'] | undefined
  archived?: SessionDetails['archived'] | undefined
  /** Where the first user message stands, null where there is none; absent until a preview was asked for. */
  first?: Range | null | undefined
}

/** The logs of a store by session name. */
export interface Logs {
  /** The rows stay up to date with later calls; marks of a scan do not. */
  isFromRows: boolean
  size: number
  names(): Iterable<string>
  markOf(name: string): FileMark | undefined
}

export type Listed = ListedSession & { run: Run | null }

const NO_USAGE = countersOf({})
const NOTHING_ARCHIVED = { messages: 0, bytes: 0, oldest: null }
/** Two changes of a file within this time can leave it the same modification time, ms. */
const TICK_MS = 100

/** Its times are those of the log: whether one is ahead of the clock is for each list to judge. */
export function toRow(key: string, state: LogState, sidecar: FileMark | undefined, run: Run | null): Row {
  const { mark: log, summary } = state
  const { info, details } = listedOf(key, state, run, Number.POSITIVE_INFINITY)
  const { usage, archived } = details
  const now = Date.now()
  const isFinal = isSettled(log, now, TICK_MS) && (sidecar === undefined || isSettled(sidecar, now, TICK_MS))
  return {
    // of equal strings the one that does not keep a file's name alive
    key: summary.header?.key === key ? summary.header.key : key,
    log: markOf(log),
    sidecar: sidecar && markOf(sidecar),
    isUnsettled: isFinal ? undefined : true,
    run: run ?? undefined,
    created: info.createdAt.getTime(),
    active: info.lastActivity.getTime(),
    updated: details.updated,
    messages: info.messages,
    turns: details.turnCount || undefined,
    damaged: info.damaged || undefined,
    tokens: details.totalTokens || undefined,
    values: details.roleless || undefined,
    waiting: details.waiting || undefined,
    name: details.name ?? undefined,
    tags: details.tags.length > 0 ? details.tags : undefined,
    agent: details.agent || undefined,
    projectRoot: details.projectRoot ?? undefined,
    forkedFrom: details.forkedFrom ?? undefined,
    usage: Object.values(usage).some((count) => count !== 0) ? usage : undefined,
    archived: archived.messages > 0 || archived.bytes > 0 || archived.oldest !== null ? archived : undefined,
  }
}

/** Copies, which a caller may change; `now` as of `believed`. */
export function infoIn(row: Row, now: number): ListedSession['info'] {
  const { run } = row
  return {
    key: row.key,
    name: row.name || null,
    tags: row.tags === undefined ? [] : row.tags.slice(),
    createdAt: new Date(row.created),
    lastActivity: new Date(believed(row.active, row.log.mtimeMs, now)),
    messages: row.messages,
    bytes: row.log.size,
    damaged: row.damaged ?? 0,
    state: run === undefined ? 'idle' : run.state,
    turnId: run === undefined ? null : run.turnId,
    turnStartedAt: run === undefined ? null : new Date(run.since),
  }
}

export function listedIn(row: Row, now: number): Listed {
  const info = infoIn(row, now)
  const details = {
    name: row.name ?? null,
    tags: [...info.tags],
    agent: row.agent ?? '',
    projectRoot: row.projectRoot ?? null,
    forkedFrom: row.forkedFrom ?? null,
    updated: believed(row.updated, row.log.mtimeMs, now),
    turnCount: row.turns ?? 0,
    totalTokens: row.tokens ?? 0,
    roleless: row.values ?? 0,
    waiting: row.waiting ?? 0,
    usage: row.usage ?? NO_USAGE,
    archived: row.archived ?? NOTHING_ARCHIVED,
  }
  return { info, details, run: row.run ?? null }
}

/** True when the row was read from the files with these marks. */
export function isReadFrom(row: Row, log: FileMark, sidecar: FileMark | undefined): boolean {
  return sameMark(row.log, log) && (row.sidecar === undefined ? sidecar === undefined : sameMark(row.sidecar, sidecar))
}
