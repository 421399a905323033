import type { Line, Piece } from '../../src/log/line.js'
import { type ActiveSummary, summaryOf } from '../../src/log/views.js'
import { isLive, knownId, reachOver, type Visibility } from '../../src/log/visibility.js'

/** The summary in force, and the ids of the live messages that compactions archived. */
export interface Archive {
  summary: ActiveSummary | null
  archived: ReadonlySet<string>
}

export function archiveOf(pieces: readonly Piece[], visibility: Visibility, fileTime: string): Archive {
  const covered = pieces.filter(
    (piece): piece is Line =>
      piece.kind === 'message' && isLive(piece, visibility) && reachOver(piece, visibility) !== undefined,
  )
  return {
    summary: summaryOf(pieces, visibility, fileTime),
    archived: new Set(covered.map((line) => knownId(line, visibility))),
  }
}
