/** The turns of one session in this process: begun one after the other, run, and ended in whatever way they end. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { checkText } from '../base/arguments.js'
import { SessionError } from '../base/errors.js'
import { sleep } from '../base/event-loop.js'
import { isObject, type JsonObject } from '../base/json.js'
import type { Statement } from '../disk/runs/run-lines.js'
import type { MessageText } from '../log/serialize.js'
import { contextOf } from './context-messages.js'
import type { Inbox } from './inbox.js'
import { tellError } from './options.js'
import { type Draft, metaDraft, removeDraft } from './pending-line.js'
import type { SessionLog } from './session-log.js'
import { partialDraft, shortened, Turn, type TurnWork } from './turn.js'
import { askToStop, type Claim, claimTurn, endTurn, extendTurn, isMine, onStop, runningTurn } from './turn-claim.js'
import { TurnQueue } from './turn-queue.js'

export interface TurnOptions {
  /** The turn's id; made unless given. */
  id?: string
  /** How long to wait for a turn that runs, ms; for ever unless given, 0: not at all. */
  timeout?: number
  /** Ends the turn: what it answers waits on. */
  signal?: AbortSignal
  /** What becomes of the turn's lines when it fails: `'keep'` (default), or `'takeBack'`, its own message among them. */
  onError?: 'keep' | 'takeBack'
}

export type TurnFunction<M, T> = (turn: Turn<M>) => T | Promise<T>

/** Why a turn is ended from outside. */
type Stop = 'aborted' | 'lost' | 'closed' | 'signal'

/** Drafts are written to the sidecar so often, ms. */
const DRAFT_MS = 1_000
/** A function that was told to stop has so long to do it, ms. */
const GRACE_MS = 500

/** The sessions, by the path of their log, of which a turn runs around the code that asks. */
const around = new AsyncLocalStorage<ReadonlySet<string>>()

export class SessionTurns {
  readonly #log: SessionLog
  readonly #inbox: Inbox
  readonly #queue = new TurnQueue()

  constructor(log: SessionLog, inbox: Inbox) {
    this.#log = log
    this.#inbox = inbox
  }

