/** What `check` finds. */
export type FindingKind =
  | 'torn tail'
  | 'damaged line'
  | 'merge marker'
  | 'duplicate'
  | 'contradiction'
  | 'diverged commits'
  | 'broken graph'
  | 'newer version'
  | 'name and key'
  | 'no session'
  | 'no file'
  | 'case collision'
  | 'conflict copy'
  | 'sidecar lies'
  | 'sidecar unreadable'
  | 'sidecar without log'
  | 'missing blob'
  | 'wrong blob'
  | 'unreferenced blob'
  | 'blobs without log'
  | 'stray file'
  | 'stale lease'
  | 'stale marker'
  | 'open to others'

/** How a finding is mended. All that is taken out goes to quarantine. */
export type Remedy =
  /** The log is written anew without what cannot be read, duplicates and what was removed, all of which is kept. */
  | 'rewrite'
  /** The file is moved to quarantine. */
  | 'set aside'
  /** The sidecar is moved to quarantine and made again from the log; the run state stays. */
  | 'make again'
  /** The file is taken away from all but its owner. */
  | 'make private'
  /** What a dead process holds is released. */
  | 'release'

export interface Finding {
  kind: FindingKind
  /** Absolute path. */
  file: string
  /** The session's key, or null for what belongs to no session that is known. */
  key: string | null
  /** Counted from 1. */
  line: number | null
  offset: number | null
  length: number | null
  reason: string
  /** False for what is normal after a crash or a merge and costs nothing. */
  isDamage: boolean
  /** Null: only a person can tell what is to be done. */
  remedy: Remedy | null
}

export type Found = Pick<Finding, 'kind' | 'file' | 'reason'> & Partial<Finding>

export function finding(found: Found): Finding {
  return { key: null, line: null, offset: null, length: null, isDamage: true, remedy: null, ...found }
}
