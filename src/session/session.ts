/** One conversation: what a bot author works with. */
import {
  checkBoolean,
  checkCount,
  checkDuration,
  checkNames,
  checkText,
  checkTexts,
  checkWait,
  stillOpen,
  type WaitOptions,
} from '../base/arguments.js'
import { inSteps } from '../base/event-loop.js'
import type { Json } from '../base/json.js'
import { allMetadataOf, labelsOf } from '../log/labels.js'
import type { AnyMessage, ChatMessage, GivenMessage, StoredMessage, Usage } from '../log/line.js'
import { ownUsage } from '../log/own-usage.js'
import { messageText } from '../log/serialize.js'
import { sumOf, totalUsage } from '../log/usage.js'
import { messagesOf } from '../log/views.js'
import { type AppendOptions, checkAppend } from './append-options.js'
import { changeLog, type DecideChange } from './change/change.js'
import { clearLog } from './change/clear.js'
import { deleteLog } from './change/delete.js'
import { type MergeResult, mergeInto } from './change/merge.js'
import { popMessage, removeLastMessage, removeMessages } from './change/remove.js'
import { type RemovedMessage, removedFrom, restoreTo } from './change/removed-messages.js'
import { replaceMessage } from './change/replace.js'
import { checkTarget, type RewindTarget, rewindLog } from './change/rewind.js'
import { type RewriteResult, rewriteLog } from './change/rewrite.js'
import type { Decide } from './change/transaction.js'
import { trimLog } from './change/trim.js'
import { type CheckReport, checkLog } from './check.js'
import type { Entry } from './entry.js'
import { infoOf, type SessionInfo } from './info.js'
import type { LogState } from './log/log-state.js'
import { OwnIds } from './log/own-ids.js'
import { messageDraft, metaDraft } from './log/pending-line.js'
import type { SessionLog } from './log/session-log.js'
import { contextOf } from './read/context-messages.js'
import { checkEntriesOptions, type EntriesOptions, entriesOf } from './read/entries.js'
import { streamMessages } from './read/read.js'
import { lastMessages } from './read/read-backwards.js'
import { type SessionStats, type StatsOptions, statsOf } from './read/stats.js'
import { checkRun, type RunState, runStateOf } from './state/run-state.js'
import { readRun, setRun } from './state/runs.js'
import { Inbox, type Received } from './turn/inbox.js'
import { beginTurn } from './turn/turn-claim.js'
import { checkTurnOptions, type TurnOptions } from './turn/turn-options.js'
import { type AbortOptions, SessionTurns, type TurnFunction } from './turn/turns.js'
import { SessionValues, type Value, type ValueEntry, type ValueOptions, type ValueToSet } from './values/values.js'

export class Session<M extends AnyMessage = ChatMessage> {
  readonly #log: SessionLog
  readonly #inbox: Inbox
  readonly #ownIds: OwnIds
  readonly #turns: SessionTurns
  readonly #values: SessionValues

  /** @internal Use `store.session(key)`. */
  constructor(log: SessionLog) {
    this.#log = log
    this.#inbox = new Inbox(log)
    this.#ownIds = new OwnIds(log)
    this.#turns = new SessionTurns(log, this.#inbox)
    this.#values = new SessionValues(log)
  }

  /**
   * The key, as it was given.
   * @example
   * session.key // 'telegram_ann'
   */
  get key(): string {
    return this.#log.key
  }

  /**
   * The log, whether it is there or not.
   * @example
   * session.path // '/…/sessions/telegram_ann.jsonl'
   */
  get path(): string {
    return this.#log.file.path
  }

  /**
   * The sidecar, whether it is there or not: a copy of what the log says, and the run state.
   * @example
   * session.sidecarPath // '/…/sessions/telegram_ann.meta.json'
   */
  get sidecarPath(): string {
    return this.#log.sidecar.path
  }

