import type { Listing } from '../disk/listing.js'
import type { Layout } from '../disk/names.js'
import type { Clock } from './clock.js'
import type { RecentWrites } from './lost-writes.js'
import type { Settings } from './options.js'
import type { SessionLog } from './session-log.js'

/** What all sessions of one store share. */
export interface StoreContext {
  layout: Layout
  listing: Listing
  clock: Clock
  settings: Settings
  writes: RecentWrites
  /** @throws SessionError ERR_CLOSED */
  checkOpen(): void
  /** The sidecar of this log is behind. */
  noteBehind(log: SessionLog): void
  /** The sidecar of this log says all that the log does. */
  noteCaughtUp(log: SessionLog): void
  /** A write waits for the next sync of `everysec`. */
  noteUnsynced(log: SessionLog): void
}
