/** The responses of the viewer: JSON, streams of JSON lines, downloads, and failures. */
import { isSessionError } from '../../base/errors.js'
import type { ErrorAnswer, ViewerErrorCode } from './shapes.js'

/** A failure that the viewer itself reports. */
export class ViewerError extends Error {
  constructor(
    readonly status: number,
    readonly code: ViewerErrorCode,
    message: string,
  ) {
    super(message)
  }
}

export function badRequest(message: string): ViewerError {
  return new ViewerError(400, 'ERR_VIEWER_BAD_REQUEST', message)
}

export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  })
}

type Body = ConstructorParameters<typeof Response>[0]

/** Bytes that a browser saves and never shows. `name` is ours, and plain. */
export function download(body: Uint8Array | ReadableStream<Uint8Array>, name: string): Response {
  return new Response(body as Body, {
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`,
      'cache-control': 'no-store',
    },
  })
}

/** One JSON value a line, each sent as soon as it is known. Stops when the reader has gone; calls `done` at the end. */
export function jsonLines(values: AsyncGenerator<unknown>, done: () => void): Response {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await values.next()
        if (!next.done) return controller.enqueue(encoder.encode(`${JSON.stringify(next.value)}\n`))
      } catch (error) {
        controller.enqueue(encoder.encode(`${JSON.stringify({ error: failureOf(error).answer })}\n`))
      }
      controller.close()
      done()
    },
    async cancel() {
      done()
      await values.return(undefined)
    },
  })
  return new Response(body, {
    headers: { 'content-type': 'application/x-ndjson; charset=utf-8', 'cache-control': 'no-store' },
  })
}

const STATUS: Partial<Record<string, number>> = {
  ERR_SESSION_NOT_FOUND: 404,
  ERR_MESSAGE_NOT_FOUND: 404,
  ERR_INVALID_KEY: 400,
  ERR_LOCKED: 409,
  ERR_LOG_AMBIGUOUS: 409,
  ERR_LOG_BUSY: 409,
  ERR_LOCK_LOST: 409,
  ERR_CLOSED: 503,
}

/** Status and body for any thrown value. */
export function failureOf(error: unknown): { status: number; answer: ErrorAnswer } {
  if (error instanceof ViewerError)
    return { status: error.status, answer: { code: error.code, message: error.message } }
  if (isSessionError(error)) {
    return { status: STATUS[error.code] ?? 422, answer: { code: error.code, message: error.message } }
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return { status: 400, answer: { code: 'ERR_VIEWER_BAD_REQUEST', message: error.message } }
  }
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException
  return { status: 500, answer: { code: code ?? 'ERR_VIEWER_FAILED', message: message ?? String(error) } }
}

export function failure(error: unknown): Response {
  const { status, answer } = failureOf(error)
  return json(answer, status)
}
