/** The references that a log tells, as one session of this process knows them: read no further than the log grew. */
import { readSync } from '../disk/files.js'
import { LogReader } from '../disk/log-reader.js'
import { BackwardReading } from '../log/fold-tail.js'
import { isLine, namedIds, type Piece } from '../log/line.js'
import { isoTime } from '../log/parse.js'
import { RefMemory, refsOf } from '../log/refs.js'
import { NOTHING_KNOWN } from '../log/visibility.js'
import type { SessionLog } from './session-log.js'

const PRINT_BYTES = 64
const MOST_MORE = 2_000

/** References, and of which bytes they are known. */
interface Read {
  refs: RefMemory
  dev: number
  ino: number
  /** Where the last whole line ended, and the bytes before that. */
  end: number
  print: string
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
    const refs = await LogReader.using(this.#log.file.path, async (reader) => {
      const read = this.#read
      const isGrown = read !== undefined && isOf(reader, read) && printAt(reader, read.end) === read.print
      // what is old is forgotten by reading anew
      const isLarge = read !== undefined && read.refs.size > 2 * read.atFirst + MOST_MORE
      return isGrown && !isLarge ? this.#readOn(reader, read) : this.#readEnd(reader)
    })
    return refs ?? new RefMemory()
  }

  async #readOn(reader: LogReader, { refs, end, atFirst }: Read): Promise<RefMemory> {
    if (reader.size === end) return refs
    const added = await reader.pieces(end)
    for (const piece of added) {
      if (piece.kind === 'remove') refs.forget(new Set(namedIds(piece)))
      else if (isLine(piece)) refs.addNext(piece, NOTHING_KNOWN)
    }
    const last = added.findLast(isWhole)
    return this.#note(reader, refs, last?.end ?? end, atFirst)
  }

  async #readEnd(reader: LogReader): Promise<RefMemory> {
    const summary = (await this.#log.known())?.summary
    const reading = new BackwardReading(summary ?? { orderedFrom: 0, bareFrom: 0 })
    const refs = new RefMemory()
    const now = isoTime(this.#log.context.clock.now())
    let end: number | undefined
    for (const piece of reader.backwards()) {
      if (end === undefined && isWhole(piece)) end = piece.end
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
    const { dev, ino } = reader.stat
    this.#read = { refs, dev, ino, end, print: printAt(reader, end), atFirst }
    return refs
  }
}

function isOf({ stat, size }: LogReader, { dev, ino, end }: Read): boolean {
  return stat.dev === dev && stat.ino === ino && size >= end
}

function isWhole(piece: Piece): boolean {
  return piece.kind !== 'torn' && !piece.open
}

function printAt(reader: LogReader, end: number): string {
  const start = Math.max(0, end - PRINT_BYTES)
  return readSync(reader.fd, start, end - start).toString('latin1')
}
