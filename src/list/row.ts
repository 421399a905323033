/** What a list knows of one session, and of which files it knows it. */

import type { Json } from '../base/json.js'
import { type FileMark, isSettled } from '../disk/files.js'
import { type Claim, runOf } from '../disk/sidecar-cache.js'
import type { Run } from '../disk/sidecar-file.js'
import { countersOf } from '../log/fold.js'
import type { Known } from '../session/catch-up.js'
import { type ListedSession, listedOf, type SessionDetails, type SessionInfo } from '../session/info.js'

/** Which number stands where: the marks of log and sidecar (an inode of -1 stands for no sidecar), times, counts. */
const N = { log: 0, sidecar: 4, created: 8, active: 9, updated: 10, messages: 11, turns: 12 }

/** What few sessions have: all others share one, since there may be very many. */
interface Rare {
  run: Run | null
  name: string | null
  tags: readonly string[]
  agent: string
  projectRoot: string | null
  forkedFrom: string | null
  /** Null for zeros only. */
  usage: SessionDetails['usage'] | null
  archived: SessionDetails['archived'] | null
  damaged: number
  tokens: number
  values: number
  /** Any later change of the files gives them other marks. */
  isSettled: boolean
}

const NOTHING_RARE: Rare = {
  run: null,
  name: null,
  tags: [],
  agent: '',
  projectRoot: null,
  forkedFrom: null,
  usage: null,
  archived: null,
  damaged: 0,
  tokens: 0,
  values: 0,
  isSettled: true,
}

function isRare(rare: Rare): boolean {
  const { run, name, tags, agent, projectRoot, forkedFrom, usage, archived } = rare
  if (run !== null || name !== null || tags.length > 0 || agent !== '' || projectRoot !== null) return true
  if (forkedFrom !== null || usage !== null || archived !== null) return true
  return rare.damaged + rare.tokens + rare.values > 0 || !rare.isSettled
}

const NO_USAGE = countersOf({})
const NONE_ARCHIVED = { messages: 0, bytes: 0, oldest: null }
const NO_SIDECAR: FileMark = { dev: -1, ino: -1, size: -1, mtimeMs: -1 }

export class Row implements ListedSession {
  readonly key: string
  readonly #numbers: readonly number[]
  readonly #rare: Rare
  /** Neighbours in `RowsByActivity`. */
  newer: Row | undefined
  older: Row | undefined

  constructor(key: string, numbers: readonly number[], rare: Rare) {
    this.key = key
    this.#numbers = numbers
    this.#rare = isRare(rare) ? rare : NOTHING_RARE
  }

  /** When it was last active, Unix milliseconds. */
  get active(): number {
    return this.#numbers[N.active] as number
  }

  /** What the sidecar claims, if it is of this log. */
  get run(): Run | null {
    return this.#rare.run
  }

  get isSettled(): boolean {
    return this.#rare.isSettled
  }

