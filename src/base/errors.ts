/** Every code that a `SessionError` can carry. Codes are stable; messages are for people and may change. */
export type SessionErrorCode =
  | 'ERR_AMBIGUOUS_DATES'
  | 'ERR_BLOB_CORRUPT'
  | 'ERR_BLOB_NOT_FOUND'
  | 'ERR_CLOSED'
  | 'ERR_FORMAT_AMBIGUOUS'
  | 'ERR_FORMAT_UNKNOWN'
  | 'ERR_GRAPH_INVALID'
  | 'ERR_HEAD_REVISION_CONFLICT'
  | 'ERR_INVALID_KEY'
  | 'ERR_LOCKED'
  | 'ERR_LOCK_LOST'
  | 'ERR_LOG_CORRUPT'
  | 'ERR_MESSAGE_NOT_FOUND'
  | 'ERR_NOT_A_LOG'
  | 'ERR_READ_SCOPE_UNSUPPORTED'
  | 'ERR_SESSION_BINDING_MISMATCH'
  | 'ERR_SESSION_CHANGED'
  | 'ERR_SESSION_EXISTS'
  | 'ERR_SESSION_NOT_FOUND'
  | 'ERR_TOO_LARGE'
  | 'ERR_TURN_ABORTED'
  | 'ERR_TURN_ENDED'
  | 'ERR_TURN_LOST'
  | 'ERR_TURN_MISMATCH'
  | 'ERR_TURN_NESTED'
  | 'ERR_TURN_RUNNING'
  | 'ERR_VERSION_UNSUPPORTED'

/**
 * An expected failure of the store. Look at `code`; `details` holds what the code needs
 * (for instance `{running, given}` of ERR_TURN_MISMATCH). Mistakes of the caller are
 * TypeError or RangeError instead, and errors of the file system are passed on as they are.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  readonly code: SessionErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: SessionErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

export function notFound(id: string): SessionError {
  return new SessionError('ERR_SESSION_NOT_FOUND', 'there is no such session', { id })
}

export function messageNotFound(key: string, message: string): SessionError {
  return new SessionError('ERR_MESSAGE_NOT_FOUND', 'there is no such message in the session', { id: key, message })
}

/** What libuv has no name for: that the quota is used up. */
const EDQUOT = -122

/** The system's own code of a failure (`ENOENT`, …), or undefined when it has none. */
export function errno(error: unknown): string | undefined {
  const { code, errno: number } = (error as NodeJS.ErrnoException | undefined) ?? {}
  return code === 'UNKNOWN' && number === EDQUOT ? 'EDQUOT' : code
}
