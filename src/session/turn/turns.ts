/** The turns of one session in this process: begun one after the other, each with what waits then. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { SessionError } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import type { Statement } from '../../disk/runs/run-lines.js'
import type { MessageText } from '../../log/serialize.js'
import type { SessionLog } from '../log/session-log.js'
import { cutOffDrafts, draftOf } from './cut-off.js'
import type { Inbox, Received } from './inbox.js'
import { type Begun, RunningTurn } from './running-turn.js'
import type { Turn } from './turn.js'
import { askToStop, type Claim, claimTurn, endTurn, extendTurn, runningTurn } from './turn-claim.js'
import type { TurnOptions } from './turn-options.js'
import { TurnQueue } from './turn-queue.js'
import { TurnStop } from './turn-stop.js'

export type TurnFunction<M, T> = (turn: Turn<M>) => T | Promise<T>

/** How often a turn that must stop is checked, ms. */
const LOOK_MS = 20

/** The turn around the calling code, which may outlive it. */
interface Outer {
  path: string
  isOver: boolean
}

const around = new AsyncLocalStorage<readonly Outer[]>()

export class SessionTurns {
  readonly #log: SessionLog
  readonly #inbox: Inbox
  readonly #queue = new TurnQueue()
  #calls = 0
  /** Ids of the input of turns that failed here while others waited: how many had been asked for by then. */
  readonly #failed = new Map<string, number>()

  constructor(log: SessionLog, inbox: Inbox) {
    this.#log = log
    this.#inbox = inbox
  }

  /**
   * Runs a function as the turn of the session. With a message, that is received first: undefined, and the function is
   * not called, where it is answered already.
   */
  async run<M, T>(
    fn: TurnFunction<M, T>,
    options: TurnOptions,
    message?: { text: MessageText; ref: string | undefined },
  ): Promise<T | undefined> {
    const { timeout = Number.POSITIVE_INFINITY, signal, id = randomUUID() } = options
    const { key, file } = this.#log
    const outer = around.getStore() ?? []
    if (outer.some(({ path, isOver }) => path === file.path && !isOver))
      throw new SessionError('ERR_TURN_NESTED', 'a turn of the session runs around this one', { key })
    const start = performance.now()
    const call = ++this.#calls
    // the place in the queue is that of the call; the message is written whether its turn comes or not
    const entering = this.#queue.enter(timeout, signal)
    const received = message && (await this.#receive(message, entering))
    const leave = await entering
    if (leave === undefined) throw new SessionError('ERR_TURN_RUNNING', 'another turn of the session runs', { key })
    try {
      const left = this.#leftBy(call, received)
      const waiting = (await this.#inbox.waitingIds()).filter((one) => !left.has(one))
      if (received && !waiting.includes(received.id)) return undefined
      const input = waiting.length > 0 ? { input: waiting } : {}
      const patience = Math.max(0, timeout - (performance.now() - start))
      const claim = await claimTurn(this.#log, id, { timeout: patience, signal, ...input })
      return await this.#runClaimed(claim, fn, options, { received, left })
    } finally {
      leave()
      if (this.#queue.isEmpty) this.#failed.clear()
    }
  }

  /**
   * What a turn that was asked for with a message of its own does not take: what the turns before it have failed with
   * while it waited. Their callers know that it is not answered, and it waits for a turn that is asked for from now on.
   */
  #leftBy(call: number, received: Received | undefined): Set<string> {
    if (received === undefined) return new Set()
    const left = [...this.#failed].filter(([id, asked]) => asked >= call && id !== received.id)
    return new Set(left.map(([id]) => id))
  }

  async #runClaimed<M, T>(
    claim: Claim,
    fn: TurnFunction<M, T>,
    { signal, onError }: TurnOptions,
    about: { received: Received | undefined; left: ReadonlySet<string> },
  ): Promise<T | undefined> {
    const { received } = about
    const stop = new TurnStop(this.#log, claim, signal)
    const here: Outer = { path: this.#log.file.path, isOver: false }
    const inside = [...(around.getStore() ?? []), here]
    let running: RunningTurn<M> | undefined
    try {
      running = await this.#begin<M>({ log: this.#log, inbox: this.#inbox, claim, stop, left: about.left }, received)
      const own = received?.state === 'new' ? received.id : undefined
      const { turn } = running ?? {}
      return await running?.run(() => around.run(inside, () => fn(turn as Turn<M>)), onError === 'takeBack', own)
    } catch (error) {
      for (const { id } of running?.turn.input ?? []) this.#failed.set(id, this.#calls)
      throw error
    } finally {
      here.isOver = true
      stop.close()
    }
  }

  async #receive(
    { text, ref }: { text: MessageText; ref: string | undefined },
    entering: Promise<(() => void) | undefined>,
  ): Promise<Received> {
    // the caller that awaits it later sees the failure
    entering.catch(() => {})
    try {
      return await this.#inbox.receive(text, ref)
    } catch (error) {
      entering.then((leave) => leave?.()).catch(() => {})
      throw error
    }
  }

  /** The turn with its input; undefined, and it has ended, where the message that it was for is answered by now. */
  async #begin<M>(begun: Begun, received: Received | undefined): Promise<RunningTurn<M> | undefined> {
    const { claim } = begun
    try {
      if (claim.former?.run.state === 'running') await this.#noteCutOff(claim.former)
      const backlog = await this.#inbox.backlog<M>(begun.left)
      const ids = backlog.input.map(({ id }) => id)
      if (received && !ids.includes(received.id)) {
        endTurn(this.#log, claim, 'idle')
        return undefined
      }
      if (ids.join() !== (claim.input ?? []).join()) extendTurn(this.#log, claim, ids)
      return new RunningTurn<M>(begun, backlog)
    } catch (error) {
      endTurn(this.#log, claim, 'error')
      throw error
    }
  }

  async #noteCutOff({ turnId, run: { since }, input: ids = [] }: Statement): Promise<void> {
    const turn = { turnId, since, reason: 'owner-dead', ids, text: draftOf(this.#log, turnId) }
    await this.#log.transact((summary) => ({
      drafts: summary === undefined ? [] : cutOffDrafts(summary, turn),
      result: undefined,
    }))
  }

  /**
   * True once the turn that runs has ended; false when none runs, another than `turnId`, or it goes on for too long.
   */
  async abort({ turnId, timeout = Number.POSITIVE_INFINITY }: AbortOptions): Promise<boolean> {
    const running = await runningTurn(this.#log)
    if (running === undefined || (turnId !== undefined && running.turnId !== turnId)) return false
    askToStop(this.#log, running.turnId)
    const deadline = performance.now() + timeout
    for (;;) {
      const now = await runningTurn(this.#log)
      if (now?.turnId !== running.turnId || now.file !== running.file) return true
      if (performance.now() >= deadline) return false
      await sleep(Math.min(LOOK_MS, Math.max(1, deadline - performance.now())))
    }
  }
}

export interface AbortOptions {
  /** Only this turn. */
  turnId?: string
  /** How long to wait for its end, ms; for ever unless given. */
  timeout?: number
}
