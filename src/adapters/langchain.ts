/**
 * `jsonl-sessions/adapters/langchain`: the messages of a LangChain chat, one session each.
 * @module adapters/langchain
 */
import { BaseListChatMessageHistory } from '@langchain/core/chat_history'
import {
  type BaseMessage,
  mapChatMessagesToStoredMessages,
  mapStoredMessagesToChatMessages,
  type StoredMessage,
} from '@langchain/core/messages'
import { checkCount, checkNames, checkText } from '../base/arguments.js'
import { type JsonObject, toJson } from '../base/json.js'
import type { SessionLog } from '../session/log/session-log.js'
import type { Session } from '../session/session.js'
import { langchainLine, storedOf } from './lines/langchain.js'
import { AdapterSessions } from './shared/adapter-sessions.js'
import type { GivenStore } from './shared/given-store.js'
import { itemsOf } from './shared/items.js'

export interface JsonlChatMessageHistoryFields {
  store: GivenStore
  sessionId: string
  /** Stands before the session id in the key of the session; none unless given. */
  prefix?: string
}

/** `BaseListChatMessageHistory` of `@langchain/core` over a store. */
export class JsonlChatMessageHistory extends BaseListChatMessageHistory {
  override lc_namespace = ['langchain', 'stores', 'message', 'jsonl']
  readonly #sessions: AdapterSessions
  readonly #sessionId: string

  /** @throws TypeError */
  constructor(fields: JsonlChatMessageHistoryFields) {
    const names = ['store', 'sessionId', 'prefix'] as const
    const { store, sessionId, prefix = '' } = checkNames('JsonlChatMessageHistory', fields, names)
    checkText('sessionId', sessionId)
    super({ sessionId, prefix })
    this.#sessions = new AdapterSessions(store, prefix)
    this.#sessionId = sessionId
  }

  /** All messages, or the last so many. A message of another writer that LangChain has no class for is passed over. */
  async getMessages({ last }: { last?: number } = {}): Promise<BaseMessage[]> {
    if (last !== undefined) checkCount('last', last)
    const read = (_: Session, log: SessionLog) => itemsOf(log, ({ message }) => classedOf(storedOf(message)), last)
    return this.#sessions.read(this.#sessionId, read)
  }

  async addMessage(message: BaseMessage): Promise<void> {
    await this.addMessages([message])
  }

  /** Adds all messages in one write. @throws TypeError for a message that LangChain could not make again */
  override async addMessages(messages: BaseMessage[]): Promise<void> {
    const stored = toJson(mapChatMessagesToStoredMessages(messages)) as JsonObject[]
    for (const one of stored) {
      if (classedOf(one) === undefined) throw new TypeError(`LangChain reads no stored message of type ${one.type}`)
    }
    const lines = stored.map(langchainLine)
    await this.#sessions.write(this.#sessionId, (session) => session.append(lines))
  }

  /** Takes all messages off the disk; name, tags and values of the session stay. */
  override async clear(): Promise<void> {
    await this.#sessions.write(this.#sessionId, (session) => session.clear())
  }
}

/** Undefined for what LangChain has no class for, or what such a class does not accept. */
function classedOf(stored: JsonObject | undefined): BaseMessage | undefined {
  if (stored === undefined) return undefined
  try {
    return mapStoredMessagesToChatMessages([stored as unknown as StoredMessage])[0]
  } catch {
    return undefined
  }
}