  /**
   * Adds a message at the end, creating the session if need be; returns the id of its line. Several messages go in
   * one write, in which a crash can cut off the later ones. With `once`, a message whose own `id` a live message has is
   * not written again: the id of that line is returned.
   * @throws TypeError for what is no message (an object with a string `role` that JSON can hold)
   * @throws SessionError ERR_TOO_LARGE, ERR_LOCKED, ERR_LOCK_LOST, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG
   * @example
   * const first = await session.append({ role: 'user', content: 'Deploy it?' })
   * const ids = await session.append([{ role: 'assistant', content: 'Yes.' }, { role: 'user', content: 'Now.' }])
   * await session.append({ id: 'm7', role: 'user', content: 'once' }, { once: true })
   */
  append<T extends GivenMessage<M>>(message: T, options?: AppendOptions): Promise<string>
  append<T extends GivenMessage<M>>(messages: readonly T[], options?: AppendOptions): Promise<string[]>
  async append(given: AnyMessage | readonly AnyMessage[], options?: AppendOptions): Promise<string | string[]> {
    const { once, signal } = checkAppend(options)
    if (once) {
      const ids = await this.#ownIds.appendOnce(Array.isArray(given) ? given : [given], signal)
      return Array.isArray(given) ? ids : (ids[0] as string)
    }
    if (!Array.isArray(given))
      return (await this.#log.append([messageDraft(messageText(given))], { signal }))[0] as string
    const drafts = given.map((message) => messageDraft(messageText(message)))
    return drafts.length === 0 ? [] : this.#log.append(drafts, { signal })
  }

  /**
   * Writes a message that came from outside and wants an answer: it is on disk when this resolves, and waits for a
   * turn. The same `ref` again writes nothing: references are remembered for a day, and at least the last 1,000 of a
   * session.
   * @throws TypeError and SessionError as `append` does
   * @example
   * const { id, state } = await session.receive({ role: 'user', content: 'hi' }, { ref: 'tg:81223' }) // 'new'
   */
  async receive<T extends GivenMessage<M>>(message: T, options?: { ref?: string } & WaitOptions): Promise<Received> {
    const { ref, signal } = checkNames('receive', options, ['ref', 'signal'])
    if (ref !== undefined) checkText('ref', ref)
    stillOpen(signal)
    this.#log.context.checkOpen()
    return this.#inbox.receive(messageText(message), ref, signal)
  }

  /**
   * Runs a function as the session's turn: one at a time, in all processes. The state is running before it, idle when
   * it returns, error when it throws; `turn.input` is everything that waits. With a message, that is received first,
   * and undefined means that it was answered before, or by another turn. The input of a turn that fails waits for
   * turns that are asked for from then on; those that were queued before, with messages of their own, leave it alone.
   * @throws SessionError ERR_TURN_RUNNING, ERR_TURN_NESTED, ERR_TURN_ABORTED, ERR_TURN_LOST, ERR_CLOSED; what the
   * function throws
   * @example
   * await session.receive({ role: 'user', content: 'What is on today?' })
   * await session.turn(async (turn) => {
   *   await turn.answer({ role: 'assistant', content: `You said: ${turn.input[0].message.content}` })
   * })
   */
  turn<T>(fn: TurnFunction<M, T>, options?: TurnOptions): Promise<T>
  turn<T, G extends GivenMessage<M> = GivenMessage<M>>(
    message: G,
    fn: TurnFunction<M, T>,
    options?: TurnOptions & { ref?: string },
  ): Promise<T | undefined>
  async turn<T>(
    given: GivenMessage<M> | TurnFunction<M, T>,
    second?: TurnFunction<M, T> | TurnOptions,
    third?: TurnOptions & { ref?: string },
  ): Promise<T | undefined> {
    const own = typeof given === 'function' ? undefined : messageText(given)
    const fn = own === undefined ? given : second
    const { ref, ...options } = checkTurnOptions(own === undefined ? (second as TurnOptions) : third, own !== undefined)
    if (typeof fn !== 'function') throw new TypeError('a turn needs a function')
    return this.#turns.run(fn as TurnFunction<M, T>, options, own && { text: own, ref })
  }

  /**
   * Requests the running turn to stop, in any process; true once it has ended, false when none runs, another one
   * than `turnId`, or it has not ended after `timeout` ms.
   * @example
   * await session.abort({ timeout: 2_000 }) // false: no turn runs
   */
  async abort(options?: AbortOptions): Promise<boolean> {
    const given = checkNames('abort', options, ['turnId', 'timeout'])
    if (given.turnId !== undefined) checkText('turnId', given.turnId)
    if (given.timeout !== undefined) checkDuration('timeout', given.timeout)
    this.#log.context.checkOpen()
    return this.#turns.abort(given)
  }

  /**
   * The messages that wait for a turn, oldest first.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for (const { id, message } of await session.waiting()) console.log(id, message.content)
   */
  async waiting(): Promise<Entry<M>[]> {
    this.#log.context.checkOpen()
    return (await this.#inbox.backlog<M>()).input
  }

  /**
   * What a provider accepts: the summary in force as a system message, then the messages that it does not stand for, or
   * the `last` of them. The results of a call stand directly behind it; calls without results, results without calls
   * and empty answers are left out; messages that waited while an answer was generated stand behind that answer.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await model(await session.context({ last: 50 }))
   */
  async context(options?: { last?: number }): Promise<M[]> {
    const { last } = checkNames('context', options, ['last'])
    if (last !== undefined) checkCount('last', last)
    return (await contextOf(this.#log, last === undefined ? {} : { last })) as unknown as M[]
  }

  /**
   * The live messages in order, each with the id and the time of its line: all, or the part that the options name, in
   * memory that does not grow with the log. What is appended meanwhile is not among them.
   * @throws TypeError, RangeError for wrong options
   * @throws SessionError ERR_MESSAGE_NOT_FOUND, ERR_NOT_A_LOG; what `signal` was aborted with
   * @example
   * for await (const { id, at, message } of session.entries({ last: 10 })) console.log(at.toISOString(), message.role)
   */
  entries(options?: EntriesOptions): AsyncIterableIterator<Entry<M>> {
    const given = checkEntriesOptions(options)
    this.#log.context.checkOpen()
    return entriesOf<M>(this.#log, given)
  }

  /**
   * The live messages in order, or the `last` of them, which costs the same however long the log is.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const [last] = await session.messages({ last: 1 }) // { role, content, …, at, id }
   */
  async messages(options?: { last?: number }): Promise<StoredMessage<M>[]> {
    const { last } = checkNames('messages', options, ['last'])
    if (last !== undefined) return this.tail(last)
    this.#log.context.checkOpen()
    const whole = await this.#log.whole()
    if (whole === undefined) return []
    const messages: unknown[] = []
    for await (const pieces of inSteps(whole.pieces))
      messages.push(...messagesOf(pieces, whole.visibility, whole.fileTime))
    return messages as StoredMessage<M>[]
  }

  /**
   * The last `count` live messages in order.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const lastTwo = await session.tail(2)
   */
  async tail(count: number): Promise<StoredMessage<M>[]> {
    checkCount('count', count)
    this.#log.context.checkNotClosed()
    if (count === 0) return []
    const last = await lastMessages(this.#log, count)
    return last === 'unclear' ? (await this.messages()).slice(-count) : (last as unknown as StoredMessage<M>[])
  }

  /**
   * The live messages one by one, in memory that does not grow with the log: a snapshot taken at the first read.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for await (const { role, content } of session.stream()) console.log(role, content)
   */
  async *stream(options?: { signal?: AbortSignal }): AsyncGenerator<StoredMessage<M>> {
    const { signal } = checkNames('stream', options, ['signal'])
    stillOpen(signal)
    this.#log.context.checkOpen()
    yield* streamMessages(this.#log, signal) as unknown as AsyncGenerator<StoredMessage<M>>
  }

  /**
   * Removes messages by the ids of their lines, or by their own ids where exactly one live message has it; returns how
   * many of them were there.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.remove(id) // 1: it was there
   */
  async remove(ids: string | readonly string[], options?: WaitOptions): Promise<number> {
    const wanted = typeof ids === 'string' ? [ids] : [...ids]
    checkTexts('ids', wanted)
    return removeMessages(this.#log, wanted, checkWait('remove', options))
  }

  /**
   * Removes the last live message; false when there is none. Looks at the end of the log only.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.removeLast() // true: the model call failed, the message is taken back
   */
  async removeLast(options?: WaitOptions): Promise<boolean> {
    return removeLastMessage(this.#log, checkWait('removeLast', options))
  }

  /**
   * Removes the last live message and returns it; undefined when there is none. Looks at the end of the log only.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * const message = await session.pop() // { role, content, …, at, id }
   */
  async pop(options?: WaitOptions): Promise<StoredMessage<M> | undefined> {
    return (await popMessage(this.#log, checkWait('pop', options))) as StoredMessage<M> | undefined
  }

  /**
   * Puts another message in the place of one: id and time of the line stay, and what waits or is answered. `id` is that of
   * the line, or the message's own where exactly one live message has it; returns that of the line. The log is written
   * anew, as by `rewrite`: the old text is off the disk. Usage that the new message names counts in place of the old one's.
   * @throws TypeError for what is no message
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_MESSAGE_NOT_FOUND, ERR_TOO_LARGE, ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY
   * @example
   * await session.replace(id, { role: 'user', content: 'Deploy it now?' })
   */
  async replace<T extends GivenMessage<M>>(id: string, message: T, options?: WaitOptions): Promise<string> {
    checkText('id', id)
    return replaceMessage(this.#log, id, messageText(message), checkWait('replace', options))
  }

  /**
   * Changes several things at once, decided by a pure function on the messages (all, or the `last`) and the values:
   * under the lease, all or nothing also after a crash. One line, or messages alone, are added in one write, in
   * which a crash can cut off the later ones; all else rewrites the log, without what is removed and the summaries
   * that stand for it. Returns the function's `result`. The function may be called again when the log has changed.
   * @throws TypeError; SessionError ERR_MESSAGE_NOT_FOUND for an id that is not in the view; what the function throws
   * @example
   * const count = await session.change({ last: 10 }, ({ messages, value }) => ({
   *   append: [{ role: 'assistant', content: 'ordered' }],
   *   values: [['orders', Number(value('orders') ?? 0) + 1]],
   *   result: messages.length,
   * }))
   */
  async change<T>(options: { last?: number } & WaitOptions, decide: DecideChange<M, T>): Promise<T> {
    return changeLog(this.#log, this.#values, options, decide)
  }

  /**
   * Takes all messages and summaries off the disk, and with `values` all values: the log is rewritten. Labels,
   * identity and the sums of usage stay. Returns how many messages there were.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.clear() // 3: so many messages there were
   */
  async clear(options?: { values?: boolean } & WaitOptions): Promise<number> {
    const { values = false, signal } = checkNames('clear', options, ['values', 'signal'])
    checkBoolean('option values', values)
    return clearLog(this.#log, values, stillOpen(signal))
  }

  /**
   * Takes the oldest messages off the disk: the last `keep` stay, with the call to which the first of them is the
   * result, and what waits for a turn. Summaries and the sums of usage stay. Returns how many went.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.trim({ keep: 500 }) // 0: there were fewer
   */
  async trim(options: { keep: number } & WaitOptions): Promise<number> {
    const { keep, signal } = checkNames('trim', options, ['keep', 'signal'])
    checkCount('keep', keep)
    return trimLog(this.#log, keep, stillOpen(signal))
  }

  /**
   * Goes back: removes all messages behind the one of the id `to`, or behind the first `keep`, and the summaries that
   * cover any of them. Returns how many messages it removed; they stay in the log until a rewrite. Values that
   * `SessionManager` saved count as messages. A call may lose its results: a context leaves such calls out. With
   * `dryRun` it only counts.
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_MESSAGE_NOT_FOUND
   * @example
   * await session.rewind({ to: id }, { dryRun: true }) // 2: so many would go
   */
  async rewind(target: RewindTarget, options?: { dryRun?: boolean } & WaitOptions): Promise<number> {
    checkTarget(target)
    const { dryRun = false, signal } = checkNames('rewind', options, ['dryRun', 'signal'])
    checkBoolean('option dryRun', dryRun)
    return rewindLog(this.#log, { ...target }, dryRun, stillOpen(signal))
  }

  /**
   * The removed messages whose text is still in the log, in its order.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await session.removeLast()
   * const [{ id: gone, removedAt }] = await session.removed()
   */
  async removed(): Promise<RemovedMessage[]> {
    this.#log.context.checkOpen()
    return removedFrom(this.#log)
  }

  /**
   * Brings removed messages back: adds them at the end, in the given order, under new ids, which it returns. Their
   * usage is not counted a second time. The removed ones stay what they are.
   * @throws SessionError ERR_SESSION_NOT_FOUND, ERR_MESSAGE_NOT_FOUND for an id that `removed` does not list
   * @example
   * await session.removeLast()
   * const [{ id: gone }] = await session.removed()
   * await session.restore(gone) // the id of its new line
   */
  restore(id: string, options?: WaitOptions): Promise<string>
  restore(ids: readonly string[], options?: WaitOptions): Promise<string[]>
  async restore(ids: string | readonly string[], options?: WaitOptions): Promise<string | string[]> {
    const wanted = typeof ids === 'string' ? [ids] : [...ids]
    checkTexts('ids', wanted)
    const made = await restoreTo(this.#log, wanted, checkWait('restore', options))
    return typeof ids === 'string' ? (made[0] as string) : made
  }

  /**
   * True when there is a session of this key.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await session.exists() // true
   */
  async exists(): Promise<boolean> {
    return this.#log.exists()
  }

  /**
   * What was spent on the session: sums over all messages that it ever had. Zeros when there is none.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const { promptTokens, completionTokens } = await session.usage()
   */
  async usage(): Promise<Usage> {
    this.#log.context.checkOpen()
    const state = await this.#log.current()
    return sumOf(state === undefined ? new Map() : totalUsage(state.summary))
  }

  /**
   * The same by agent, without what a fork has of its source: what sums over sessions add, so that each call counts once.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for (const [agent, { apiCalls }] of await session.ownUsage()) console.log(agent, apiCalls)
   */
  async ownUsage(): Promise<Map<string, Usage>> {
    this.#log.context.checkOpen()
    const state = await this.#log.current()
    return state === undefined ? new Map() : ownUsage(state.summary)
  }

  /**
   * Messages and tokens by agent, day and model, from the lines of the log; null when there is no session.
   * @throws TypeError, RangeError for wrong options; SessionError ERR_NOT_A_LOG; what `signal` was aborted with
   * @example
   * const stats = await session.stats({ since: Date.now() - 30 * 86_400_000 })
   * stats?.messages.role.get('user') // 2
   * for (const [day, { promptTokens }] of stats?.usage.day ?? []) console.log(day, promptTokens)
   */
  async stats(options?: StatsOptions): Promise<SessionStats | null> {
    this.#log.context.checkOpen()
    return statsOf(this.#log, options)
  }

  /**
   * What a list shows of the session; null when there is none.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const info = await session.info() // { messages: 3, lastActivity, tags: [], … }
   */
  async info(): Promise<SessionInfo | null> {
    this.#log.context.checkOpen()
    const state = await this.#log.current()
    return state === undefined
      ? null
      : infoOf(this.key, state, readRun(this.#log, state.summary), this.#log.context.clock.now())
  }

  /**
   * The name, or null.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await session.name() // null
   */
  async name(): Promise<string | null> {
    const name = (await this.#labels())?.name
    return typeof name === 'string' && name !== '' ? name : null
  }

  /**
   * Sets the name, unchanged; null clears it. Creates the session if need be, unless there is nothing to clear.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.setName("Ann's calendar")
   */
  async setName(name: string | null, options?: WaitOptions): Promise<void> {
    if (name !== null && typeof name !== 'string') throw new TypeError('a name must be a string or null')
    const how = { create: name !== null, signal: checkWait('setName', options) }
    await this.#set((labels) => ((labels?.name ?? null) === name ? undefined : { name }), how)
  }

  /**
   * The tags, in the order in which they were added.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await session.tags() // []
   */
  async tags(): Promise<string[]> {
    return labelsOf({ labels: (await this.#labels()) ?? {} }).tags
  }

  /**
   * Adds the tags that are not there yet.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.tag(['ops', 'pinned'])
   */
  async tag(tags: readonly string[], options?: WaitOptions): Promise<void> {
    checkTexts('tags', tags)
    const signal = checkWait('tag', options)
    await this.#setTags((old) => [...old, ...new Set(tags.filter((tag) => !old.includes(tag)))], signal)
  }

  /**
   * Takes the tags away that are there.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.untag(['ops'])
   */
  async untag(tags: readonly string[], options?: WaitOptions): Promise<void> {
    checkTexts('tags', tags)
    const signal = checkWait('untag', options)
    await this.#setTags((old) => old.filter((tag) => !tags.includes(tag)), signal)
  }

  async #setTags(change: (old: string[]) => string[], signal: AbortSignal | undefined): Promise<void> {
    const set = (labels: LogState['summary']['labels'] | undefined) => {
      const old = labelsOf({ labels: labels ?? {} }).tags
      const next = change(old)
      return next.length === old.length ? undefined : { tags: next }
    }
    await this.#set(set, { create: true, signal })
  }

  /**
   * What was set under a key, or null.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await session.getMetadata('plan') // null
   */
  async getMetadata(key: string): Promise<Json> {
    checkText('key', key)
    const all = await this.metadata()
    return Object.hasOwn(all, key) ? (all[key] as Json) : null
  }

  /**
   * All that was set, by key.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const { plan } = await session.metadata()
   */
  async metadata(): Promise<Record<string, Json>> {
    return structuredClone(allMetadataOf({ labels: (await this.#labels()) ?? {} }))
  }

  /**
   * Keeps a JSON value under a key; null removes it. Every list reads all of it: large or many values are
   * `setValue`'s.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.setMetadata('plan', { steps: ['build', 'roll back'] })
   */
  async setMetadata(key: string, value: Json, options?: WaitOptions): Promise<void> {
    checkText('key', key)
    const signal = checkWait('setMetadata', options)
    const given: Json | undefined = JSON.parse(JSON.stringify({ value })).value
    if (given === undefined) throw new TypeError('value must be JSON')
    const set = (labels: LogState['summary']['labels'] | undefined) => {
      const isThere = Object.hasOwn(allMetadataOf({ labels: labels ?? {} }), key)
      return given === null && !isThere ? undefined : { metadata: Object.fromEntries([[key, given]]) }
    }
    await this.#set(set, { create: true, signal })
  }

  async #labels(): Promise<LogState['summary']['labels'] | undefined> {
    this.#log.context.checkOpen()
    return (await this.#log.current())?.summary.labels
  }

  /** Writes the labels that `change` returns, if any; without `create` only to a session that exists. */
  async #set(
    change: (labels: LogState['summary']['labels'] | undefined) => LogState['summary']['labels'] | undefined,
    { create, signal }: { create: boolean; signal: AbortSignal | undefined },
  ): Promise<void> {
    const decide: Decide<undefined> = (summary) => {
      const set = change(summary?.labels)
      return { drafts: set === undefined ? [] : [metaDraft(set)], result: undefined }
    }
    await (create ? this.#log.transact(decide, signal) : this.#log.transactExisting(decide, signal))
  }

  /**
   * The value of a name, a copy; undefined where there is none, or where it has expired by the store's clock. With
   * `expired`, an entry of value, expiry and id, expired or not, until a rewrite takes the line away.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * await session.getValue('session') // undefined
   */
  getValue<T = Value>(name: string, options?: { expired?: false }): Promise<T | undefined>
  getValue<T = Value>(name: string, options: { expired: true }): Promise<ValueEntry<T> | undefined>
  async getValue(name: string, options?: { expired?: boolean }): Promise<unknown> {
    const { expired = false } = checkNames('getValue', options, ['expired'])
    return expired ? this.#values.entry(name) : this.#values.get(name)
  }

  /**
   * Sets a name to anything that JSON can hold, or to bytes (a Uint8Array); creates the session if need be. With
   * `ifAbsent` only where no value is there: of several processes at once one gets true, the others false. Else true.
   * @throws TypeError, RangeError; SessionError as `append` does
   * @example
   * await session.setValue('otp', '4711', { expires: Date.now() + 5 * 60_000 }) // true
   */
  async setValue(name: string, value: unknown, options?: ValueOptions & { ifAbsent?: boolean }): Promise<boolean> {
    return this.#values.set(name, value, options)
  }

  /**
   * Sets several names in one write, in which a crash can cut off the later ones; undefined deletes a name.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.setValues([['step', 2], ['cart', ['tea']], ['otp', undefined]])
   */
  async setValues(entries: Iterable<ValueToSet>, options?: WaitOptions): Promise<void> {
    return this.#values.setAll(entries, options)
  }

  /**
   * Deletes the value of a name; false where none was there.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.deleteValue('otp') // false: it was not there
   */
  async deleteValue(name: string, options?: WaitOptions): Promise<boolean> {
    return this.#values.delete(name, options)
  }

  /**
   * Sets a name to what a pure function makes of its value, and returns that: atomic, in all processes. The function
   * gets the value and the id of its line, or undefined for what is not there, and returns undefined for what shall not be there. What is as it was is not
   * written; without `expires` the new value does not expire.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.updateValue('count', (old) => Number(old ?? 0) + 1) // 1
   */
  async updateValue<T = Value>(
    name: string,
    change: (old: T | undefined, id: string | undefined) => T | undefined,
    options?: ValueOptions,
  ): Promise<T | undefined> {
    return (await this.#values.update(
      name,
      change as (old: Value | undefined, id: string | undefined) => unknown,
      options,
    )) as T | undefined
  }

  /**
   * The names that are there and begin with `prefix`, in the order of their UTF-16 code units, with their values: those
   * of the moment of the first one. With `keysOnly` no value is read.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * for await (const [name, value] of session.values({ prefix: 's' })) console.log(name, value)
   */
  values(options?: { prefix?: string; keysOnly?: boolean }): AsyncGenerator<[name: string, value: Value | undefined]> {
    return this.#values.list(options)
  }

  /**
   * What the session is doing; null when there is none.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const run = await session.state() // { state: 'idle', turnId: null, turnStartedAt }
   */
  async state(): Promise<RunState | null> {
    this.#log.context.checkOpen()
    const logState = await this.#log.current()
    return logState === undefined ? null : runStateOf(readRun(this.#log, logState.summary))
  }

  /**
   * Says what the session is doing; `running` makes this process its owner, `exclusive` only if no other turn runs.
   * Creates the session if need be. Of two exclusive turns at once, in any processes, at most one begins.
   * @throws SessionError ERR_TURN_MISMATCH when a turn ends that is not the one that runs, ERR_TURN_RUNNING
   * @example
   * await session.setState('running', 'turn-7')
   * await session.setState('idle', 'turn-7')
   */
  async setState(
    state: RunState['state'],
    turnId: string | null = null,
    options?: { exclusive?: boolean } & WaitOptions,
  ): Promise<void> {
    checkRun(state, turnId)
    const { exclusive = false, signal } = checkNames('setState', options, ['exclusive', 'signal'])
    checkBoolean('option exclusive', exclusive)
    stillOpen(signal)
    if (exclusive && state === 'running') await beginTurn(this.#log, turnId, signal)
    else await setRun(this.#log, state, turnId, signal)
  }

  /**
   * Rewrites the log without what no reader sees: removed messages, duplicates, unreadable bytes (which go to
   * quarantine first). No reader sees a difference. Null where nothing is to be done. @throws ERR_NOT_A_LOG without
   * `force`
   * @example
   * await session.rewrite() // null: there is nothing to take out
   */
  async rewrite(options?: { force?: boolean } & WaitOptions): Promise<RewriteResult | null> {
    const { force = false, signal } = checkNames('rewrite', options, ['force', 'signal'])
    checkBoolean('option force', force)
    return rewriteLog(this.#log, { force, signal: stillOpen(signal) })
  }

  /**
   * Takes in the lines of another copy of this log, such as a conflict copy of a synced folder, in the order that they
   * have on every machine. The file stays where it is. `base` is a file with what the copy was made from: lines that the
   * copy lacks or changed since then are taken out or changed here too.
   * @throws SessionError ERR_VERSION_UNSUPPORTED, ERR_LOCKED, ERR_LOCK_LOST, ERR_NOT_A_LOG; with `base`
   * ERR_SESSION_NOT_FOUND
   * @example
   * await session.merge(session.path) // { added: 0, contradictions: [] }
   */
  async merge(file: string, options?: WaitOptions & { base?: string }): Promise<MergeResult> {
    checkText('file', file)
    const { base, signal } = checkNames('merge', options, ['base', 'signal'])
    if (base !== undefined) checkText('base', base)
    stillOpen(signal)
    this.#log.context.checkOpen()
    return mergeInto(this.#log, file, { base, signal })
  }

  /**
   * Checks every line and reports what is wrong; null when there is no session. Changes nothing.
   * @throws SessionError ERR_NOT_A_LOG, ERR_STORE_GONE, ERR_CLOSED
   * @example
   * const report = await session.check() // { damage: [], torn: null, … }
   */
  async check(): Promise<CheckReport | null> {
    this.#log.context.checkOpen()
    return checkLog(this.#log)
  }

  /**
   * Moves the session to the trash, as a cleanup does; returns the id by which `store.restore` puts it back, null when
   * there is no session. @throws SessionError ERR_TURN_RUNNING, unless `force` is given
   * @example
   * const trashed = await session.trash()
   * if (trashed !== null) await store.restore(trashed)
   */
  async trash(options?: { force?: boolean } & WaitOptions): Promise<string | null> {
    const { force = false, signal } = checkNames('trash', options, ['force', 'signal'])
    checkBoolean('option force', force)
    return this.#log.context.trash(this.key, { force, signal: stillOpen(signal) })
  }

  /**
   * Removes the session for good: log, sidecar, blobs, quarantined lines. False when there was none.
   * @throws SessionError ERR_LOCKED, ERR_LOCK_LOST, ERR_LOG_BUSY, ERR_VERSION_UNSUPPORTED, ERR_NOT_A_LOG, ERR_CLOSED
   * @example
   * await session.delete() // true
   */
  async delete(options?: WaitOptions): Promise<boolean> {
    return deleteLog(this.#log, checkWait('delete', options))
  }
}
