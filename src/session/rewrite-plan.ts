/** Planning a new file from the lines of a log, and its parts. */

import { readSync } from '../disk/files.js'
import type { LogReader } from '../disk/log-reader.js'
import type { Part } from '../disk/range-copier.js'
import type { Summary } from '../log/fold.js'
import type { LineChange } from '../log/graph/vacuum.js'
import { isLine, type Line, type Piece } from '../log/line.js'
import { parseLines } from '../log/parse.js'
import { type Choice, mendLine, type RewritePlan, RewritePlanner } from '../log/rewrite.js'
import { reachOver, type Survey } from '../log/visibility.js'
import { surveyLog } from './catch-up.js'

export type Purges = (line: Line, survey: Survey, fileTime: string) => boolean

/** Lines that go although they count, or that stay out for another reason. */
export interface Selection {
  /** All that goes is kept in quarantine, not only what cannot be read. */
  keepsAll?: boolean
  /** Live messages that go. */
  purges?: Purges
  /** Archived live messages that go; asked of no others. */
  purgesArchived?: Purges
  /** Lines that are taken over at all. */
  takes?: (line: Line) => boolean
  /** Gives lines of the graph another text. */
  changes?: LineChange
  /** Gets to see all that is read. */
  visit?: (pieces: readonly Piece[], survey: Survey) => void
}

export interface Plan {
  reader: LogReader
  survey: Survey
  /** Null when there is nothing to take out. */
  plan: RewritePlan | null
  /** What the log says before. */
  summary: Summary
  /** Ids of the messages that wait in the new log. */
  waiting: readonly string[]
  /** Messages that go because of `purges`. */
  purged: number
  /** The last line lacks its line feed. */
  open: boolean
  /** The parts cover so many bytes: an unfinished last line may be half of a write, and is left to the copying of late lines. */
  size: number
}

/** Reads the log twice or thrice; once where its survey is given. */
export async function planRewrite(reader: LogReader, selection: Selection = {}, surveyed?: Survey): Promise<Plan> {
  const survey = surveyed ?? (await surveyLog(reader))
  const { takes, changes, visit } = selection
  const planner = new RewritePlanner(survey, reader.fileTime, {
    ...purgesOf(selection, survey, reader.fileTime),
    ...(takes && { takes }),
    ...(changes && { changes }),
  })
  let last: Piece | undefined
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) planner.add(piece)
    visit?.(pieces, survey)
    last = pieces.at(-1) ?? last
  }
  const plan = planner.plan(takes !== undefined || changes !== undefined)
  const open = last !== undefined && isLine(last) && last.open
  const waiting = planner.waiting.map(({ id }) => id)
  const size = last?.kind === 'torn' ? last.offset : reader.size
  return { reader, survey, plan, summary: planner.before, waiting, purged: planner.purged, open, size }
}

/** Which live messages go, for a planner that knows the survey. */
function purgesOf({ purges, purgesArchived }: Selection, survey: Survey, fileTime: string): Pick<Choice, 'purges'> {
  if (purges) return { purges: (line) => purges(line, survey, fileTime) }
  if (purgesArchived)
    return {
      purges: (line) => reachOver(line, survey) !== undefined && purgesArchived(line, survey, fileTime),
    }
  return {}
}

/** The new file: stretches of the old one, and mended lines. */
export function* partsOf({ reader, survey, plan, open, size }: Plan): Generator<Part> {
  let position = 0
  for (const { offset, end, action } of plan?.edits ?? []) {
    if (offset >= size) break
    if (offset > position) yield { offset: position, end: offset }
    if (action === 'mend') yield mended(reader, offset, end, survey, plan as RewritePlan)
    position = end
  }
  if (position < size) {
    yield { offset: position, end: size }
    if (open) yield Buffer.from('\n')
  }
}

function mended(reader: LogReader, offset: number, end: number, survey: Survey, plan: RewritePlan): Buffer {
  const bytes = readSync(reader.fd, offset, end - offset)
  const [line] = parseLines(bytes, offset)
  if (line === undefined || !isLine(line))
    throw Object.assign(new Error('the log changed under the rewrite'), { code: 'EIO' })
  return Buffer.from(`${mendLine(bytes.toString(), line, plan, survey, reader.fileTime)}\n`)
}
