/** What ends a turn from outside: a request to stop, a takeover, the signal of its caller, the closing of the store. */
import { onAbort } from '../../base/abort.js'
import { SessionError } from '../../base/errors.js'
import type { SessionLog } from '../log/session-log.js'
import { type Claim, onStop } from './turn-claim.js'

export type StopReason = 'aborted' | 'lost' | 'closed' | 'signal'

export class TurnStop {
  readonly #log: SessionLog
  readonly #claim: Claim
  readonly #given: AbortSignal | undefined
  /** Made when it is asked for: it costs more than the rest of this. */
  #controller: AbortController | undefined
  /** The error of a turn that is to stop. */
  reason: unknown
  readonly #unwatch: () => void
  readonly #forget: () => void
  #resolve: (why: StopReason) => void = () => {}
  #ended: () => void = () => {}
  /** Resolves when the turn is to stop. */
  readonly stopped = new Promise<StopReason>((resolve) => {
    this.#resolve = resolve
  })
  /** Why, as soon as it is to stop. */
  why: StopReason | undefined

  /** Looks from now on until `end` is called. */
  constructor(log: SessionLog, claim: Claim, given: AbortSignal | undefined) {
    this.#log = log
    this.#claim = claim
    this.#given = given
    this.#unwatch = onStop(log, claim, (why) => this.stop(why))
    this.#forget = onAbort(given, () => this.stop('signal'))
    log.context.turns.add(this.#onClose)
    if (given?.aborted) this.stop('signal')
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.why !== undefined) this.#controller.abort(this.reason)
    }
    return this.#controller.signal
  }

  /** Resolves when the turn has ended. */
  readonly #onClose = (): Promise<void> => {
    this.stop('closed')
    return new Promise((resolve) => {
      this.#ended = resolve
    })
  }

  /** Returns the reason, that of the first call if there are several. */
  stop(why: StopReason): unknown {
    if (this.why !== undefined) return this.reason
    this.why = why
    this.reason = why === 'signal' ? this.#given?.reason : this.#reasonOf(why)
    this.#controller?.abort(this.reason)
    this.#resolve(why)
    return this.reason
  }

  #reasonOf(why: StopReason): SessionError {
    const details = { key: this.#log.key, turnId: this.#claim.turnId }
    if (why === 'aborted') return new SessionError('ERR_TURN_ABORTED', 'the turn was requested to stop', details)
    if (why === 'closed') return new SessionError('ERR_CLOSED', 'the store is closed', details)
    return new SessionError('ERR_TURN_LOST', 'the turn was ended or taken over by another process', details)
  }

  /** Later signals and requests have no effect. */
  end(): void {
    this.#unwatch()
    this.#forget()
  }

  /** The turn has ended. */
  close(): void {
    this.end()
    this.#log.context.turns.delete(this.#onClose)
    this.#ended()
  }
}
