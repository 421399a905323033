/** Addresses of the page: which view is shown, and with which filters. */
import { keyOf, segmentOf } from '../api/addresses.js'

export const base = document.documentElement.dataset.base ?? ''

export type View =
  | { name: 'now' | 'sessions' | 'health' | 'usage' | 'search' | 'help' | 'nowhere' }
  | { name: 'session' | 'raw'; key: string }

export interface Place {
  view: View
  params: URLSearchParams
  /** What stands behind `#`: the id of a message. */
  anchor: string
}

export function currentPlace(): Place {
  const path = location.pathname.slice(base.length) || '/'
  return {
    view: viewAt(path),
    params: new URLSearchParams(location.search),
    anchor: textOf(location.hash.slice(1)),
  }
}

function textOf(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function viewAt(path: string): View {
  const session = /^\/s\/([^/]+)(\/raw)?$/.exec(path)
  const key = session === null ? undefined : keyOf(session[1] as string)
  if (session !== null && key !== undefined) return { name: session[2] === undefined ? 'session' : 'raw', key }
  if (path === '/') return { name: 'now' }
  const name = path.slice(1)
  return name === 'sessions' || name === 'health' || name === 'usage' || name === 'search' || name === 'help'
    ? { name }
    : { name: 'nowhere' }
}

export function sessionPath(key: string, { at, id, raw }: { at?: number; id?: string; raw?: boolean } = {}): string {
  const query = at === undefined ? '' : `?at=${at}`
  const anchor = id === undefined ? '' : `#${encodeURIComponent(id)}`
  return `${base}/s/${segmentOf(key)}${raw ? '/raw' : ''}${query}${anchor}`
}

const listeners = new Set<() => void>()

export function onPlace(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function go(path: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', path)
  else history.pushState(null, '', path)
  for (const listener of listeners) listener()
}

/** The same place with other filters: empty ones leave the address. */
export function withParams(changes: Record<string, string | undefined>, { replace = true } = {}): void {
  const params = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') params.delete(name)
    else params.set(name, value)
  }
  const query = params.toString()
  go(location.pathname + (query === '' ? '' : `?${query}`) + location.hash, { replace })
}

/** Links within the page do not load it again. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    for (const listener of listeners) listener()
  })
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || event.defaultPrevented || event.button !== 0 || link.target !== '') return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.origin !== location.origin) return
    event.preventDefault()
    go(link.pathname + link.search + link.hash)
    document.querySelector('main')?.focus({ preventScroll: true })
  })
}
