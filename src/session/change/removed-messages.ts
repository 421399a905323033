/** Messages that were taken back and whose text is still in the log. */

import { messageNotFound, notFound } from '../../base/errors.js'
import { inSteps } from '../../base/event-loop.js'
import type { Json, JsonObject } from '../../base/json.js'
import { LargeMap } from '../../base/large-map.js'
import { readSync } from '../../disk/files.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import { isLine, type Line, namedIds, type Piece } from '../../log/line.js'
import { againLine } from '../../log/rewrite/restored-line.js'
import { messageOf } from '../../log/views.js'
import { knownId, timeIn, type Visibility } from '../../log/visibility.js'
import { wholeOf } from '../log/catch-up.js'
import { MessageIds } from '../log/message-ids.js'
import type { Draft } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'

export interface RemovedMessage {
  /** The id of its line. */
  id: string
  /** When it was appended, ISO 8601 UTC. */
  at: string
  /** When it was removed, ISO 8601 UTC; null when the line that did it names no time. */
  removedAt: string | null
  /** As its writer gave it. */
  message: Json
}

/** In the order of the log; none when there is no session. */
export async function removedFrom(log: SessionLog): Promise<RemovedMessage[]> {
  const whole = await log.whole()
  if (whole === undefined) return []
  const { pieces, visibility, fileTime } = whole
  const times = await removalTimes(pieces)
  const removed: RemovedMessage[] = []
  for await (const step of inSteps(pieces)) {
    for (const line of removedLines(step, visibility)) {
      const id = knownId(line, visibility)
      const at = timeIn(line, visibility, fileTime)
      removed.push({ id, at, removedAt: times.get(id) ?? null, message: messageOf(line) })
    }
  }
  return removed
}

/**
 * Adds removed messages at the end once more, under new ids, which it returns. What was counted of them stays counted
 * where it was.
 * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_MESSAGE_NOT_FOUND for an id of which no removed message is left
 */
export async function restoreTo(log: SessionLog, ids: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const made = await log.transactExisting(async (summary) => {
    const found = summary && (await log.using((reader) => removedIn(reader, ids, log.key)))
    if (found === undefined) throw notFound(log.key)
    let after = summary?.maxId ?? ''
    const drafts = found.map(([line, raw]) => {
      after = log.context.clock.id(after)
      return againDraft(line, raw, after)
    })
    return { drafts, result: drafts.map(({ id }) => id) }
  }, signal)
  if (made === undefined) throw notFound(log.key)
  return made
}

/** The lines of these ids, each with its text. */
async function removedIn(reader: LogReader, ids: readonly string[], key: string): Promise<Array<[Line, string]>> {
  const { pieces, visibility } = await wholeOf(reader)
  const lines = new LargeMap<string, Line>()
  const named = new MessageIds(ids)
  for await (const step of inSteps(pieces)) {
    for (const line of removedLines(step, visibility)) {
      const id = knownId(line, visibility)
      lines.set(id, line)
      named.add(line, id)
    }
  }
  return ids.map((id) => {
    const line = lines.get(named.get(id) ?? id)
    if (line === undefined) throw messageNotFound(key, id)
    return [line, readSync(reader.fd, line.offset, line.end - line.offset).toString()]
  })
}

function againDraft(line: Line, raw: string, id: string): Draft & { id: string } {
  const { usage: _, received: __, answers: ___, ...facts } = line.value
  return { kind: 'message', id, value: facts as JsonObject, text: (stamp) => againLine(raw, line, stamp) }
}

function removedLines(pieces: readonly Piece[], visibility: Visibility): Line[] {
  return pieces.filter(
    (piece): piece is Line =>
      piece.kind === 'message' &&
      visibility.copies.get(piece.offset) !== 'duplicate' &&
      visibility.removed.has(knownId(piece, visibility)),
  )
}

async function removalTimes(pieces: readonly Piece[]): Promise<LargeMap<string, string>> {
  const times = new LargeMap<string, string>()
  for await (const step of inSteps(pieces)) {
    for (const piece of step) {
      if (!isLine(piece) || piece.kind !== 'remove' || piece.at === undefined) continue
      for await (const ids of inSteps(namedIds(piece)))
        for (const id of ids) if (!times.has(id)) times.set(id, piece.at)
    }
  }
  return times
}
