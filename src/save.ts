/** Making a session exactly what a caller has, at the cost of what is new. */
import { type Draft, messageDraft, metaDraft, removeDraft, valueDraft } from './draft.js'
import { isObject, type Json, type JsonObject } from './json.js'
import { foldAll } from './log/fold.js'
import { messageText } from './log/format.js'
import { commonPrefix, idsToRemove, labelChanges, labelsOf, messageLines, stateOf } from './log/whole-session.js'
import type { SessionLog, WholeLog } from './session-log.js'

/** The last time that a Date can hold. */
const LAST_MS = 8.64e15

export interface Snapshot {
  messages: Json[]
  labels: { name: string | null; tags: string[]; agent: string; turnCount: number; totalTokens: number }
  state: Json
  /** For a new session, Unix seconds; 0: now. */
  createdAt: number
}

/** Creates the session, or adds, removes and sets what makes it equal to the snapshot: all in one write. */
export async function saveLog(log: SessionLog, snapshot: Snapshot): Promise<void> {
  await log.transact(async (summary) => {
    const whole = summary === undefined ? undefined : await log.whole()
    return { drafts: whole === undefined ? firstDrafts(snapshot) : changes(whole, snapshot), result: undefined }
  })
}

function firstDrafts({ messages, labels, state, createdAt }: Snapshot): Draft[] {
  const set: JsonObject = { ...labels }
  if (state !== null) set.state = state
  if (createdAt > 0) set.createdAt = new Date(Math.min(createdAt * 1000, LAST_MS)).toISOString()
  return [...messages.map(draftOf), metaDraft(set)]
}

function changes({ pieces, survey }: WholeLog, { messages, labels, state }: Snapshot): Draft[] {
  const stored = messageLines(pieces, survey)
  const same = commonPrefix(stored, messages)
  const added = messages.slice(same).map(draftOf)
  const gone = idsToRemove(stored.slice(same), pieces, survey)
  const set = labelChanges(
    { ...labels, state },
    { ...labelsOf(foldAll(pieces, survey)), state: stateOf(pieces, survey) },
  )
  const drafts = [...added, ...(gone.length > 0 ? [removeDraft(gone)] : [])]
  // a save counts as a change even when nothing is different
  return drafts.length > 0 && Object.keys(set).length === 0 ? drafts : [...drafts, metaDraft(set)]
}

/** Messages with a role are lines that every contract reads; other values are this contract's alone. */
function draftOf(message: Json): Draft {
  return isObject(message) && typeof message.role === 'string'
    ? messageDraft(messageText(message))
    : valueDraft(message)
}
