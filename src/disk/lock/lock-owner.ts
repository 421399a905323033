/**
 * Whose a lock is: the file in it that names the owner, and whether that owner lives.
 * For a process of this host the system reports it; only a process that cannot be seen from here is judged by its
 * silence.
 */
import fs from 'node:fs'
import path from 'node:path'
import { readSmall } from '../files.js'
import { inodeOf } from '../folders.js'
import { isOwner, isSameOwner, livenessOf, type Owner, thisProcess } from '../process-identity.js'

/** What an owner's file is called. */
export const NONCE = /^[0-9a-f]{16}$/
/** An owner that cannot be seen is given up after this time without a sign of life, ms. */
export const SILENCE_MS = 10_000
/** At most this many unseen owners are cached; others are judged anew. */
const MAX_SIGHTINGS = 10_000

/** What the stores of one folder share about its locks. */
export class LockOwners {
  /**
   * The nonces of locks that are waited for or held here. Any other lock of this process is left over: it could not be
   * removed, or its volume was gone when it was given back.
   */
  readonly inUse = new Set<string>()
  /** When the file of an unseen owner was first seen with its current mark, by path: on the monotonic clock. */
  readonly #sightings = new Map<string, { mark: string; since: number }>()

  /**
   * True when the owner of this file is dead, or has left the lock behind, or cannot be seen and has been silent for
   * too long.
   */
  isGivenUp(file: string, place: Place): boolean {
    const owner = ownerIn(file)
    if (owner === 'gone') return false
    if (owner === 'unreadable') return this.isSilent(file)
    // of a copy of the package on another path to this folder, the locks are not known here
    if (isSameOwner(owner, thisProcess()) && owner.path === place.path) return !this.inUse.has(path.basename(file))
    const liveness = livenessOf(owner)
    if (liveness === 'alive') return owner.path !== place.path && owner.inode !== place.inode
    return liveness === 'unknown' ? this.isSilent(file) : true
  }

  /** True when nothing has changed about the path for too long, as seen from here. */
  isSilent(path: string): boolean {
    const mark = String(fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs)
    const seen = this.#sightings.get(path)
    if (seen?.mark !== mark) {
      if (this.#sightings.size > MAX_SIGHTINGS) this.#sightings.clear()
      this.#sightings.set(path, { mark, since: performance.now() })
      return false
    }
    const silent = performance.now() - seen.since > SILENCE_MS
    if (silent) this.#sightings.delete(path)
    return silent
  }
}

/** An owner's file: the owner, and the folder of locks. */
type Claim = Owner & { path?: unknown; inode?: unknown }

export function ownerIn(file: string): Claim | 'gone' | 'unreadable' {
  const content = readSmall(file)
  if (content === undefined) return 'gone'
  try {
    const owner: unknown = JSON.parse(content.bytes.toString())
    return isOwner(owner) ? owner : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

/**
 * The folder of locks. A moved one keeps its inode, and where inodes come and go, its path stays: a copy has neither.
 */
export interface Place {
  path: string
  inode: number | undefined
}

export function placeOf(locks: string): Place {
  return { path: locks, inode: inodeOf(locks) }
}
