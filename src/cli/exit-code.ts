/** What a command ends with. */
import { isSessionError, type SessionErrorCode } from '../index.js'

export const EXIT = { done: 0, failed: 1, usage: 2, notFound: 3, busy: 4 } as const

const BUSY: readonly SessionErrorCode[] = ['ERR_LOCKED', 'ERR_LOG_BUSY', 'ERR_TURN_RUNNING']

/** Ends a command with a message and an exit code of its own. */
export class CommandFailure extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message)
  }
}

/** The exit code for an error that a command ended with. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof CommandFailure) return error.exitCode
  if (isSessionError(error) && BUSY.includes(error.code)) return EXIT.busy
  if (isSessionError(error, 'ERR_SESSION_NOT_FOUND') || isSessionError(error, 'ERR_MESSAGE_NOT_FOUND'))
    return EXIT.notFound
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT' ? EXIT.notFound : EXIT.failed
}

/** Of a command that works on several sessions, some of which may be missing or fail. */
export function exitCodeOfAll({ failed = 0, missing = 0, busy = 0 }): number {
  if (failed > 0) return EXIT.failed
  if (missing > 0) return EXIT.notFound
  return busy > 0 ? EXIT.busy : EXIT.done
}
