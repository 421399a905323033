/** The references of a log, cached for one session of this process: reads only what the log grew by. */
import { yieldIfDue } from '../../base/event-loop.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { BackwardReading } from '../../log/fold-tail.js'
import { isLine, namedIds } from '../../log/line.js'
import { isoTime, parseLines } from '../../log/parse.js'
import { RefMemory, refsOf } from '../../log/refs.js'
import { NOTHING_KNOWN } from '../../log/visibility.js'
import { endOf, markAt, markBehind, type ReadMark, readAdded } from './read-mark.js'
import type { SessionLog } from './session-log.js'

const MOST_MORE = 2_000
/** So much is read on at once, bytes. */
const MOST_BYTES = 64 * 1024

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
    const known = await this.#log.readingNow((reader) => this.readOn(reader))
    if (known !== undefined) return known
    const refs = await this.#log.using((reader) => this.#readEnd(reader))
    return refs ?? new RefMemory()
  }

  /** The same from the few lines that were added since the last call; undefined where more must be read. */
  readOn(reader: LogReader): RefMemory | undefined {
    const read = this.#read
    // reading the log again drops old references
    if (read === undefined || reader.size - read.mark.end > MOST_BYTES || read.refs.size > 2 * read.atFirst + MOST_MORE)
      return undefined
    const { refs, mark, atFirst } = read
    const bytes = readAdded(reader, mark)
    if (bytes === undefined) return undefined
    const added = parseLines(bytes, mark.end)
    for (const piece of added) {
      if (piece.kind === 'remove') refs.remove(new Set(namedIds(piece)))
      else if (isLine(piece)) refs.addNext(piece, NOTHING_KNOWN)
    }
    const end = endOf(added) ?? mark.end
    this.#read = { refs, mark: markBehind(mark, bytes, end), atFirst }
    return refs
  }

  async #readEnd(reader: LogReader): Promise<RefMemory> {
    const summary = (await this.#log.current())?.summary
    const reading = new BackwardReading(summary ?? { orderedFrom: 0, uniqueFrom: 0, bareFrom: 0 })
    const refs = new RefMemory()
    const now = isoTime(this.#log.context.clock.now())
    let end: number | undefined
    for (const piece of reader.backwards()) {
      end ??= endOf([piece])
      reading.add(piece)
      if (reading.uncertain) return this.#readWhole()
      if (isLine(piece) && refs.addFormer(piece, reading.visibility, now)) break
      // a log of messages without references is read to its beginning
      await yieldIfDue()
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
