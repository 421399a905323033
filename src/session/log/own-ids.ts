/** The ids that messages of one session brought along: by them a message is appended only once. */
import { isObject } from '../../base/json.js'
import { isLine, namedIds, type Piece } from '../../log/line.js'
import { isChat } from '../../log/parse.js'
import { messageText } from '../../log/serialize.js'
import { isLive, knownId, type Visibility } from '../../log/visibility.js'
import { LogFollower } from './log-follower.js'
import { ownIdOf } from './message-ids.js'
import { type Draft, messageDraft } from './pending-line.js'
import type { SessionLog } from './session-log.js'

export class OwnIds {
  readonly #log: SessionLog
  /** Ids of lines by own id. */
  readonly #lines = new Map<string, string>()
  readonly #follower = new LogFollower()

  constructor(log: SessionLog) {
    this.#log = log
  }

  /**
   * Appends those messages whose own ids no live message has; returns the ids of all their lines. The first call reads
   * the whole log, later ones what was added.
   * @throws TypeError for a message without an `id` that is a string
   */
  async appendOnce(messages: readonly unknown[], signal?: AbortSignal): Promise<string[]> {
    const given = messages.map((message) => ({ own: idOf(message), text: messageText(message) }))
    return this.#log.transact(async (summary) => {
      await this.#readOn()
      const lines = new Map<string, string>()
      const drafts: Draft[] = []
      let after = summary?.maxId ?? ''
      for (const { own, text } of given) {
        const there = this.#lines.get(own) ?? lines.get(own)
        if (there === undefined) {
          after = this.#log.context.clock.id(after)
          drafts.push({ ...messageDraft(text), id: after })
        }
        lines.set(own, there ?? after)
      }
      return { drafts, result: given.map(({ own }) => lines.get(own) as string) }
    }, signal)
  }

  async #readOn(): Promise<void> {
    await this.#follower.readOn(this.#log, {
      restart: () => this.#lines.clear(),
      add: (pieces, visibility) => this.#add(pieces, visibility),
    })
  }

  #add(pieces: readonly Piece[], visibility: Visibility): void {
    for (const piece of pieces) {
      if (piece.kind === 'remove') this.#forget(new Set(namedIds(piece)))
      if (!isLine(piece) || !isChat(piece) || !isLive(piece, visibility)) continue
      const own = ownIdOf(piece)
      if (own !== undefined && !this.#lines.has(own)) this.#lines.set(own, knownId(piece, visibility))
    }
  }

  #forget(removed: ReadonlySet<string>): void {
    for (const [own, line] of this.#lines) if (removed.has(line)) this.#lines.delete(own)
  }
}

function idOf(message: unknown): string {
  const id = isObject(message) ? message.id : undefined
  if (typeof id !== 'string')
    throw new TypeError('to be appended once, a message needs an id of its own that is a string')
  return id
}
