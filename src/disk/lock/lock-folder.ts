/**
 * The lock itself: a folder that holds one file, named by the owner's nonce.
 *
 * Taking it is a rename of a folder made ready beforehand, which succeeds only where there is no folder or an
 * empty one; giving it back or breaking it removes the file of one nonce, and so can never hit a later owner.
 * Whether the owner lives is decided by its process, not by the clock; only an owner that cannot be seen from here
 * is judged by its silence, measured on the own monotonic clock.
 *
 * The shape is that of the `fs` option of proper-lockfile, which drives it: see lease.ts.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno, isStale } from '../../base/errors.js'
import { randomNonce } from '../../base/ids.js'
import { closeFile, createPrivate, openRegular, removeFile, writeAll } from '../files.js'
import { ensureFolder, listFolder, refuseLink, removeEmptyFolder, removeTree } from '../folders.js'
import { isRefusedByWindows } from '../platform/calls.js'
import { thisProcess } from '../process-identity.js'
import { type LockOwners, NONCE, ownerIn, type Place, placeOf, SILENCE_MS } from './lock-owner.js'

type Done<T = unknown> = (error: NodeJS.ErrnoException | null, value?: T) => void

/** A waiter that has not written its name after this time was killed while it did, ms. */
const UNFINISHED_MS = 1_000
const { O_WRONLY } = fs.constants
/** Of the JSON object that names the owner. */
const FIRST_BYTE = Buffer.from('{')
const FRESH = new Date(8.64e15)
const STALE = new Date(-8.64e15)

export class LockFolder {
  readonly #folder: string
  readonly #ready: string
  readonly #nonce = randomNonce()
  readonly #owners: LockOwners
  #mtime = FRESH
  /** When others last saw a sign of life, on the monotonic clock. */
  #signed = 0
  #holds = false
  #condemned: string | undefined

  /** `waiting` is the folder where waiters make their folders ready, which also announces them. */
  constructor(folder: string, waiting: string, owners: LockOwners) {
    this.#owners = owners
    this.#folder = folder
    this.#ready = path.join(waiting, `${path.basename(folder)}.${this.#nonce}`)
  }

  /**
   * An attempt failed because what this machine knew of the folder was out of date: on network drives, for about a
   * second.
   */
  wasStale = false

  /**
   * True while the owner's file is in place. Only a folder without it means that it is gone: an outage says nothing.
   */
  get held(): boolean {
    return this.#holds && this.#isInPlace()
  }

