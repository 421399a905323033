import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'

/** Runs the program of the soak for some seconds. */
function soak(...args: string[]): { output: string; status: number | null } {
  const program = new URL('main.mjs', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--minutes', '0.08', ...args], {
    encoding: 'utf8',
    timeout: 110_000,
  })
  return { output: stdout + stderr, status }
}

describe('mixed work of all contracts in several processes', () => {
  test('leaves nothing behind, loses nothing and fails nowhere', () => {
    const { output, status } = soak('--processes', '2')
    expect(output).toMatch(/[1-9]\d* operations in 2 processes, [1-9]\d* kills beside them, 0 failures/)
    expect(status).toBe(0)
  }, 120_000)

  test('and work that leaks fails', () => {
    const { output, status } = soak('--processes', '1', '--leak')
    for (const what of ['memory', 'descriptors', 'timers', 'files']) expect(output).toContain(`FAILED: ${what} grow`)
    expect(output).toMatch(/FAILED: .*unhandled rejection: Error: leaked/)
    expect(status).toBe(1)
  }, 120_000)
})
