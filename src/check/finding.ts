/** Stable codes of what `check` finds; they are printed as they stand here. */
export type FindingKind =
  | 'torn-tail'
  | 'damaged-line'
  | 'merge-marker'
  | 'duplicate'
  | 'contradiction'
  | 'diverged-commits'
  | 'answered-twice'
  | 'time-ahead'
  | 'broken-graph'
  | 'newer-version'
  | 'key-mismatch'
  | 'invalid-name'
  | 'not-a-log'
  | 'foreign-file'
  | 'case-collision'
  | 'conflict-copy'
  | 'sidecar-mismatch'
  | 'sidecar-unreadable'
  | 'orphan-sidecar'
  | 'missing-blob'
  | 'blob-mismatch'
  | 'unreferenced-blob'
  | 'orphan-blobs'
  | 'leftover-file'
  | 'stale-lease'
  | 'interrupted-turn'
  | 'permissions'

/** How a finding is mended. Whatever is taken out of a file goes to quarantine. */
export type Remedy =
  /** The log is rewritten without unreadable lines, duplicates and removed messages; what is unreadable is kept in quarantine. */
  | 'rewrite'
  /** The file is moved to quarantine. */
  | 'quarantine'
  /** The sidecar is moved to quarantine and rebuilt from the log; the run state stays. */
  | 'rebuild'
  /** The mode is reduced to the owner's rights. */
  | 'restrict'
  /** The lease of a dead process is released. */
  | 'release'

export interface Finding {
  kind: FindingKind
  /** Absolute path. */
  file: string
  /** The session's key; null where the file belongs to no known session. */
  key: string | null
  /** Counted from 1. */
  line: number | null
  offset: number | null
  length: number | null
  reason: string
  /** False for what is normal after a crash or a merge. */
  isDamage: boolean
  /** Null where only a person can decide. */
  remedy: Remedy | null
}

export type Found = Pick<Finding, 'kind' | 'file' | 'reason'> & Partial<Finding>

export function finding(found: Found): Finding {
  return { key: null, line: null, offset: null, length: null, isDamage: true, remedy: null, ...found }
}
