/** Making a session exactly what a caller has, at the cost of what is new. */

import { SessionError } from '../../base/errors.js'
import { isObject, type Json, type JsonObject, jsonEqual } from '../../base/json.js'
import type { Summary } from '../../log/fold.js'
import { labelChanges, labelsOf, shownLabels, stateOf } from '../../log/labels.js'
import type { Line } from '../../log/line.js'
import { messageText } from '../../log/serialize.js'
import { idsToRemove, messageLines, messageOf } from '../../log/views.js'
import type { WholeLog } from '../../log/visibility.js'
import type { Decide } from '../../session/change/transaction.js'
import { type Draft, messageDraft, metaDraft, removeDraft, rolelessDraft } from '../../session/log/pending-line.js'
import type { SessionLog } from '../../session/log/session-log.js'
import { commonStart, type Given, isSame, type SavedSessions } from './saved-cache.js'

/** The last time that a Date can hold. */
const LAST_MS = 8.64e15

export interface Snapshot {
  messages: Given
  labels: { name: string | null; tags: string[]; agent: string; turnCount: number; totalTokens: number }
  state: Json
}

export interface Save extends Snapshot {
  /** For a new session, Unix seconds; 0: now. */
  createdAt: number
  /** What the session must be before; null: it must not be there. */
  expected?: Snapshot | null | undefined
}

/** What the log holds. */
interface Stored {
  messages: Json[]
  state: Json
  /** The log, if it had to be read. */
  whole?: WholeLog
}

/**
 * Creates the session, or adds, removes and sets what makes it equal to the snapshot: all in one write. Reads the log
 * unless `saved` has its content.
 * @throws SessionError ERR_SESSION_CHANGED when it is not what is expected; nothing is written then
 */
export async function saveLog(log: SessionLog, save: Save, saved: SavedSessions): Promise<void> {
  const decide: Decide<undefined> = async (summary, state) => {
    const stored = summary && (saved.of(log, state?.mark) ?? (await read(log)))
    if (!isExpected(save.expected, stored, summary)) throw changed(log.key)
    const { drafts, messages } =
      summary === undefined || stored === undefined ? first(save) : await next(save, stored, summary, log)
    return {
      // what was given is redacted before it is compared
      drafts: drafts.map((draft) => ({ ...draft, isRedacted: true })),
      result: undefined,
      isStrict: true,
      written: (_, now) => saved.set(log, now, messages(), save.state),
    }
  }
  await log.transact(decide)
}

async function read(log: SessionLog): Promise<Stored | undefined> {
  const whole = await log.whole()
  if (whole === undefined) return undefined
  const { pieces, visibility } = whole
  return { messages: messageLines(pieces, visibility).map(messageOf), state: stateOf(pieces, visibility), whole }
}

function isExpected(expected: Save['expected'], stored: Stored | undefined, summary: Summary | undefined): boolean {
  if (expected === undefined) return true
  if (expected === null || stored === undefined || summary === undefined) return expected === null && !stored
  const { messages, labels, state } = expected
  return jsonEqual(labels, shownLabels(summary)) && jsonEqual(state, stored.state) && isSame(messages, stored.messages)
}

function changed(id: string): SessionError {
  return new SessionError('ERR_SESSION_CHANGED', 'the session is not what it was when it was resumed', { id })
}

/** The lines to write, and the messages that the session has then. */
interface Change {
  drafts: Draft[]
  messages: () => Json[]
}

function first({ messages, labels, state, createdAt }: Save): Change {
  const set: JsonObject = { ...labels }
  if (state !== null) set.state = state
  if (createdAt > 0) set.createdAt = new Date(Math.min(createdAt * 1000, LAST_MS)).toISOString()
  const all = [...messages.known.slice(0, messages.same), ...messages.rest]
  return { drafts: [...all.map(draftOf), metaDraft(set)], messages: () => all }
}

async function next({ messages, labels, state }: Snapshot, stored: Stored, summary: Summary, log: SessionLog) {
  const same = commonStart(messages, stored.messages)
  const added = messages.rest.slice(Math.max(0, same - messages.same))
  if (same < messages.same) added.unshift(...messages.known.slice(same, messages.same))
  const gone = same < stored.messages.length ? await idsFrom(same, stored, log) : []
  const set = labelChanges({ ...labels, state }, { ...labelsOf(summary), state: stored.state })
  const drafts = [...added.map(draftOf), ...(gone.length > 0 ? [removeDraft(gone)] : [])]
  // a save counts as a change even when nothing is different
  if (drafts.length === 0 || Object.keys(set).length > 0) drafts.push(metaDraft(set))
  return { drafts, messages: () => replaceFrom(same, stored.messages, added) }
}

/** In place where nothing goes: a long list is not copied for one more message. */
function replaceFrom(start: number, messages: Json[], added: readonly Json[]): Json[] {
  const kept = start === messages.length ? messages : messages.slice(0, start)
  for (const message of added) kept.push(message)
  return kept
}

async function idsFrom(start: number, { whole }: Stored, log: SessionLog): Promise<string[]> {
  const { pieces, visibility } = whole ?? ((await log.whole()) as WholeLog)
  const lines: Line[] = messageLines(pieces, visibility)
  return idsToRemove(lines.slice(start), pieces, visibility)
}

/** Messages with a role are lines that every contract reads; other values are this contract's alone. */
function draftOf(message: Json): Draft {
  return isMessage(message) ? messageDraft(messageText(message)) : rolelessDraft(message)
}

export function isMessage(value: Json): boolean {
  return isObject(value) && typeof value.role === 'string'
}
