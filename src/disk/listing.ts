/** The names in a store's folder: what one look found serves the next one as well, while the folder is as it was. */
import fs from 'node:fs'
import { breathe, isLoopHeld } from '../base/event-loop.js'
import { pickNames } from './directory.js'
import { isSettled } from './files.js'

/** To list fewer files again costs no more than to ask whether that is needed. */
const MANY = 1_000
/** To keep more names would take too much memory. */
const MOST = 50_000
/** A folder that was changed less than so long ago may change again and keep its time, ms. */
const TICK_MS = 20
/** So long names are kept that nobody asks for, ms. */
const KEEP_MS = 500

interface Kept {
  names: string[]
  stat: fs.Stats
}

export class Listing {
  readonly #folder: string
  #kept: Kept | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** All names, none when there is no folder. They are kept for a moment, for one call of `pick`. */
  async read(): Promise<string[]> {
    const now = Date.now()
    const stat = fs.statSync(this.#folder, { throwIfNoEntry: false })
    this.#take()
    const names = await pickNames(this.#folder, (name) => name)
    if (names.length < MANY || names.length > MOST || stat === undefined) return names
    // changes of the folder set this time, whatever sets the other one back
    if (isSettled({ mtimeMs: stat.ctimeMs }, now, TICK_MS)) this.#keep({ names, stat })
    return names
  }

  /** What `pick` makes of each name, undefined left out. */
  async pick<T>(pick: (name: string) => T | undefined): Promise<T[]> {
    const kept = this.#take()
    const stat = kept && fs.statSync(this.#folder, { throwIfNoEntry: false })
    if (kept === undefined || !isAsItWas(kept.stat, stat)) return pickNames(this.#folder, pick)
    const picked: T[] = []
    for (const name of kept.names) {
      const made = pick(name)
      if (made !== undefined) picked.push(made)
      if (isLoopHeld(performance.now())) await breathe()
    }
    return picked
  }

  #take(): Kept | undefined {
    const kept = this.#kept
    clearTimeout(this.#timer)
    this.#kept = undefined
    return kept
  }

  #keep(kept: Kept): void {
    this.#kept = kept
    this.#timer = setTimeout(() => this.#take(), KEEP_MS).unref()
  }
}

function isAsItWas(was: fs.Stats, now: fs.Stats | undefined): boolean {
  return (
    now !== undefined &&
    was.ino === now.ino &&
    was.dev === now.dev &&
    was.ctimeMs === now.ctimeMs &&
    was.mtimeMs === now.mtimeMs
  )
}
