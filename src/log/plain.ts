/** Plain logs: header, then live messages, compactions and labels only. A copy takes over all but header and labels. */
import { copyOf, emptySummary, foldPiece, type Summary } from './fold.js'
import type { Line } from './line.js'
import { NOTHING_KNOWN } from './visibility.js'

/** What a `meta` line begins with as this library writes it, with the end of the line before. */
export const LABELS_BEGIN = Buffer.from('\n{"type":"meta",')

export function isPlain({ header, irregular, orderedFrom, bareFrom }: Summary): boolean {
  return header !== null && irregular === 0 && orderedFrom === 0 && bareFrom === 0
}

/**
 * What a copy of a plain log says that has another header and one line of labels at its end in place of those of the
 * source, which carried over no activity; undefined when only its lines can tell.
 */
export function summaryOfCopy(source: Summary, header: Line, firstId: string, labels: Line): Summary | undefined {
  const { lastAt } = source
  if (header.id >= firstId || (lastAt !== null && (labels.at === undefined || lastAt > labels.at))) return undefined
  const summary = emptySummary()
  foldPiece(summary, header, NOTHING_KNOWN)
  const { messages, values, compactions, archived, lastActivity, unsorted, maxId, usage } = copyOf(source)
  Object.assign(summary, { messages, values, compactions, archived, lastActivity, unsorted, maxId, usage })
  foldPiece(summary, labels, NOTHING_KNOWN)
  return summary
}
