/** Planning a new file from the lines of a log, and its parts. */

import type { JsonObject } from '../../base/json.js'
import { readSync } from '../../disk/files.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Part } from '../../disk/log/range-copier.js'
import type { Summary } from '../../log/fold.js'
import type { LineChange } from '../../log/graph/vacuum.js'
import { isLine, type Line, type Piece } from '../../log/line.js'
import { parseLines } from '../../log/parse.js'
import { mendLine } from '../../log/rewrite/mended-line.js'
import { type Choice, type RewritePlan, RewritePlanner } from '../../log/rewrite/rewrite.js'
import { reachOver, type Visibility } from '../../log/visibility.js'
import { visibilityIn } from '../log/catch-up.js'
import type { Draft } from '../log/pending-line.js'

export type Purges = (line: Line, visibility: Visibility, fileTime: string) => boolean

/** Lines that go although they count, or that stay out for another reason. */
export interface Selection {
  /** Also where no line is one of a session. */
  force?: boolean
  /** All that goes is kept in quarantine, not only what cannot be read. */
  keepsAll?: boolean
  /** Live messages that go. */
  purges?: Purges
  /** True for archived live messages that go; called for no others. */
  purgesArchived?: Purges
  /** Lines that are taken over at all. */
  takes?: (line: Line) => boolean
  /** Gives lines another text. */
  changes?: LineChange
  /** What a message that gets another text says then. */
  facts?: (line: Line) => JsonObject | undefined
  /** Lines of other kinds that go although they count. */
  drops?: (line: Line) => boolean
  /** Only superseded lines that set names or labels go, and no other byte changes. */
  tidies?: boolean
  /** Lines that are added at the end. */
  adds?: readonly Draft[]
  /** By when expired values go, Unix milliseconds. */
  now?: number
  /** Gets to see all that is read. */
  visit?: (pieces: readonly Piece[], visibility: Visibility) => void
}

export interface Plan {
  reader: LogReader
  visibility: Visibility
  /** Null when there is nothing to take out. */
  plan: RewritePlan | null
  /** The state of the log before. */
  summary: Summary
  /** Ids of the messages that wait in the new log. */
  waiting: readonly string[]
  /** Messages that go because of `purges`. */
  purged: number
  /** The last line lacks its line feed. */
  open: boolean
  /**
   * The parts cover so many bytes: an unfinished last line may be half of a write, and is left to the copying of late
   * lines.
   */
  size: number
}

/** Reads the log twice or thrice; once where its visibility is given. */
export async function planRewrite(reader: LogReader, selection: Selection = {}, given?: Visibility): Promise<Plan> {
  const visibility = given ?? (await visibilityIn(reader))
  const { takes, changes, facts, drops, tidies, now, visit } = selection
  const planner = new RewritePlanner(visibility, reader.fileTime, {
    ...purgesOf(selection, visibility, reader.fileTime),
    ...(takes && { takes }),
    ...(changes && { changes }),
    ...(facts && { facts }),
    ...(drops && { drops }),
    ...(tidies && { tidies }),
    ...(now !== undefined && { now }),
  })
  let last: Piece | undefined
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) planner.add(piece)
    visit?.(pieces, visibility)
    last = pieces.at(-1) ?? last
  }
  const plan = planner.plan([takes, changes, selection.adds].some((given) => given !== undefined))
  const open = last !== undefined && isLine(last) && last.open
  const waiting = planner.waiting.map(({ id }) => id)
  const size = last?.kind === 'torn' ? last.offset : reader.size
  return { reader, visibility, plan, summary: planner.before, waiting, purged: planner.purged, open, size }
}

/** Which live messages go, for a planner that knows the visibility. */
function purgesOf(
  { purges, purgesArchived }: Selection,
  visibility: Visibility,
  fileTime: string,
): Pick<Choice, 'purges' | 'keepsAnswers'> {
  if (purges) return { purges: (line) => purges(line, visibility, fileTime) }
  if (purgesArchived)
    return {
      purges: (line) => reachOver(line, visibility) !== undefined && purgesArchived(line, visibility, fileTime),
      keepsAnswers: true,
    }
  return {}
}

/** The new file: ranges of the old one, and mended lines. */
export function* partsOf({ reader, visibility, plan, open, size }: Plan): Generator<Part> {
  let position = 0
  for (const { offset, end, action } of plan?.edits ?? []) {
    if (offset >= size) break
    if (offset > position) yield { offset: position, end: offset }
    if (action === 'mend') yield mended(reader, offset, end, visibility, plan as RewritePlan)
    position = end
  }
  if (position < size) {
    yield { offset: position, end: size }
    if (open) yield Buffer.from('\n')
  }
}

function mended(reader: LogReader, offset: number, end: number, visibility: Visibility, plan: RewritePlan): Buffer {
  const bytes = readSync(reader.fd, offset, end - offset)
  const [line] = parseLines(bytes, offset)
  if (line === undefined || !isLine(line))
    throw Object.assign(new Error('the log changed under the rewrite'), { code: 'EIO' })
  return Buffer.from(`${mendLine(bytes.toString(), line, plan, visibility, reader.fileTime)}\n`)
}
