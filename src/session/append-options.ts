/** How messages are appended. */
import { checkBoolean, checkNames, stillOpen, type WaitOptions } from '../base/arguments.js'

export interface AppendOptions extends WaitOptions {
  /** By the message's own `id`: an existing message is not written again. */
  once?: boolean
}

/** @throws TypeError; what the signal was aborted with */
export function checkAppend(options: AppendOptions | undefined): AppendOptions {
  const { once = false, signal } = checkNames('append', options, ['once', 'signal'])
  checkBoolean('option once', once)
  return { once, signal: stillOpen(signal) }
}
