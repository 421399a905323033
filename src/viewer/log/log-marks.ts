/**
 * What the whole log says of its lines: which are removed, archived, there twice. A log is read for it once, in the
 * background; what it grows by is added.
 */
import type { LogReader } from '../../disk/log/log-reader.js'
import { isLine, type Line } from '../../log/line.js'
import {
  FirstVisibilityPass,
  knownId,
  NOTHING_KNOWN,
  REMOVABLE,
  reachOver,
  SecondVisibilityPass,
  type Visibility,
} from '../../log/visibility.js'
import type { LineMark } from '../api/shapes.js'

/** The log is read from its start again at most this share of the time. */
const SHARE_OF_READING = 1 / 20

export class LogMarks {
  readonly #first = new FirstVisibilityPass()
  #second: SecondVisibilityPass | undefined
  /** What `#second` was made for: more of it needs another reading. */
  #reasons = ''
  /** The lines before this offset are in the first pass. */
  #upTo = 0
  #visibility: Visibility | undefined
  #reading: Promise<void> | undefined
  #took = 0
  #ended = Number.NEGATIVE_INFINITY

  /** The log holds the graph of an agent, as far as it was read. */
  hasGraph = false

  /** What is known so far; undefined before the log was read once. */
  get visibility(): Visibility | undefined {
    return this.#visibility
  }

  /** Reads what has come since. The reader must stay open until it is done. */
  update(reader: LogReader): Promise<void> {
    this.#reading ??= this.#read(reader).finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(reader: LogReader): Promise<void> {
    const began = performance.now()
    for await (const pieces of reader.blocks(this.#upTo)) {
      for (const piece of pieces) {
        // its end may still come
        if (piece.kind === 'torn' || ('open' in piece && piece.open)) break
        this.#first.add(piece)
        if (piece.kind === 'commit') this.hasGraph = true
        if (this.#second !== undefined) this.#second.add(piece)
        this.#upTo = piece.end
      }
    }
    if (!this.#first.needsMore) {
      this.#visibility = { ...NOTHING_KNOWN, removed: this.#first.removed }
      return
    }
    const { suspects, compactions, carried } = this.#first
    const reasons = `${suspects.size} ${compactions.length} ${carried.length}`
    if (reasons === this.#reasons && this.#second !== undefined) {
      this.#visibility = this.#second.visibility()
      return
    }
    // until then the former marks stand
    if (performance.now() - this.#ended < this.#took / SHARE_OF_READING) return
    const second = new SecondVisibilityPass(this.#first)
    for await (const pieces of reader.blocks(0, this.#upTo)) for (const piece of pieces) second.add(piece)
    this.#second = second
    this.#reasons = reasons
    this.#visibility = second.visibility()
    this.#ended = performance.now()
    this.#took = this.#ended - began
  }
}

export function marksOf(line: Line, visibility: Visibility): LineMark[] {
  const marks: LineMark[] = []
  const copy = visibility.copies.get(line.offset)
  if (copy !== undefined) marks.push(copy)
  if (REMOVABLE.has(line.kind) && visibility.removed.has(knownId(line, visibility))) marks.push('removed')
  if (isLine(line) && line.kind === 'message' && reachOver(line, visibility) !== undefined) marks.push('archived')
  return marks
}
