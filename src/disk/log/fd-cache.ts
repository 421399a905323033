/** Logs that are kept open between writes: to open and close one costs more than to write a line. */
import fs from 'node:fs'

/** At most this share of the descriptors that the process may have … */
const SHARE = 1 / 4
/** … and never more than this. */
const MOST = 1_024
/** Where the system does not tell how many those are. */
const MOST_UNKNOWN = 128

interface Kept {
  /** False while the descriptor is needed. */
  readonly closable: boolean
  closeFd(): void
}

/** The one used last at the end. */
const open = new Set<Kept>()
let most: number | undefined

/** Takes note that a log is open and was used, and closes the one unused for the longest where they are too many. */
export function keepOpen(log: Kept): void {
  most ??= mostOpen()
  if (open.size >= most / 2) open.delete(log)
  open.add(log)
  if (open.size > most) closeOldest()
}

export function noteClosed(log: Kept): void {
  open.delete(log)
}

function closeOldest(): void {
  for (const log of open) {
    if (!log.closable) continue
    log.closeFd()
    return
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
