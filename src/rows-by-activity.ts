/** Rows of a list, newest activity first, which stay in order while single ones change. */
import { byKey, type SessionInfo } from './info.js'

/** More changes than this between two questions, and sorting anew is quicker. */
const MAX_MOVES = 64

export class RowsByActivity<Row extends { readonly info: SessionInfo }> {
  readonly #rows = new Map<string, Placed<Row>>()
  #sorted: Placed<Row>[] | undefined
  #moves = 0

  get(name: string): Row | undefined {
    return this.#rows.get(name)?.row
  }

  get size(): number {
    return this.#rows.size
  }

  names(): Iterable<string> {
    return this.#rows.keys()
  }

  set(name: string, row: Row): void {
    this.#leave(name)
    const placed = { row, key: row.info.key, time: row.info.lastActivity.getTime() }
    this.#rows.set(name, placed)
    this.#sorted?.splice(placeOf(placed, this.#sorted), 0, placed)
  }

  delete(name: string): void {
    this.#leave(name)
    this.#rows.delete(name)
  }

  #leave(name: string): void {
    const placed = this.#rows.get(name)
    if (++this.#moves > MAX_MOVES) this.#sorted = undefined
    if (placed !== undefined) this.#sorted?.splice(placeOf(placed, this.#sorted), 1)
  }

  newestFirst(limit: number): Row[] {
    this.#moves = 0
    this.#sorted ??= [...this.#rows.values()].sort(byTime)
    return this.#sorted.slice(0, limit).map(({ row }) => row)
  }
}

/** A row with what it is sorted by. */
interface Placed<Row> {
  row: Row
  key: string
  time: number
}

/** The order of `byActivity`. */
function byTime(a: Placed<unknown>, b: Placed<unknown>): number {
  return b.time - a.time || byKey(a, b)
}

/** Where the row stands, or would stand. */
function placeOf<Row>(row: Placed<Row>, rows: readonly Placed<Row>[]): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (byTime(rows[middle] as Placed<Row>, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}
