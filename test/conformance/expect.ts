/** Assertions that all contracts share. */
import assert from 'node:assert/strict'

/** A `SessionError` with this code, and these details if they are given. */
export async function rejectsWithCode(
  promise: Promise<unknown>,
  code: string,
  details?: Record<string, unknown>,
): Promise<void> {
  await assert.rejects(promise, (error: Error & { code?: unknown; details?: object }) => {
    assert.equal(error.code, code)
    assert.equal(error.name, 'SessionError')
    if (details !== undefined) assert.deepEqual({ ...error.details }, details)
    return true
  })
}

/** Fails when no answer comes at once, as when a call hangs on a named pipe. */
export async function promptly<R>(promise: Promise<R>): Promise<R> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: 'no answer within 2 s' })), 2000)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
