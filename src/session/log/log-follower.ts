/** Reads the lines of a log, and later only those that were added. */
import type { Piece } from '../../log/line.js'
import { NOTHING_KNOWN, type Visibility } from '../../log/visibility.js'
import { visibilityIn } from './catch-up.js'
import { endOf, isGrown, markAt, type ReadMark } from './read-mark.js'
import type { SessionLog } from './session-log.js'

export class LogFollower {
  #mark: ReadMark | undefined

  /**
   * Reads on where the log has only grown, else `restart`s and reads all. A `remove` line that was added names lines
   * that `add` has seen before.
   */
  async readOn(
    log: SessionLog,
    { restart, add }: { restart: () => void; add: (pieces: readonly Piece[], visibility: Visibility) => void },
  ): Promise<void> {
    const isThere = await log.using(async (reader) => {
      const former = this.#mark
      if (former !== undefined && isGrown(reader, former)) {
        const added = await reader.pieces(former.end)
        add(added, NOTHING_KNOWN)
        this.#mark = markAt(reader, endOf(added) ?? former.end)
        return true
      }
      // a reading that fails midway is none
      this.#mark = undefined
      restart()
      const visibility = await visibilityIn(reader)
      let end = 0
      for await (const pieces of reader.blocks()) {
        add(pieces, visibility)
        end = endOf(pieces) ?? end
      }
      this.#mark = markAt(reader, end)
      return true
    })
    if (isThere !== undefined) return
    this.#mark = undefined
    restart()
  }
}
