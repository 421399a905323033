/**
 * Notices that a log was put back to an older state, or replaced by another machine's, without lines that this process
 * wrote: a sync that overwrote it. Only the writing process can notice that, and only for its last writes.
 */

import { sleep } from '../../base/event-loop.js'
import { isV7, timeInId } from '../../base/ids.js'
import { readSync, statFile } from '../../disk/files.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { ABSENCE_MS } from '../../disk/log/log-writer.js'
import { keepLines } from '../../disk/quarantine.js'
import { isLine, type Line, namedIds } from '../../log/line.js'
import { parseLines } from '../../log/parse.js'
import type { StoreContext } from '../context.js'
import type { LogState } from './log-state.js'

/** The parts of a session's log that are needed here. */
interface WrittenLog {
  readonly key: string
  readonly name: string
  readonly file: { readonly path: string }
  readonly context: StoreContext
}

/** The end of the last write of this process: while it stands where it was, nothing before it was taken away. */
interface LastWrite {
  end: number
  /** The last bytes, as latin1. */
  print: string
}

/** What this process wrote to one log. */
export class OwnWrites {
  readonly #log: WrittenLog
  #last: LastWrite | undefined
  /** Id of the header under which this process wrote last, '' before. */
  #life = ''

  constructor(log: WrittenLog) {
    this.#log = log
  }

  /** Records lines that were added to the log, with the header above them. */
  note(bytes: Buffer, last: LastWrite, header: { id: string } | null): void {
    this.#log.context.writes.note(this.#log.name, bytes)
    this.#last = last
    if (header !== null) this.#life = header.id
  }

  /**
   * As `note`, of a log that was not read since another program changed it: what was noted before is still to be
   * checked.
   */
  noteUnread(bytes: Buffer, last: LastWrite, header: { id: string } | null): void {
    this.note(bytes, this.#last ?? last, this.#last === undefined ? header : null)
  }

  reset(): void {
    this.#last = undefined
    this.#log.context.writes.take(this.#log.name)
  }

  /** Looks whether the log still has them. */
  async check(reader: LogReader, state: LogState): Promise<void> {
    if (this.#last === undefined) return
    if (stillEndsWith(reader, this.#last)) {
      if (state.summary.bytes > this.#last.end) this.#last = { end: state.summary.bytes, print: state.print }
      return
    }
    // an editor that writes in place is about to fill an empty log
    if (reader.size === 0 && !(await isStillEmpty(this.#log.file.path))) return
    if (this.#last === undefined) return
    this.#last = undefined
    const left = await lookForLost(this.#log, { reader, state, life: this.#life })
    this.#last ??= left
  }
}

async function isStillEmpty(file: string): Promise<boolean> {
  await sleep(ABSENCE_MS)
  const stat = statFile(file)
  return stat !== undefined && stat !== 'other' && stat.size === 0
}

function stillEndsWith(reader: LogReader, { end, print }: LastWrite): boolean {
  if (reader.size < end) return false
  return readSync(reader.fd, end - print.length, print.length).toString('latin1') === print
}

/**
 * True when a log with this header was made after the one whose header's id is `life` was gone: another caller deleted
 * that on purpose. An older header, or none, is what comes back when an editor or a sync replaces a log.
 */
function isLaterLife(header: string, life: string): boolean {
  return header !== life && isV7(header) && (!isV7(life) || timeInId(header) >= timeInId(life))
}

/** The log now, and the id of the header under which this process wrote to it. */
interface Changed {
  reader: LogReader
  state: LogState
  life: string
}

/**
 * Looks for the last writes of this process in the log, sets aside the messages that are missing, and reports them.
 * Writes that are there stay cached, since an older copy may still replace them: returns where they end.
 */
async function lookForLost(log: WrittenLog, { reader, state, life }: Changed): Promise<LastWrite | undefined> {
  const { context, key, name } = log
  const { settings, writes, layout } = context
  const written = writes.take(name).map(linesOf)
  if (isLaterLife(state.summary.header?.id ?? '', life)) return undefined
  const found = await idsIn(reader)
  const missing = missingFrom(found, written.flat())
  const there = written.map((lines) => lines.filter(({ line }) => found.ids.has(line.id)))
  for (const lines of there) if (lines.length > 0) writes.note(name, Buffer.concat(lines.map(({ raw }) => raw)))
  try {
    if (missing.length > 0) {
      const kept = await keepLines(layout.quarantine(name), Buffer.concat(missing))
      settings.onLost({ key, file: log.file.path, messages: missing.length, kept })
    }
  } catch (error) {
    settings.onError(error, key)
  }
  return there.flat().length > 0 ? { end: state.summary.bytes, print: state.print } : undefined
}

interface WrittenLine {
  line: Line
  raw: Buffer
}

function linesOf(bytes: Buffer): WrittenLine[] {
  const lines = parseLines(bytes).filter(isLine)
  return lines.map((line) => ({ line, raw: bytes.subarray(line.offset, line.end) }))
}

/**
 * The written messages that a log lacks. What other processes remove and rewrite goes one by one, what they purge was
 * archived before; what a sync takes away is the end: as long as the last message is there, none is lost.
 */
function missingFrom({ ids, removed, archivedAt }: Ids, written: readonly WrittenLine[]): Buffer[] {
  const takenBack = new Set(written.flatMap(({ line }) => (line.kind === 'remove' ? namedIds(line) : [])))
  const messages = written.filter(
    ({ line }) => line.kind === 'message' && !removed.has(line.id) && !takenBack.has(line.id),
  )
  const missing = messages.filter(({ line }) => !ids.has(line.id) && (line.at ?? '') > archivedAt)
  return missing.length > 0 && missing.at(-1) === messages.at(-1) ? missing.map(({ raw }) => raw) : []
}

interface Ids {
  ids: Set<string>
  removed: Set<string>
  /** When the last compaction archived what stood before it. */
  archivedAt: string
}

async function idsIn(reader: LogReader): Promise<Ids> {
  const found: Ids = { ids: new Set(), removed: new Set(), archivedAt: '' }
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      if (!isLine(piece)) continue
      found.ids.add(piece.id)
      if (piece.kind === 'remove') for (const id of namedIds(piece)) found.removed.add(id)
      if (piece.kind === 'compaction' && piece.at !== undefined && piece.at > found.archivedAt)
        found.archivedAt = piece.at
    }
  }
  return found
}
