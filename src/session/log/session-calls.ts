/** The calls on one session in this process: one after another, in call order, with the session's lease or without. */
import { notALog } from '../../base/errors.js'
import { statFile } from '../../disk/files.js'
import { checkOnlyLog } from '../../disk/given-names.js'
import type { Lease } from '../../disk/lock/lease.js'
import { linkHeld, unlinkHeld } from '../../disk/log/formers.js'
import { untilNotStale } from '../../disk/log/late-data.js'
import type { StoreContext } from '../context.js'

export abstract class SessionCalls {
  /** Under which tenure of the lease the views in memory were made. */
  #tenure: object | undefined

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
    return this.#lease().run(this.context.isNetwork ? () => this.#lookAnew().then(work) : work, timeout, signal)
  }

  /** As `hold`, and no append is acknowledged meanwhile. */
  holdAgainstAppends<T>(work: () => Promise<T>, { signal }: { signal?: AbortSignal | undefined } = {}): T | Promise<T> {
    const { layout } = this.context
    const held = async () => {
      linkHeld(layout, this.name)
      try {
        return await work()
      } finally {
        unlinkHeld(layout, this.name)
      }
    }
    return this.hold(held, { signal })
  }

  /**
   * Runs `work` under the lease, in call order, if the session is there when its turn comes; undefined, and no lease is
   * taken, where it is not.
   */
  holdExisting<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T | undefined> | T | undefined {
    const takeAndRun = (isThere: boolean) => (isThere ? this.takeLease(signal).then(work) : undefined)
    if (!this.context.isNetwork) return this.inTurn(() => takeAndRun(this.exists()), signal)
    const file = this.context.layout.log(this.name)
    return this.inTurn(() => untilNotStale(file, () => this.exists()).then(takeAndRun), signal)
  }

  /** For work that runs in turn. */
  async takeLease(signal?: AbortSignal): Promise<void> {
    await this.#lease().take(this.context.settings.lockTimeout, signal)
    if (this.context.isNetwork) await this.#lookAnew()
  }

  /** Changes files in several steps, for work under the lease: what a failure leaves is finished before the next work. */
  async moving<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.noteUnfinished()
      throw error
    }
  }

  /** Work under the lease failed halfway. */
  noteUnfinished(): void {
    this.#lease().noteUnfinished()
  }

  /** Other machines may have changed the session since this one had the lease. */
  async #lookAnew(): Promise<void> {
    const lease = this.#lease()
    lease.noteWritten(this)
    if (lease.tenure === this.#tenure) return
    this.#tenure = lease.tenure
    this.dropViews()
    await this.waitForData()
  }

  /** Forgets all that is known of the session's files. */
  protected abstract dropViews(): void
  /** Resolves when the log has the bytes that its size promises. */
  protected abstract waitForData(): Promise<void>
  /** Makes other machines see what was written here. Never rejects. */
  abstract syncBeforeOthers(): Promise<void>
  /** The same at the exit of the process. */
  abstract syncAtExit(): void

  /** For long work: checks that this process still has the lease. @throws SessionError ERR_LOCK_LOST */
  checkLease(): void {
    this.#lease().check()
  }

  /** On a network drive, what was stopped before its write may have lost the lease. @throws SessionError ERR_LOCK_LOST */
  protected checkAfterWrite(): void {
    if (this.context.isNetwork) this.#lease().checkIfDue()
  }

  /** The folder is the one that was opened, and has one log of the key. @throws SessionError ERR_STORE_GONE, ERR_LOG_AMBIGUOUS */
  protected checkPlace(): void {
    this.context.root.check()
    this.checkOnlyLog()
  }

  /** @throws SessionError ERR_LOG_AMBIGUOUS where the key has another log under its other name */
  protected checkOnlyLog(): void {
    checkOnlyLog(this.context.layout, this.key, this.name)
  }

  /** True when the log is there. @throws SessionError ERR_CLOSED, ERR_STORE_GONE, ERR_NOT_A_LOG, ERR_LOG_AMBIGUOUS */
  exists(): boolean {
    this.context.checkOpen()
    this.checkOnlyLog()
    const file = this.context.layout.log(this.name)
    const mark = statFile(file)
    if (mark === 'other') throw notALog(file)
    return mark !== undefined
  }
}
