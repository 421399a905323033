/** Orderly logs: ids and times rise, and of all lines but messages it is known how many there are. */
import { type Summary, totalUsage } from './fold.js'
import { isLine, type Line, type Piece } from './line.js'
import { parseLines } from './parse.js'

const LF = 0x0a
/** What stands around the id of a message that this library wrote: at the end of its line, or at its start before. */
const BEFORE_LAST = ',"id":"'
const BEHIND_LAST = '"}\n'
const BEFORE_FIRST = '{"id":"'
const ID_LENGTH = 36
const LAST_LENGTH = BEFORE_LAST.length + ID_LENGTH + BEHIND_LAST.length
const QUOTE = 0x22

/**
 * True for a log of which a rewrite need read only the lines that it touches: nothing stands in it twice or must be
 * written in, what is irregular in it may be `remove` lines alone, and the last of its messages is the latest.
 */
export function isOrderly(summary: Summary): boolean {
  const { header, orderedFrom, bareFrom, undated, unsorted, damaged, values } = summary
  const isRising = orderedFrom === 0 && bareFrom === 0 && !undated && !unsorted
  return isRising && damaged === 0 && values === 0 && header !== null && header.at !== null && isExact(summary)
}

/** False when a sum is so great that nothing can be taken away from it. */
function isExact(summary: Summary): boolean {
  const sums = [...totalUsage(summary).values()].flatMap((usage) => Object.values(usage))
  return sums.every((sum) => sum < Number.MAX_SAFE_INTEGER)
}

/** Its lines that are no messages, if these are all of them; undefined when there are others. */
export function typedOf(pieces: readonly Piece[], { metas, compactions, irregular }: Summary): Line[] | undefined {
  const lines = pieces.filter(isLine).filter(({ kind }) => kind !== 'message')
  const count = (wanted: string) => lines.filter(({ kind }) => kind === wanted).length
  const isAll =
    count('meta') === metas &&
    count('compaction') === compactions &&
    count('remove') === irregular &&
    lines.length === metas + compactions + irregular
  return isAll ? lines : undefined
}

/**
 * Of whole lines whose ids rise, those of the ids `wanted`, which rise as well, from the one of this number on; where
 * there is no such line, the one behind its place. Others are not read beyond their id.
 */
export function cutByIds(bytes: Buffer, base: number, wanted: readonly string[], first: number): Piece[] {
  const pieces: Piece[] = []
  let next = first
  /** Where the lines begin that are wanted one after another. */
  let run = -1
  const endRun = (end: number) => {
    if (run !== -1) for (const piece of parseLines(bytes.subarray(run, end), base + run)) pieces.push(piece)
    run = -1
  }
  let start = 0
  while (start < bytes.length && next < wanted.length) {
    const feed = bytes.indexOf(LF, start)
    const end = feed === -1 ? bytes.length : feed + 1
    const id = idOf(bytes, start, end)
    if (id < (wanted[next] as string)) endRun(start)
    else if (run === -1) run = start
    while (next < wanted.length && id >= (wanted[next] as string)) next++
    start = end
  }
  endRun(start)
  return pieces
}

/** Both spellings are what they seem: the quotes inside a string are escaped, and of two ids the last one counts. */
function idOf(bytes: Buffer, start: number, end: number): string {
  const last = bytes.toString('latin1', Math.max(start, end - LAST_LENGTH), end)
  if (last.startsWith(BEFORE_LAST) && last.endsWith(BEHIND_LAST)) {
    const id = last.slice(BEFORE_LAST.length, -BEHIND_LAST.length)
    if (!id.includes('"')) return id
  }
  const stop = start + BEFORE_FIRST.length + ID_LENGTH
  const first = bytes.toString('latin1', start, stop)
  if (first.startsWith(BEFORE_FIRST) && bytes[stop] === QUOTE) return first.slice(BEFORE_FIRST.length)
  const [piece] = parseLines(bytes.subarray(start, end))
  return piece !== undefined && isLine(piece) ? piece.id : ''
}
