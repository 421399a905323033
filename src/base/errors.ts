/**
 * The details of each code that a `SessionError` can carry. Codes are stable; messages are for people and may change.
 */
export interface ErrorDetails {
  ERR_AMBIGUOUS_DATES: { file: string }
  ERR_BLOB_CORRUPT: { ref: string; component?: string }
  ERR_BLOB_NOT_FOUND: { ref: string; component?: string }
  ERR_CLOSED: { dir?: string; key?: string; turnId?: string | null }
  ERR_FORMAT_AMBIGUOUS: { path: string; formats: string[] }
  /** `format`: the name that was given. */
  ERR_FORMAT_UNKNOWN: { path?: string; format?: string }
  ERR_GRAPH_INVALID: { reason: string; nodeId: string }
  ERR_HEAD_REVISION_CONFLICT: { expected: number | null; actual: number | null }
  ERR_INVALID_KEY: { key: string }
  /** `lock`: the folder of the lease that another process holds; `deleted`: what a purge had deleted by then. */
  ERR_LOCKED: { key?: string; lock: string; deleted?: number }
  ERR_LOCK_LOST: { key?: string; lock: string }
  /** `files`: the two logs of the key. */
  ERR_LOG_AMBIGUOUS: { key: string; files: string[] }
  /** `file`: the log that other programs keep changing. */
  ERR_LOG_BUSY: { key: string; file: string }
  ERR_LOG_CORRUPT: { reason: string; headRevision: number }
  /** `id`: the key of the session; `message`: the id that was given. */
  ERR_MESSAGE_NOT_FOUND: { id: string; message: string }
  /** `type`, `source`: of the drive, as the mount table names them. */
  ERR_NETWORK_DRIVE: { dir: string; type: string; source: string }
  ERR_NOT_A_LOG: { file: string }
  ERR_READ_SCOPE_UNSUPPORTED: { scope: unknown }
  /** `kind`: what the text belongs to; the error that the option threw is the `cause`. */
  ERR_REDACT: { key: string; kind: string }
  ERR_SESSION_BINDING_MISMATCH: { boundSessionId: string; attemptedSessionId: string }
  /** `id`: the key of the session. */
  ERR_SESSION_CHANGED: { id: string }
  ERR_SESSION_EXISTS: { key: string }
  /** `id`: the key of the session, the id of an entry of trash or quarantine, or the path of a file to merge. */
  ERR_SESSION_NOT_FOUND: { id: string }
  ERR_STORE_GONE: { dir: string }
  /** `bytes`, `limit`: of a line or file; `name`: of an argument that is nested too deeply. */
  ERR_TOO_LARGE: { bytes?: number; limit?: number; name?: string; path?: string } & Partial<LedgerCounter>
  ERR_TURN_ABORTED: { key: string; turnId: string | null }
  ERR_TURN_ENDED: { turnId: string }
  ERR_TURN_LOST: { key: string; turnId: string | null }
  ERR_TURN_MISMATCH: { running: string | null; given: string | null }
  ERR_TURN_NESTED: { key: string }
  /** `since`: ISO 8601 UTC. Only `key` where the other turn is one of this process. */
  ERR_TURN_RUNNING: { key: string; running?: string | null; since?: string; owner?: { host: string; pid: number } }
  ERR_VERSION_UNSUPPORTED: { file?: string; version: number; supported: number }
}

/** A counter of usage that grew beyond what a number can hold. */
export interface LedgerCounter {
  source: string
  model: string
  counter: string
}

export type SessionErrorCode = keyof ErrorDetails

/** The error of one code. */
export interface SessionErrorOf<C extends SessionErrorCode> extends Error {
  readonly name: 'SessionError'
  readonly code: C
  readonly details: Readonly<ErrorDetails[C]>
}

/**
 * An expected failure of the store: check `code`, which determines the type of `details`. Mistakes of the caller are
 * TypeError or RangeError instead, and errors of the file system are passed on as they are.
 */
