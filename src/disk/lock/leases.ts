/**
 * The leases of one folder in this process: one object for each session in use. Those that others wait for and those
 * that fell idle are given back.
 */
import { watchNames } from '../directory-watch.js'
import { makeFolder } from '../folders.js'
import { Layout } from '../layout.js'
import { keepReserve } from '../reserve.js'
import type { SharedPart } from '../shared-folder.js'
import { Lease } from './lease.js'
import type { LeaseFolder } from './lease-folder.js'
import { waitedFor } from './lock-folder.js'
import { LockOwners } from './lock-owner.js'

/** For this long one listing of the waiters serves all leases, ms. */
const LOOK_MS = 5
/** The same on a network drive, where a look is a request. */
const NETWORK_LOOK_MS = 50
/** How often the waiters are listed while leases are in use, or waited for, ms. */
const SWEEP_MS = 10
/** A lease that was not used for so long rests: new waiters are noticed by events of the system, where it has them; ms. */
const REST_MS = 100
/** How often it is looked which leases are idle, ms: there may be thousands of them. */
const IDLE_SWEEP_MS = 200
/** For how long idle ones are given back then, ms: what is left has time until the next sweep. */
const GIVING_MS = 4

export class Leases implements LeaseFolder<Lease>, SharedPart {
  readonly layout: Layout
  readonly owners = new LockOwners()
  isNetwork = false
  readonly #inUse = new Map<string, Lease>()
  readonly #held = new Map<string, Lease>()
  #looked: { at: number; names: Map<string, number> } | undefined
  #sweeping: NodeJS.Timeout | undefined
  #sweptIdle = 0
  #hasReserve = false
  #watch: { close(): void } | undefined

  constructor(root: string) {
    this.layout = new Layout(root)
  }

  of(name: string, key?: string): Lease {
    const lease = this.#inUse.get(name) ?? new Lease(this, name)
    lease.key ??= key
    this.#inUse.set(name, lease)
    return lease
  }

  /** The lease is held here, or calls of this process on the session run or wait. */
  isInUse(name: string): boolean {
    return this.#inUse.has(name)
  }

  drop(name: string, lease: Lease): void {
    if (this.#inUse.get(name) === lease) this.#inUse.delete(name)
  }

  waiters(): ReadonlyMap<string, number> {
    const now = performance.now()
    const good = this.isNetwork ? NETWORK_LOOK_MS : LOOK_MS
    if (this.#looked === undefined || now - this.#looked.at >= good)
      this.#looked = { at: now, names: waitedFor(this.layout.waiting, this.owners) }
    return this.#looked.names
  }

  /** See `keepReserve`: looked for once. */
  keepReserve(): void {
    if (!this.#hasReserve) keepReserve(this.layout)
    this.#hasReserve = true
  }

  noteHeld(name: string, lease: Lease): void {
    this.keepReserve()
    this.#held.set(name, lease)
    this.#sweeping ??= this.#sweepAfter(SWEEP_MS)
  }

  noteReleased(name: string): void {
    this.#held.delete(name)
    if (this.#held.size === 0) this.#stopSweeping()
  }

  #sweepAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#sweep(), ms).unref()
  }

  #sweep(): void {
    clearTimeout(this.#sweeping)
    const now = performance.now()
    const waiters = this.#waitersOrNone()
    const wanted = [...waiters].filter(([name]) => this.#held.has(name))
    for (const [name, count] of wanted) this.#held.get(name)?.giveWay(count, now)
    if (now - this.#sweptIdle > IDLE_SWEEP_MS && this.#giveBackIdle(now)) this.#sweptIdle = now
    if (this.#held.size > 0) this.#sweeping = this.#sweepAfter(wanted.length > 0 ? SWEEP_MS : this.#pause(now))
  }

  /** Until the next look at leases that nothing waits for: they rest until one is idle, if it can be watched who comes. */
  #pause(now: number): number {
    const held = [...this.#held.values()]
    if (held.some(({ used }) => now - used < REST_MS) || !this.#isWatching()) return SWEEP_MS
    return Math.max(Math.min(...held.map((lease) => lease.idleAt(now))) - now, IDLE_SWEEP_MS)
  }

  #isWatching(): boolean {
    if (this.isNetwork) return false
    if (this.#watch !== undefined) return true
    try {
      makeFolder(this.layout.waiting)
    } catch {
      return false
    }
    this.#watch = watchNames(this.layout.waiting, () => this.#held.size > 0 && this.#sweep())
    // what came before is not reported
    this.#looked = undefined
    return this.#watch !== undefined && ![...this.#waitersOrNone().keys()].some((name) => this.#held.has(name))
  }

  #stopSweeping(): void {
    clearTimeout(this.#sweeping)
    this.#sweeping = undefined
    this.#watch?.close()
    this.#watch = undefined
  }

  /** A timer must not throw: a folder that cannot be read now is read again at the next sweep. */
  #waitersOrNone(): ReadonlyMap<string, number> {
    try {
      return this.waiters()
    } catch {
      return new Map()
    }
  }

  /** False when there was no time for all of them. */
  #giveBackIdle(now: number): boolean {
    for (const lease of this.#held.values()) {
      if (lease.restIfIdle(now) && performance.now() - now > GIVING_MS) return false
    }
    return true
  }

  /** proper-lockfile does so at an exit as well, unless another copy of its exit hook was loaded before. */
  exit(): void {
    for (const lease of this.#held.values()) lease.drop()
  }

  close(): void {
    for (const lease of this.#held.values()) void Promise.resolve(lease.release()).catch(() => {})
  }
}
