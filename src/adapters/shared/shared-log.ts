/** One log for small values that belong to no conversation: retention never takes it. */
import type { Session } from '../../session/session.js'
import type { AnyStore } from '../../store/store.js'

export class SharedLog {
  readonly #store: Promise<AnyStore>
  readonly #key: string
  #pinned: Promise<void> | undefined

  constructor(store: Promise<AnyStore>, key: string) {
    this.#store = store
    this.#key = key
  }

  /** For reading: the log is not made. */
  async session(): Promise<Session> {
    return (await this.#store).session(this.#key)
  }

  /** For writing: a log that is not there is made, with the tag that keeps it. Calls go on in call order. */
  async made(): Promise<Session> {
    const session = await this.session()
    this.#pinned ??= pin(session).catch((error) => {
      this.#pinned = undefined
      throw error
    })
    await this.#pinned
    return session
  }
}

async function pin(session: Session): Promise<void> {
  if (!(await session.exists())) await session.tag(['pinned'])
}
