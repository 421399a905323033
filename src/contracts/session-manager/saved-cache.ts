/** What sessions were when they were saved last, so that the next save need not read the log to find what is new. */

import { type Json, jsonEqual, makes, toJson } from '../../base/json.js'
import { type FileMark, sameMark } from '../../disk/log/file-mark.js'
import type { SessionLog } from '../../session/log/session-log.js'

/** So much of logs is kept in memory, bytes: the sessions that were saved last. */
const MAX_BYTES = 64 * 1024 * 1024
/** What a session takes beside its log. */
const EACH_BYTES = 4096

/** Messages as a caller gave them, in a form that no change of the caller's objects reaches. */
export interface Given {
  /** A list whose first `same` messages are the first ones given. Others may be added to it, none changes. */
  known: readonly Json[]
  same: number
  rest: readonly Json[]
}

interface Saved {
  /** The log as it was left: while it is the same, it holds this. */
  mark: FileMark
  messages: Json[]
  state: Json
}

/** A bounded cache of whole sessions. Its values are never changed. */
export class SavedSessions {
  readonly #sessions = new Map<SessionLog, Saved>()
  #bytes = 0

  /** What the log holds, if it is as it was left. */
  of(log: SessionLog, mark: FileMark | undefined): Saved | undefined {
    const saved = this.#sessions.get(log)
    return saved !== undefined && sameMark(saved.mark, mark) ? saved : undefined
  }

  set(log: SessionLog, mark: FileMark, messages: Json[], state: Json): void {
    this.delete(log)
    if (bytesOf(mark) > MAX_BYTES) return
    this.#sessions.set(log, { mark, messages, state })
    this.#bytes += bytesOf(mark)
    for (const [oldest] of this.#sessions) {
      if (this.#bytes <= MAX_BYTES) return
      this.delete(oldest)
    }
  }

  delete(log: SessionLog): void {
    const saved = this.#sessions.get(log)
    if (saved === undefined) return
    this.#sessions.delete(log)
    this.#bytes -= bytesOf(saved.mark)
  }

  /**
   * Takes the current messages: compares them with the ones that were saved last, and copies only the others. The
   * first `unchanged` are not compared.
   * @throws TypeError for what JSON cannot hold
   */
  take(log: SessionLog, messages: readonly unknown[], unchanged: number): Given {
    const known = this.#sessions.get(log)?.messages ?? []
    const most = Math.min(known.length, messages.length)
    let same = Math.min(unchanged, most)
    while (same < most && isMessage(messages[same], known[same] as Json)) same++
    return { known, same, rest: toJson(messages.slice(same)) as Json[] }
  }
}

function bytesOf({ size }: FileMark): number {
  return size + EACH_BYTES
}

function isMessage(given: unknown, known: Json): boolean {
  return makes(given, known) || jsonEqual(toJson(given), known)
}

/** How many messages of a list are the first ones given. */
export function commonStart({ known, same, rest }: Given, stored: readonly Json[]): number {
  const most = Math.min(stored.length, same + rest.length)
  let count = known === stored ? Math.min(same, most) : 0
  while (count < most && jsonEqual(stored[count], count < same ? known[count] : rest[count - same])) count++
  return count
}

export function isSame(given: Given, stored: readonly Json[]): boolean {
  return given.same + given.rest.length === stored.length && commonStart(given, stored) === stored.length
}
