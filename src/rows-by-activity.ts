/** Rows of a list, newest activity first, which stay in order while single ones change. */
import { byActivity, type SessionInfo } from './info.js'

/** More changes than this between two questions, and sorting anew is quicker. */
const MAX_MOVES = 64

export class RowsByActivity<Row extends { readonly info: SessionInfo }> {
  readonly #rows = new Map<string, Row>()
  #sorted: Row[] | undefined
  #moves = 0

  get(name: string): Row | undefined {
    return this.#rows.get(name)
  }

  names(): Iterable<string> {
    return this.#rows.keys()
  }

  set(name: string, row: Row): void {
    this.#leave(name)
    this.#rows.set(name, row)
    this.#sorted?.splice(this.#placeOf(row), 0, row)
  }

  delete(name: string): void {
    this.#leave(name)
    this.#rows.delete(name)
  }

  #leave(name: string): void {
    const row = this.#rows.get(name)
    if (++this.#moves > MAX_MOVES) this.#sorted = undefined
    if (row !== undefined) this.#sorted?.splice(this.#placeOf(row), 1)
  }

  /** Where the row stands, or would stand. */
  #placeOf(row: Row): number {
    const rows = this.#sorted ?? []
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (byActivity((rows[middle] as Row).info, row.info) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Must not be changed, and holds until the next change. */
  newestFirst(): readonly Row[] {
    this.#moves = 0
    this.#sorted ??= [...this.#rows.values()].sort((a, b) => byActivity(a.info, b.info))
    return this.#sorted
  }
}
