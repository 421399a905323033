/** Rows of a list, newest activity first, which stay in order while single ones change. */
import { byKey } from './info.js'

/** More changes than this between two questions, and sorting anew is quicker. */
const MAX_MOVES = 64

export class RowsByActivity<Row extends Placed> {
  readonly #rows = new Map<string, Row>()
  #sorted: Row[] | undefined
  #moves = 0

  get(name: string): Row | undefined {
    return this.#rows.get(name)
  }

  get size(): number {
    return this.#rows.size
  }

  names(): Iterable<string> {
    return this.#rows.keys()
  }

  entries(): Iterable<[name: string, row: Row]> {
    return this.#rows.entries()
  }

  set(name: string, row: Row): void {
    this.#leave(name)
    this.#rows.set(name, row)
    this.#sorted?.splice(placeOf(row, this.#sorted), 0, row)
  }

  delete(name: string): void {
    this.#leave(name)
    this.#rows.delete(name)
  }

  #leave(name: string): void {
    const row = this.#rows.get(name)
    if (++this.#moves > MAX_MOVES) this.#sorted = undefined
    if (row !== undefined) this.#sorted?.splice(placeOf(row, this.#sorted), 1)
  }

  newestFirst(limit: number): Row[] {
    this.#moves = 0
    this.#sorted ??= [...this.#rows.values()].sort(byTime)
    return this.#sorted.slice(0, limit)
  }
}

/** What a row is sorted by. */
interface Placed {
  readonly key: string
  /** Unix milliseconds. */
  readonly active: number
}

/** The order of `byActivity`. */
function byTime(a: Placed, b: Placed): number {
  return b.active - a.active || byKey(a, b)
}

/** Where the row stands, or would stand. */
function placeOf<Row extends Placed>(row: Row, rows: readonly Row[]): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (byTime(rows[middle] as Row, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}
