/**
 * The lease of one session: taken at the first write, kept while writes keep coming and for a short while after,
 * handed over when another process waits for it. One process holds a lease once, however many stores it has open;
 * within the process, `run` lets one piece of work after the other have it.
 *
 * This is proper-lockfile's door. The library drives a lock folder of ours (lock-folder.ts), so that its
 * staleness by the clock never decides anything.
 */
import type { LockOptions } from 'proper-lockfile'
import { errno, SessionError } from '../../base/errors.js'
import { isLoopHeld, sleep, yieldToLoop } from '../../base/event-loop.js'
import { listFolder } from '../folders.js'
import { finishDeadRewrites } from '../log/late-copy.js'
import { CallQueue } from './call-queue.js'
import type { LeasedFile, LeaseFolder } from './lease-folder.js'
import { LockFolder } from './lock-folder.js'
import { SILENCE_MS } from './lock-owner.js'
import { LOCAL_PACE, NETWORK_PACE, type Pace } from './pace.js'
import { listeningFirst } from './signal-listeners.js'

/** A lease without waiters is kept for this long after the last write, ms. */
const LINGER_MS = 2_000
/** Some of the waiters may be stopped. */
const MOST_WAITERS = 4
/** For so long a network drive may report stale handles of a lock that is free, ms; no call ends that sooner. */
const STALE_MS = 1_200
/** After this time the holder checks that the lease is still its own, ms. */
const CHECK_MS = 1_000

/** How long a call waits for another process, ms, and since when. */
interface Patience {
  timeout: number
  since: number
  /** Ends the waiting. */
  signal: AbortSignal | undefined
}

/** The lease of one session; one object in this process, as long as it is in use. */
export class Lease {
  readonly #leases: LeaseFolder<Lease>
  readonly #folder: string
  readonly #waiting: string
  readonly #name: string
  readonly #calls = new CallQueue(() => this.#drop())
  /** The key of the session, where it is known: for the texts of errors. */
  key: string | undefined
  #lock: LockFolder | undefined
  #unlock: (() => Promise<void>) | undefined
  #since = 0
  /** When work began under it last. */
  used = 0
  #checked = 0
  #yieldUntil = 0
  /** What was written since the lease was taken, where other machines may have it next. */
  readonly #written = new Set<LeasedFile>()
  /** Others may have taken this process for dead: no more signs of life are given. */
  #isSilent = false
  /** Since when this process waits for it. */
  #lackedSince: number | undefined
  /** What a dead holder, or work that failed, left unfinished is still to be looked for. */
  #mustFinish = false

  constructor(leases: LeaseFolder<Lease>, name: string) {
    this.#leases = leases
    this.#folder = leases.layout.lock(name)
    this.#waiting = leases.layout.waiting
    this.#name = name
  }

  /**
   * Runs `work` in the order of calls, without the lease; `work` may take it with `take`. At once where nothing else
   * runs or waits.
   */
  inTurn<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> | T {
    return this.#calls.run(work, signal)
  }

