/** The list of sessions: rows of the store's index, filtered and sorted as the address says. */
import type { Listed } from '../../list/row.js'
import { badRequest } from './answers.js'
import type { SessionList, SessionRow, SessionState, SortBy } from './shapes.js'

const MAX_ROWS = 500
const MAX_TAGS = 100
const DAY_MS = 24 * 3_600_000

export interface ListQuery {
  after: number
  limit: number
  sort: SortBy
  /** Part of a key or a name. */
  q: string
  state: SessionState | undefined
  tag: string | undefined
  /** Active within so many days. */
  days: number | undefined
}

const ORDERS: Record<SortBy, (a: SessionRow, b: SessionRow) => number> = {
  activity: (a, b) => (a.lastActivity < b.lastActivity ? 1 : a.lastActivity > b.lastActivity ? -1 : 0),
  name: (a, b) => (labelOf(a) < labelOf(b) ? -1 : labelOf(a) > labelOf(b) ? 1 : 0),
  messages: (a, b) => b.messages - a.messages,
  bytes: (a, b) => b.bytes - a.bytes,
  tokens: (a, b) => b.tokens - a.tokens,
  damaged: (a, b) => b.damaged - a.damaged,
}

function labelOf({ name, key }: SessionRow): string {
  return (name ?? key).toLowerCase()
}

export function listQuery(params: URLSearchParams): ListQuery {
  const sort = params.get('sort') || 'activity'
  if (!Object.hasOwn(ORDERS, sort)) throw badRequest(`no such order: ${sort}`)
  const state = params.get('state') || undefined
  if (state !== undefined && !['idle', 'running', 'error'].includes(state)) throw badRequest(`no such state: ${state}`)
  const days = params.get('days') || undefined
  return {
    after: countParam(params, 'after', 0),
    limit: Math.min(countParam(params, 'limit', 100), MAX_ROWS),
    sort: sort as SortBy,
    q: (params.get('q') ?? '').toLowerCase(),
    state: state as SessionState | undefined,
    tag: params.get('tag') || undefined,
    days: days === undefined ? undefined : countParam(params, 'days', 0),
  }
}

/** A whole number from 0. @throws ViewerError */
export function countParam(params: URLSearchParams, name: string, otherwise: number): number {
  const text = params.get(name)
  if (text === null || text === '') return otherwise
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name} must be a whole number`)
  return Number(text)
}

export function rowsOf(sessions: readonly Listed[]): SessionRow[] {
  return sessions.map(({ info, details }) => ({
    key: info.key,
    name: info.name,
    tags: info.tags,
    state: info.state,
    lastActivity: info.lastActivity.toISOString(),
    createdAt: info.createdAt.toISOString(),
    messages: info.messages,
    bytes: info.bytes,
    tokens: details.usage.promptTokens + details.usage.completionTokens,
    damaged: info.damaged,
  }))
}

/** `sessions` come newest activity first. */
export function listOf(sessions: readonly Listed[], query: ListQuery, now: number): SessionList {
  const since = query.days === undefined ? Number.NEGATIVE_INFINITY : now - query.days * DAY_MS
  const wanted = sessions.filter(
    ({ info }) =>
      (query.state === undefined || info.state === query.state) &&
      (query.tag === undefined || info.tags.includes(query.tag)) &&
      info.lastActivity.getTime() >= since &&
      (query.q === '' || info.key.toLowerCase().includes(query.q) || info.name?.toLowerCase().includes(query.q)),
  )
  const place = { total: wanted.length, all: sessions.length, after: query.after, tags: tagsIn(sessions) }
  const end = query.after + query.limit
  if (query.sort === 'activity') return { ...place, rows: rowsOf(wanted.slice(query.after, end)) }
  return { ...place, rows: rowsOf(wanted).sort(ORDERS[query.sort]).slice(query.after, end) }
}

function tagsIn(sessions: readonly Listed[]): string[] {
  const counts = new Map<string, number>()
  for (const { info } of sessions) for (const tag of info.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1)
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.slice(0, MAX_TAGS).map(([tag]) => tag)
}
