/** Messages of one session that came from outside: each is written once, and waits until it is answered. */
import { randomNonce } from '../../base/ids.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import { BackwardReading } from '../../log/fold-tail.js'
import { isLine, type Line, type Piece } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import type { MessageText } from '../../log/serialize.js'
import { isLive, knownId, type Visibility } from '../../log/visibility.js'
import { firstOfEach, isEnding, refOf } from '../../log/waiting.js'
import { type Entry, entryOf } from '../entry.js'
import { LogRefs } from '../log/log-refs.js'
import { messageDraft, removeDraft } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'
import { attemptsAt } from './cut-off.js'

/** What became of a message that came from outside. */
export interface Received {
  /** As it was given, else one that was made. */
  ref: string
  /** The id of its line. */
  id: string
  /** `'new'`: written now. Else it was there before, and waits for its answer or has one. */
  state: 'new' | 'waiting' | 'answered'
}

/** What waits now, and what unfinished attempts at the first of it left. */
export interface Backlog<M> {
  input: Entry<M>[]
  earlier: Entry<M>[]
  /** Ids of lines that repeat an earlier one: they get no answer. */
  repeated: string[]
  /** The number of the next attempt at the first of it. */
  attempt: number
}

const NO_LINES = { input: [], earlier: [] }
const NO_BACKLOG: Backlog<never> = { ...NO_LINES, repeated: [], attempt: 1 }

export class Inbox {
  readonly #log: SessionLog
  readonly #receiving = new Map<string, Promise<Received>>()
  readonly #refs: LogRefs

  constructor(log: SessionLog) {
    this.#log = log
    this.#refs = new LogRefs(log)
  }

  /** Writes a message unless one of this reference is there. */
  async receive(message: MessageText, ref: string | undefined, signal?: AbortSignal): Promise<Received> {
    if (ref === undefined) return this.#write(message, randomNonce(), signal)
    const same = this.#receiving.get(ref)
    if (same !== undefined) {
      const { id } = await same
      return this.#known(ref, id)
    }
    const receiving = this.#receiveOnce(message, ref, signal)
    this.#receiving.set(ref, receiving)
    try {
      return await receiving
    } finally {
      this.#receiving.delete(ref)
    }
  }

  async #receiveOnce(message: MessageText, ref: string, signal: AbortSignal | undefined): Promise<Received> {
    const former = (await this.#refs.now()).idOf(ref)
    if (former !== undefined) return this.#known(ref, former)
    const received = await this.#write(message, ref, signal)
    const first = (await this.#refs.now()).idOf(ref)
    if (first === undefined || first === received.id) return received
    // another process has written it in that instant: the first line counts
    await this.#log.append([removeDraft([received.id])])
    return this.#known(ref, first)
  }

  async #write(message: MessageText, ref: string, signal: AbortSignal | undefined): Promise<Received> {
    const [id] = await this.#log.append([messageDraft(message, { received: ref })], { signal })
    return { ref, id: id as string, state: 'new' }
  }

  async #known(ref: string, id: string): Promise<Received> {
    return { ref, id, state: (await this.waitingIds()).includes(id) ? 'waiting' : 'answered' }
  }

  /** Ids of the messages that wait, oldest first. */
  async waitingIds(): Promise<string[]> {
    const state = this.#log.peekOpen() ?? (await this.#log.current())
    return firstOfEach(state?.summary.waiting ?? []).map(({ id }) => id)
  }

  /** What waits, oldest first, but for what is left to a later turn. */
  async backlog<M>(left: ReadonlySet<string> = new Set()): Promise<Backlog<M>> {
    const found = await this.#log.readingNow((reader, { summary }) =>
      summary.waiting.length === 0
        ? undefined
        : { summary, lines: linesOf<M>(reader, summary), refs: this.#refs.readOn(reader) },
    )
    if (found === undefined) return NO_BACKLOG
    const { summary } = found
    const refs = found.refs ?? (await this.#refs.now())
    const { input, earlier } = found.lines === 'unclear' ? await this.#linesOfWhole<M>(summary) : found.lines
    const first = new Set(
      firstOfEach(summary.waiting)
        .filter(({ id, ref }) => (refs.idOf(ref) ?? id) === id)
        .map(({ id }) => id),
    )
    const taken = input.filter(({ id }) => first.has(id) && !left.has(id))
    return {
      input: taken,
      // attempts at what is left are none at this
      earlier: left.size === 0 ? earlier : [],
      repeated: input.flatMap(({ id }) => (first.has(id) ? [] : [id])),
      attempt: 1 + attemptsAt(summary, taken[0]?.id),
    }
  }

  async #linesOfWhole<M>({ waiting }: Summary): Promise<Pick<WaitingLines<M>, 'input' | 'earlier'>> {
    const whole = await this.#log.whole()
    if (whole === undefined) return NO_LINES
    const { pieces, visibility, fileTime } = whole
    const collector = new WaitingLines<M>(waiting.map(({ id }) => id))
    for (const piece of pieces.toReversed()) if (collector.add(piece, visibility, fileTime)) break
    return collector
  }
}

function linesOf<M>(reader: LogReader, summary: Summary): WaitingLines<M> | 'unclear' {
  const reading = new BackwardReading(summary)
  const collector = new WaitingLines<M>(summary.waiting.map(({ id }) => id))
  for (const piece of reader.backwards()) {
    reading.add(piece)
    if (reading.uncertain) return 'unclear'
    if (collector.add(piece, reading.visibility, reader.fileTime)) break
  }
  return collector
}

/** Collects what waits, and the attempts at it, from the lines of a log from the last one backwards. */
class WaitingLines<M> {
  readonly input: Entry<M>[] = []
  readonly earlier: Entry<M>[] = []
  readonly #wanted: Set<string>
  /** No turn has ended behind the line that came in last. */
  #isUnfinished = true

  constructor(waiting: readonly string[]) {
    this.#wanted = new Set(waiting)
  }

  /** True when nothing more is needed. */
  add(piece: Piece, visibility: Visibility, fileTime: string): boolean {
    if (!isLine(piece) || !isLive(piece, visibility)) return this.#wanted.size === 0
    if (isEnding(piece)) this.#isUnfinished = false
    if (isChat(piece)) this.#addMessage(piece, visibility, fileTime)
    return this.#wanted.size === 0
  }

  #addMessage(line: Line, visibility: Visibility, fileTime: string): void {
    const isWanted = this.#wanted.delete(knownId(line, visibility))
    const isLeft = this.#isUnfinished && refOf(line) === undefined
    if (isWanted) this.input.unshift(entryOf(line, visibility, fileTime))
    else if (isLeft) this.earlier.unshift(entryOf(line, visibility, fileTime))
  }
}
