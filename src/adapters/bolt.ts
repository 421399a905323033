/**
 * `jsonl-sessions/adapters/bolt`: the state of Slack conversations, in a log of each.
 * @module adapters/bolt
 */
import type { ConversationStore } from '@slack/bolt'
import type { ValueEntry } from '../session/values/values.js'
import { internalsOf } from '../store/store.js'
import type { GivenStore } from './shared/given-store.js'
import { ValuePerKey, type ValuePerKeyOptions } from './shared/value-per-key.js'

/** `ConversationStore` of `@slack/bolt` over a store. */
export class JsonlConversationStore<State = unknown> implements ConversationStore<State> {
  readonly #values: ValuePerKey

  /** @throws TypeError */
  constructor(store: GivenStore, options?: ValuePerKeyOptions) {
    this.#values = new ValuePerKey('JsonlConversationStore', store, options)
  }

  /** `expiresAt` in Unix milliseconds. */
  async set(conversationId: string, value: State, expiresAt?: number): Promise<void> {
    try {
      await this.#values.write(conversationId, value, { expires: expiresAt })
    } catch (error) {
      return await this.#report(error, conversationId)
    }
  }

  /**
   * Rejects with 'Conversation not found' or 'Conversation expired', as the framework expects. Every other rejection is
   * reported to the store's `onError` too: the framework writes it to the debug log only.
   */
  async get(conversationId: string): Promise<State> {
    const store = await this.#values.sessions.store
    let entry: ValueEntry<State> | undefined
    try {
      entry = await this.#values.entry<State>(conversationId)
    } catch (error) {
      return await this.#report(error, conversationId)
    }
    if (entry === undefined) throw new Error('Conversation not found')
    if (entry.expires !== undefined && entry.expires.getTime() <= store.now()) throw new Error('Conversation expired')
    return entry.value
  }

  async #report(error: unknown, conversationId: string): Promise<never> {
    const { settings } = internalsOf(await this.#values.sessions.store).context
    if (!(error instanceof TypeError)) settings.onError(error, this.#values.sessions.prefix + conversationId)
    throw error
  }
}