  /** As `held`. After a silence, others may soon take this process for dead: then it gives a sign of life first. */
  isKept(): boolean {
    if (this.#holds && performance.now() - this.#signed > SILENCE_MS / 2) this.#sign()
    return this.held
  }

  /** The folder is listed: on a network drive a look at one name may be a second old. */
  #isInPlace(): boolean {
    try {
      return listFolder(this.#folder).includes(this.#nonce)
    } catch (error) {
      if (errno(error) === 'ENOTDIR') return false
      throw error
    }
  }

  /** Ends the announcement of a waiter that gave up. */
  withdraw(): void {
    this.abandon()
    removeTree(this.#ready)
  }

  /** From now on the lock is a left-over, wherever it is: the next process that takes the lease removes it. */
  abandon(): void {
    this.#owners.inUse.delete(this.#nonce)
  }

  readonly mkdir = (_: string, done: Done): void => answer(done, () => this.#take())

  #take(): void {
    if (!fs.existsSync(this.#ready))
      for (const place of [path.dirname(this.#folder), path.dirname(this.#ready)]) refuseLink(place)
    try {
      this.#takePlace()
    } catch (error) {
      if (isStale(error)) this.wasStale = true
      else if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errno(error) ?? '')) {
        // it may have been taken all the same
        this.abandon()
        throw error
      }
      throw Object.assign(new Error('locked'), { code: 'EEXIST' })
    }
    this.#holds = true
    this.#signed = performance.now()
  }

  #takePlace(): void {
    if (!fs.existsSync(this.#ready)) this.#makeReady()
    try {
      fs.renameSync(this.#ready, this.#folder)
    } catch (error) {
      // Windows renames over no folder, not even an empty one
      if (!isRefusedByWindows(error)) throw error
      fs.rmdirSync(this.#folder) // ENOTEMPTY when it is taken
      fs.renameSync(this.#ready, this.#folder)
    }
  }

  #makeReady(): void {
    this.#owners.inUse.add(this.#nonce)
    try {
      fs.mkdirSync(this.#ready, { mode: 0o700 })
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      ensureFolder(path.dirname(this.#ready))
      fs.mkdirSync(this.#ready, { mode: 0o700 })
    }
    const fd = createPrivate(path.join(this.#ready, this.#nonce))
    try {
      writeAll(fd, Buffer.from(JSON.stringify({ ...thisProcess(), ...this.#place() })))
    } finally {
      fs.closeSync(fd)
    }
  }

  /** Returns a time that makes proper-lockfile see the lock like its owner: fresh, stale, gone or ours. */
  readonly stat = (_: string, done: Done<{ mtime: Date }>): void => answer(done, () => ({ mtime: this.#timeOfLock() }))

  #timeOfLock(): Date {
    if (this.held) return this.#mtime
    const state = this.#holds ? 'gone' : this.#judgeUnlessStale()
    if (state === 'gone') throw Object.assign(new Error('no lock'), { code: 'ENOENT' })
    return state === 'stale' ? STALE : FRESH
  }

  /** Distinguishes this store's locks from those of a copied folder, whose owner lives but does not know of it. */
  #place(): Place {
    return placeOf(path.dirname(this.#folder))
  }

  /** What cannot be looked at now stays locked. */
  #judgeUnlessStale(): 'fresh' | 'stale' | 'gone' {
    try {
      return this.#judge()
    } catch (error) {
      if (!isStale(error)) throw error
      this.wasStale = true
      this.#condemned = undefined
      return 'fresh'
    }
  }

  #judge(): 'fresh' | 'stale' | 'gone' {
    this.#condemned = undefined
    removeLitter(this.#folder)
    let state: 'fresh' | 'gone' = 'gone'
    for (const entry of listFolder(this.#folder)) {
      const file = path.join(this.#folder, entry)
      if (!NONCE.test(entry))
        removeTree(file) // litter of sync tools and file managers
      else if (this.#owners.isGivenUp(file, this.#place())) {
        this.#condemned = entry
        return 'stale'
      } else state = 'fresh'
    }
    return state
  }

  /**
   * A sign of life, for processes that cannot see this one: the first byte is written again, which sets the file's time
   * by the clock of the drive, whatever this machine's clock says, and needs no room on it.
   */
  readonly utimes = (_: string, __: Date, mtime: Date, done: Done): void =>
    answer(done, () => {
      if (!this.#sign()) throw Object.assign(new Error('no lock'), { code: 'ENOENT' })
      this.#mtime = mtime
    })

  /** False when the lock is gone. */
  #sign(): boolean {
    const opened = openRegular(path.join(this.#folder, this.#nonce), O_WRONLY)
    if (opened === undefined) return false
    try {
      writeAll(opened.fd, FIRST_BYTE, 0)
    } finally {
      closeFile(opened.fd)
    }
    this.#signed = performance.now()
    return true
  }

  /** Removes the lock that is ours, or the one that was found stale, and no other. */
  readonly rmdir = (_: string, done: Done): void => answer(done, () => this.remove())

  /** The same, called by proper-lockfile when a signal ends the process. */
  readonly rmdirSync = (): void => this.remove()

  remove(): void {
    const nonce = this.#holds ? this.#nonce : this.#condemned
    this.#condemned = undefined
    if (nonce === undefined) return
    this.#holds = false
    if (nonce === this.#nonce) this.abandon()
    removeFile(path.join(this.#folder, nonce))
    if (nonce === this.#nonce) removeEmptyFolder(this.#folder)
  }
}

/** Runs `work` synchronously and passes the outcome to the callback. */
function answer<T>(done: Done<T>, work: () => T): void {
  let value: T
  try {
    value = work()
  } catch (error) {
    done(error as NodeJS.ErrnoException)
    return
  }
  done(null, value)
}

/**
 * Removes what is no folder from the place of one. Owners come and go meanwhile: then a folder may stand there again.
 */
function removeLitter(folder: string): void {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false })
  if (stat === undefined || stat.isDirectory()) return
  try {
    removeFile(folder)
  } catch (error) {
    if (!['EISDIR', 'EPERM'].includes(errno(error) ?? '')) throw error
  }
}

/**
 * The names of locks that processes wait for, and how many wait. Announcements of processes that are gone are removed
 * on the way.
 */
export function waitedFor(waiting: string, owners: LockOwners): Map<string, number> {
  refuseLink(waiting)
  const names = new Map<string, number>()
  for (const entry of listFolder(waiting)) {
    const nonce = path.extname(entry).slice(1)
    try {
      const folder = path.join(waiting, entry)
      if (isOver(folder, nonce, owners)) {
        removeTree(folder)
        continue
      }
    } catch (error) {
      // it comes or goes on another machine: counted until it can be looked at
      if (!isStale(error)) throw error
    }
    const name = entry.slice(0, -nonce.length - 1)
    names.set(name, (names.get(name) ?? 0) + 1)
  }
  return names
}

function isOver(folder: string, nonce: string, owners: LockOwners): boolean {
  if (!NONCE.test(nonce)) return true
  const file = path.join(folder, nonce)
  const owner = ownerIn(file)
  if (owner === 'gone' || owner === 'unreadable') return isUnfinished(folder)
  return owners.isGivenUp(file, placeOf(path.dirname(path.dirname(folder))))
}

/** Judged by the clock: what is taken for one and is none costs its waiter one more attempt. */
function isUnfinished(folder: string): boolean {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false })
  return stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) > UNFINISHED_MS
}
