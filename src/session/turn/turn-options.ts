/** How a turn is run. */
import { checkDuration, checkNames, checkSignal, checkText } from '../../base/arguments.js'

export interface TurnOptions {
  /** The turn's id; made unless given. */
  id?: string
  /** How long to wait for a turn that runs, ms; for ever unless given, 0: not at all. */
  timeout?: number
  /** Ends the turn: the messages that it was to answer wait on. */
  signal?: AbortSignal
  /**
   * What becomes of the turn's lines when it fails: `'keep'` (default), or `'takeBack'`, its own message among them.
   */
  onError?: 'keep' | 'takeBack'
}

const KNOWN = ['id', 'timeout', 'signal', 'onError'] as const

/** `takesRef` where a message is given. @throws TypeError, RangeError */
export function checkTurnOptions(
  options: (TurnOptions & { ref?: string }) | undefined,
  takesRef: boolean,
): TurnOptions & { ref?: string } {
  const given = checkNames('turn', options, takesRef ? [...KNOWN, 'ref'] : KNOWN)
  const { id, timeout, signal, onError, ref } = given
  if (id !== undefined) checkText('id', id)
  if (ref !== undefined) checkText('ref', ref)
  if (timeout !== undefined) checkDuration('timeout', timeout)
  checkSignal(signal)
  if (onError !== undefined && onError !== 'keep' && onError !== 'takeBack')
    throw new TypeError("onError must be 'keep' or 'takeBack'")
  return { ...given }
}
