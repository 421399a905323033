/** A turn from the call of its function to the state that it leaves. */
import { sleep } from '../../base/event-loop.js'
import { isObject } from '../../base/json.js'
import { type Draft, removeDraft } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'
import { contextOf } from '../read/context-messages.js'
import type { Inbox } from './inbox.js'
import { shortened, Turn, type TurnStart, type TurnWork } from './turn.js'
import { type Claim, endTurn, extendTurn, isMine } from './turn-claim.js'
import type { TurnStop } from './turn-stop.js'

/** How often drafts are written to the sidecar, ms. */
const DRAFT_MS = 1_000
/** A function that must stop has this time to do so, ms. */
const GRACE_MS = 500

export interface Begun {
  log: SessionLog
  inbox: Inbox
  claim: Claim
  stop: TurnStop
  /** Ids of what waits and is none of its input. */
  left: ReadonlySet<string>
}

export class RunningTurn<M> implements TurnWork<M> {
  readonly turn: Turn<M>
  readonly #log: SessionLog
  readonly #inbox: Inbox
  readonly #claim: Claim
  readonly #stop: TurnStop
  readonly #left: ReadonlySet<string>
  #draftTimer: NodeJS.Timeout | undefined

  constructor({ log, inbox, claim, stop, left }: Begun, start: Omit<TurnStart<M>, 'id'>) {
    this.#log = log
    this.#inbox = inbox
    this.#claim = claim
    this.#stop = stop
    this.#left = left
    this.turn = new Turn<M>({ ...start, id: claim.turnId as string }, this)
  }

  /**
   * Calls the function and ends the turn as it ended; `own` is the id of a message that goes where all is taken back.
   */
  async run<T>(fn: () => T | Promise<T>, takesBack: boolean, own: string | undefined): Promise<T> {
    const outcome = await this.#outcomeOf(fn)
    const lines = await this.turn.end()
    this.#stop.end()
    this.#log.draft = undefined
    clearTimeout(this.#draftTimer)
    let isEnded = false
    const end = (state: 'idle' | 'error') => {
      if (!isEnded) endTurn(this.#log, this.#claim, state)
      isEnded = true
    }
    try {
      const { why } = this.#stop
      if (why === 'lost') throw this.#stop.reason
      const isDone = why === undefined && outcome?.isDone
      if (isDone) await this.append(this.turn.endDrafts, true)
      else if (takesBack) await this.#remove(own === undefined ? lines : [...lines, own])
      else await this.append(this.turn.partialDrafts(why === 'aborted'), why === 'aborted')
      end(isDone || why === 'aborted' || why === 'closed' ? 'idle' : 'error')
      if (isDone) return outcome.value
      throw why === undefined && outcome !== undefined && !outcome.isDone ? outcome.error : this.#stop.reason
    } finally {
      end('error')
    }
  }

  /** Undefined when the turn is to stop and the function, if it was called, goes on. */
  async #outcomeOf<T>(fn: () => T | Promise<T>): Promise<Settled<T> | undefined> {
    if (this.#stop.why !== undefined) return undefined
    const settled = settle(fn)
    const first = await Promise.race([settled, this.#stop.stopped])
    if (typeof first !== 'string') return first
    // a function that heeds its signal may still write
    return (await Promise.race([settled, sleep(GRACE_MS)])) || undefined
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  async append(drafts: Draft[], checksAfter: boolean): Promise<string[]> {
    if (drafts.length === 0) return []
    this.#checkMine()
    const ids = await this.#log.append(drafts, { whileClosing: true })
    if (!checksAfter || isMine(this.#log, this.#claim)) return ids
    // another turn may answer the same: this one has not
    await this.#remove(ids)
    throw this.#stop.stop('lost')
  }

  async #remove(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#log.append([removeDraft([...ids])], { create: false, whileClosing: true })
  }

  #checkMine(): void {
    if (!isMine(this.#log, this.#claim)) throw this.#stop.stop('lost')
  }

  async take(known: Turn<M>['input']) {
    this.#checkMine()
    const backlog = await this.#inbox.backlog<M>(this.#left)
    const ids = new Set([...known, ...backlog.input].map(({ id }) => id))
    if (ids.size > known.length) extendTurn(this.#log, this.#claim, [...ids])
    return backlog
  }

  context(options: { last?: number }, input: ReadonlySet<string>, earlier: ReadonlySet<string>): Promise<M[]> {
    const view = { takes: (id: string) => input.has(id), isCutOff: (id: string) => earlier.has(id) }
    return contextOf(this.#log, options, view) as Promise<M[]>
  }

  /** The draft goes to the sidecar, for the case that this process dies. */
  draftChanged(text: string): void {
    this.#log.draft = { turnId: this.turn.id, text: this.#redacted(shortened(text)) }
    this.#draftTimer ??= setTimeout(() => void this.#writeDraft(), DRAFT_MS).unref()
  }

  /** As it would be in the message that it becomes when the turn is cut off. */
  #redacted(text: string): string {
    const message = this.#log.redaction()?.({ role: 'assistant', content: text }, 'message') ?? null
    return isObject(message) ? String(message.content ?? '') : text
  }

  async #writeDraft(): Promise<void> {
    const { context, draft, key, sidecar } = this.#log
    try {
      await this.#log.writeSidecar()
    } catch (error) {
      context.settings.onError(error, key)
    }
    this.#draftTimer = undefined
    const now = this.#log.draft
    const isWritten = draft === now && sidecar.claim()?.run?.draft === draft?.text
    // another process may have held the session, or more has come
    if (now?.turnId === this.turn.id && !isWritten)
      this.#draftTimer = setTimeout(() => void this.#writeDraft(), DRAFT_MS).unref()
  }
}

type Settled<T> = { isDone: true; value: T } | { isDone: false; error: unknown }

/** Calls the function; what it throws, at once or later, is data. */
async function settle<T>(fn: () => T | Promise<T>): Promise<Settled<T>> {
  try {
    return { isDone: true, value: await fn() }
  } catch (error) {
    return { isDone: false, error }
  }
}
