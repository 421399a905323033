/** The calls on one session in this process: one after another, in call order, with the session's lease or without. */
import { notALog } from '../../base/errors.js'
import { statFile } from '../../disk/files.js'
import type { Lease } from '../../disk/lock/lease.js'
import { linkHeld, unlinkHeld } from '../../disk/log/formers.js'
import type { StoreContext } from '../context.js'

export class SessionCalls {
  constructor(
    readonly key: string,
    readonly name: string,
    readonly context: StoreContext,
  ) {}

  #lease(): Lease {
    return this.context.leases.of(this.name, this.key)
  }

  /** Runs `work` behind earlier calls on the session, without a lease. */
  inTurn<T>(work: () => T | Promise<T>, signal?: AbortSignal): T | Promise<T> {
    return this.#lease().inTurn(work, signal)
  }

  /** Runs `work` under the lease, behind earlier calls. */
  hold<T>(
    work: () => T | Promise<T>,
    {
      timeout = this.context.settings.lockTimeout,
      signal,
    }: { timeout?: number; signal?: AbortSignal | undefined } = {},
  ): T | Promise<T> {
    return this.#lease().run(work, timeout, signal)
  }

  /** As `hold`, and no append is acknowledged meanwhile. */
  holdAgainstAppends<T>(work: () => Promise<T>): T | Promise<T> {
    const { layout } = this.context
    return this.hold(async () => {
      linkHeld(layout, this.name)
      try {
        return await work()
      } finally {
        unlinkHeld(layout, this.name)
      }
    })
  }

  /**
   * Runs `work` under the lease, in call order, if the session is there when its turn comes; undefined, and no lease is
   * taken, where it is not.
   */
  holdExisting<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T | undefined> | T | undefined {
    return this.inTurn(() => (this.exists() ? this.takeLease(signal).then(work) : undefined), signal)
  }

  /** For work that runs in turn. */
  takeLease(signal?: AbortSignal): Promise<void> {
    return this.#lease().take(this.context.settings.lockTimeout, signal)
  }

  /** Changes files in several steps, for work under the lease: what a failure leaves is finished before the next work. */
  moving<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      this.noteUnfinished()
      throw error
    }
  }

  /** Work under the lease failed halfway. */
  noteUnfinished(): void {
    this.#lease().noteUnfinished()
  }

  /** For long work: looks whether this process still has the lease. @throws SessionError ERR_LOCK_LOST */
  checkLease(): void {
    this.#lease().check()
  }

  /** True when the log is there. @throws SessionError ERR_CLOSED, ERR_STORE_GONE, ERR_NOT_A_LOG */
  exists(): boolean {
    this.context.checkOpen()
    const file = this.context.layout.log(this.name)
    const mark = statFile(file)
    if (mark === 'other') throw notALog(file)
    return mark !== undefined
  }
}
