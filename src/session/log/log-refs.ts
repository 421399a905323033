/** The references of a log, cached for one session of this process: reads only what the log grew by. */
import type { LogReader } from '../../disk/log/log-reader.js'
import { BackwardReading } from '../../log/fold-tail.js'
import { isLine, namedIds } from '../../log/line.js'
import { isoTime } from '../../log/parse.js'
import { RefMemory, refsOf } from '../../log/refs.js'
import { NOTHING_KNOWN } from '../../log/visibility.js'
import { endOf, isGrown, markAt, type ReadMark } from './read-mark.js'
import type { SessionLog } from './session-log.js'

const MOST_MORE = 2_000

interface Read {
  refs: RefMemory
  mark: ReadMark
  /** How many there were when they were read from the end of the log. */
  atFirst: number
}

export class LogRefs {
  readonly #log: SessionLog
  #read: Read | undefined

  constructor(log: SessionLog) {
    this.#log = log
  }

  async now(): Promise<RefMemory> {
    const refs = await this.#log.using(async (reader) => {
      const read = this.#read
      // reading the log again drops old references
      const isLarge = read !== undefined && read.refs.size > 2 * read.atFirst + MOST_MORE
      return read !== undefined && isGrown(reader, read.mark) && !isLarge
        ? this.#readOn(reader, read)
        : this.#readEnd(reader)
    })
    return refs ?? new RefMemory()
  }

  async #readOn(reader: LogReader, { refs, mark, atFirst }: Read): Promise<RefMemory> {
    if (reader.size === mark.end) return refs
    const added = await reader.pieces(mark.end)
    for (const piece of added) {
      if (piece.kind === 'remove') refs.remove(new Set(namedIds(piece)))
      else if (isLine(piece)) refs.addNext(piece, NOTHING_KNOWN)
    }
    return this.#note(reader, refs, endOf(added) ?? mark.end, atFirst)
  }

  async #readEnd(reader: LogReader): Promise<RefMemory> {
    const summary = (await this.#log.current())?.summary
    const reading = new BackwardReading(summary ?? { orderedFrom: 0, bareFrom: 0 })
    const refs = new RefMemory()
    const now = isoTime(this.#log.context.clock.now())
    let end: number | undefined
    for (const piece of reader.backwards()) {
      end ??= endOf([piece])
      reading.add(piece)
      if (reading.uncertain) return this.#readWhole()
      if (isLine(piece) && refs.addFormer(piece, reading.visibility, now)) break
    }
    return this.#note(reader, refs, end ?? 0, refs.size)
  }

  /** Known for this once: lines whose ids do not rise are few, and other programs'. */
  async #readWhole(): Promise<RefMemory> {
    const whole = await this.#log.whole()
    return whole === undefined ? new RefMemory() : refsOf(whole.pieces, whole.visibility)
  }

  #note(reader: LogReader, refs: RefMemory, end: number, atFirst: number): RefMemory {
    this.#read = { refs, mark: markAt(reader, end), atFirst }
    return refs
  }
}
