/** What the parts of an open store share: lists, searches, runs, retention and checks work on it. */
import type { StoreContext } from '../session/context.js'
import type { SessionLog } from '../session/log/session-log.js'
import type { SessionIndex } from './session-index.js'

/** A part of a store that is made when it is first needed, and closed with the store. */
export interface StorePart {
  close(): Promise<void>
}

export interface StoreInternals {
  readonly context: StoreContext
  readonly index: SessionIndex
  log(key: string): SessionLog
  /** The part that `make` makes: the same object for the same function. */
  part<T extends StorePart>(make: (store: StoreInternals) => T): T
  /** Nothing is written in the background: no sweep at open, no caches on disk. */
  readonly readOnly: boolean
  /** Paths of what was removed at open, until a recovery has reported it. */
  readonly swept: string[]
}
