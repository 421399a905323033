/** Finds what is wrong with one log, by line and byte. */

import { GraphCollector, type GraphDamage } from '../log/graph/graph.js'
import { LastLines } from '../log/last-lines.js'
import { isLine, type Piece } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { isLive } from '../log/visibility.js'
import { visibilityIn } from './log/catch-up.js'
import type { SessionLog } from './log/session-log.js'
import type { DamageReport } from './reports.js'

export interface CheckReport extends DamageReport {
  bytes: number
  lines: number
  /** Live messages. */
  messages: number
  /** Names that hold a value, expired or not. */
  values: number
  /** An unfinished last line, as a crash leaves it; readers ignore it. */
  torn: { offset: number; length: number } | null
  /** Lines that repeat an earlier one. */
  duplicates: number
  /** Ids of two lines with different content; both count. */
  contradictions: string[]
  /** Revisions of the graph that occur twice, after a merge; all their nodes count. */
  divergences: number[]
  /** Why the graph cannot be read; null if it can. */
  graph: GraphDamage | null
}

export async function checkLog(log: SessionLog): Promise<CheckReport | null> {
  const file = log.file.path
  const report = await log.using(async (reader) => {
    const visibility = await visibilityIn(reader)
    const report: CheckReport = {
      ...{ key: log.key, file, bytes: reader.size, lines: 0, messages: 0, values: 0 },
      ...{ damage: [], torn: null, duplicates: 0, contradictions: [], divergences: [], graph: null },
    }
    const collector = new GraphCollector()
    const lastLines = new LastLines()
    for await (const pieces of reader.blocks()) {
      report.damage.push(...damageIn(pieces, report.lines))
      for (const piece of pieces) {
        if (piece.kind === 'torn') report.torn = { offset: piece.offset, length: piece.end - piece.offset }
        else report.lines++
        collector.add(piece)
        if (!isLine(piece)) continue
        const copy = visibility.copies.get(piece.offset)
        if (copy === 'duplicate') report.duplicates++
        else lastLines.addNext(piece)
        if (copy === 'contradiction') report.contradictions.push(piece.id)
        if (isChat(piece) && isLive(piece, visibility)) report.messages++
      }
    }
    const { divergences, damage } = collector.graph()
    const values = [...lastLines.values.values()].filter(({ expires }) => expires !== Number.NEGATIVE_INFINITY).length
    return { ...report, values, divergences: [...divergences], graph: damage }
  })
  return report ?? null
}

function damageIn(pieces: readonly Piece[], linesBefore: number): DamageReport['damage'] {
  const damage: DamageReport['damage'] = []
  let line = linesBefore
  for (const piece of pieces) {
    line++
    if (piece.kind !== 'damage') continue
    const { offset, end, reason } = piece
    damage.push({ line, offset, length: end - offset, reason })
  }
  return damage
}
