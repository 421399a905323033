/** Orderly logs: ids and times rise, and of all lines but messages it is known how many there are. */
import { type Summary, totalUsage } from './fold.js'
import { isLine, type Line, type Piece } from './line.js'
import { parseLines } from './parse.js'

const LF = 0x0a
/** What a message begins with as this library writes it. */
const BEGIN = '{"id":"'
const ID_LENGTH = 36
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

function idOf(bytes: Buffer, start: number, end: number): string {
  const stop = start + BEGIN.length + ID_LENGTH
  const text = bytes.toString('latin1', start, stop)
  if (text.startsWith(BEGIN) && bytes[stop] === QUOTE) return text.slice(BEGIN.length)
  const [piece] = parseLines(bytes.subarray(start, end))
  return piece !== undefined && isLine(piece) ? piece.id : ''
}
