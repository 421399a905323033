/**
 * The lease of one session: taken at the first write, kept while writes keep coming and for a short while after,
 * handed over when another process waits for it. One process holds a lease once, however many stores it has open;
 * within the process, `run` lets one piece of work after the other have it.
 *
 * This is proper-lockfile's door. The library drives a lock folder of ours (lock-folder.ts), so that its
 * staleness by the clock never decides anything.
 */
import path from 'node:path'
import type { LockOptions } from 'proper-lockfile'
import { errno, SessionError } from '../../base/errors.js'
import { breathe, isLoopHeld, sleep } from '../../base/event-loop.js'
import { addHeld, removeHeld } from './held-leases.js'
import { LockFolder } from './lock-folder.js'
import { SILENCE_MS } from './lock-owner.js'
import { waitersIn } from './waiters.js'

/** A holder that others wait for gives the lease away after this time, ms. */
const SLICE_MS = 30
/** A lease that nobody waits for is kept for this long after the last write, ms. */
const LINGER_MS = 2_000
/** Waiters try again after about this time, ms. */
const POLL_MS = 3
/**
 * A holder that gave its lease away lets each of the others have it for so long before it tries again, ms: less than
 * their slice, so that they see it wait before that is over.
 */
const YIELD_MS = 20
/** Some of those that wait may be stopped. */
const MOST_WAITERS = 4
/** After this time the holder looks whether the lease is still its own, ms. */
const CHECK_MS = 1_000

interface Job {
  work: () => unknown
  /** Whether the lease must be held for it. */
  leased: boolean
  /** How long it may wait for another process, ms. */
  timeout: number
  /** When it was asked for. */
  since: number
  resolve: (value: never) => void
  reject: (reason: unknown) => void
}

const leases = new Map<string, Lease>()

/** The lease of the lock folder `folder`; the same object for everybody in this process. */
export function leaseOf(folder: string, waiting: string): Lease {
  let lease = leases.get(folder)
  if (lease === undefined) {
    lease = new Lease(folder, waiting)
    leases.set(folder, lease)
  }
  return lease
}

export class Lease {
  readonly #folder: string
  readonly #waiting: string
  readonly #name: string
  readonly #queue: Job[] = []
  #lock: LockFolder | undefined
  #unlock: (() => Promise<void>) | undefined
  #busy = false
  #since = 0
  #used = 0
  #checked = 0
  #yieldUntil = 0
  /** Since when the lease has been wanted and not been had. */
  #lackedSince: number | undefined

  constructor(folder: string, waiting: string) {
    this.#folder = folder
    this.#waiting = waiting
    this.#name = path.basename(folder)
  }

