/** The viewer: from a request to a response. Every path is judged first, and every response carries the same headers. */
import { checkBoolean, checkNames } from '../base/arguments.js'
import type { SessionStore } from '../store/store.js'
import { internalsOf } from '../store/store.js'
import { failure, ViewerError } from './api/answers.js'
import { Api } from './api/api.js'
import { asked, judge, newToken, type Secrets, withHeaders } from './api/guard.js'
import { PageFiles } from './page-files.js'

export interface ViewerOptions {
  /**
   * Values of the Host header that are served, each with its port where that is not the scheme's own, such as
   * `127.0.0.1:8080`. All others are refused with 421, so that no name that is made to point here reaches the sessions.
   */
  hosts: readonly string[]
  /** Path that the viewer is mounted below, such as `/sessions`; nothing for the root. */
  base?: string
  /** What the operator's address carries; 32 random bytes unless given. */
  token?: string
  /** Lets the page change labels, restore messages, end dead turns and move sessions to the trash. */
  allowWrite?: boolean
  /** Folder of the built page; only for programs that bundle this module. */
  page?: URL
}

export interface Viewer {
  /** Serves one request. The `host` header of the request must be that of the client. Never rejects. */
  fetch(request: Request): Promise<Response>
  /** Ends streams and background work. The store stays open. */
  close(): Promise<void>
  /** Goes behind the address as `#t=<token>`. */
  readonly token: string
  /** Goes behind it as `&w=<token>`; undefined without `allowWrite`. */
  readonly writeToken: string | undefined
}

const OPTIONS = ['hosts', 'base', 'token', 'allowWrite', 'page'] as const

/**
 * A viewer of an open store, for a server of one's own: the pages, and the API that they call. Reads only, unless
 * `allowWrite` says otherwise. @throws TypeError for wrong options
 */
export function createViewer(store: SessionStore, options: ViewerOptions): Viewer {
  const { hosts, base = '', token = newToken(), allowWrite = false, page } = checked(options)
  const names = new Set(hosts.map((host) => host.toLowerCase()))
  const port = /:(\d+)$/.exec(hosts[0] ?? '')?.[1] ?? '80'
  const secrets: Secrets = {
    token,
    writeToken: allowWrite ? newToken() : undefined,
    session: newToken(),
    cookieName: `jsonl-sessions-${port}`,
  }
  const files = new PageFiles(page ?? new URL('./page/', import.meta.url), base)
  const api = new Api(store, internalsOf(store), secrets, base)

  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url)
    if (base !== '' && url.pathname !== base && !url.pathname.startsWith(`${base}/`)) throw notThere()
    const path = url.pathname.slice(base.length) || '/'
    judge(asked(request, path), names, secrets)
    const found = path.startsWith('/api/') ? await api.answer(request, path, url.searchParams) : files.get(path)
    if (found === undefined) throw notThere()
    return found
  }
  return {
    token,
    writeToken: secrets.writeToken,
    async fetch(request) {
      try {
        return withHeaders(await answer(request))
      } catch (error) {
        return withHeaders(failure(error))
      }
    },
    close: () => api.close(),
  }
}

function notThere(): ViewerError {
  return new ViewerError(404, 'ERR_VIEWER_NOT_FOUND', 'there is nothing at this address')
}

function checked(options: ViewerOptions): ViewerOptions {
  const { hosts, base = '', token, allowWrite = false } = checkNames('createViewer', options, OPTIONS)
  if (!Array.isArray(hosts) || hosts.length === 0 || hosts.some((host) => typeof host !== 'string' || host === '')) {
    throw new TypeError('option hosts must be an array of values of the Host header')
  }
  if (typeof base !== 'string' || !/^(\/[\w.-]+)*$/.test(base))
    throw new TypeError('option base must be a path without a slash at its end')
  if (token !== undefined && (typeof token !== 'string' || token.length < 16)) {
    throw new TypeError('option token must be a text of at least 16 characters')
  }
  checkBoolean('option allowWrite', allowWrite)
  return options
}
