/** `jsonl-sessions/adapters/ai-sdk`: the chats of an AI SDK app, one session each. */
import type { ToolSet, UIMessage, validateUIMessages } from 'ai'
import { checkNames, checkText } from '../base/arguments.js'
import { isObject, type Json, type JsonObject, jsonEqual, toJson } from '../base/json.js'
import type { Entry } from '../session/entry.js'
import type { AnyStore } from '../store/store.js'
import { uiLine, uiMessageOf } from './lines/ai-sdk.js'
import { asWritten } from './shared/as-written.js'
import { type GivenStore, storeOf } from './shared/given-store.js'
import { itemsOf } from './shared/items.js'

export interface JsonlChatStoreOptions {
  /** Stands before the chat id in the key of the session; none unless given. */
  prefix?: string
}

type Schemas = Parameters<typeof validateUIMessages>[0]

/** What loaded messages are checked against, as `safeValidateUIMessages` takes it. */
export interface ChatValidation {
  tools?: ToolSet
  metadataSchema?: Schemas['metadataSchema']
  dataPartsSchema?: Schemas['dataSchemas']
}

/** Loads and saves the `UIMessage`s of chats, over a store. */
export class JsonlChatStore<M extends UIMessage = UIMessage> {
  readonly #store: Promise<AnyStore>
  readonly #prefix: string

  /** @throws TypeError */
  constructor(store: GivenStore, options?: JsonlChatStoreOptions) {
    const { prefix = '' } = checkNames('JsonlChatStore', options, ['prefix'])
    checkText('prefix', prefix)
    this.#prefix = prefix
    this.#store = storeOf(store)
  }

  /**
   * All messages of a chat; none where there is no chat. With `validate` they are checked by the SDK, which must be
   * installed then. @throws the SDK's error for messages that the schemas do not accept
   */
  async load(chatId: string, options?: { validate?: ChatValidation }): Promise<M[]> {
    const { validate } = checkNames('load', options, ['validate'])
    const key = this.#keyOf(chatId)
    const messages = (await itemsOf((await this.#store).session(key), uiMessageOf)) as unknown as M[]
    return validate === undefined || messages.length === 0 ? messages : validated(messages, validate)
  }

  /**
   * Makes the chat these messages: a common beginning stays unchanged, the rest is replaced, all or nothing. The last
   * whole save wins. Messages of others that are no `UIMessage` stay.
   */
  async save({ chatId, messages }: { chatId: string; messages: readonly M[] }): Promise<void> {
    const given = messagesOf(messages)
    const key = this.#keyOf(chatId)
    const store = await this.#store
    const written = asWritten(store, key, given.map(uiLine))
    const shown = written.map(
      (message, i) => uiMessageOf({ id: '', at: new Date(0), message }) ?? (given[i] as JsonObject),
    )
    await store.session(key).change({}, ({ entries }) => {
      const { remove, kept } = replacing(entries, shown)
      return { remove, append: given.slice(kept).map(uiLine), result: undefined }
    })
  }

  async append(chatId: string, message: M): Promise<void> {
    const lines = messagesOf([message]).map(uiLine)
    const key = this.#keyOf(chatId)
    const store = await this.#store
    await store.session(key).append(lines)
  }

  /** False where there was no chat. */
  async delete(chatId: string): Promise<boolean> {
    const key = this.#keyOf(chatId)
    return (await this.#store).session(key).delete()
  }

  /** The ids of all chats: of all sessions whose key begins with the prefix. */
  async list(): Promise<string[]> {
    const keys = await (await this.#store).keys({ prefix: this.#prefix })
    return keys.map((key) => key.slice(this.#prefix.length))
  }

  #keyOf(chatId: string): string {
    checkText('chatId', chatId)
    return this.#prefix + chatId
  }
}

/** @throws TypeError */
function messagesOf(messages: readonly unknown[]): JsonObject[] {
  if (!Array.isArray(messages)) throw new TypeError('messages must be an array')
  const copies = toJson(messages) as Json[]
  if (!copies.every(isObject)) throw new TypeError('a message must be an object')
  return copies
}

/** How many of the messages are there already, and what stood in the place of the others. */
function replacing(entries: readonly Entry[], given: readonly JsonObject[]): { remove: string[]; kept: number } {
  const there = entries.flatMap((entry) => {
    const message = uiMessageOf(entry)
    return message === undefined ? [] : [{ id: entry.id, message }]
  })
  const first = there.findIndex(({ message }, i) => !jsonEqual(message, given[i]))
  const kept = first === -1 ? there.length : first
  return { remove: there.slice(kept).map(({ id }) => id), kept }
}

async function validated<M extends UIMessage>(messages: M[], schemas: ChatValidation): Promise<M[]> {
  const { tools, metadataSchema, dataPartsSchema } = checkNames('validate', schemas, [
    ...(['tools', 'metadataSchema', 'dataPartsSchema'] as const),
  ])
  const { safeValidateUIMessages } = await import('ai')
  const checked = await safeValidateUIMessages<M>({
    messages,
    ...(tools && { tools: tools as never }),
    ...(metadataSchema && { metadataSchema }),
    ...(dataPartsSchema && { dataSchemas: dataPartsSchema as never }),
  })
  if (!checked.success) throw checked.error
  return checked.data
}
