/** A viewer over a store of its own, asked without a network. */
import { onTestFinished } from 'vitest'
import type { SessionStore } from '../../src/index.js'
import { createViewer, type Viewer, type ViewerOptions } from '../../src/viewer/index.js'
import { open } from '../helpers/store.js'

export const HOST = '127.0.0.1:8000'
export const PAGE = new URL('../../dist/lib/page/', import.meta.url)

export interface Scene {
  store: SessionStore
  viewer: Viewer
  /** The status and the JSON of an answer. */
  ask<T = unknown>(path: string, init?: RequestInit): Promise<{ status: number; body: T }>
  /** The answer itself. */
  fetch(path: string, init?: RequestInit): Promise<Response>
}

export async function scene(options: Partial<ViewerOptions> = {}, folder?: string): Promise<Scene> {
  const store = await open(folder)
  const viewer = createViewer(store, { hosts: [HOST], page: PAGE, ...options })
  onTestFinished(() => viewer.close())
  const fetch = (path: string, init: RequestInit = {}) => {
    const headers = { host: HOST, authorization: `Bearer ${viewer.token}`, ...init.headers }
    return viewer.fetch(new Request(`http://${HOST}${path}`, { ...init, headers }))
  }
  return {
    store,
    viewer,
    fetch,
    async ask<T>(path: string, init?: RequestInit) {
      const answer = await fetch(path, init)
      return { status: answer.status, body: (await answer.json()) as T }
    },
  }
}

/** The values of an answer of JSON lines. */
export async function linesOf<T>(answer: Response): Promise<T[]> {
  const text = await answer.text()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}
