/** What a probe of a drive means for a store: numbers in, a verdict out. */
import type { Drive } from './mount-table.js'

/** What two peers have measured. Times in ms; null: not within five seconds. */
export interface Measured {
  /** Races for one name: how many there were, had one winner, had two. */
  races: number
  won: number
  wonByBoth: number
  /** How long a look misses what the other has written and synced. */
  staleView: number | null
  /** How long a list of the folder misses what the other has written and not synced. */
  writeBuffer: number | null
  /** Events of the other's changes arrive. */
  watches: boolean
  /** Renames to a name that the other had used, and how many of them failed with a stale handle. */
  staleTries: number
  stale: number
}

export type Verdict = 'local' | 'network' | 'refuse'

/** A look that is out of date for longer shows a cache, ms: less is a busy machine. */
const CACHED_MS = 80

/** The verdict, and why. `isAlone`: both peers were on this machine, which sees its own writes at once. */
export function verdictOf(measured: Measured, drive: Drive, isAlone: boolean): { verdict: Verdict; reason: string } {
  const { races, won, wonByBoth, staleView, writeBuffer, watches, stale } = measured
  if (wonByBoth > 0) return { verdict: 'refuse', reason: 'two owners of one lease: messages would be lost' }
  if (won < races) return { verdict: 'refuse', reason: 'a lease that nobody can take: folders cannot be renamed' }
  if (staleView === null || writeBuffer === null)
    return { verdict: 'refuse', reason: 'what another machine writes is not seen within five seconds' }
  if (drive.place === 'network')
    return {
      verdict: 'network',
      reason: isAlone ? 'by its type: measure it with --peer before you use it' : 'by its type',
    }
  if (!isAlone && (staleView > CACHED_MS || writeBuffer > CACHED_MS || !watches || stale > 0))
    return { verdict: 'network', reason: 'the other machine is seen late, or not heard' }
  if (drive.place === 'unknown')
    return { verdict: 'network', reason: 'its type does not say that it is a disk of this machine' }
  return { verdict: 'local', reason: 'a disk of this machine' }
}
