/** A copy of what a framework passes, made at the call: changes to it while the store opens are not seen. */
import type { Json } from '../../base/json.js'

/** @throws TypeError for what JSON cannot hold: undefined, a function, a symbol, a bigint, a cycle */
export function jsonCopy(value: unknown): Json {
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('the value is nothing that JSON can hold')
  return JSON.parse(text)
}
