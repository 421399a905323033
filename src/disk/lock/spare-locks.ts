/**
 * Folders of locks that were given back, kept to be locks again: to make a folder with a file in it costs a file
 * system many times what it costs to move one. They lie beside the locks, where they lock nothing.
 */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../../base/errors.js'
import { breatheIfDue } from '../../base/event-loop.js'
import { ensureFolder, refuseLink, removeEmptyFolder, removeFile } from '../files.js'

/** More are not kept. */
const MAX_SPARES = 1_024

export class SpareLocks {
  readonly folder: string
  /** Nonces of the owner's files, each in a folder of that name. */
  readonly #nonces: string[] = []

  constructor(locks: string) {
    this.folder = path.join(locks, '.spare')
  }

  /** Takes the lock `from`, with its owner's file, out of the way; false when it cannot be kept. */
  keep(from: string, nonce: string): boolean {
    if (this.#nonces.length >= MAX_SPARES) return false
    const moved = this.#move(from, path.join(this.folder, nonce))
    if (moved) this.#nonces.push(nonce)
    return moved
  }

  /** Puts a folder with an owner's file named `nonce` at `to`; false when there is none to spare. */
  take(to: string, nonce: string): boolean {
    const former = this.#nonces.pop()
    if (former === undefined) return false
    const spare = path.join(this.folder, former)
    try {
      fs.renameSync(path.join(spare, former), path.join(spare, nonce))
      fs.renameSync(spare, to)
      return true
    } catch (error) {
      // cleared away by hand, or littered
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errno(error) ?? '')) throw error
      return false
    }
  }

  #move(from: string, to: string): boolean {
    for (const retry of [true, false]) {
      try {
        refuseLink(this.folder)
        fs.renameSync(from, to)
        return true
      } catch (error) {
        if (errno(error) === 'ENOTDIR') return false
        if (errno(error) !== 'ENOENT') throw error
        if (retry) ensureFolder(this.folder)
      }
    }
    return false
  }

  clear(): void {
    while (this.removeOne()) {}
  }

  /** False when there was none. */
  removeOne(): boolean {
    const nonce = this.#nonces.pop()
    if (nonce === undefined) return false
    const spare = path.join(this.folder, nonce)
    removeFile(path.join(spare, nonce))
    removeEmptyFolder(spare)
    return true
  }
}

const spares = new Map<string, SpareLocks>()

/** The spare locks of this process beside the locks in `locks`. */
export function sparesIn(locks: string): SpareLocks {
  let found = spares.get(locks)
  if (found === undefined) {
    if (spares.size === 0) process.once('exit', clearSpares)
    found = new SpareLocks(locks)
    spares.set(locks, found)
  }
  return found
}

function clearSpares(): void {
  for (const one of spares.values()) one.clear()
}

/** Removes spare locks for as long as nobody may want them, without holding the event loop. */
export async function clearWhile(isIdle: () => boolean): Promise<void> {
  for (const one of spares.values()) {
    while (isIdle() && one.removeOne()) await breatheIfDue()
  }
}
