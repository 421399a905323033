/**
 * `jsonl-sessions/adapters/grammy`: the session plugin's data, in the log of each chat.
 * @module adapters/grammy
 */
import type { StorageAdapter } from 'grammy'
import type { GivenStore } from './shared/given-store.js'
import { ValuePerKey, type ValuePerKeyOptions } from './shared/value-per-key.js'

/** `StorageAdapter` of `grammy` over a store. Of two updates of one chat at once the last write wins, as grammY says. */
export class JsonlStorageAdapter<T> implements StorageAdapter<T> {
  readonly #values: ValuePerKey

  /** @throws TypeError */
  constructor(store: GivenStore, options?: ValuePerKeyOptions) {
    this.#values = new ValuePerKey('JsonlStorageAdapter', store, options)
  }

  async read(key: string): Promise<T | undefined> {
    return this.#values.read(key)
  }

  /** Undefined deletes. */
  async write(key: string, value: T): Promise<void> {
    await this.#values.write(key, value)
  }

  async delete(key: string): Promise<void> {
    await this.#values.delete(key)
  }

  async has(key: string): Promise<boolean> {
    return (await this.#values.read(key)) !== undefined
  }

  async *readAllKeys(): AsyncGenerator<string> {
    for await (const [key] of this.#values.entries()) yield key
  }

  async *readAllValues(): AsyncGenerator<T> {
    for await (const [, value] of this.#values.entries<T>()) yield value
  }

  readAllEntries(): AsyncGenerator<[key: string, value: T]> {
    return this.#values.entries()
  }
}
