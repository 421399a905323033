/** One log for small values that belong to no conversation: retention never takes it. */
import type { Session } from '../../session/session.js'
import { type AnyStore, internalsOf } from '../../store/store.js'
import { whenIdle } from './adapter-sessions.js'

/** Calls land in call order, as in `AdapterSessions`. */
export class SharedLog {
  readonly #store: Promise<AnyStore>
  readonly #key: string
  /** The log is there, or could not be made; undefined before the first write. Never rejects. */
  #pinned: Promise<{ error: unknown } | undefined> | undefined

  constructor(store: Promise<AnyStore>, key: string) {
    this.#store = store
    this.#key = key
  }

  /** A log that is not there is made, with the tag that keeps it. `work` calls the session before it waits. */
  async write<T>(work: (session: Session, store: AnyStore) => T): Promise<Awaited<T>> {
    const store = await this.#store
    const session = store.session(this.#key)
    this.#pinned ??= this.#pin(session)
    const failed = await this.#pinned
    if (failed !== undefined) throw failed.error
    return await work(session, store)
  }

  /** As `write`, but a log that is not there is not made. */
  async remove<T>(work: (session: Session, store: AnyStore) => T): Promise<Awaited<T>> {
    const store = await this.#store
    await this.#pinned
    return await work(store.session(this.#key), store)
  }

  async read<T>(work: (session: Session, store: AnyStore) => T): Promise<Awaited<T>> {
    const store = await this.#store
    await this.#pinned
    const busy = whenIdle(internalsOf(store).log(this.#key))
    if (busy !== undefined) await busy
    return await work(store.session(this.#key), store)
  }

  /** The names that are there and begin with `prefix`. */
  names(prefix: string): Promise<string[]> {
    return this.read((session) => namesIn(session, prefix))
  }

  /** Names of writes before it; those of writes that are called while it runs may go too. */
  removeAll(prefix: string): Promise<void> {
    return this.read(async (session) => {
      const names = await namesIn(session, prefix)
      await session.setValues(names.map((name) => [name, undefined]))
    })
  }

  async #pin(session: Session): Promise<{ error: unknown } | undefined> {
    try {
      if (!(await session.exists())) await session.tag(['pinned'])
      return undefined
    } catch (error) {
      this.#pinned = undefined
      return { error }
    }
  }
}

async function namesIn(session: Session, prefix: string): Promise<string[]> {
  const names: string[] = []
  for await (const [name] of session.values({ prefix, keysOnly: true })) names.push(name)
  return names
}
