/** What a writer decides on, and what the store adds to it. */

import { notFound, SessionError } from '../../base/errors.js'
import type { FileMark } from '../../disk/log/file-mark.js'
import type { LogEnd } from '../../disk/log/log-writer.js'
import { type Summary, timesOf } from '../../log/fold.js'
import { FORMAT_VERSION, type Line } from '../../log/line.js'
import { isoTime } from '../../log/parse.js'
import type { LogState } from '../log/log-state.js'
import { type Draft, headerDraft, type Lines, metaDraft } from '../log/pending-line.js'

/** The lines to add, and what the call returns then. */
export interface Decision<T> {
  drafts: Draft[]
  result: T
  /** Ids of the live messages that a `remove` draft takes away, if they all have a role, and none has `answers` or is archived. */
  removes?: ReadonlySet<string>
  /**
   * Decided on the whole log: where another line comes in between, the lines are taken back and it is decided again.
   */
  isStrict?: boolean
  /**
   * Called synchronously when the lines stand in the log, and nothing else was added to it: with the lines, and its
   * last bytes.
   */
  written?: (lines: readonly Line[], mark: FileMark, print: string) => void
}

/** Decides on the state of the log; undefined for a missing session, which drafts would create. */
export type Decide<T> = (
  summary: Summary | undefined,
  state: LogState | undefined,
) => Decision<T> | Promise<Decision<T>>

/** Adds lines independent of the state of the log; ERR_SESSION_NOT_FOUND where `create` forbids to make it. */
export function toAppend(key: string, drafts: Draft[], create: boolean): Decide<undefined> {
  return (summary) => {
    if (summary === undefined && !create) throw notFound(key)
    return { drafts, result: undefined }
  }
}

/** What was done: the ids of all lines that were added, and the result. */
export interface Written<T> {
  ids: string[]
  result: T
}

export function written<T>({ pieces }: Lines, result: T): Written<T> {
  return { ids: pieces.map(({ id }) => id), result }
}

/** @throws SessionError ERR_VERSION_UNSUPPORTED */
export function checkVersion({ version }: Pick<Summary, 'version'>, file: string): void {
  if (version <= FORMAT_VERSION) return
  throw new SessionError('ERR_VERSION_UNSUPPORTED', `the log is of format version ${version}, which can only be read`, {
    file,
    version,
    supported: FORMAT_VERSION,
  })
}

/** True for a log that does not contain its key, and whose name does not either: a list could not name the session. */
function lacksHeader({ summary, partial }: LogState, name: string, key: string): boolean {
  return summary.header === null && !partial && name !== key
}

/**
 * The drafts, behind what must be written before them: a header where one is lacking, and the times that are the
 * file's, which a change that is no message must not move. The same array where nothing is lacking.
 */
export function completed(drafts: Draft[], state: LogState, name: string, key: string): Draft[] {
  const header = lacksHeader(state, name, key) ? [headerDraft(key)] : []
  const times = drafts.some(({ kind }) => kind === 'message') ? [] : timesToCarry(state)
  return header.length + times.length === 0 ? drafts : [...header, ...times, ...drafts]
}

/** The times of a log in which messages name none, written down. */
function timesToCarry({ summary, mark }: LogState): Draft[] {
  if (!summary.undated) return []
  const { created, active } = timesOf(summary, isoTime(mark.mtimeMs))
  const isNamed = summary.header !== null || summary.firstAt !== null
  return [metaDraft(isNamed ? { lastActivity: active } : { createdAt: created, lastActivity: active })]
}

/** How lines are appended. */
export interface AppendHow {
  create?: boolean
  whileClosing?: boolean
  /** Ends the waiting for a lease that is needed before the write. */
  signal?: AbortSignal | undefined
}

/** What is still to be known when an append has ended. */
export interface Appending {
  end: LogEnd
  lines: Lines
  drafts: Draft[]
  create: boolean
}
