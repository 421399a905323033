/** Questions to the viewer's API. */

import { segmentOf } from '../api/addresses.js'
import type { Change, ErrorAnswer, ViewerEvent } from '../api/shapes.js'
import { base } from './place.js'

export class ServerError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** One name a tab: a new search ends the former one of the same tab. */
export const client = crypto.randomUUID()
let writeToken = ''

/** Trades the token of the address for a cookie, and takes it out of the address. */
export async function logIn(): Promise<void> {
  const given = new URLSearchParams(location.hash.slice(1))
  const token = given.get('t')
  writeToken = given.get('w') ?? sessionStorage.getItem('write') ?? ''
  if (token === null) return
  if (writeToken !== '') sessionStorage.setItem('write', writeToken)
  history.replaceState(null, '', location.pathname + location.search)
  await post('/api/login', { token })
}

export function change(given: Change): Promise<unknown> {
  return post('/api/change', given)
}

async function post(path: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'x-write-token': writeToken }
  const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw await errorOf(answer)
  return answer.json()
}

async function errorOf(answer: Response): Promise<ServerError> {
  const { code, message } = (await answer.json().catch(() => ({}))) as Partial<ErrorAnswer>
  return new ServerError(answer.status, code ?? 'ERR_VIEWER_FAILED', message ?? answer.statusText)
}

type Params = Record<string, string | number | undefined>

function queryOf(params: Params): string {
  const pairs = Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : [[name, `${value}`]]))
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}

export async function ask<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(base + path + queryOf(params), signal === undefined ? {} : { signal })
  if (!answer.ok) throw await errorOf(answer)
  return (await answer.json()) as T
}

export function ofSession(key: string, what = ''): string {
  return `/api/s/${segmentOf(key)}${what === '' ? '' : `/${what}`}`
}

export async function bytesOf(path: string, params: Params): Promise<Uint8Array> {
  const answer = await fetch(base + path + queryOf(params))
  if (!answer.ok) throw await errorOf(answer)
  return new Uint8Array(await answer.arrayBuffer())
}

export function addressOf(path: string, params: Params): string {
  return base + path + queryOf(params)
}

/** Calls `take` with each line of a streamed answer. */
export async function stream<T>(path: string, params: Params, take: (line: T) => void, signal: AbortSignal) {
  const answer = await fetch(base + path + queryOf({ ...params, client }), { signal })
  if (!answer.ok || answer.body === null) throw await errorOf(answer)
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const value = JSON.parse(line)
      if ('error' in value) throw new ServerError(500, value.error.code, value.error.message)
      take(value)
    }
  }
}

/** Hints of what changed, from now on. A lost connection starts over, with a `hello`. */
export function listen(keys: readonly string[], list: boolean, take: (event: ViewerEvent) => void): () => void {
  const params = new URLSearchParams(keys.map((key) => ['s', segmentOf(key)]))
  if (list) params.set('list', '1')
  const source = new EventSource(`${base}/api/events?${params}`)
  source.onmessage = ({ data }) => take(JSON.parse(data))
  return () => source.close()
}
