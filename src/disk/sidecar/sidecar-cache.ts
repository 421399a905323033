/** The run state in the sidecar of one session, cached: read again only when the file has changed. */

import { removeFile, statFile } from '../files.js'
import { type FileMark, markOf, sameMark } from '../log/file-mark.js'
import { createSidecar, type Run, readSidecar, type Sidecar, writeSidecar } from './sidecar-file.js'

/** A run, its session, and which log of that session. */
export type Claim = Pick<Sidecar, 'key' | 'session' | 'run'>

/** The run of this log of the key; null when there is none, or that of an earlier log. */
export function runOf(claim: Claim | null, key: string, session: string | null): Run | null {
  return claim?.key === key && claim.session === session ? claim.run : null
}

export class SidecarCache {
  #cached: { mark: FileMark; claim: Claim | null } | undefined

  constructor(readonly path: string) {}

  /** Null when there is no sidecar, or none that can be read. */
  claim(): Claim | null {
    const stat = statFile(this.path)
    if (stat === undefined) return null
    const noted = stat === 'other' ? undefined : this.claimOf(stat)
    if (noted !== undefined) return noted
    const read = readSidecar(this.path)
    if (read === null) return null
    return this.#keep(read.mark, read.sidecar)
  }

  /** The same of a sidecar with this mark; undefined when it would have to be read. */
  claimOf(mark: FileMark): Claim | null | undefined {
    return sameMark(mark, this.#cached?.mark) ? this.#cached?.claim : undefined
  }

  /** Reads it again at the next call. */
  forget(): void {
    this.#cached = undefined
  }

  /** Replaces it. */
  write(sidecar: Sidecar): void {
    this.#keep(writeSidecar(this.path, sidecar), sidecar)
  }

  /** Makes it; false where there is one already. */
  create(sidecar: Sidecar): boolean {
    const mark = createSidecar(this.path, sidecar)
    if (mark !== undefined) this.#keep(mark, sidecar)
    return mark !== undefined
  }

  /** Removes what was made or written here, unless it was replaced since. */
  removeOwn(): void {
    const stat = statFile(this.path)
    if (stat !== undefined && stat !== 'other' && this.claimOf(stat) !== undefined) removeFile(this.path)
  }

  #keep(mark: FileMark, sidecar: Sidecar | null): Claim | null {
    // the rest is large, and stands in the log as well
    const claim = sidecar && { key: sidecar.key, session: sidecar.session, run: sidecar.run }
    this.#cached = { mark: markOf(mark), claim }
    return claim
  }
}
