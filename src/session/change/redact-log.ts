/** Replacing texts in a log that is written already: every line stays in its place, with its id and its time. */
import { logBusy } from '../../base/errors.js'
import type { JsonObject } from '../../base/json.js'
import { readSync } from '../../disk/files.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Part } from '../../disk/log/range-copier.js'
import { isLine, type Piece } from '../../log/line.js'
import { standIns, withFields } from '../../log/rewrite/mended-line.js'
import type { Visibility } from '../../log/visibility.js'
import { visibilityIn } from '../log/catch-up.js'
import type { SessionLog } from '../log/session-log.js'
import { putInPlace } from './rewrite.js'
import { checkVersion } from './transaction.js'

/** Gives the text of a line, without its line feed, another form; the same text where there is nothing to replace. */
export interface Replacing {
  replaced(text: string): string
  /** True for a text in which something to replace stands, such as a key or an id, which cannot be. */
  isIn(text: string): boolean
}

export interface RedactedLog {
  /** Lines that were changed. */
  lines: number
  /** Lines in which it still stands, in what names sessions, lines or values, or in a number. */
  left: number
}

interface NewLines extends RedactedLog {
  parts: Part[]
  size: number
}

/** How often it starts over when the log changes meanwhile. */
const MAX_ATTEMPTS = 20

/** Undefined where there is no session. */
export async function redactLog(
  log: SessionLog,
  replacing: Replacing,
  dryRun: boolean,
): Promise<RedactedLog | undefined> {
  log.context.checkOpen()
  if (dryRun) return log.using(async (reader) => counts(await newLines(reader, replacing)))
  return log.holdExisting(async () => {
    const state = await log.forWriting()
    if (state !== undefined) checkVersion(state.summary, log.file.path)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const outcome = await log.using(async (reader) => {
        const made = await newLines(reader, replacing)
        if (made.lines === 0) return made
        return (await putInPlace(log, reader, { ...made, attempt })) === 'replaced' ? 'replaced' : made
      })
      if (outcome !== 'replaced') return outcome && counts(outcome)
    }
    throw logBusy(log.key, log.file.path)
  })
}

function counts({ lines, left }: RedactedLog): RedactedLog {
  return { lines, left }
}

/** The parts of the new log: what is not changed stays byte for byte, but for ids and times that depend on the place. */
async function newLines(reader: LogReader, replacing: Replacing): Promise<NewLines> {
  const made: NewLines = { parts: [], lines: 0, left: 0, size: reader.size }
  const visibility = await visibilityIn(reader)
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      // half of a write: it is copied late
      if (piece.kind === 'torn') made.size = piece.offset
      else add(made, reader, piece, replacing, visibility)
    }
  }
  return made
}

function add(made: NewLines, reader: LogReader, piece: Piece, replacing: Replacing, visibility: Visibility): void {
  const raw = readSync(reader.fd, piece.offset, piece.end - piece.offset)
  const text = raw.toString().replace(/\r?\n$/, '')
  const now = replacing.replaced(text)
  if (replacing.isIn(now)) made.left++
  const fields: JsonObject = isLine(piece) ? standIns(piece, visibility, reader.fileTime) : {}
  if (now === text && Object.keys(fields).length === 0) {
    made.parts.push({ offset: piece.offset, end: piece.end })
    return
  }
  if (now !== text) made.lines++
  const whole = isLine(piece) && Object.keys(fields).length > 0 ? withFields(now, piece, fields) : now
  made.parts.push(Buffer.from(`${whole}\n`))
}