  /**
   * Runs `work` while this process holds the lease and no other caller in it runs work of this session.
   * At once, without waiting a turn, when the lease is held and free.
   * @throws SessionError ERR_LOCKED when another process keeps the lease for `timeout` ms, in which the time that
   *   earlier work of this process takes does not count
   * @throws SessionError ERR_LOCK_LOST when the lease was taken away; `work` does not run
   * @throws what `signal` was aborted with before `work` began
   */
  run<T>(work: () => T | Promise<T>, timeout: number, signal?: AbortSignal): Promise<T> | T {
    const since = performance.now()
    if (!this.#calls.isBusy && this.#isReady(since)) {
      this.used = since
      return this.#calls.run(work)
    }
    return this.#calls.add(async () => {
      if (!this.#isReady(performance.now())) await this.#prepare({ timeout, since, signal })
      this.used = performance.now()
      return work()
    }, signal)
  }

  /** Stands for the lease as it is held now: another object each time it was taken. */
  get tenure(): object | undefined {
    return this.#lock
  }

  /** Keeps the lease from others until the file is on the drive. */
  noteWritten(file: LeasedFile): void {
    this.#written.add(file)
  }

  get #pace(): Pace {
    return this.#leases.isNetwork ? NETWORK_PACE : LOCAL_PACE
  }

  /** For work that runs in turn: takes the lease, or makes sure of it. @throws as `run` */
  async take(timeout: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now()
    if (!this.#isReady(now)) await this.#prepare({ timeout, since: now, signal })
    this.used = performance.now()
  }

  /** Work that failed has left something: it is finished before the next work begins. */
  noteUnfinished(): void {
    this.#mustFinish = true
  }

  /** True when work can begin at once: the lease is held, surely and for a while yet, and the event loop is not. */
  #isReady(now: number): boolean {
    if (this.#unlock === undefined || this.#mustFinish) return false
    if (now - this.#checked >= CHECK_MS || isLoopHeld(now)) return false
    return this.#waitersBehindSlice(now) === undefined
  }

  /** How many waited for the end of this slice; a slice without waiters begins anew. */
  #waitersBehindSlice(now: number): number | undefined {
    if (now - this.#since < this.#pace.slice) return undefined
    const waiters = this.#leases.waiters().get(this.#name)
    if (waiters === undefined) this.#since = now
    return waiters
  }

  /** Takes the lease or makes sure of it, and lets others have their turn. */
  async #prepare(patience: Patience): Promise<void> {
    if (isLoopHeld(performance.now())) await yieldToLoop()
    if (this.#lock !== undefined) this.checkIfDue()
    // others may take a lease without signs of life away at any time
    if (this.#isSilent) await this.#giveBack()
    if (this.#unlock !== undefined) {
      const waiters = this.#waitersBehindSlice(performance.now())
      if (waiters !== undefined) this.#yieldTo(waiters, performance.now())
      if (waiters !== undefined) await this.#giveBack()
    }
    if (this.#unlock === undefined) await this.#acquire(patience)
    if (!this.#mustFinish) return
    // what this machine knows of the names and sizes in a folder may be a second old, until it lists it
    if (this.#leases.isNetwork) listFolder(this.#leases.layout.root)
    await finishDeadRewrites(this.#leases.layout, this.#name)
    this.#mustFinish = false
  }

  /** Looks whether the lease is still this process's. @throws SessionError ERR_LOCK_LOST */
  check(): void {
    if (this.#lock?.isKept()) {
      this.#checked = performance.now()
      return
    }
    this.#lock?.abandon()
    this.#reset()
    throw this.#error('ERR_LOCK_LOST', (lease) => `${lease} was taken away`)
  }

  /** The same, where the last look is some time ago. */
  checkIfDue(): void {
    if (performance.now() - this.#checked >= CHECK_MS) this.check()
  }

  async #acquire({ timeout, since, signal }: Patience): Promise<void> {
    // what earlier work has waited in vain for the same holder, this one has waited too
    this.#lackedSince ??= performance.now()
    const from = Math.max(since, this.#lackedSince)
    const { lock } = await listeningFirst(() => import('proper-lockfile'))
    const own = new LockFolder(this.#folder, this.#waiting, this.#leases.owners)
    const options = {
      realpath: false,
      lockfilePath: this.#folder,
      fs: own,
      stale: SILENCE_MS,
      update: SILENCE_MS / 4,
      onCompromised: () => this.#lose(own),
    } satisfies LockOptions
    try {
      for (;;) {
        signal?.throwIfAborted()
        const before = performance.now()
        if (before >= this.#yieldUntil || !this.#leases.waiters().has(this.#name)) {
          const unlock = await lock(this.#folder, options).catch(passUnlessLocked)
          if (unlock !== undefined) return this.#hold(own, unlock)
        }
        const wait = own.wasStale ? Math.max(timeout, STALE_MS) : timeout
        if (performance.now() >= from + wait)
          throw this.#error('ERR_LOCKED', (lease) => `another process holds ${lease}`)
        await sleep(this.#pace.poll * (0.5 + Math.random()))
      }
    } catch (error) {
      own.withdraw()
      throw error
    }
  }

  #hold(lock: LockFolder, unlock: () => Promise<void>): void {
    this.#lock = lock
    this.#unlock = unlock
    this.#lackedSince = undefined
    this.#mustFinish = true
    this.#since = this.#checked = this.used = performance.now()
    this.#leases.noteHeld(this.#name, this)
  }

  #lose(lock: LockFolder): void {
    if (this.#lock !== lock) return
    // the next job notices it, and rejects with ERR_LOCK_LOST
    this.#checked = Number.NEGATIVE_INFINITY
    this.#isSilent = true
  }

  #reset(): void {
    this.#lock = this.#unlock = undefined
    this.#isSilent = false
    this.#leases.noteReleased(this.#name)
  }

  #yieldTo(waiters: number, now: number): void {
    const pace = this.#pace
    this.#yieldUntil = now + (Math.min(waiters, MOST_WAITERS) - 1) * pace.slice + pace.yield
  }

  async #giveBack(): Promise<void> {
    const lock = this.#lock
    const unlock = this.#unlock
    const written = [...this.#written]
    this.#written.clear()
    this.#reset()
    for (const file of written) await file.syncBeforeOthers()
    try {
      await unlock?.()
    } catch (error) {
      // proper-lockfile had taken the lock for lost
      if (!['ENOTACQUIRED', 'ERELEASED'].includes(errno(error) ?? '')) throw error
      lock?.remove()
    }
  }

  /** Resolves when the work that runs or waits now is done. */
  idle(): Promise<void> | void {
    if (this.#calls.isBusy) return this.#calls.add(() => {})
    this.#drop()
  }

  /** Releases the lease when the work that runs or waits now is done. */
  release(): Promise<void> | void {
    if (this.#calls.isBusy) return this.#calls.add(() => this.#giveBack())
    if (this.#unlock === undefined) this.#drop()
    else return this.#giveBack().finally(() => this.#drop())
  }

  /**
   * Forgets an idle lease object, so that the map of them does not grow for ever; not before others have had their
   * turn.
   */
  #drop(): void {
    if (this.#calls.isBusy || this.#unlock !== undefined) return
    const left = this.#yieldUntil - performance.now()
    if (left > 0) setTimeout(() => this.#drop(), left + 1).unref()
    else this.#leases.drop(this.#name, this)
  }

  /** Releases a lease that is not in use to the processes that wait for it. */
  giveWay(waiters: number, now: number): void {
    if (this.#calls.isBusy) return
    this.#yieldTo(waiters, now)
    void Promise.resolve(this.release()).catch(() => {})
  }

  /** Releases the lease at once, at the exit of the process. */
  drop(): void {
    try {
      for (const file of this.#written) file.syncAtExit()
      this.#lock?.remove()
    } catch {
      // the next process finds that the owner is dead
    }
  }

  /** When it is given back unless it is used again, on the monotonic clock. */
  idleAt(now: number): number {
    return (this.#calls.isBusy ? now : this.used) + LINGER_MS
  }

  /** Releases a lease that has not been used for a while; false for others. */
  restIfIdle(now: number): boolean {
    if (this.idleAt(now) >= now) return false
    void Promise.resolve(this.release()).catch(() => {})
    return true
  }

  #error(code: 'ERR_LOCKED' | 'ERR_LOCK_LOST', text: (lease: string) => string): SessionError {
    const { key } = this
    const details = { ...(key !== undefined && { key }), lock: this.#folder }
    return new SessionError(code, text(`the lease of the session ${JSON.stringify(key ?? this.#name)}`), details)
  }
}

/**
 * What a process that was stopped has announced, others may clear away, and a lock may go before its first sign of
 * life.
 */
function passUnlessLocked(error: NodeJS.ErrnoException): undefined {
  if (!['ELOCKED', 'ENOENT'].includes(errno(error) ?? '')) throw error
}
