/** What a store reports to its options' callbacks. */

import type { Liveness } from '../disk/process-identity.js'

/** Lines that a read could not use. */
export interface DamageReport {
  key: string
  file: string
  /** `line` counts from 1; `offset` and `length` are bytes. */
  damage: Array<{ line: number; offset: number; length: number; reason: string }>
}

/** Messages that this process wrote, and that the log lacks although no process is known to have removed them. */
export interface LostReport {
  key: string
  /** The log. */
  file: string
  /** Number of messages. */
  messages: number
  /** The file that holds the lines now; `session.merge(kept)` puts them back. */
  kept: string
}

/** The process that runs a turn. */
export interface RunOwner {
  host: string
  pid: number
  /** `unknown` for a process that cannot be seen from here: on another host or in another container. */
  liveness: Liveness
}

/** A run is over when its owner is dead, or cannot be seen and has fallen silent. */
export type CrashReason = 'owner-dead' | 'heartbeat-lost'

/** How a cut-off run is ended: state error, state idle with a note in the log, or state idle. */
export type RunEnd = 'error' | 'interrupt' | 'idle'

/** A run whose owner is gone. */
export interface CrashedRun {
  key: string
  turnId: string | null
  /** When the turn began. */
  since: Date
  owner: RunOwner
  reason: CrashReason
  /** The last message of the conversation is the user's. */
  unanswered: boolean
  /** Ids of tool calls that have no result. */
  openToolCalls: string[]
  /** How it was ended; null if it was not. */
  ended: RunEnd | null
}

/** What a crash left. */
export interface CrashLeft {
  runs: CrashedRun[]
  /** Paths of files that were removed, relative to the store. They are cleared away beside the first calls, and reported then. */
  swept: string[]
}
