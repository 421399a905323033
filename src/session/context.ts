import type { Layout } from '../disk/layout.js'
import type { Leases } from '../disk/lock/leases.js'
import type { FdCache } from '../disk/log/fd-cache.js'
import type { FolderRuns } from '../disk/runs/folder-runs.js'
import type { StoreRoot } from '../disk/store-root.js'
import type { Clock } from './clock.js'
import type { DamageReports } from './damage.js'
import type { RecentWrites } from './log/recent-writes.js'
import type { Settings } from './options.js'

/** A log with work that is done later. */
export interface PendingLog {
  readonly key: string
  readonly name: string
  readonly file: { sync(): Promise<void> }
  readonly values: { isLookDue(): boolean }
  /** A turn of this instance runs in the session. */
  isRunning(): boolean
  writeSidecar(): Promise<void>
}

/** What all sessions of one store share. */
export interface StoreContext {
  layout: Layout
  leases: Leases
  fds: FdCache
  root: StoreRoot
  clock: Clock
  runs: FolderRuns
  settings: Settings
  damage: DamageReports
  writes: RecentWrites
  /** How to end each turn that runs in this store, when it closes. */
  turns: Set<() => Promise<void>>
  /** Appends take the lease: the file system is not known to be local, or the option demands it. */
  leasesAppends: boolean
  /** Other machines may write to the folder. */
  isNetwork: boolean
  /** @throws SessionError ERR_CLOSED, ERR_STORE_GONE */
  checkOpen(): void
  /** Looks at no file. @throws SessionError ERR_CLOSED */
  checkNotClosed(): void
  /** The sidecar of this log is behind. */
  noteBehind(log: PendingLog): void
  /** Reading this log took long: its sidecar is to spare the next process that. */
  noteRead(log: PendingLog): void
  /** The sidecar of this log is up to date. */
  noteCaughtUp(log: PendingLog): void
  /** There is no session of this log now: it was never made, or is gone. */
  noteAbsent(log: PendingLog): void
  /** Moves the session of this key to the trash; returns its id there, null when there is none. */
  trash(key: string, how: { force: boolean; signal: AbortSignal | undefined }): Promise<string | null>
  /** A write waits for the next sync of `everysec`. */
  noteUnsynced(log: PendingLog): void
}
