/** What a lease needs of others. */
import type { Layout } from '../layout.js'
import type { LockOwners } from './lock-owner.js'

/** What was written under a lease, and must be seen on other machines when they have it. */
export interface LeasedFile {
  /** Never rejects. */
  syncBeforeOthers(): Promise<void>
  /** The same at the exit of the process. */
  syncAtExit(): void
}

/** What a lease needs of its folder, and reports to it. */
export interface LeaseFolder<Lease> {
  readonly layout: Layout
  /** Other machines may take leases too. */
  readonly isNetwork: boolean
  readonly owners: LockOwners
  /** For which sessions how many processes wait. */
  waiters(): ReadonlyMap<string, number>
  noteHeld(name: string, lease: Lease): void
  noteReleased(name: string): void
  /** The lease is idle: it need not be kept. */
  drop(name: string, lease: Lease): void
}
