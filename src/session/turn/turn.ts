/** One turn, as its function sees it. */
import { checkCount, checkNames, checkText } from '../../base/arguments.js'
import { SessionError } from '../../base/errors.js'
import type { ChatMessage } from '../../log/line.js'
import { messageText } from '../../log/serialize.js'
import type { Entry } from '../entry.js'
import { answeredDraft, type Draft, messageDraft } from '../log/pending-line.js'

/** Of a draft so much is kept, bytes. */
const MAX_DRAFT_BYTES = 64 * 1024

/** What a turn does to its session. */
export interface TurnWork<M> {
  readonly signal: AbortSignal
  /** Writes lines while the turn is this process's. @throws SessionError ERR_TURN_LOST */
  append(drafts: Draft[], checksAfter: boolean): Promise<string[]>
  /** The messages that wait now. */
  take(known: readonly Entry<M>[]): Promise<{ input: Entry<M>[]; repeated: string[] }>
  context(options: { last?: number }, input: ReadonlySet<string>, earlier: ReadonlySet<string>): Promise<M[]>
  draftChanged(text: string): void
}

export interface TurnStart<M> {
  id: string
  input: readonly Entry<M>[]
  earlier: readonly Entry<M>[]
  repeated: readonly string[]
  attempt: number
}

export class Turn<M = ChatMessage> {
  /** The id that was given, or a UUID. */
  readonly id: string
  /** What earlier attempts at the same input wrote: a retry finds its text, and need not ask the model again. */
  readonly earlier: readonly Entry<M>[]
  /** 1 for the first attempt at this input. */
  readonly attempt: number
  readonly #work: TurnWork<M>
  readonly #input: Entry<M>[]
  readonly #unanswered: Set<string>
  /** Ids of the lines that the turn wrote. */
  readonly #lines: string[] = []
  #writing: Promise<unknown> = Promise.resolve()
  #draft = ''
  #isEnded = false

  /** @internal Made by `session.turn`. */
  constructor({ id, input, earlier, repeated, attempt }: TurnStart<M>, work: TurnWork<M>) {
    this.id = id
    this.#input = [...input]
    this.earlier = earlier
    this.attempt = attempt
    this.#work = work
    this.#unanswered = new Set([...input.map((entry) => entry.id), ...repeated])
  }

  /** Fires when the turn is to stop: hand it to the model call. */
  get signal(): AbortSignal {
    return this.#work.signal
  }

  /** What the turn answers, oldest first. */
  get input(): readonly Entry<M>[] {
    return this.#input
  }

  /**
   * Adds messages of the turn, as `session.append` does.
   * @throws SessionError ERR_TURN_ENDED, ERR_TURN_LOST
   */
  append(message: M): Promise<string>
  append(messages: readonly M[]): Promise<string[]>
  async append(given: M | readonly M[]): Promise<string | string[]> {
    const messages = Array.isArray(given) ? given : [given]
    const drafts = messages.map((message) => messageDraft(messageText(message)))
    const ids = drafts.length === 0 ? [] : await this.#write(() => drafts, false)
    return Array.isArray(given) ? ids : (ids[0] as string)
  }

  /**
   * Adds the answer to the input: it is answered with this line, also after a crash.
   * @throws SessionError ERR_TURN_ENDED, ERR_TURN_LOST
   */
  async answer(message: M): Promise<string> {
    const text = messageText(message)
    const [id] = await this.#write(() => [messageDraft(text, { answers: [...this.#unanswered] })], true)
    return id as string
  }

  /** What came since joins the input; answers only that. */
  async take(): Promise<readonly Entry<M>[]> {
    this.#checkRunning()
    const { input, repeated } = await this.#work.take(this.#input)
    const known = new Set(this.#input.map(({ id }) => id))
    const added = input.filter(({ id }) => !known.has(id))
    this.#input.push(...added)
    for (const id of [...added.map((entry) => entry.id), ...repeated]) this.#unanswered.add(id)
    return added
  }

  /** What a provider accepts, without what waits for a later turn. Calls of an earlier attempt have a result. */
  async context(options?: { last?: number }): Promise<M[]> {
    const given = checkNames('context', options, ['last'])
    if (given.last !== undefined) checkCount('last', given.last)
    this.#checkRunning()
    const idsOf = (entries: readonly Entry<M>[]) => new Set(entries.map(({ id }) => id))
    return this.#work.context(given, idsOf(this.#input), idsOf(this.earlier))
  }

  /** The text of the answer so far; it is kept if the turn is cut off. No line of the log. */
  draft(text: string): void {
    checkText('text', text)
    this.#checkRunning()
    this.#draft = text
    this.#work.draftChanged(text)
  }

  #checkRunning(): void {
    if (this.#isEnded) throw new SessionError('ERR_TURN_ENDED', 'the turn has ended', { turnId: this.id })
  }

  /** Lines are made when it is their turn to be written: what an answer names is what is open then. */
  #write(make: () => Draft[], isAnswer: boolean): Promise<string[]> {
    this.#checkRunning()
    const written = this.#writing.then(async () => {
      const drafts = make()
      const ids = await this.#work.append(drafts, isAnswer)
      this.#lines.push(...ids)
      for (const { value } of drafts) this.#noteWritten(value)
      return ids
    })
    this.#writing = written.catch(() => {})
    return written
  }

  #noteWritten({ role, answers }: Draft['value']): void {
    // what was streamed stands in the log now
    if (role === 'assistant') this.#draft = ''
    for (const id of (answers ?? []) as string[]) this.#unanswered.delete(id)
  }

  /** @internal Nothing more is written; returns the lines that were. */
  async end(): Promise<readonly string[]> {
    this.#isEnded = true
    await this.#writing
    return this.#lines
  }

  /** @internal What the end of the turn writes where its function returned. */
  get endDrafts(): Draft[] {
    return this.#unanswered.size === 0 ? [] : [answeredDraft([...this.#unanswered])]
  }

  /** @internal What is kept of a turn that was cut off; it `answers` its input if the turn was stopped. */
  partialDrafts(answers: boolean): Draft[] {
    if (this.#draft === '') return answers ? this.endDrafts : []
    return [partialDraft(this.#draft, answers ? [...this.#unanswered] : [])]
  }
}

/** The text of an answer that was cut off, which may answer messages all the same. */
export function partialDraft(text: string, answers: readonly string[] = []): Draft {
  const message = messageText({ role: 'assistant', content: shortened(text), partial: true })
  return messageDraft(message, answers.length > 0 ? { answers } : undefined)
}

export function shortened(text: string): string {
  if (text.length * 3 <= MAX_DRAFT_BYTES) return text
  const bytes = Buffer.from(text)
  // a character that is cut in two goes
  return bytes.length <= MAX_DRAFT_BYTES
    ? text
    : bytes
        .subarray(0, MAX_DRAFT_BYTES)
        .toString()
        .replace(/\uFFFD+$/, '')
}
