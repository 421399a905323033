/** What `meta` lines set: labels, metadata and a state. */
import { isObject, type Json, type JsonObject, jsonEqual } from '../base/json.js'
import type { Summary } from './fold.js'
import type { Line, Piece } from './line.js'
import { sumOf, totalUsage } from './usage.js'
import { isLive, type Visibility } from './visibility.js'

/** The state that was set last, or null. */
export function stateOf(pieces: readonly Piece[], visibility: Visibility): Json {
  return lastStateIn(pieces, visibility) ?? null
}

/** The state that was set last in a part of a log; undefined when none was set there. */
export function lastStateIn(pieces: readonly Piece[], visibility: Visibility): Json | undefined {
  const last = pieces.findLast((piece) => piece.kind === 'meta' && 'state' in setOf(piece) && isLive(piece, visibility))
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
    tags: Array.isArray(tags) ? [...new Set(tags.filter((tag): tag is string => typeof tag === 'string'))] : [],
    agent: typeof agent === 'string' ? agent : '',
    turnCount: typeof turnCount === 'number' ? turnCount : null,
    totalTokens: typeof totalTokens === 'number' ? totalTokens : null,
  }
}

/** The labels, with counts of the log in place of counters that were never set. */
export function shownLabels(summary: Summary) {
  const labels = labelsOf(summary)
  const { promptTokens, completionTokens } = sumOf(totalUsage(summary))
  return {
    ...labels,
    turnCount: labels.turnCount ?? summary.messages + summary.roleless,
    totalTokens: labels.totalTokens ?? promptTokens + completionTokens,
  }
}

/** A text that was set under a key, or null. */
export function metadataOf({ labels }: Pick<Summary, 'labels'>, key: string): string | null {
  const { metadata } = labels
  const value = isObject(metadata) && Object.hasOwn(metadata, key) ? metadata[key] : null
  return typeof value === 'string' ? value : null
}

/** What was set under keys; null counts as not set. */
export function allMetadataOf({ labels }: Pick<Summary, 'labels'>): Record<string, Json> {
  const { metadata } = labels
  return isObject(metadata) ? Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null)) : {}
}

/** The changes that make the labels those given. */
export function labelChanges(given: JsonObject, stored: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(given).filter(([key, value]) => !jsonEqual(stored[key], value)))
}
