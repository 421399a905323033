/** What a list knows of one session, and of which files it knows it. */
import type { Known } from './catch-up.js'
import { type FileMark, isSettled } from './disk/files.js'
import type { Run } from './disk/sidecar-file.js'
import { type ListedSession, listedOf, type SessionDetails, type SessionInfo } from './info.js'
import type { Json } from './json.js'
import { countersOf } from './log/fold.js'
import type { Claim } from './noted-sidecar.js'

/** What is kept of a session, on disk and in memory: as little as goes, since there may be many. */
type Stored = [
  key: string,
  /** See `N`. */
  numbers: number[],
  run: Run | null,
  name: string | null,
  tags: readonly string[],
  agent: string,
  projectRoot: string | null,
  forkedFrom: string | null,
  /** Null for zeros only. */
  usage: SessionDetails['usage'] | null,
  archived: SessionDetails['archived'] | null,
]

/** Which number stands where: the marks of log and sidecar (an inode of -1 stands for no sidecar), times, counts. */
const N = {
  log: 0,
  sidecar: 4,
  created: 8,
  active: 9,
  updated: 10,
  messages: 11,
  damaged: 12,
  turns: 13,
  tokens: 14,
  values: 15,
}

const NO_TAGS: readonly string[] = []
const NO_USAGE = countersOf({})
const NONE_ARCHIVED = { messages: 0, bytes: 0, oldest: null }
const NO_SIDECAR: FileMark = { dev: -1, ino: -1, size: -1, mtimeMs: -1 }

export class Row implements ListedSession {
  readonly #stored: Stored
  /** Any later change of its files gives them other marks. */
  readonly isSettled: boolean

  constructor(stored: Stored, isSettled: boolean) {
    this.#stored = stored
    this.isSettled = isSettled
  }

  get key(): string {
    return this.#stored[0]
  }

  /** When it was last active, Unix milliseconds. */
  get active(): number {
    return this.#number(N.active)
  }

  /** What the sidecar claims, if it is of this log. */
  get run(): Run | null {
    return this.#stored[2]
  }

  get log(): FileMark {
    return this.#mark(N.log)
  }

  get sidecar(): FileMark | undefined {
    const mark = this.#mark(N.sidecar)
    return mark.ino === -1 ? undefined : mark
  }

  get info(): SessionInfo {
    // by places: to take a list apart costs more than all the rest
    const stored = this.#stored
    const run = stored[2]
    return {
      key: stored[0],
      name: stored[3] || null,
      tags: stored[4].slice(),
      createdAt: new Date(this.#number(N.created)),
      lastActivity: new Date(this.active),
      messages: this.#number(N.messages),
      bytes: this.#number(N.log + 2),
      damaged: this.#number(N.damaged),
      state: run === null ? 'idle' : run.state,
      turnId: run === null ? null : run.turnId,
      turnStartedAt: run === null ? null : new Date(run.since),
    }
  }

  get details(): SessionDetails {
    const [, , , name, tags, agent, projectRoot, forkedFrom, usage, archived] = this.#stored
    return {
      name,
      tags: [...tags],
      agent,
      projectRoot,
      forkedFrom,
      updated: this.#number(N.updated),
      turnCount: this.#number(N.turns),
      totalTokens: this.#number(N.tokens),
      values: this.#number(N.values),
      usage: usage ?? NO_USAGE,
      archived: archived ?? NONE_ARCHIVED,
    }
  }

  isOfLog(mark: FileMark): boolean {
    return this.#isMark(N.log, mark)
  }

  isOfSidecar(mark: FileMark | undefined): boolean {
    return this.#isMark(N.sidecar, mark ?? NO_SIDECAR)
  }

  toJson(): Json {
    return this.#stored as unknown as Json
  }

  #number(place: number): number {
    return this.#stored[1][place] as number
  }

  #mark(place: number): FileMark {
    const [dev, ino, size, mtimeMs] = this.#stored[1].slice(place, place + 4) as [number, number, number, number]
    return { dev, ino, size, mtimeMs }
  }

  #isMark(place: number, { dev, ino, size, mtimeMs }: FileMark): boolean {
    const numbers = this.#stored[1]
    return (
      numbers[place] === dev &&
      numbers[place + 1] === ino &&
      numbers[place + 2] === size &&
      numbers[place + 3] === mtimeMs
    )
  }
}

/** A file changed less than this ago can be changed again without another time, ms. */
const TICK_MS = 100

export function toRow(key: string, known: Known, sidecar: FileMark | undefined, claim: Claim | null): Row {
  const run = claim?.key === key && claim.session === (known.summary.header?.id ?? null) ? claim.run : null
  const { info, details } = listedOf(key, known, run)
  const { name, tags, agent, projectRoot, forkedFrom, usage, archived } = details
  const numbers = [
    ...numbersOf(known.mark),
    ...numbersOf(sidecar ?? NO_SIDECAR),
    info.createdAt.getTime(),
    info.lastActivity.getTime(),
    details.updated,
    info.messages,
    info.damaged,
    details.turnCount,
    details.totalTokens,
    details.values,
  ]
  const isUsed = Object.values(usage).some((count) => count !== 0)
  const isArchived = archived.messages > 0 || archived.bytes > 0 || archived.oldest !== null
  const now = Date.now()
  return new Row(
    [
      key,
      numbers,
      run,
      name,
      tags.length === 0 ? NO_TAGS : tags,
      agent,
      projectRoot,
      forkedFrom,
      isUsed ? usage : null,
      isArchived ? archived : null,
    ],
    isSettled(known.mark, now, TICK_MS) && (sidecar === undefined || isSettled(sidecar, now, TICK_MS)),
  )
}

function numbersOf({ dev, ino, size, mtimeMs }: FileMark): number[] {
  return [dev, ino, size, mtimeMs]
}

/** The row whose `toJson` this was. */
export function rowFromJson(value: Json): Row {
  const stored = value as unknown as Stored
  if (stored[4].length === 0) stored[4] = NO_TAGS
  return new Row(stored, true)
}
