/** Times of foreign files in our one spelling. */
import type { Json } from '../../base/json.js'
import { isoTime, timeOf } from '../../log/parse.js'

/**
 * A time as sources write it: ISO 8601, or a number (or its text) of seconds, milliseconds or microseconds since 1970.
 * Undefined for everything else.
 */
export function readTime(at: Json | undefined): string | undefined {
  if (typeof at === 'string') return timeOf(at) ?? (/^\d{9,16}(\.\d+)?$/.test(at) ? readTime(Number(at)) : undefined)
  if (typeof at !== 'number' || !Number.isFinite(at) || at <= 0) return undefined
  if (at > 1e14) return isoTime(at / 1000)
  return isoTime(at > 1e11 ? at : Math.round(at * 1000))
}