  get log(): FileMark {
    return markIn(this.#numbers, N.log)
  }

  get sidecar(): FileMark | undefined {
    const mark = markIn(this.#numbers, N.sidecar)
    return mark.ino === NO_SIDECAR.ino ? undefined : mark
  }

  get info(): SessionInfo {
    const numbers = this.#numbers
    const { run, name, tags, damaged } = this.#rare
    return {
      key: this.key,
      name: name || null,
      tags: tags.slice(),
      createdAt: new Date(numbers[N.created] as number),
      lastActivity: new Date(numbers[N.active] as number),
      messages: whole(numbers[N.messages] as number),
      bytes: whole(numbers[N.log + 2] as number),
      damaged,
      state: run === null ? 'idle' : run.state,
      turnId: run === null ? null : run.turnId,
      turnStartedAt: run === null ? null : new Date(run.since),
    }
  }

  get details(): SessionDetails {
    const numbers = this.#numbers
    const { name, tags, agent, projectRoot, forkedFrom, tokens, values, usage, archived } = this.#rare
    return {
      name,
      tags: [...tags],
      agent,
      projectRoot,
      forkedFrom,
      updated: numbers[N.updated] as number,
      turnCount: numbers[N.turns] as number,
      totalTokens: tokens,
      values,
      usage: usage ?? NO_USAGE,
      archived: archived ?? NONE_ARCHIVED,
    }
  }

  isOfLog(mark: FileMark): boolean {
    return isMarkIn(this.#numbers, N.log, mark)
  }

  isOfSidecar(mark: FileMark | undefined): boolean {
    return isMarkIn(this.#numbers, N.sidecar, mark ?? NO_SIDECAR)
  }

  toJson(): Json {
    const { run, name, tags, agent, projectRoot, forkedFrom, damaged, tokens, values, usage, archived } = this.#rare
    const [turns] = this.#numbers.slice(N.turns) as [number]
    const numbers = [...this.#numbers.slice(0, N.turns), damaged, turns, tokens, values]
    const stored: Stored = [this.key, numbers, run, name, tags, agent, projectRoot, forkedFrom, usage, archived]
    return stored as unknown as Json
  }
}

function markIn(numbers: readonly number[], place: number): FileMark {
  const [dev, ino, size, mtimeMs] = numbers.slice(place, place + 4) as [number, number, number, number]
  return { dev, ino, size, mtimeMs }
}

function isMarkIn(numbers: readonly number[], place: number, { dev, ino, size, mtimeMs }: FileMark): boolean {
  return (
    numbers[place] === dev &&
    numbers[place + 1] === ino &&
    numbers[place + 2] === size &&
    numbers[place + 3] === mtimeMs
  )
}

/** The same number: one that comes out of an array of fractions would be 16 bytes more, in each row of a list. */
function whole(number: number): number {
  const small = number | 0
  return small === number ? small : number
}

/** A file changed less than this ago can be changed again without another time, ms. */
const TICK_MS = 100

export function toRow(key: string, known: Known, sidecar: FileMark | undefined, claim: Claim | null): Row {
  const { mark: log, summary } = known
  const run = runOf(claim, key, summary)
  const { info, details } = listedOf(key, known, run)
  const { name, tags, agent, projectRoot, forkedFrom, usage, archived } = details
  const { dev, ino, size, mtimeMs } = sidecar ?? NO_SIDECAR
  // all at once: a list that is put together of others has room for more
  const numbers = [
    log.dev,
    log.ino,
    log.size,
    log.mtimeMs,
    dev,
    ino,
    size,
    mtimeMs,
    info.createdAt.getTime(),
    info.lastActivity.getTime(),
    details.updated,
    info.messages,
    details.turnCount,
  ]
  const isUsed = Object.values(usage).some((count) => count !== 0)
  const isArchived = archived.messages > 0 || archived.bytes > 0 || archived.oldest !== null
  const now = Date.now()
  // of equal strings the one that is no part of a file's name, which would be kept as well
  return new Row(summary.header?.key === key ? summary.header.key : key, numbers, {
    run,
    name,
    tags,
    agent,
    projectRoot,
    forkedFrom,
    usage: isUsed ? usage : null,
    archived: isArchived ? archived : null,
    damaged: info.damaged,
    tokens: details.totalTokens,
    values: details.values,
    isSettled: isSettled(log, now, TICK_MS) && (sidecar === undefined || isSettled(sidecar, now, TICK_MS)),
  })
}

/** A row as it is kept on disk: key, numbers with those of `Rare` among them, and the rest of `Rare`. */
type Stored = [
  key: string,
  numbers: number[],
  run: Rare['run'],
  name: Rare['name'],
  tags: Rare['tags'],
  agent: Rare['agent'],
  projectRoot: Rare['projectRoot'],
  forkedFrom: Rare['forkedFrom'],
  usage: Rare['usage'],
  archived: Rare['archived'],
]

/** The row whose `toJson` this was. */
export function rowFromJson(value: Json): Row {
  const [key, stored, run, name, tags, agent, projectRoot, forkedFrom, usage, archived] = value as unknown as Stored
  const [damaged, turns, tokens, values] = stored.slice(N.turns).map(whole) as [number, number, number, number]
  const numbers = stored.slice(0, N.turns + 1)
  numbers[N.turns] = turns
  return new Row(key, numbers, {
    run,
    name,
    tags,
    agent,
    projectRoot,
    forkedFrom,
    usage,
    archived,
    damaged,
    tokens,
    values,
    isSettled: true,
  })
}
