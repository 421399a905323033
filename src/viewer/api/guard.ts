/**
 * What a request must be before anything is done for it, and the headers of every response. `judge` decides on plain
 * data; the contract is section 4 of the viewer's specification.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ViewerError } from './answers.js'

/** No text of a session becomes HTML anywhere in the page, so no Trusted Types policy may exist. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
}

export function withHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value)
  return response
}

/** The parts of a request that are judged. */
export interface Asked {
  method: string
  /** Without the base of the viewer. */
  path: string
  host: string | null
  origin: string | null
  site: string | null
  cookie: string | null
  authorization: string | null
  writeToken: string | null
}

export function asked(request: Request, path: string): Asked {
  const { method, headers } = request
  return {
    method,
    path,
    host: headers.get('host'),
    origin: headers.get('origin'),
    site: headers.get('sec-fetch-site'),
    cookie: headers.get('cookie'),
    authorization: headers.get('authorization'),
    writeToken: headers.get('x-write-token'),
  }
}

export interface Secrets {
  /** Shown to the operator once, in the address. */
  token: string
  /** Shown beside it with `allowWrite`; undefined where nothing may be changed. */
  writeToken: string | undefined
  /** The value of the cookie, which the token is traded for. */
  session: string
  cookieName: string
}

export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** In a time that does not depend on where the texts differ. */
export function isSame(given: string | null | undefined, secret: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given ?? ''), hash(secret))
}

/** @throws ViewerError when the request must not be served */
export function judge(request: Asked, hosts: ReadonlySet<string>, secrets: Secrets): void {
  const { method, path, host, origin, site } = request
  if (host === null || !hosts.has(host.toLowerCase())) {
    throw new ViewerError(421, 'ERR_VIEWER_HOST', 'this address is not served under that host name')
  }
  if (site !== null && site !== 'same-origin' && site !== 'none') {
    throw new ViewerError(403, 'ERR_VIEWER_SITE', 'requests of other sites are not served')
  }
  const isApi = path.startsWith('/api/')
  const isPost = method === 'POST'
  if (method !== 'GET' && method !== 'HEAD' && !(isPost && isApi)) {
    throw new ViewerError(405, 'ERR_VIEWER_METHOD', 'only GET, HEAD and, for changes, POST are served')
  }
  if (!isApi) return
  if (origin !== null && !isOwnOrigin(origin, host)) {
    throw new ViewerError(403, 'ERR_VIEWER_ORIGIN', 'requests of other origins are not served')
  }
  if (path === '/api/login') return
  if (!isKnown(request, secrets)) {
    throw new ViewerError(401, 'ERR_VIEWER_TOKEN', 'open the address that `serve` printed, with its token')
  }
  if (!isPost) return
  if (secrets.writeToken === undefined) {
    throw new ViewerError(403, 'ERR_VIEWER_READ_ONLY', 'this viewer only reads; start it with --allow-write')
  }
  if (origin === null) throw new ViewerError(403, 'ERR_VIEWER_ORIGIN', 'a change must name its origin')
  if (!isSame(request.writeToken, secrets.writeToken)) {
    throw new ViewerError(401, 'ERR_VIEWER_TOKEN', 'a change needs the second token that `serve` printed')
  }
}

/** The scheme is left to the program that mounts the viewer: a proxy may speak https to the browser. */
function isOwnOrigin(origin: string, host: string): boolean {
  return origin.replace(/^https?:\/\//, '').toLowerCase() === host.toLowerCase() && /^https?:\/\//.test(origin)
}

function isKnown({ cookie, authorization }: Asked, { token, session, cookieName }: Secrets): boolean {
  if (authorization !== null) return isSame(authorization.replace(/^Bearer /, ''), token)
  const values = (cookie ?? '').split(/; */).flatMap((pair) => {
    const [name, value] = pair.split('=', 2)
    return name === cookieName ? [value] : []
  })
  return values.some((value) => isSame(value, session))
}

export function loginCookie({ cookieName, session }: Secrets, base: string): string {
  return `${cookieName}=${session}; HttpOnly; SameSite=Strict; Path=${base === '' ? '/' : base}`
}
