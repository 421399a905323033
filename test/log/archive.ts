import type { Line, Piece } from '../../src/log/line.js'
import { type ActiveSummary, summaryOf } from '../../src/log/views.js'
import { isLive, knownId, reachOver, type Survey } from '../../src/log/visibility.js'

/** The summary in force, and the ids of the live messages that compactions archived. */
export interface Archive {
  summary: ActiveSummary | null
  archived: ReadonlySet<string>
}

export function archiveOf(pieces: readonly Piece[], survey: Survey, fileTime: string): Archive {
  const covered = pieces.filter(
    (piece): piece is Line =>
      piece.kind === 'message' && isLive(piece, survey) && reachOver(piece, survey) !== undefined,
  )
  return {
    summary: summaryOf(pieces, survey, fileTime),
    archived: new Set(covered.map((line) => knownId(line, survey))),
  }
}
