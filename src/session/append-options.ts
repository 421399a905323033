/** How messages are appended. */
import { checkNames } from '../base/arguments.js'

export interface AppendOptions {
  /** By the message's own `id`: what is there is not written again. */
  once?: boolean
}

/** @throws TypeError */
export function isOnce(options: AppendOptions | undefined): boolean {
  if (options === undefined) return false
  const { once = false } = checkNames('append', options, ['once'])
  if (typeof once !== 'boolean') throw new TypeError('option once must be true or false')
  return once
}
