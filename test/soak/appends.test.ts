import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('appends beside rewrites, with writers and rewriters killed and stopped between any two steps, are there at any moment', () => {
  const program = new URL('appends/main.mjs', import.meta.url).pathname
  // in some seconds a busy machine does what it can: how long an append takes is looked at in the long form
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, '--minutes', '0.08', '--sessions', '50', '--writers', '4', '--wait', '30000', '--least', '2000'],
    { encoding: 'utf8', timeout: 110_000 },
  )
  expect(stdout + stderr).toMatch(/[1-9]\d* appends acknowledged, [1-9]\d* looks of readers, .*; 0 failures/)
  expect(status).toBe(0)
}, 120_000)

test('and an append that is not there is found', () => {
  const program = new URL('appends/main.mjs', import.meta.url).pathname
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      program,
      '--minutes',
      '0.05',
      '--sessions',
      '5',
      '--writers',
      '2',
      '--wait',
      '30000',
      '--least',
      '100000',
      '--lose',
    ],
    { encoding: 'utf8', timeout: 110_000 },
  )
  expect(stdout).toMatch(/FAILED: .* stands behind /)
  expect(status).toBe(1)
}, 120_000)
