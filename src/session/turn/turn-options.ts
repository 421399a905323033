/** How a turn is run. */
import { checkText } from '../../base/arguments.js'
import { isObject } from '../../base/json.js'

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
