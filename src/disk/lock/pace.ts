/** How quickly leases go from one process to another, on disks of this machine and on network drives. */

export interface Pace {
  /** A holder that others wait for gives the lease away after this time, ms. */
  slice: number
  /** Waiters try again after about this time, ms. */
  poll: number
  /**
   * A holder that gave its lease away lets each of the others have it for so long before it tries again, ms: less than
   * their slice, so that they see it wait before that is over.
   */
  yield: number
}

export const LOCAL_PACE: Pace = { slice: 30, poll: 3, yield: 20 }
/** A call takes ten times as long there. */
export const NETWORK_PACE: Pace = { slice: 300, poll: 25, yield: 100 }
