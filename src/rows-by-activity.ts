/** Rows of a list, newest activity first: a chain in which a row that changed is put back near the newest end. */
import { byKey } from './info.js'

/** Where more rows than this are newer than one that changed, all are sorted anew when they are next asked for. */
const MAX_STEPS = 64

/** What a row is sorted by. */
interface Placed {
  readonly key: string
  /** Unix milliseconds. */
  readonly active: number
}

interface Link<Row> {
  row: Row
  newer: Link<Row> | undefined
  older: Link<Row> | undefined
}

export class RowsByActivity<Row extends Placed> {
  readonly #links = new Map<string, Link<Row>>()
  #newest: Link<Row> | undefined
  #isInOrder = false

  get(name: string): Row | undefined {
    return this.#links.get(name)?.row
  }

  get size(): number {
    return this.#links.size
  }

  names(): Iterable<string> {
    return this.#links.keys()
  }

  *entries(): Iterable<[name: string, row: Row]> {
    for (const [name, { row }] of this.#links) yield [name, row]
  }

  set(name: string, row: Row): void {
    const link = this.#links.get(name)
    if (link === undefined) {
      const added = { row, newer: undefined, older: undefined }
      this.#links.set(name, added)
      this.#bringIn(added)
      return
    }
    const stays = link.row.active === row.active
    link.row = row
    if (stays) return
    this.#takeOut(link)
    this.#bringIn(link)
  }

  delete(name: string): void {
    const link = this.#links.get(name)
    if (link === undefined) return
    this.#links.delete(name)
    this.#takeOut(link)
  }

  newestFirst(limit: number): Row[] {
    if (!this.#isInOrder) this.#sort()
    const rows: Row[] = []
    for (let link = this.#newest; link !== undefined && rows.length < limit; link = link.older) rows.push(link.row)
    return rows
  }

  #takeOut({ newer, older }: Link<Row>): void {
    if (this.#isInOrder) this.#join(newer, older)
  }

  #bringIn(link: Link<Row>): void {
    if (!this.#isInOrder) return
    let newer: Link<Row> | undefined
    let older = this.#newest
    for (let steps = 0; older !== undefined && byTime(older.row, link.row) < 0; steps++) {
      if (steps === MAX_STEPS) {
        this.#isInOrder = false
        return
      }
      newer = older
      older = older.older
    }
    this.#join(newer, link)
    this.#join(link, older)
  }

  #sort(): void {
    let newer: Link<Row> | undefined
    for (const link of [...this.#links.values()].sort((a, b) => byTime(a.row, b.row))) {
      this.#join(newer, link)
      newer = link
    }
    this.#join(newer, undefined)
    this.#isInOrder = true
  }

  /** Makes neighbours of two links; undefined stands for either end. */
  #join(newer: Link<Row> | undefined, older: Link<Row> | undefined): void {
    if (newer === undefined) this.#newest = older
    else newer.older = older
    if (older !== undefined) older.newer = newer
  }
}

/** The order of `byActivity`. */
function byTime(a: Placed, b: Placed): number {
  return b.active - a.active || byKey(a, b)
}
