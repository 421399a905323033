/** Which sessions a list shows. */
import { checkBoolean, checkCount, checkNames, checkSignal, checkText, checkTime } from '../base/arguments.js'
import { isObject } from '../base/json.js'
import { byKey, type SessionInfo } from '../session/info.js'
import type { Row } from './row.js'

export interface ListOptions {
  /** At most so many. */
  limit?: number
  /** Those with this tag. */
  tag?: string
  /** Those whose last activity is not before this time: a Date or Unix milliseconds. */
  since?: Date | number
  /** Those behind this one, in the order of lists: the last row of the page before. */
  cursor?: Pick<SessionInfo, 'key' | 'lastActivity'>
  /** So many of those without a name come with the beginning of their first user message. Reads logs. Default 0. */
  previews?: number
  /**
   * Saves the rows for the next process in a read-only store too, where the folder is the user's own: the next list is
   * several times as fast. Default false.
   */
  save?: boolean
  signal?: AbortSignal
}

export interface ListRules {
  limit: number
  /** Undefined where all are shown. */
  shows: ((row: Row) => boolean) | undefined
  previews: number
  save: boolean
  signal: AbortSignal | undefined
}

const KNOWN = ['limit', 'tag', 'since', 'cursor', 'previews', 'save', 'signal'] as const

/** @throws TypeError, RangeError */
export function checkList(options: ListOptions | undefined): ListRules {
  const { limit, tag, since, cursor, previews = 0, save = false, signal } = checkNames('list', options, KNOWN)
  checkSignal(signal)
  if (limit !== undefined) checkCount('limit', limit)
  if (tag !== undefined) checkText('tag', tag)
  checkCount('previews', previews)
  checkBoolean('save', save)
  const from = since === undefined ? Number.NEGATIVE_INFINITY : checkTime('since', since)
  const behind = cursor === undefined ? undefined : checkCursor(cursor)
  const isAll = tag === undefined && since === undefined && behind === undefined
  const shows = (row: Row) =>
    row.active >= from && (tag === undefined || row.tags?.includes(tag) === true) && (behind?.(row) ?? true)
  return { limit: limit ?? Number.POSITIVE_INFINITY, shows: isAll ? undefined : shows, previews, save, signal }
}

function checkCursor(cursor: unknown): (row: Row) => boolean {
  if (!isObject(cursor)) throw new TypeError('cursor must be a row of a list')
  const { key, lastActivity } = cursor as unknown as SessionInfo
  checkText('the key of cursor', key)
  const active = checkTime('the lastActivity of cursor', lastActivity)
  return (row) => row.active < active || (row.active === active && byKey(row, { key }) > 0)
}
