/**
 * `jsonl-sessions/adapters/ai-sdk`: the chats of an AI SDK app, one session each.
 * @module adapters/ai-sdk
 */
import type { ToolSet, UIMessage, validateUIMessages } from 'ai'
import { checkNames, checkText } from '../base/arguments.js'
import { isObject, type Json, type JsonObject, jsonEqual, toJson } from '../base/json.js'
import type { Entry } from '../session/entry.js'
import { uiLine, uiMessageOf } from './lines/ai-sdk.js'
import { AdapterSessions } from './shared/adapter-sessions.js'
import { asWritten } from './shared/as-written.js'
import type { GivenStore } from './shared/given-store.js'
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
  readonly #sessions: AdapterSessions

  /** @throws TypeError */
  constructor(store: GivenStore, options?: JsonlChatStoreOptions) {
    const { prefix = '' } = checkNames('JsonlChatStore', options, ['prefix'])
    this.#sessions = new AdapterSessions(store, prefix)
  }

  /**
   * All messages of a chat; none where there is no chat. With `validate` they are checked by the SDK, which must be
   * installed then. @throws the SDK's error for messages that the schemas do not accept
   */
  async load(chatId: string, options?: { validate?: ChatValidation }): Promise<M[]> {
    const { validate } = checkNames('load', options, ['validate'])
    checkText('chatId', chatId)
    const messages = await this.#sessions.read(chatId, (_, log) => itemsOf(log, uiMessageOf) as unknown as M[])
    return validate === undefined || messages.length === 0 ? messages : validated(messages, validate)
  }

  /**
   * Makes the chat these messages: a common beginning stays unchanged, the rest is replaced, all or nothing. The last
   * whole save wins. Messages of others that are no `UIMessage` stay.
   */
  async save({ chatId, messages }: { chatId: string; messages: readonly M[] }): Promise<void> {
    const given = messagesOf(messages)
    checkText('chatId', chatId)
    await this.#sessions.write(chatId, (session, store) => {
      const written = asWritten(store, session.key, given.map(uiLine))
      const shown = written.map(
        (message, i) => uiMessageOf({ id: '', at: new Date(0), message }) ?? (given[i] as JsonObject),
      )
      return session.change({}, ({ entries }) => {
        const { remove, kept } = replacing(entries, shown)
        return { remove, append: given.slice(kept).map(uiLine), result: undefined }
      })
    })
  }

  async append(chatId: string, message: M): Promise<void> {
    const lines = messagesOf([message]).map(uiLine)
    checkText('chatId', chatId)
    await this.#sessions.write(chatId, (session) => session.append(lines))
  }

  /** False where there was no chat. */
  async delete(chatId: string): Promise<boolean> {
    checkText('chatId', chatId)
    return this.#sessions.write(chatId, (session) => session.delete())
  }

  /** The ids of all chats: of all sessions whose key begins with the prefix. */
  async list(): Promise<string[]> {
    return this.#sessions.keys()
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
