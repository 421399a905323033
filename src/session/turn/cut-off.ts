/** The record in the log of a turn whose process died. */
import { isObject } from '../../base/json.js'
import type { SidecarCache } from '../../disk/sidecar/sidecar-cache.js'
import type { Summary } from '../../log/fold.js'
import { type Draft, metaDraft } from '../log/pending-line.js'
import { partialDraft } from './turn.js'

export interface CutOffTurn {
  turnId: string | null
  /** When it began, ISO 8601 UTC. */
  since: string
  reason: string
  /** Ids of the messages that it was to answer. */
  ids: readonly string[]
  /** The text that it had streamed. */
  text: string | undefined
}

/** A note behind the text of the answer so far; nothing where another process has noted it before. */
export function cutOffDrafts(summary: Summary, { turnId, since, reason, ids, text }: CutOffTurn): Draft[] {
  const former = summary.labels.interrupted
  if (isObject(former) && former.turnId === turnId && former.since === since) return []
  const attempts = ids.length === 0 ? {} : { ids: [...ids], attempts: attemptsAt(summary, ids[0]) + 1 }
  const note = metaDraft({ interrupted: { turnId, since, reason, ...attempts } })
  return text === undefined ? [note] : [partialDraft(text), note]
}

/** How often a turn that was to answer this message first was cut off. */
export function attemptsAt({ labels }: Summary, id: string | undefined): number {
  const { interrupted } = labels
  if (id === undefined || !isObject(interrupted)) return 0
  const { ids, attempts } = interrupted
  return Array.isArray(ids) && ids[0] === id && typeof attempts === 'number' ? attempts : 0
}

/** The text that a turn had streamed, as far as the sidecar has it. */
export function draftOf({ sidecar }: { sidecar: SidecarCache }, turnId: string | null): string | undefined {
  const run = sidecar.claim()?.run
  return run?.turnId === turnId ? run?.draft : undefined
}
