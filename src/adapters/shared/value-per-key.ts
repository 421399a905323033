/** State that frameworks keep by chat: one named value in the log of each key. */
import { checkNames, checkText } from '../../base/arguments.js'
import type { Session } from '../../session/session.js'
import type { ValueEntry, ValueOptions } from '../../session/values/values.js'
import type { AnyStore } from '../../store/store.js'
import { type GivenStore, storeOf } from './given-store.js'
import { jsonCopy } from './json-copy.js'

export interface ValuePerKeyOptions {
  /** Stands before each key of the framework in the key of the session; none unless given. */
  prefix?: string
  /** Name of the value; `session` unless given. */
  name?: string
}

export class ValuePerKey {
  readonly store: Promise<AnyStore>
  readonly prefix: string
  readonly name: string

  /** @throws TypeError */
  constructor(of: string, given: GivenStore, options: ValuePerKeyOptions = {}, usual = 'session') {
    const { prefix = '', name = usual } = checkNames(of, options, ['prefix', 'name'])
    checkText('prefix', prefix)
    checkText('name', name)
    this.store = storeOf(given)
    this.prefix = prefix
    this.name = name
  }

  async session(key: string): Promise<Session> {
    const store = await this.store
    checkText('the key', key)
    return store.session(this.prefix + key)
  }

  async read<T>(key: string): Promise<T | undefined> {
    return (await this.session(key)).getValue<T>(this.name)
  }

  /** Expired or not. */
  async entry<T>(key: string): Promise<ValueEntry<T> | undefined> {
    return (await this.session(key)).getValue<T>(this.name, { expired: true })
  }

  /** What is undefined is deleted. */
  async write(key: string, value: unknown, options?: ValueOptions): Promise<void> {
    if (value === undefined) await this.delete(key)
    else {
      const copy = jsonCopy(value)
      await (await this.session(key)).setValue(this.name, copy, options)
    }
  }

  /** Messages and labels stay. */
  async delete(key: string): Promise<boolean> {
    return (await this.session(key)).deleteValue(this.name)
  }

  /** Of all keys that hold a value, in their order. */
  async *entries<T>(): AsyncGenerator<[key: string, value: T]> {
    const store = await this.store
    for (const key of await store.keys({ prefix: this.prefix })) {
      const value = await store.session(key).getValue<T>(this.name)
      if (value !== undefined) yield [key.slice(this.prefix.length), value]
    }
  }
}