export type SessionError = { [C in SessionErrorCode]: SessionErrorOf<C> }[SessionErrorCode]

class CodedError<C extends SessionErrorCode> extends Error implements SessionErrorOf<C> {
  override readonly name = 'SessionError'
  readonly code: C
  readonly details: Readonly<ErrorDetails[C]>

  constructor(code: C, message: string, details: ErrorDetails[C], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

export const SessionError = CodedError as unknown as {
  new <C extends SessionErrorCode>(
    code: C,
    message: string,
    details: ErrorDetails[C],
    cause?: unknown,
  ): SessionErrorOf<C>
  readonly prototype: SessionError
  [Symbol.hasInstance](value: unknown): value is SessionError
}

/**
 * True for an error of the store, of this code if one is given; by its shape, so of another copy of this package too.
 */
export function isSessionError<C extends SessionErrorCode = SessionErrorCode>(
  error: unknown,
  code?: C,
): error is Extract<SessionError, { code: C }> {
  if (!(error instanceof Error) || error.name !== 'SessionError') return false
  const given = (error as SessionError).code
  return code === undefined ? typeof given === 'string' : given === code
}

export function notFound(key: string): SessionError {
  return new SessionError('ERR_SESSION_NOT_FOUND', `there is no session ${JSON.stringify(key)}`, { id: key })
}

export function sessionExists(key: string): SessionError {
  return new SessionError('ERR_SESSION_EXISTS', `there is a session ${JSON.stringify(key)} already`, { key })
}

export function logBusy(key: string, file: string): SessionError {
  return new SessionError('ERR_LOG_BUSY', `other programs keep changing the log of ${JSON.stringify(key)}`, {
    key,
    file,
  })
}

export function logAmbiguous(key: string, files: string[]): SessionError {
  const what = `the key ${JSON.stringify(key)} has a log under two names: ${files.join(' and ')}`
  const message = `${what}; rename or remove one of them, and open the session again`
  return new SessionError('ERR_LOG_AMBIGUOUS', message, { key, files })
}

export function notALog(file: string): SessionError {
  return new SessionError('ERR_NOT_A_LOG', `no regular file stands under the name of a log: ${file}`, { file })
}

/** A failure of the file system that names the file, which calls on descriptors leave out. */
export function withPath(error: unknown, path: string): unknown {
  const { code, path: named } = (error as NodeJS.ErrnoException | undefined) ?? {}
  if (
    error instanceof Error &&
    code !== undefined &&
    named === undefined &&
    !(error as Partial<SessionError>).details
  ) {
    Object.assign(error, { path, message: `${error.message} '${path}'` })
  }
  return error
}

export function messageNotFound(key: string, message: string): SessionError {
  const text = `there is no message ${JSON.stringify(message)} in the session ${JSON.stringify(key)}`
  return new SessionError('ERR_MESSAGE_NOT_FOUND', text, { id: key, message })
}

/** What libuv has no name for in every version, by the system's own number. */
const UNNAMED: Readonly<Record<number, string>> =
  process.platform === 'darwin'
    ? { 57: 'ENOTCONN', 64: 'EHOSTDOWN', 69: 'EDQUOT', 70: 'ESTALE' }
    : { 107: 'ENOTCONN', 112: 'EHOSTDOWN', 116: 'ESTALE', 121: 'EREMOTEIO', 122: 'EDQUOT' }

/** The system's own code of a failure (`ENOENT`, …), or undefined when it has none. Node names some by number only. */
export function errno(error: unknown): string | undefined {
  const { code, errno: number } = (error as NodeJS.ErrnoException | undefined) ?? {}
  if (code !== 'UNKNOWN' && !code?.startsWith('Unknown system error')) return code
  return UNNAMED[-Number(number ?? code.split(' ').at(-1))] ?? code
}

/** True where this user has no right to what was called for. */
export function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(errno(error) ?? '')
}

/** True where a drive of another machine says that what a name or descriptor stood for has changed meanwhile. */
export function isStale(error: unknown): boolean {
  return errno(error) === 'ESTALE'
}
