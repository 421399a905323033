/** State that frameworks keep by chat: one named value in the log of each key. */
import { checkNames, checkText } from '../../base/arguments.js'
import type { ValueEntry, ValueOptions } from '../../session/values/values.js'
import { AdapterSessions } from './adapter-sessions.js'
import type { GivenStore } from './given-store.js'
import { jsonCopy } from './json-copy.js'

export interface ValuePerKeyOptions {
  /** Stands before each key of the framework in the key of the session; none unless given. */
  prefix?: string
  /** Name of the value; `session` unless given. */
  name?: string
}

export class ValuePerKey {
  readonly sessions: AdapterSessions
  readonly name: string

  /** @throws TypeError */
  constructor(of: string, given: GivenStore, options: ValuePerKeyOptions = {}, usual = 'session') {
    const { prefix = '', name = usual } = checkNames(of, options, ['prefix', 'name'])
    checkText('name', name)
    this.sessions = new AdapterSessions(given, prefix)
    this.name = name
  }

  async read<T>(key: string): Promise<T | undefined> {
    checkText('the key', key)
    return this.sessions.read(key, (session) => session.getValue<T>(this.name)) as Promise<T | undefined>
  }

  /** Expired or not. */
  async entry<T>(key: string): Promise<ValueEntry<T> | undefined> {
    checkText('the key', key)
    return this.sessions.read(key, (session) => session.getValue<T>(this.name, { expired: true }))
  }

  /** What is undefined is deleted. */
  async write(key: string, value: unknown, options?: ValueOptions): Promise<void> {
    checkText('the key', key)
    const copy = value === undefined ? undefined : jsonCopy(value)
    await this.sessions.write(key, (session) =>
      copy === undefined ? session.deleteValue(this.name) : session.setValue(this.name, copy, options),
    )
  }

  /** Messages and labels stay. */
  async delete(key: string): Promise<void> {
    await this.write(key, undefined)
  }

  /** Of all keys that hold a value, in their order. */
  async *entries<T>(): AsyncGenerator<[key: string, value: T]> {
    for (const key of await this.sessions.keys()) {
      const value = await this.read<T>(key)
      if (value !== undefined) yield [key, value]
    }
  }
}