  /**
   * Runs `work` while this process holds the lease and nobody else in it runs work of this session.
   * At once, without waiting a turn, when the lease is held and free.
   * @throws SessionError ERR_LOCKED when another process keeps the lease for `timeout` ms, in which the time that
   *   earlier work of this process takes does not count
   * @throws SessionError ERR_LOCK_LOST when the lease was taken away; `work` does not run
   */
  run<T>(work: () => T | Promise<T>, timeout: number): Promise<T> | T {
    const now = performance.now()
    if (this.#busy || !this.#isReady(now)) return this.#enqueue(work, timeout)
    this.#used = now
    return this.#runNow(work)
  }

  /** For work that runs in turn: takes the lease, or makes sure of it. @throws as `run` */
  async take(timeout: number): Promise<void> {
    const now = performance.now()
    if (!this.#isReady(now)) await this.#prepare({ timeout, since: now })
    this.#used = performance.now()
  }

  #runNow<T>(work: () => T | Promise<T>): Promise<T> | T {
    this.#busy = true
    let result: T | Promise<T>
    try {
      result = work()
    } catch (error) {
      this.#finish()
      throw error
    }
    if (result instanceof Promise) return result.finally(() => this.#finish())
    this.#finish()
    return result
  }

  /** Runs `work` behind the work of this process that is under way, whoever holds the lease. */
  inTurn<T>(work: () => T | Promise<T>): Promise<T> | T {
    if (this.#busy) {
      return new Promise((resolve, reject) =>
        this.#queue.push({ work, leased: false, timeout: 0, since: 0, resolve, reject }),
      )
    }
    return this.#runNow(work)
  }

  /** True when work can begin at once: the lease is held, surely and for a while yet, and the event loop is not. */
  #isReady(now: number): boolean {
    if (this.#unlock === undefined || now - this.#checked >= CHECK_MS || isLoopHeld(now)) return false
    return this.#waitersBehindSlice(now) === undefined
  }

  /** How many have waited for the end of this slice; one that nobody waits for begins anew. */
  #waitersBehindSlice(now: number): number | undefined {
    if (now - this.#since < SLICE_MS) return undefined
    const waiters = waitersIn(this.#waiting).get(this.#name)
    if (waiters === undefined) this.#since = now
    return waiters
  }

  #enqueue<T>(work: () => T | Promise<T>, timeout: number): Promise<T> {
    const result = new Promise<T>((resolve, reject) =>
      this.#queue.push({ work, leased: true, timeout, since: performance.now(), resolve, reject }),
    )
    if (!this.#busy) {
      this.#busy = true
      void this.#drain()
    }
    return result
  }

  #finish(): void {
    if (this.#queue.length > 0) void this.#drain()
    else {
      this.#busy = false
      if (this.#unlock === undefined) this.#drop()
    }
  }

  async #drain(): Promise<void> {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      try {
        const now = performance.now()
        if (job.leased && !this.#isReady(now)) await this.#prepare(job)
        this.#used = performance.now()
        job.resolve((await job.work()) as never)
      } catch (error) {
        job.reject(error)
      }
    }
    this.#busy = false
    this.#drop()
  }

  /** Takes the lease or makes sure of it, and lets others have their turn. */
  async #prepare(job: Pick<Job, 'timeout' | 'since'>): Promise<void> {
    if (isLoopHeld(performance.now())) await breathe()
    if (this.#lock !== undefined && performance.now() - this.#checked >= CHECK_MS) this.check()
    if (this.#unlock !== undefined) {
      const waiters = this.#waitersBehindSlice(performance.now())
      if (waiters !== undefined) await this.#handOver(waiters)
    }
    if (this.#unlock === undefined) await this.#acquire(job)
  }

  /** Looks whether the lease is still this process's. @throws SessionError ERR_LOCK_LOST */
  check(): void {
    if (this.#lock?.held) {
      this.#checked = performance.now()
      return
    }
    const folder = this.#folder
    this.#forget()
    throw lostError(folder)
  }

  async #acquire({ timeout, since }: Pick<Job, 'timeout' | 'since'>): Promise<void> {
    // what earlier work has waited in vain for the same holder, this one has waited too
    this.#lackedSince ??= performance.now()
    const deadline = Math.max(since, this.#lackedSince) + timeout
    const { lock } = await import('proper-lockfile')
    const own = new LockFolder(this.#folder, this.#waiting)
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
        const before = performance.now()
        if (before >= this.#yieldUntil || !waitersIn(this.#waiting).has(this.#name)) {
          const unlock = await lock(this.#folder, options).catch(passUnlessLocked)
          if (unlock !== undefined) return this.#hold(own, unlock)
        }
        if (performance.now() >= deadline) throw lockedError(this.#folder)
        await sleep(POLL_MS * (0.5 + Math.random()))
      }
    } catch (error) {
      own.withdraw()
      // it went between the taking and the first sign of life
      throw errno(error) === 'ENOENT' ? lostError(this.#folder) : error
    }
  }

  #hold(lock: LockFolder, unlock: () => Promise<void>): void {
    this.#lock = lock
    this.#unlock = unlock
    this.#lackedSince = undefined
    this.#since = this.#checked = this.#used = performance.now()
    addHeld(this.#waiting, this.#name, this)
  }

  #lose(lock: LockFolder): void {
    // the next piece of work finds out, and is told
    if (this.#lock === lock) this.#checked = Number.NEGATIVE_INFINITY
  }

  #forget(): void {
    this.#lock = this.#unlock = undefined
    removeHeld(this.#waiting, this.#name)
  }

  async #handOver(waiters: number): Promise<void> {
    this.#yieldTo(waiters, performance.now())
    await this.#giveBack()
  }

  #yieldTo(waiters: number, now: number): void {
    this.#yieldUntil = now + (Math.min(waiters, MOST_WAITERS) - 1) * SLICE_MS + YIELD_MS
  }

  async #giveBack(): Promise<void> {
    const lock = this.#lock
    const unlock = this.#unlock
    this.#forget()
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
    if (this.#busy) return this.#enqueueLast(() => {})
    this.#drop()
  }

  /** Gives the lease back when the work that runs or waits now is done. */
  release(): Promise<void> | void {
    if (this.#busy) return this.#enqueueLast(() => this.#giveBack())
    if (this.#unlock === undefined) this.#drop()
    else return this.#giveBack().finally(() => this.#drop())
  }

  #enqueueLast(work: () => void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#queue.push({ work, leased: false, timeout: 0, since: 0, resolve, reject }),
    )
  }

  /** Forgets an idle lease object, so that the map of them does not grow for ever; not before others have had their turn. */
  #drop(): void {
    if (this.#busy || this.#unlock !== undefined || leases.get(this.#folder) !== this) return
    const left = this.#yieldUntil - performance.now()
    if (left > 0) setTimeout(() => this.#drop(), left + 1).unref()
    else leases.delete(this.#folder)
  }

  /** Gives a lease that nobody uses right now to those that wait for it. */
  giveWay(waiters: number, now: number): void {
    if (this.#busy) return
    this.#yieldTo(waiters, now)
    void Promise.resolve(this.release()).catch(() => {})
  }

  /** Gives back a lease that has not been used for a while; false for others. */
  restIfIdle(now: number): boolean {
    if (this.#busy || now - this.#used <= LINGER_MS) return false
    void Promise.resolve(this.release()).catch(() => {})
    return true
  }
}

function passUnlessLocked(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ELOCKED') throw error
}

function lockedError(folder: string): SessionError {
  return new SessionError('ERR_LOCKED', 'another process holds the lease of the session', { lock: folder })
}

function lostError(folder: string): SessionError {
  return new SessionError('ERR_LOCK_LOST', 'the lease of the session was taken away', { lock: folder })
}
