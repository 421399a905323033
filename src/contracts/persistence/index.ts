/**
 * The contract `Persistence`: the conversations of a coding agent, with tool calls, token counts and compaction.
 * @module contracts/persistence/api
 */
import path from 'node:path'
import { checkCount, checkOptionalText, checkText } from '../../base/arguments.js'
import { messageNotFound } from '../../base/errors.js'
import type { JsonObject } from '../../base/json.js'
import type { StoreInternals } from '../../list/store-internals.js'
import { Exchange, hasText, PendingQuestion, realMessages, textOf } from '../../log/context.js'
import { activeMessages, shownOf } from '../../log/context-order.js'
import type { Summary } from '../../log/fold.js'
import { metadataOf } from '../../log/labels.js'
import type { Line } from '../../log/line.js'
import { messageText } from '../../log/serialize.js'
import { sumOf, totalUsage } from '../../log/usage.js'
import { summaryOf } from '../../log/views.js'
import { knownId, type WholeLog } from '../../log/visibility.js'
import { byKey, type ListedSession } from '../../session/info.js'
import { liveOf } from '../../session/log/catch-up.js'
import { compactionDraft, headerDraft, messageDraft, metaDraft } from '../../session/log/pending-line.js'
import { type BackwardLine, liveBackwards } from '../../session/read/read-backwards.js'
import { type AnyStore, internalsOf } from '../../store/store.js'
import { summaryMessage, toAgentMessage, toLine } from './message.js'
import { dueArchived, purgeArchived } from './purge.js'
import { recentUserTexts } from './recent.js'
import type {
  CompactedStats,
  Message,
  MessageId,
  NewAgentMessage,
  NewMessage,
  PersistedSessionInfo,
  Persistence,
  Role,
  SessionId,
  SessionUsage,
} from './types.js'

export type * from './types.js'

const DAY_MS = 86_400_000

/** `Persistence` over a store. */
export class JsonlPersistence implements Persistence {
  readonly #store: StoreInternals
  readonly #deleteSession: (key: string) => Promise<boolean>

  constructor(store: AnyStore) {
    this.#store = internalsOf(store)
    this.#deleteSession = (key) => store.session(key).delete()
  }

  async createSession(agentName: string, projectRoot: string): Promise<SessionId> {
    checkText('agentName', agentName)
    checkText('projectRoot', projectRoot)
    const set = { agent: agentName, projectRoot: path.resolve(projectRoot) }
    this.#store.context.checkOpen()
    const id = this.#store.context.clock.id('')
    const log = this.#store.log(id)
    await log.hold(() => log.create([metaDraft(set)], headerDraft(id, {}, id)))
    return id
  }

  async listSessions(limit: number, projectRoot: string): Promise<PersistedSessionInfo[]> {
    checkCount('limit', limit)
    checkText('projectRoot', projectRoot)
    const root = path.resolve(projectRoot)
    const rows = await this.#sessions()
    const mine = rows.filter(({ details }) => details.projectRoot === root).sort(byActivity)
    return mine.slice(0, limit).map(toInfo)
  }

  async deleteSession(sessionId: SessionId): Promise<boolean> {
    return this.#deleteSession(sessionId)
  }

  async insertMessage(sessionId: SessionId, message: NewMessage): Promise<MessageId> {
    return this.#insert(sessionId, toLine(message, null))
  }

  async insertMessageWithAgent(sessionId: SessionId, message: NewAgentMessage): Promise<MessageId> {
    return this.#insert(sessionId, toLine(message, checkOptionalText('agentName', message?.agentName)))
  }

