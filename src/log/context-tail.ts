/** The end of a context, from the end of its log: as much of the log is read as that takes. */
import { type ContextView, inContextOrder, lastOf, shownOf } from './context-order.js'
import type { Summary } from './fold.js'
import { BackwardReading, LINES_A_STEP } from './fold-tail.js'
import { isLine, type Line, type Piece } from './line.js'
import { isChat } from './parse.js'
import { isLive, knownId, type Visibility } from './visibility.js'
import { endedBy, isEnding } from './waiting.js'

/** The end of a context: the compaction in force, and the messages behind its summary. */
export interface Context {
  compaction: Line | undefined
  shown: Line[]
  visibility: Visibility
}

/**
 * The `last` messages of a context of a log that comes in backwards, and of which `summary` is known; `'unclear'` where
 * only a reading of the whole log can decide. Yields after each step of lines.
 */
export function* contextFromEnd(
  pieces: Iterable<Piece>,
  summary: Summary,
  last: number,
  view: ContextView = {},
): Generator<undefined, Context | 'unclear'> {
  const end = new LogEnd(summary)
  let enough = last
  let shown: Line[] | undefined
  let passed = 0
  for (const piece of pieces) {
    if (++passed % LINES_A_STEP === 0) yield
    end.add(piece)
    if (end.reading.uncertain) return 'unclear'
    if (end.reading.archivedBefore) break
    if (end.length < enough || !end.isClosed) continue
    shown = end.shown(view)
    if (shown.length >= last) break
    enough += Math.max(16, last - shown.length)
    shown = undefined
  }
  return {
    compaction: end.compaction,
    shown: lastOf(shown ?? end.shown(view), last),
    visibility: end.reading.visibility,
  }
}

class LogEnd {
  readonly reading: BackwardReading
  /** Live messages and `answered` lines, last first. */
  readonly #lines: Line[] = []
  readonly #archived = new Set<Line>()
  compaction: Line | undefined
  #compactionsLeft: number
  /** Ids of messages that lines behind may have moved to where they stand. */
  readonly #wanted: Set<string>
  /** The messages that the first ending so far names: they stand before all other messages here. */
  #named: readonly string[] = []
  #hasEnding = false

  constructor(summary: Summary) {
    this.reading = new BackwardReading(summary)
    this.#compactionsLeft = summary.compactions
    this.#wanted = new Set(summary.waiting.map(({ id }) => id))
  }

  add(piece: Piece): void {
    const { reading } = this
    reading.add(piece)
    if (!isLine(piece)) return
    this.#wanted.delete(piece.id)
    if (piece.kind === 'compaction') this.#addCompaction(piece)
    if (!(isChat(piece) || piece.kind === 'answered') || !isLive(piece, reading.visibility)) return
    this.#lines.push(piece)
    if (reading.archived) this.#archived.add(piece)
    if (!isEnding(piece)) return
    if (this.#hasEnding) for (const id of this.#named) this.#wanted.add(id)
    this.#named = endedBy(piece)
    this.#hasEnding = true
  }

  #addCompaction(line: Line): void {
    this.#compactionsLeft--
    if (isLive(line, this.reading.visibility)) this.compaction ??= line
  }

  get length(): number {
    return this.#lines.length - this.#archived.size
  }

  /** True when nothing that stands before is moved in here, and the summary is known. */
  get isClosed(): boolean {
    if (this.compaction === undefined && this.#compactionsLeft > 0) return false
    return !this.#hasEnding || [...this.#wanted].every((id) => this.reading.isPast(id))
  }

  shown(view: ContextView): Line[] {
    const { visibility } = this.reading
    const { messages, waits } = inContextOrder(this.#lines.toReversed(), (line) => knownId(line, visibility))
    return shownOf({ messages: messages.filter((line) => !this.#archived.has(line)), waits }, view)
  }
}
