/** The leases that this process holds: those that others wait for and those that fell idle are given back. */
import { waitersOrNone } from './waiters.js'

/** How often is looked who waits, ms, … */
const SWEEP_MS = 10
/** … and which leases are idle: there may be thousands of them. */
const IDLE_SWEEP_MS = 200
/** For how long idle ones are given back then, ms: what is left has time until the next sweep. */
const GIVING_MS = 4

interface Held {
  /** Gives the lease to those that wait, unless it is being used. */
  giveWay(waiters: number, now: number): void
  /** Gives the lease back at once: the process exits. */
  drop(): void
  /** Gives the lease back when it has not been used for a while; tells whether it did. */
  restIfIdle(now: number): boolean
}

/** By the folder of those that wait for them, and by name. */
const held = new Map<string, Map<string, Held>>()
let sweeping: NodeJS.Timeout | undefined
let sweptIdle = 0

/** proper-lockfile does so at an exit as well, unless another copy of its exit hook was loaded before. */
function dropAll(): void {
  for (const leases of held.values()) for (const lease of leases.values()) lease.drop()
}

export function addHeld(waiting: string, name: string, lease: Held): void {
  if (held.size === 0) process.once('exit', dropAll)
  const others = held.get(waiting)
  if (others === undefined) held.set(waiting, new Map([[name, lease]]))
  else others.set(name, lease)
  sweeping ??= setInterval(sweep, SWEEP_MS).unref()
}

export function removeHeld(waiting: string, name: string): void {
  const leases = held.get(waiting)
  leases?.delete(name)
  if (leases?.size === 0) held.delete(waiting)
  if (held.size === 0) process.removeListener('exit', dropAll)
}

function sweep(): void {
  const now = performance.now()
  for (const [waiting, leases] of held) {
    for (const [name, waiters] of waitersOrNone(waiting)) leases.get(name)?.giveWay(waiters, now)
  }
  if (now - sweptIdle > IDLE_SWEEP_MS && giveBackIdle(now)) sweptIdle = now
  if (held.size > 0) return
  clearInterval(sweeping)
  sweeping = undefined
}

/** False when there was no time for all of them. */
function giveBackIdle(now: number): boolean {
  for (const leases of held.values()) {
    for (const lease of leases.values()) {
      if (lease.restIfIdle(now) && performance.now() - now > GIVING_MS) return false
    }
  }
  return true
}
