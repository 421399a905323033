/** The logs of one folder that are kept open between writes: to open and close one costs more than to write a line. */
import fs from 'node:fs'
import { SharedFolder, type SharedPart } from '../shared-folder.js'

/** All folders of a process together take at most this share of the descriptors that it may have … */
const SHARE = 1 / 4
/** … and never more than this. */
const MOST = 1_024
/** Where the system does not report how many those are. */
const MOST_UNKNOWN = 128

interface Kept {
  /** False while the descriptor is needed. */
  readonly closable: boolean
  closeFd(): void
}

export class FdCache implements SharedPart {
  /** The one used last at the end. */
  readonly #open = new Set<Kept>()
  readonly #most = mostOpen()

  /** Notes that a log is open and was used, and closes those unused for the longest where they are too many. */
  used(log: Kept): void {
    const most = Math.ceil(this.#most / SharedFolder.count)
    if (this.#open.size >= most / 2) this.#open.delete(log)
    this.#open.add(log)
    if (this.#open.size > most) this.#closeOldest(this.#open.size - most)
  }

  closed(log: Kept): void {
    this.#open.delete(log)
  }

  #closeOldest(count: number): void {
    let left = count
    for (const log of this.#open) {
      if (left === 0) return
      if (!log.closable) continue
      log.closeFd()
      left--
    }
  }

  close(): void {
    this.#closeOldest(this.#open.size)
  }
}

function mostOpen(): number {
  let limits: string
  try {
    limits = fs.readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return MOST_UNKNOWN
  }
  const limit = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
  return limit === 'unlimited' ? MOST : Math.min(MOST, Math.floor(Number(limit) * SHARE) || MOST_UNKNOWN)
}
