/** Planning a rewrite by reading only the lines that it touches, where enough is known of the log for that. */

import type { LogReader } from '../disk/log-reader.js'
import type { Summary } from '../log/fold.js'
import { isLine, type Line, namedIds, type Piece } from '../log/line.js'
import { cutByIds, isOrderly, typedOf } from '../log/orderly.js'
import { isChat } from '../log/parse.js'
import { RewritePlanner } from '../log/rewrite.js'
import { NOTHING_KNOWN, type Reach, type Survey } from '../log/visibility.js'
import { finishSurvey, type Known, readOnce } from './catch-up.js'
import { type Plan, planRewrite, purgesOf, type Selection } from './rewrite-plan.js'

/** What a line of a type begins with as this library writes it, with the end of the line before. */
const TYPED_BEGIN = Buffer.from('\n{"type":"')
/** So much of the end is searched for such lines first. */
const TAIL_BYTES = 256 * 1024
/** From here on, going through the lines finds one sooner than another step of the search does. */
const NEAR_BYTES = 64 * 1024

/** As `planRewrite`, reading no more than it takes; `known` is what is known of the log that `reader` reads. */
export async function planLeast(reader: LogReader, known: Known | undefined, selection: Selection): Promise<Plan> {
  const { keepsAll, purges, takes, changes, visit } = selection
  // who looks at lines for a reason of his own must see them
  if (keepsAll || purges || takes || changes || visit) return planRewrite(reader, selection)
  if (known !== undefined) return (await planTouched(reader, known, selection)) ?? planRewrite(reader, selection)
  const first = await readOnce(reader)
  const plan = await planTouched(reader, first.known, selection)
  // this does not tell how many messages count
  if (plan !== undefined) return { ...plan, after: () => undefined }
  return planRewrite(reader, selection, await finishSurvey(reader, first.surveyor))
}

/** Undefined when only a reading of the whole log can tell. */
export async function planTouched(reader: LogReader, known: Known, selection: Selection): Promise<Plan | undefined> {
  const { summary, open, torn, partial } = known
  if (partial || open || torn !== null || summary.bytes !== reader.size || !isOrderly(summary)) return undefined
  const { purgesArchived } = selection
  const mayTouch = summary.irregular > 0 || (purgesArchived && summary.compactions > 0)
  if (!mayTouch) return { reader, survey: NOTHING_KNOWN, plan: null, summary, purged: 0, open: false }
  const typed = await typedLines(reader, summary)
  const header = reader.lineFrom(0)
  if (typed === undefined || header?.kind !== 'session') return undefined
  const removed = new Set(typed.filter(({ kind }) => kind === 'remove').flatMap(namedIds))
  const compactions = typed.filter(({ kind, id }) => kind === 'compaction' && !removed.has(id))
  // such a `through` moves to a message that is not among the lines that are read
  if (!purgesArchived && compactions.some(({ value }) => removed.has(value.through as string))) return undefined
  const archive = purgesArchived ? await archiveOf(reader, compactions) : NO_ARCHIVE
  if (archive === undefined) return undefined

  const survey: Survey = { ...NOTHING_KNOWN, removed, reaches: archive.reaches }
  const choice = purgesOf(selection, survey, reader.fileTime)
  const planner = new RewritePlanner(survey, reader.fileTime, choice, summary)
  const add = (piece: Piece) => planner.add(piece)
  for await (const pieces of reader.blocks(0, archive.end)) pieces.forEach(add)
  if (archive.end === 0) add(header)
  for (const line of typed) if (line.offset >= archive.end) add(line)
  const gone = [...removed].filter((id) => id > archive.lastId).sort()
  if (!(await eachLine(reader, gone, archive.end, add))) return undefined
  const last = lastLeft(reader, removed, archive.end)
  if (last !== undefined) add(last)
  const plan = planner.plan()
  const after = (carry: Line) => planner.summaryAfter(carry)
  return { reader, survey, plan, summary, purged: planner.purged, open: false, after }
}

/** All lines but messages, and some of these; undefined when they are not what is known of them. */
async function typedLines(reader: LogReader, summary: Summary): Promise<Line[] | undefined> {
  let found: Piece[] = []
  let lines = typedOf(found, summary)
  for (let end = reader.size, step = TAIL_BYTES; end > 0 && lines === undefined; step *= 4) {
    const start = Math.max(0, end - step)
    const here: Piece[] = []
    for await (const pieces of reader.linesBeginning(TYPED_BEGIN, { offset: start, end })) here.push(...pieces)
    found = [...here.filter(({ kind }) => kind !== 'message'), ...found]
    lines = typedOf(found, summary)
    end = start
  }
  return lines
}

interface Archive {
  reaches: Reach[]
  /** Where the last archived message ends. */
  end: number
  lastId: string
}

const NO_ARCHIVE: Archive = { reaches: [], end: 0, lastId: '' }

/** How far the compactions in force reach; undefined when one names a message that is not there. */
async function archiveOf(reader: LogReader, compactions: readonly Line[]): Promise<Archive | undefined> {
  const throughs = compactions.map(({ value }) => value.through).filter((id) => typeof id === 'string')
  const messages = new Map<string, Piece>()
  const isThere = await eachLine(reader, [...new Set(throughs)].sort(), 0, (line) => {
    if (line.kind === 'message') messages.set(line.id, line)
  })
  if (!isThere) return undefined
  const archive = { ...NO_ARCHIVE, reaches: [] as Reach[] }
  for (const { value, at } of compactions) {
    const message = messages.get(value.through as string)
    if (message === undefined || message.end <= archive.end) continue
    archive.reaches.push({ upTo: message.offset, id: value.through as string, at })
    archive.end = message.end
    archive.lastId = value.through as string
  }
  return archive
}

/** Hands over the lines of these ids, which rise, from `from` on; false when one of them is not there. */
async function eachLine(
  reader: LogReader,
  ids: readonly string[],
  from: number,
  take: (line: Line) => void,
): Promise<boolean> {
  let next = 0
  let low = from
  while (next < ids.length) {
    const before = next
    const start = placeBefore(reader, ids[next] as string, low)
    for await (const pieces of reader.blocks(start, reader.size, (bytes, base) => cutByIds(bytes, base, ids, next))) {
      for (const piece of pieces) {
        if (!isLine(piece) || piece.id !== ids[next]) return false
        take(piece)
        low = piece.end
        next++
      }
      // the next one may be far away
      if (next === ids.length || (pieces.length === 0 && next > before)) break
    }
    if (next === before) return false
  }
  return true
}

/** The start of a line a little before the one of this id, in a log whose ids rise. */
function placeBefore(reader: LogReader, id: string, from: number): number {
  let low = from
  for (let high = reader.size; high - low > NEAR_BYTES; ) {
    const middle = Math.floor((low + high) / 2)
    const line = reader.lineFrom(middle)
    if (line === undefined || line.offset >= high) high = middle
    else if (isLine(line) && line.id < id) low = line.end
    else high = line.offset
  }
  return low
}

/** The last message that stays. */
function lastLeft(reader: LogReader, removed: ReadonlySet<string>, from: number): Line | undefined {
  for (const piece of reader.backwards()) {
    if (piece.offset < from) return undefined
    if (isLine(piece) && isChat(piece) && !removed.has(piece.id)) return piece
  }
  return undefined
}
