/**
 * Appends of one session that are on disk when they are answered. Those that are asked for in the same turn of the
 * event loop, or while others are being synced, share a write and a sync.
 */

import { breathe } from '../base/event-loop.js'
import type { LogFile } from '../disk/log-writer.js'
import type { Draft, Lines } from './pending-line.js'
import { idsInLog } from './torn-tail.js'
import type { Written } from './transaction.js'

/** Lines of more than this in all are not joined by others, characters. */
const MOST = 1024 * 1024

interface Append {
  drafts: Draft[]
  create: boolean
  resolve: (ids: string[]) => void
  reject: (reason: unknown) => void
}

/** What the session's log does for it; all but `hold` as the only writer. */
interface Writer {
  /** Runs work as the only writer. */
  hold: (work: () => Promise<void>) => Promise<void> | void
  /** In one write; undefined, and nothing is written, where that does not go. Tells the lines, and where they begin. */
  now: (
    drafts: Draft[],
    stamped: (lines: Lines, start: number) => void,
  ) => Written<unknown> | Promise<Written<unknown>> | undefined
  append: (drafts: Draft[], create: boolean) => Written<unknown> | Promise<Written<unknown>>
  /** Syncs all that was written. */
  settle: () => Promise<void>
}

export class JoinedAppends {
  readonly #file: LogFile
  readonly #writer: Writer
  /** Those that the next append joins. */
  #open: Append[] | undefined
  #size = 0

  constructor(file: LogFile, writer: Writer) {
    this.#file = file
    this.#writer = writer
  }

  /** Adds lines and syncs them; answers their ids. */
  add(drafts: Draft[], create: boolean): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const append = { drafts, create, resolve, reject }
      if (this.#open === undefined || this.#size > MOST) void this.#begin([append])
      else this.#open.push(append)
      for (const { size = MOST } of drafts) this.#size += size
    })
  }

  /** For work of another kind: what is asked for after it is done after it. */
  close(): void {
    this.#open = undefined
  }

  async #begin(appends: Append[]): Promise<void> {
    this.#open = appends
    this.#size = 0
    const closeThis = () => {
      if (this.#open === appends) this.close()
    }
    const work = async () => {
      // whoever was answered by the last sync may come along
      await breathe()
      closeThis()
      await this.#write(appends)
    }
    try {
      await this.#writer.hold(work)
    } catch (error) {
      closeThis()
      for (const { reject } of appends) reject(error)
    }
  }

  async #write(appends: readonly Append[]): Promise<void> {
    const joined = appends.length > 1 ? await this.#writeJoined(appends) : undefined
    const answers: Array<() => void> = []
    for (const { drafts, create, resolve, reject } of appends) {
      try {
        const ids = joined?.(drafts) ?? (await this.#writer.append(drafts, create)).ids.slice(-drafts.length)
        answers.push(() => resolve(ids))
      } catch (error) {
        reject(error)
      }
    }
    try {
      await this.#writer.settle()
    } catch (error) {
      // the disk is asked once for all that wait for it
      for (const { reject } of this.#open?.splice(0) ?? []) reject(error)
      throw error
    }
    for (const answer of answers) answer()
  }

  /** Writes all in one piece; undefined when nothing was written, so that each must be written on its own. */
  async #writeJoined(appends: readonly Append[]): Promise<IdsOf | undefined> {
    const drafts = appends.flatMap((append) => append.drafts)
    let stamped: { lines: Lines; start: number } | undefined
    try {
      const written = await this.#writer.now(drafts, (lines, start) => {
        stamped = { lines, start }
      })
      return written && idsOf(drafts, written.ids)
    } catch (failure) {
      // one of them is too large, or there is no room for all: each is told by itself how it went
      if (stamped === undefined || this.#file.look()?.size === stamped.start) return undefined
      const there = await idsInLog(this.#file.path)
      return idsOf(
        drafts,
        stamped.lines.pieces.map(({ id }) => (there.has(id) ? id : undefined)),
        failure,
      )
    }
  }
}

/** The ids of lines by their drafts. */
type IdsOf = (drafts: readonly Draft[]) => string[]

function idsOf(all: readonly Draft[], ids: ReadonlyArray<string | undefined>, failure?: unknown): IdsOf {
  const known = new Map(all.map((draft, i) => [draft, ids[i]]))
  return (drafts) =>
    drafts.map((draft) => {
      const id = known.get(draft)
      if (id === undefined) throw failure
      return id
    })
}
