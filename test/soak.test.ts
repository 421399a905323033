import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('mixed work of all contracts in several processes leaves nothing behind and fails nowhere', () => {
  const program = new URL('soak/main.mjs', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--minutes', '0.08', '--processes', '2'], {
    encoding: 'utf8',
  })
  expect(stdout + stderr).toMatch(/[1-9]\d* operations in 2 processes, 0 failures/)
  expect(status).toBe(0)
}, 60_000)
