/** What stands in the sidecar of one session: read once, and again only when it is another file by now. */

import { statFile } from '../files.js'
import { type FileMark, markOf, sameMark } from '../log/file-mark.js'
import { type Run, readSidecar, type Sidecar, writeSidecar } from './sidecar-file.js'

/** A run, of which session, and of which log of that. */
export type Claim = Pick<Sidecar, 'key' | 'session' | 'run'>

/** The run that is claimed of this log of the key; null when none is, or that of an earlier log. */
export function runOf(claim: Claim | null, key: string, session: string | null): Run | null {
  return claim?.key === key && claim.session === session ? claim.run : null
}

export class SidecarCache {
  #cached: { mark: FileMark; claim: Claim | null } | undefined

  constructor(readonly path: string) {}

  /** Null when there is none, or none that says anything. */
  claim(): Claim | null {
    const stat = statFile(this.path)
    if (stat === undefined) return null
    const noted = stat === 'other' ? undefined : this.claimOf(stat)
    if (noted !== undefined) return noted
    const read = readSidecar(this.path)
    if (read === null) return null
    return this.#keep(read.mark, read.sidecar)
  }

  /** The same of a sidecar of this mark; undefined when that would have to be read. */
  claimOf(mark: FileMark): Claim | null | undefined {
    return sameMark(mark, this.#cached?.mark) ? this.#cached?.claim : undefined
  }

  /** Replaces it. */
  write(sidecar: Sidecar): void {
    this.#keep(writeSidecar(this.path, sidecar), sidecar)
  }

  #keep(mark: FileMark, sidecar: Sidecar | null): Claim | null {
    // the rest is large, and the log tells it as well
    const claim = sidecar && { key: sidecar.key, session: sidecar.session, run: sidecar.run }
    this.#cached = { mark: markOf(mark), claim }
    return claim
  }
}
