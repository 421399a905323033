/** Rows in the order of a list: newest activity first, ties by key. A list of an open store then sorts nothing. */
import { believed, isAhead } from '../session/clock.js'
import { byKey } from '../session/info.js'
import type { Row } from './row.js'

/** After more moves than this, one sort is faster. */
const MAX_MOVES = 64

export class NewestRows {
  readonly #rows: ReadonlyMap<string, Row>
  /** Undefined when the rows must be sorted again. */
  #sorted: Row[] | undefined
  /** Moves since the last list. */
  #moves = 0

  constructor(rows: ReadonlyMap<string, Row>) {
    this.#rows = rows
  }

  /** The first `limit` rows (all, if undefined) that are to be shown; `now` as of `believed`. */
  take(limit: number | undefined, now: number, shows?: (row: Row) => boolean): Row[] {
    this.#sorted ??= [...this.#rows.values()].sort(newestFirst)
    this.#moves = 0
    const rows = believedRows(this.#sorted, now)
    return (shows === undefined ? rows : rows.filter(shows)).slice(0, limit)
  }

  /**
   * Keeps the order when a row takes the place of another. A sort after each change would make a short list ten times
   * as slow.
   */
  replace(former: Row | undefined, row: Row | undefined): void {
    if (++this.#moves > MAX_MOVES) this.#sorted = undefined
    const sorted = this.#sorted
    if (sorted === undefined) return
    if (former !== undefined) sorted.splice(sorted.indexOf(former), 1)
    if (row !== undefined) sorted.splice(placeFor(row, sorted), 0, row)
  }
}

/** The same rows, those whose time of use is ahead of the clock by the time of their file. */
function believedRows(sorted: readonly Row[], now: number): readonly Row[] {
  let ahead = 0
  while (ahead < sorted.length && isAhead((sorted[ahead] as Row).active, now)) ahead++
  if (ahead === 0) return sorted
  const judged = sorted.slice(0, ahead).map((row) => ({ ...row, active: believed(row.active, row.log.mtimeMs, now) }))
  return [...judged, ...sorted.slice(ahead)].sort(newestFirst)
}

function newestFirst(a: Row, b: Row): number {
  return b.active - a.active || byKey(a, b)
}

/** The index at which the row belongs. */
function placeFor(row: Row, rows: readonly Row[]): number {
  let low = 0
  for (let high = rows.length; low < high; ) {
    const middle = (low + high) >> 1
    if (newestFirst(rows[middle] as Row, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** A function of its own, since loops of asynchronous functions are slow. */
export function addCopies<T>(copies: T[], rows: readonly Row[], copy: (row: Row) => T): void {
  const end = Math.min(copies.length + 128, rows.length)
  for (let i = copies.length; i < end; i++) copies.push(copy(rows[i] as Row))
}
