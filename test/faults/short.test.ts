import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { SOAK } from '../helpers/store.js'

const PROGRAM = new URL('main.mjs', import.meta.url).pathname
const CARELESS = new URL('careless.mjs', import.meta.url).href

function run(args: string[], env: Record<string, string> = {}): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: SOAK ? 3_500_000 : 170_000,
  })
  return { status, output: stdout + stderr }
}

describe('the fault matrix', () => {
  test('finds the old state or the new one after any fault, and the next call works', () => {
    const few = '(append|rewrite|replace|setState|restore|purgeCompacted|rewind)$'
    const short = ['--share', '0.02', '--power', '40', '--only', `^(SessionStore|Persistence|SessionManager): ${few}`]
    const { status, output } = run(SOAK ? ['--share', '1', '--power', '2000'] : short)
    expect(output).not.toContain('FAILED')
    expect(output).toMatch(/fault matrix: \d+ operations, \d{2,} faults injected/)
    expect(status).toBe(0)
  }, 3_600_000)

  test('finds a lost message when the disk does not do what a sync asks of it', () => {
    const { status, output } = run(['--share', '0', '--power', '60', '--no-sync'])
    expect(output).toMatch(/FAILED: power loss/)
    expect(status).toBe(1)
  }, 180_000)

  test.each([
    ['rewrite in place', 'SessionStore: rewrite', /neither old nor new|acknowledged/],
    ['acknowledged before written', 'SessionStore: append', /./],
    ['short write taken for a whole one', 'SessionStore: append', /neither old nor new|acknowledged|next call/],
    ['error taken for empty', 'SessionStore: messages', /a wrong answer/],
  ])(
    'fails a store with a planted bug: %s',
    (bug, operation, words) => {
      const { status, output } = run(
        ['--library', CARELESS, '--only', `${operation}$`, '--share', '1', '--power', '0'],
        { CARELESS: bug },
      )
      expect(output).toMatch(/FAILED/)
      expect(output.split('FAILED: ')[1]).toMatch(words)
      expect(status).toBe(1)
    },
    180_000,
  )
})
