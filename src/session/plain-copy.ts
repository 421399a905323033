/** Copying a plain log without reading its lines: it is enough to find the labels among them. */

import type { Json } from '../base/json.js'
import type { LogReader } from '../disk/log-reader.js'
import type { Part } from '../disk/range-copier.js'
import type { Summary } from '../log/fold.js'
import type { Line, Range } from '../log/line.js'
import { isPlain, LABELS_BEGIN } from '../log/plain.js'
import { carriedActivity, NOTHING_KNOWN } from '../log/visibility.js'
import { lastStateIn } from '../log/whole-session.js'
import type { Known } from './catch-up.js'

/** Labels are most often set last or first: so much of the end is searched before the rest is. */
const TAIL_BYTES = 256 * 1024

export interface PlainCopy {
  /** All but header and labels. */
  parts: Part[]
  state: Json
  /** Id of the first message or compaction. */
  firstId: string
  /** What the source says; null when that is not enough to tell what the copy says. */
  summary: Summary | null
}

/** How a log is copied of which all is known; undefined when its lines must be read for it. */
export async function plainCopyOf(reader: LogReader, known: Known): Promise<PlainCopy | undefined> {
  const { summary, open, torn } = known
  if (open || torn !== null || summary.bytes !== reader.size || !isPlain(summary)) return undefined
  const start = await startOf(reader)
  if (start === undefined) return undefined
  const labels = await labelsIn(reader, summary.metas)
  if (labels === undefined) return undefined
  const parts: Part[] = []
  let position = start.offset
  for (const { offset, end } of labels.lines) {
    if (offset > position) parts.push({ offset: position, end: offset })
    position = end
  }
  if (position < reader.size) parts.push({ offset: position, end: reader.size })
  return { parts, firstId: start.id, state: labels.state, summary: labels.carry ? null : summary }
}

/** Where the header ends, and the first id behind it that is copied; undefined when there is no such thing. */
async function startOf(reader: LogReader): Promise<{ offset: number; id: string } | undefined> {
  let offset: number | undefined
  for await (const pieces of reader.blocks()) {
    if (offset === undefined && pieces[0]?.kind !== 'session') return undefined
    offset ??= pieces[0]?.end as number
    const first = pieces.find((piece): piece is Line => piece.kind === 'message' || piece.kind === 'compaction')
    if (first !== undefined) return { offset, id: first.id }
  }
  return undefined
}

interface Labels {
  /** Where they stand, rising. */
  lines: Range[]
  state: Json
  /** One of them carries an activity over. */
  carry: boolean
}

/** Finds so many lines of labels; undefined when there are others, or they are not spelled as this library does. */
async function labelsIn(reader: LogReader, count: number): Promise<Labels | undefined> {
  const lines: Range[] = []
  let stated: { offset: number; state: Json } | undefined
  let carry = false
  const tail = Math.max(0, reader.size - TAIL_BYTES)
  const stretches = [
    { offset: tail, end: reader.size },
    { offset: 0, end: tail },
  ]
  for (const stretch of stretches) {
    if (lines.length === count) break
    for await (const pieces of reader.linesBeginning(LABELS_BEGIN, stretch)) {
      if (pieces.some(({ kind }) => kind !== 'meta')) return undefined
      for (const line of pieces as Line[]) {
        lines.push({ offset: line.offset, end: line.end })
        carry ||= carriedActivity(line) !== undefined
        const state = lastStateIn([line], NOTHING_KNOWN)
        if (state !== undefined && line.offset >= (stated?.offset ?? 0)) stated = { offset: line.offset, state }
      }
      if (lines.length >= count) break
    }
  }
  if (lines.length !== count) return undefined
  return { lines: lines.sort((a, b) => a.offset - b.offset), state: stated?.state ?? null, carry }
}
