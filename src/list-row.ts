/** What a list knows of one session, and of which files it knows it. */
import type { Known } from './catch-up.js'
import { type FileMark, markOf } from './disk/files.js'
import type { Run, Sidecar } from './disk/sidecar-file.js'
import { type ListedSession, listedOf, type SessionDetails } from './info.js'
import type { Json } from './json.js'
import { countersOf } from './log/fold.js'

export interface Row extends ListedSession {
  log: FileMark
  sidecar: FileMark | undefined
  /** What the sidecar claims, and of which log; undefined when that is not known any more. */
  claim: Pick<Sidecar, 'run' | 'session'> | null | undefined
  /** The claim, if it is of this log. */
  run: Run | null
  /** Any later change of its files gives them other marks. */
  isSettled: boolean
}

/** A file changed less than this ago can be changed again without another time, ms: the usual, … */
const TICK_MS = 100
/** … and where times are counted in pairs of seconds. */
const COARSE_TICK_MS = 2_000

export function toRow(key: string, known: Known, sidecar: FileMark | undefined, claim: Row['claim']): Row {
  const run = claim?.session === (known.summary.header?.id ?? null) ? (claim?.run ?? null) : null
  const now = Date.now()
  return {
    log: markOf(known.mark),
    sidecar: sidecar && markOf(sidecar),
    claim: claim && { run: claim.run, session: claim.session },
    run,
    isSettled: isSettled(known.mark, now) && (sidecar === undefined || isSettled(sidecar, now)),
    ...listedOf(key, known, run),
  }
}

function isSettled({ mtimeMs }: FileMark, now: number): boolean {
  return now - mtimeMs > (mtimeMs % 1_000 === 0 ? COARSE_TICK_MS : TICK_MS)
}

/** The row as JSON: a short one, since there are many. */
export function rowToJson({ log, sidecar, run, info, details }: Row): Json {
  const { key, createdAt, lastActivity, messages, damaged } = info
  const { name, tags, agent, projectRoot, forkedFrom, updated, turnCount, totalTokens, values, usage, archived } =
    details
  const stored: StoredRow = [
    key,
    marksOf(log),
    sidecar ? marksOf(sidecar) : null,
    run,
    createdAt.getTime(),
    lastActivity.getTime(),
    messages,
    damaged,
    name,
    tags,
    agent,
    projectRoot,
    forkedFrom,
    updated,
    turnCount,
    totalTokens,
    values,
    Object.values(usage).some((count) => count !== 0) ? usage : null,
    archived.messages > 0 || archived.bytes > 0 || archived.oldest !== null ? archived : null,
  ]
  return stored as unknown as Json
}

type Marks = [dev: number, ino: number, size: number, mtimeMs: number]
type StoredRow = [
  key: string,
  log: Marks,
  sidecar: Marks | null,
  run: Run | null,
  createdAt: number,
  lastActivity: number,
  messages: number,
  damaged: number,
  name: string | null,
  tags: string[],
  agent: string,
  projectRoot: string | null,
  forkedFrom: string | null,
  updated: number,
  turnCount: number,
  totalTokens: number,
  values: number,
  /** Null for zeros only. */
  usage: SessionDetails['usage'] | null,
  archived: SessionDetails['archived'] | null,
]

const NO_USAGE = countersOf({})
const NONE_ARCHIVED = { messages: 0, bytes: 0, oldest: null }

/** The row that `rowToJson` made it of, without the claim. By places: to take a list apart costs more than to read it. */
export function rowFromJson(value: Json): Row {
  const stored = value as unknown as StoredRow
  const log = stored[1]
  const sidecar = stored[2]
  const run = stored[3]
  return {
    log: toMark(log),
    sidecar: sidecar === null ? undefined : toMark(sidecar),
    claim: undefined,
    run,
    isSettled: true,
    info: {
      key: stored[0],
      name: stored[8] || null,
      tags: stored[9],
      createdAt: new Date(stored[4]),
      lastActivity: new Date(stored[5]),
      messages: stored[6],
      bytes: log[2],
      damaged: stored[7],
      state: run === null ? 'idle' : run.state,
      turnId: run === null ? null : run.turnId,
      turnStartedAt: run === null ? null : new Date(run.since),
    },
    details: {
      name: stored[8],
      tags: stored[9],
      agent: stored[10],
      projectRoot: stored[11],
      forkedFrom: stored[12],
      updated: stored[13],
      turnCount: stored[14],
      totalTokens: stored[15],
      values: stored[16],
      usage: stored[17] ?? NO_USAGE,
      archived: stored[18] ?? NONE_ARCHIVED,
    },
  }
}

function marksOf({ dev, ino, size, mtimeMs }: FileMark): Marks {
  return [dev, ino, size, mtimeMs]
}

function toMark(marks: Marks): FileMark {
  return { dev: marks[0], ino: marks[1], size: marks[2], mtimeMs: marks[3] }
}