  async #insert(sessionId: SessionId, line: JsonObject): Promise<MessageId> {
    const log = this.#store.log(sessionId)
    return (await log.append([messageDraft(messageText(line))], { create: false }))[0] as string
  }

  async loadContext(sessionId: SessionId): Promise<Message[]> {
    const whole = await this.#whole(sessionId)
    if (whole === undefined) return []
    const { pieces, visibility, fileTime } = whole
    const shown = shownOf(activeMessages(pieces, visibility))
    const messages: Message[] = shown.map((line) => toAgentMessage(line, visibility, fileTime, sessionId))
    const summary = summaryOf(pieces, visibility, fileTime)
    return summary === null ? messages : [summaryMessage(summary, sessionId), ...messages]
  }

  async loadAllMessages(sessionId: SessionId): Promise<Message[]> {
    const whole = await this.#whole(sessionId)
    if (whole === undefined) return []
    const { pieces, visibility, fileTime } = whole
    return realMessages(pieces, visibility).map((line) => toAgentMessage(line, visibility, fileTime, sessionId))
  }

  async recentUserMessages(limit: number): Promise<string[]> {
    checkCount('limit', limit)
    this.#store.context.checkOpen()
    return recentUserTexts(this.#store, limit)
  }

  async lastAssistantMessage(sessionId: SessionId): Promise<string> {
    return this.#lastText(sessionId, 'assistant')
  }

  async lastUserMessage(sessionId: SessionId): Promise<string> {
    return this.#lastText(sessionId, 'user')
  }

  async #lastText(sessionId: SessionId, role: Role): Promise<string> {
    const isWanted = (line: Line) => line.value.role === role && hasText(line)
    const line = await this.#fromTheEnd(sessionId, ({ line }) => (isWanted(line) ? line : undefined))
    if (line !== 'unclear') return textOf(line?.value.content) ?? ''
    const whole = await this.#whole(sessionId)
    const last = whole && realMessages(whole.pieces, whole.visibility).findLast(isWanted)
    return textOf(last?.value.content) ?? ''
  }

  async hasPendingToolCalls(sessionId: SessionId): Promise<boolean> {
    const question = new PendingQuestion()
    const answer = await this.#fromTheEnd(sessionId, ({ line, archived, archivedBefore }, waits) => {
      const answered = archived ? undefined : question.ask(line, waits(line.id))
      return answered ?? (archivedBefore ? false : undefined)
    })
    if (answer !== 'unclear') return answer ?? false
    const whole = await this.#whole(sessionId)
    if (whole === undefined) return false
    const { messages, waits } = activeMessages(whole.pieces, whole.visibility)
    return new Exchange(messages, waits).hasPending
  }

  /** Passes the live messages to the function, from the last one backwards, until it returns a value. */
  async #fromTheEnd<T>(
    sessionId: SessionId,
    ask: (found: BackwardLine, waits: (id: string) => boolean) => T | undefined,
  ): Promise<T | 'unclear' | undefined> {
    this.#store.context.checkOpen()
    return this.#store.log(sessionId).reading(async (reader, { summary }) => {
      const waits = (id: string) => summary.waiting.some((each) => each.id === id)
      for await (const found of liveBackwards(reader, summary)) {
        if (found === 'unclear') return found
        const answer = ask(found, waits)
        if (answer !== undefined) return answer
      }
      return undefined
    })
  }

  async sessionTokenUsage(sessionId: SessionId): Promise<SessionUsage> {
    return sumOf(await this.#usage(sessionId))
  }

  async sessionUsageByAgent(sessionId: SessionId): Promise<Array<[string, SessionUsage]>> {
    const rows = [...(await this.#usage(sessionId))].filter(([, { apiCalls }]) => apiCalls > 0)
    const tokens = (usage: SessionUsage) => usage.promptTokens + usage.completionTokens
    return rows.sort(([a, x], [b, y]) => tokens(y) - tokens(x) || (a < b ? -1 : 1))
  }

  async #usage(sessionId: SessionId): Promise<Map<string, SessionUsage>> {
    const summary = await this.#summary(sessionId)
    return summary === undefined ? new Map() : totalUsage(summary)
  }

  async compactSession(
    sessionId: SessionId,
    summary: string,
    preserve: number | { through: MessageId },
  ): Promise<number> {
    checkText('summary', summary)
    if (typeof preserve === 'object' && preserve !== null) checkText('through', preserve.through)
    else checkCount('preserveCount', preserve)
    const log = this.#store.log(sessionId)
    const archived = await log.transactExisting(async () => {
      const whole = await this.#whole(sessionId)
      if (whole === undefined) return { drafts: [], result: 0 }
      const { messages, waits } = activeMessages(whole.pieces, whole.visibility)
      const exchange = new Exchange(messages, waits)
      const idOf = (line: Line) => knownId(line, whole.visibility)
      const archive =
        typeof preserve === 'number'
          ? exchange.archiveKeeping(preserve)
          : exchange.archiveThrough((line) => idOf(line) === preserve.through)
      if (typeof preserve !== 'number' && archive === undefined) throw messageNotFound(sessionId, preserve.through)
      if (archive === undefined || archive === 'nothing') return { drafts: [], result: 0 }
      const { count, through, kept } = archive
      return { drafts: [compactionDraft(summary, idOf(through), kept.map(idOf))], result: count }
    })
    return archived ?? 0
  }

  async compactedStats(minAgeDays = 0): Promise<CompactedStats> {
    checkCount('minAgeDays', minAgeDays, Number.MAX_VALUE)
    this.#store.context.checkOpen()
    const archives = await dueArchived(this.#store, ageOf(minAgeDays))
    const oldest = archives.flatMap(({ oldest }) => oldest ?? []).sort()[0] ?? null
    return {
      messageCount: archives.reduce((sum, { messages }) => sum + messages, 0),
      sessionCount: archives.length,
      sizeBytes: archives.reduce((sum, { bytes }) => sum + bytes, 0),
      oldest,
    }
  }

  async purgeCompacted(minAgeDays: number): Promise<number> {
    checkCount('minAgeDays', minAgeDays, Number.MAX_VALUE)
    this.#store.context.checkOpen()
    return purgeArchived(this.#store, ageOf(minAgeDays))
  }

  async getMetadata(sessionId: SessionId, key: string): Promise<string | null> {
    checkText('key', key)
    const summary = await this.#summary(sessionId)
    return summary === undefined ? null : metadataOf(summary, key)
  }

  async setMetadata(sessionId: SessionId, key: string, value: string): Promise<void> {
    checkText('key', key)
    checkText('value', value)
    const set = { metadata: Object.fromEntries([[key, value]]) }
    await this.#store.log(sessionId).append([metaDraft(set)], { create: false })
  }

  async getTodo(sessionId: SessionId): Promise<string | null> {
    return this.getMetadata(sessionId, 'todo')
  }

  async setTodo(sessionId: SessionId, content: string): Promise<void> {
    await this.setMetadata(sessionId, 'todo', content)
  }

  async #sessions(): Promise<ListedSession[]> {
    this.#store.context.checkOpen()
    return this.#store.index.sessions()
  }

  /** Of the whole log what is live. */
  async #whole(sessionId: SessionId): Promise<WholeLog | undefined> {
    const log = this.#store.log(sessionId)
    this.#store.context.checkOpen()
    const whole = await log.whole()
    return whole && liveOf(whole)
  }

  async #summary(sessionId: SessionId): Promise<Summary | undefined> {
    const log = this.#store.log(sessionId)
    this.#store.context.checkOpen()
    return (await log.current())?.summary
  }
}

/** An age in ms that archived messages must be above: 0 days is any. */
function ageOf(minAgeDays: number): number {
  return minAgeDays === 0 ? -1 : minAgeDays * DAY_MS
}

function toInfo({ info, details }: ListedSession): PersistedSessionInfo {
  return {
    id: info.key,
    agentName: details.agent,
    createdAt: info.createdAt.toISOString(),
    lastActivity: info.lastActivity.toISOString(),
    messageCount: info.messages,
    totalTokens: details.usage.promptTokens + details.usage.completionTokens,
  }
}

/** Latest activity first; ties: newer first, then greater id. */
function byActivity({ info: a }: ListedSession, { info: b }: ListedSession): number {
  const times = b.lastActivity.getTime() - a.lastActivity.getTime() || b.createdAt.getTime() - a.createdAt.getTime()
  return times || -byKey(a, b)
}
