/** Rows of a list, newest activity first: a chain in which a row that changed is put back near the newest end. */
import { byKey } from '../session/info.js'

/** Where more rows than this are newer than one that changed, all are sorted anew when they are next asked for. */
const MAX_STEPS = 64

/** A row, with its neighbours, which are kept in it since there may be very many. */
interface Placed<Row> {
  readonly key: string
  /** Unix milliseconds. */
  readonly active: number
  newer: Row | undefined
  older: Row | undefined
}

export class RowsByActivity<Row extends Placed<Row>> {
  readonly #rows = new Map<string, Row>()
  #newest: Row | undefined
  #isInOrder = false

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
    const former = this.#rows.get(name)
    this.#rows.set(name, row)
    if (!this.#isInOrder) return
    if (former?.active === row.active) {
      this.#join(former.newer, row)
      this.#join(row, former.older)
      return
    }
    if (former !== undefined) this.#join(former.newer, former.older)
    this.#bringIn(row)
  }

  delete(name: string): void {
    const row = this.#rows.get(name)
    if (row === undefined) return
    this.#rows.delete(name)
    if (this.#isInOrder) this.#join(row.newer, row.older)
  }

  newestFirst(limit: number): Row[] {
    if (!this.#isInOrder) this.#sort()
    const rows = new Array<Row>(Math.min(limit, this.#rows.size))
    let row = this.#newest
    for (let i = 0; i < rows.length; i++, row = row?.older) rows[i] = row as Row
    return rows
  }

  #bringIn(row: Row): void {
    let newer: Row | undefined
    let older = this.#newest
    for (let steps = 0; older !== undefined && byTime(older, row) < 0; steps++) {
      if (steps === MAX_STEPS) {
        this.#isInOrder = false
        return
      }
      newer = older
      older = older.older
    }
    this.#join(newer, row)
    this.#join(row, older)
  }

  #sort(): void {
    let newer: Row | undefined
    for (const row of [...this.#rows.values()].sort(byTime)) {
      this.#join(newer, row)
      newer = row
    }
    this.#join(newer, undefined)
    this.#isInOrder = true
  }

  /** Makes neighbours of two rows; undefined stands for either end. */
  #join(newer: Row | undefined, older: Row | undefined): void {
    if (newer === undefined) this.#newest = older
    else newer.older = older
    if (older !== undefined) older.newer = newer
  }
}

/** The order of `byActivity`. */
function byTime<Row>(a: Placed<Row>, b: Placed<Row>): number {
  return b.active - a.active || byKey(a, b)
}
