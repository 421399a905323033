/** A session as `SessionManager` sees it: any JSON values as messages, labels and a state. */
import { isObject, type Json, type JsonObject, jsonEqual } from '../base/json.js'
import { type Summary, sumOf, totalUsage } from './fold.js'
import type { Line, Piece } from './line.js'
import { isChat } from './parse.js'
import { asGiven } from './views.js'
import { isLive, knownId, type Survey } from './visibility.js'

/** The live message lines in order, those of values without a role included. */
export function messageLines(pieces: readonly Piece[], survey: Survey): Line[] {
  return pieces.filter((piece): piece is Line => piece.kind === 'message' && isLive(piece, survey))
}

/** The message of a line, as its writer gave it. */
export function messageOf(line: Line): Json {
  return isChat(line) ? (asGiven(line) as Json) : (line.value.value as Json)
}

/** The state that was set last, or null. */
export function stateOf(pieces: readonly Piece[], survey: Survey): Json {
  return lastStateIn(pieces, survey) ?? null
}

/** The state that was set last in a part of a log; undefined when none was set there. */
export function lastStateIn(pieces: readonly Piece[], survey: Survey): Json | undefined {
  const last = pieces.findLast((piece) => piece.kind === 'meta' && 'state' in setOf(piece) && isLive(piece, survey))
  return last && (setOf(last as Line).state as Json)
}

function setOf({ value }: Line): JsonObject {
  return value.set as JsonObject
}

/** The labels of a session, where they have the kind that they should have. */
export type Labels = {
  name: string | null
  tags: string[]
  agent: string
  turnCount: number | null
  totalTokens: number | null
}

export function labelsOf({ labels }: Pick<Summary, 'labels'>): Labels {
  const { name, tags, agent, turnCount, totalTokens } = labels
  return {
    name: typeof name === 'string' ? name : null,
    tags: Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [],
    agent: typeof agent === 'string' ? agent : '',
    turnCount: typeof turnCount === 'number' ? turnCount : null,
    totalTokens: typeof totalTokens === 'number' ? totalTokens : null,
  }
}

/** The labels with what stands in for counters that were never set. */
export function shownLabels(summary: Summary) {
  const labels = labelsOf(summary)
  const { promptTokens, completionTokens } = sumOf(totalUsage(summary))
  return {
    ...labels,
    turnCount: labels.turnCount ?? summary.messages + summary.values,
    totalTokens: labels.totalTokens ?? promptTokens + completionTokens,
  }
}

/** A text that was set under a key, or null. */
export function metadataOf({ labels }: Pick<Summary, 'labels'>, key: string): string | null {
  const { metadata } = labels
  const value = isObject(metadata) && Object.hasOwn(metadata, key) ? metadata[key] : null
  return typeof value === 'string' ? value : null
}

/** Ids of the lines, and of the compactions in force that cover the first of them: a summary must not outlive its messages. */
export function idsToRemove(lines: readonly Line[], pieces: readonly Piece[], survey: Survey): string[] {
  const [first] = lines
  if (first === undefined) return []
  const places = new Map<string, number>()
  for (const piece of pieces) {
    if (piece.kind === 'message' && survey.copies.get(piece.offset) !== 'duplicate')
      places.set(knownId(piece, survey), piece.offset)
  }
  const covering = pieces.filter(
    (piece): piece is Line =>
      piece.kind === 'compaction' &&
      isLive(piece, survey) &&
      (places.get(piece.value.through as string) ?? -1) >= first.offset,
  )
  return [...lines, ...covering].map((line) => knownId(line, survey))
}

/** What must be set so that the labels are those given. */
export function labelChanges(given: JsonObject, stored: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(given).filter(([key, value]) => !jsonEqual(stored[key], value)))
}
