/**
 * The sessions of an adapter: one for each key of the framework, behind a prefix. Calls land in call order, awaited or
 * not: each waits for the store and reaches the session at once. One that reads waits for those before it; it may see
 * the effect of later ones.
 */
import { checkText } from '../../base/arguments.js'
import type { SessionLog } from '../../session/log/session-log.js'
import type { Session } from '../../session/session.js'
import { type AnyStore, internalsOf } from '../../store/store.js'
import { type GivenStore, storeOf } from './given-store.js'

export class AdapterSessions {
  readonly store: Promise<AnyStore>
  readonly prefix: string

  /** @throws TypeError */
  constructor(given: GivenStore, prefix: string) {
    checkText('prefix', prefix)
    this.prefix = prefix
    this.store = storeOf(given)
  }

  /** `work` calls the session before it waits for anything. */
  async write<T>(key: string, work: (session: Session, store: AnyStore) => T): Promise<Awaited<T>> {
    const store = await this.store
    return await work(store.session(this.prefix + key), store)
  }

  async read<T>(key: string, work: (session: Session, log: SessionLog) => T): Promise<Awaited<T>> {
    const store = await this.store
    const log = internalsOf(store).log(this.prefix + key)
    const busy = whenIdle(log)
    if (busy !== undefined) await busy
    return await work(store.session(log.key), log)
  }

  /** The keys of the sessions that are there. */
  async keys(): Promise<string[]> {
    const keys = await (await this.store).keys({ prefix: this.prefix })
    return keys.map((key) => key.slice(this.prefix.length))
  }
}

/** When the calls on a session that this process has made so far have ended; undefined where none runs. */
export function whenIdle(log: SessionLog): Promise<void> | undefined {
  const idle = log.inTurn(() => {})
  return idle instanceof Promise ? idle : undefined
}
