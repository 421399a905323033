/**
 * `jsonl-sessions/adapters/telegraf`: what `session()` keeps, in a log of each key.
 * @module adapters/telegraf
 */
import type { AsyncSessionStore } from 'telegraf/session'
import type { GivenStore } from './shared/given-store.js'
import { ValuePerKey, type ValuePerKeyOptions } from './shared/value-per-key.js'

/** `AsyncSessionStore` of `telegraf` over a store. */
export class JsonlTelegrafStore<T> implements AsyncSessionStore<T> {
  readonly #values: ValuePerKey

  /** @throws TypeError */
  constructor(store: GivenStore, options?: ValuePerKeyOptions) {
    this.#values = new ValuePerKey('JsonlTelegrafStore', store, options)
  }

  async get(name: string): Promise<T | undefined> {
    return this.#values.read(name)
  }

  /** Undefined deletes. */
  async set(name: string, value: T): Promise<void> {
    await this.#values.write(name, value)
  }

  async delete(name: string): Promise<void> {
    await this.#values.delete(name)
  }
}