  /**
   * Runs a function as the turn of the session; `own` is a message that it is to answer. Undefined, and the function is
   * not called, where that is answered already.
   */
  async run<M, T>(
    fn: TurnFunction<M, T>,
    options: TurnOptions,
    own?: { message: MessageText; ref: string | undefined },
  ): Promise<T | undefined> {
    const { timeout = Number.POSITIVE_INFINITY, signal, id = randomUUID() } = options
    const { path } = this.#log.file
    if (around.getStore()?.has(path)) {
      throw new SessionError('ERR_TURN_NESTED', 'a turn of the session runs around this one', { key: this.#log.key })
    }
    const start = performance.now()
    // the place in the queue is that of the call; the message is written whether its turn comes or not
    const entering = this.#queue.enter(timeout, signal)
    entering.catch(() => {})
    const received = own && (await this.#receive(own, entering))
    const leave = await entering
    if (leave === undefined) throw this.#running(null)
    try {
      if (received && !(await this.#inbox.isWaiting(received.id))) return undefined
      const left = Math.max(0, timeout - (performance.now() - start))
      const claim = await claimTurn(this.#log, id, { timeout: left, signal })
      return await this.#runClaimed(
        claim,
        fn,
        options,
        received?.state === 'new' ? received.id : undefined,
        received?.id,
      )
    } finally {
      leave()
    }
  }

  async #receive(own: { message: MessageText; ref: string | undefined }, entering: Promise<(() => void) | undefined>) {
    try {
      return await this.#inbox.receive(own.message, own.ref)
    } catch (error) {
      void entering.then((leave) => leave?.()).catch(() => {})
      throw error
    }
  }

  #running(turnId: string | null): SessionError {
    return new SessionError('ERR_TURN_RUNNING', 'another turn of the session runs', {
      key: this.#log.key,
      running: turnId,
    })
  }

  async #runClaimed<M, T>(
    claim: Claim,
    fn: TurnFunction<M, T>,
    options: TurnOptions,
    written: string | undefined,
    wanted: string | undefined,
  ): Promise<T | undefined> {
    let running: RunningTurn<M> | undefined
    try {
      if (claim.former?.run.state === 'running') await this.#noteCutOff(claim.former)
      const backlog = await this.#inbox.backlog<M>()
      if (wanted !== undefined && !backlog.input.some(({ id }) => id === wanted)) {
        endTurn(this.#log, claim, 'idle')
        return undefined
      }
      const ids = backlog.input.map(({ id }) => id)
      if (ids.length > 0) extendTurn(this.#log, claim, ids)
      const attempt = 1 + (await this.#attemptsAt(backlog.input[0]?.id))
      running = new RunningTurn<M>(this.#log, this.#inbox, claim, { ...backlog, attempt })
    } catch (error) {
      endTurn(this.#log, claim, 'error')
      throw error
    }
    const path = new Set([...(around.getStore() ?? []), this.#log.file.path])
    const turn = running
    return turn.run(() => around.run(path, () => fn(turn.turn)), options, written)
  }

  /** Says in the log that a turn was cut off, and keeps the text that it had streamed. */
  async #noteCutOff({ turnId, run: { since }, input = [] }: Statement): Promise<void> {
    const attempts = (await this.#attemptsAt(input[0])) + 1
    const former = this.#log.sidecar.claim()?.run
    const text = former?.turnId === turnId ? former.draft : undefined
    const note = metaDraft({ interrupted: { turnId, since, reason: 'owner-dead', ids: [...input], attempts } })
    await this.#log.append(text === undefined ? [note] : [partialDraft(text), note], { create: false })
  }

  /** How often a turn that was to answer this message first was cut off. */
  async #attemptsAt(id: string | undefined): Promise<number> {
    const interrupted = (await this.#log.known())?.summary.labels.interrupted
    if (id === undefined || !isObject(interrupted)) return 0
    const { ids, attempts } = interrupted as JsonObject
    return Array.isArray(ids) && ids[0] === id && typeof attempts === 'number' ? attempts : 0
  }

  /** True once the turn that runs, or the one of this id, has ended; false when it does not, or none runs. */
  async abort({ turnId, timeout = Number.POSITIVE_INFINITY }: { turnId?: string; timeout?: number }): Promise<boolean> {
    const running = await runningTurn(this.#log)
    if (running === undefined || (turnId !== undefined && running.turnId !== turnId)) return false
    askToStop(this.#log, running.turnId)
    const deadline = performance.now() + timeout
    for (;;) {
      const now = await runningTurn(this.#log)
      // the count rises while a turn goes on
      if (now?.turnId !== running.turnId || now.file !== running.file) return true
      if (performance.now() >= deadline) return false
      await sleep(Math.min(LOOK_MS, Math.max(1, deadline - performance.now())))
    }
  }
}

const LOOK_MS = 20

/** A turn from the call of its function to the state that it leaves. */
class RunningTurn<M> implements TurnWork<M> {
  readonly turn: Turn<M>
  readonly #log: SessionLog
  readonly #inbox: Inbox
  readonly #claim: Claim
  readonly #controller = new AbortController()
  readonly #stopped: Promise<Stop>
  #stop: (why: Stop, reason: unknown) => void = () => {}
  #isStopped = false
  #draftTimer: NodeJS.Timeout | undefined
  #unwatch: () => void = () => {}

  constructor(
    log: SessionLog,
    inbox: Inbox,
    claim: Claim,
    start: Omit<ConstructorParameters<typeof Turn<M>>[0], 'id' | 'signal'>,
  ) {
    this.#log = log
    this.#inbox = inbox
    this.#claim = claim
    this.#stopped = new Promise((resolve) => {
      this.#stop = (why, reason) => {
        if (this.#isStopped) return
        this.#isStopped = true
        resolve(why)
        this.#controller.abort(reason)
      }
    })
    this.turn = new Turn<M>({ ...start, id: claim.turnId as string, signal: this.#controller.signal }, this)
  }

  async run<T>(
    fn: () => T | Promise<T>,
    { signal, onError = 'keep' }: TurnOptions,
    own: string | undefined,
  ): Promise<T> {
    const { context } = this.#log
    const onSignal = () => this.#stop('signal', signal?.reason)
    if (signal?.aborted) onSignal()
    signal?.addEventListener('abort', onSignal, { once: true })
    this.#unwatch = onStop(this.#log, this.#claim, (why) => this.#stop(why, this.#reasonOf(why)))
    let ended: () => void = () => {}
    const end = new Promise<void>((resolve) => {
      ended = resolve
    })
    const forClose = () => {
      this.#stop('closed', this.#reasonOf('closed'))
      return end
    }
    context.turns.add(forClose)
    try {
      return await this.#outcome(fn, onError === 'takeBack', own)
    } finally {
      signal?.removeEventListener('abort', onSignal)
      this.#unwatch()
      context.turns.delete(forClose)
      clearTimeout(this.#draftTimer)
      this.#log.draft = undefined
      ended()
    }
  }

  #reasonOf(why: Stop): SessionError {
    const details = { key: this.#log.key, turnId: this.#claim.turnId }
    if (why === 'aborted') return new SessionError('ERR_TURN_ABORTED', 'the turn was asked to stop', details)
    if (why === 'closed') return new SessionError('ERR_CLOSED', 'the store is closed', details)
    return lost(details)
  }

  async #outcome<T>(fn: () => T | Promise<T>, takesBack: boolean, own: string | undefined): Promise<T> {
    const settled = settle(fn)
    const first = await Promise.race([settled, this.#stopped])
    // a function that heeds its signal may still say something
    if (typeof first === 'string') await Promise.race([settled, sleep(GRACE_MS)])
    const lines = await this.turn.end()
    this.#unwatch()
    const stop = this.#isStopped ? await this.#stopped : undefined
    if (stop === 'lost') throw this.#controller.signal.reason
    try {
      if (stop === undefined && typeof first !== 'string' && first.isDone) {
        await this.append(this.turn.endDrafts, true)
        endTurn(this.#log, this.#claim, 'idle')
        return first.value
      }
      if (takesBack) await this.#remove([...lines, ...(own === undefined ? [] : [own])])
      else await this.append(this.turn.partialDrafts(stop === 'aborted'), stop === 'aborted')
    } catch (error) {
      endTurn(this.#log, this.#claim, 'error')
      throw error
    }
    const isQuiet = stop === 'aborted' || stop === 'closed'
    endTurn(this.#log, this.#claim, isQuiet ? 'idle' : 'error')
    throw stop === undefined && typeof first !== 'string' && !first.isDone
      ? first.error
      : this.#controller.signal.reason
  }

  async append(drafts: Draft[], checksAfter: boolean): Promise<string[]> {
    if (drafts.length === 0) return []
    this.#checkMine()
    const ids = await this.#log.append(drafts, { whileClosing: true })
    if (!checksAfter || isMine(this.#log, this.#claim)) return ids
    // another turn may answer the same: this one has not
    await this.#remove(ids)
    throw this.#loseTurn()
  }

  async #remove(ids: string[]): Promise<void> {
    if (ids.length > 0) await this.#log.append([removeDraft(ids)], { create: false, whileClosing: true })
  }

  #checkMine(): void {
    if (!isMine(this.#log, this.#claim)) throw this.#loseTurn()
  }

  #loseTurn(): SessionError {
    const reason = this.#reasonOf('lost')
    this.#stop('lost', reason)
    return reason
  }

  async take(known: Turn<M>['input']) {
    this.#checkMine()
    const backlog = await this.#inbox.backlog<M>()
    const ids = new Set([...known, ...backlog.input].map(({ id }) => id))
    if (ids.size > known.length) extendTurn(this.#log, this.#claim, [...ids])
    return backlog
  }

  context(options: { last?: number }, input: ReadonlySet<string>, earlier: ReadonlySet<string>): Promise<M[]> {
    return contextOf(this.#log, options, {
      takes: (id) => input.has(id),
      isCutOff: (id) => earlier.has(id),
    }) as Promise<M[]>
  }

  /** The draft goes to the sidecar, for the case that this process dies. */
  draftChanged(text: string): void {
    this.#log.draft = { turnId: this.turn.id, text: shortened(text) }
    this.#draftTimer ??= setTimeout(() => {
      this.#draftTimer = undefined
      const { settings } = this.#log.context
      this.#log.writeSidecar().catch((error: unknown) => tellError(settings, error, this.#log.key))
    }, DRAFT_MS).unref()
  }
}

function lost(details: JsonObject): SessionError {
  return new SessionError('ERR_TURN_LOST', 'the turn was ended or taken over by somebody else', details)
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

/** `takesRef` where a message is given. @throws TypeError, RangeError */
export function checkTurnOptions(options: unknown, takesRef: boolean): TurnOptions & { ref?: string } {
  if (!isObject(options)) throw new TypeError('the options of a turn must be an object')
  const { id, timeout, signal, onError, ref, ...others } = options as Record<string, unknown>
  const [unknown] = Object.keys(!takesRef && ref !== undefined ? { ref } : others)
  if (unknown !== undefined) throw new TypeError(`unknown option ${unknown}`)
  if (id !== undefined) checkText('id', id)
  if (ref !== undefined) checkText('ref', ref)
  if (timeout !== undefined && typeof timeout !== 'number') throw new TypeError('timeout must be a number')
  if (timeout !== undefined && !(timeout >= 0)) throw new RangeError('timeout must not be negative')
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal must be an AbortSignal')
  if (onError !== undefined && onError !== 'keep' && onError !== 'takeBack')
    throw new TypeError("onError must be 'keep' or 'takeBack'")
  return { ...(options as TurnOptions) }
}
