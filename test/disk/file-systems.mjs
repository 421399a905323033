/**
 * Runs tests on file systems of their own, each in an image that is mounted for it: as root, with what makes them.
 *
 *   npm run test:file-systems -- [--on ext4,xfs,btrfs,tmpfs] [FILTER ...]
 *
 * Without filters: what writes logs from several processes. Exit code 1 when a test fails on one of them; those that
 * cannot be made here are named and passed over.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: { on: { type: 'string', default: 'ext4,xfs,btrfs,tmpfs' } },
  allowPositionals: true,
})
const FILTERS = ['test/disk/log', 'test/disk/lock', 'test/session/processes', 'test/runs/claims', 'test/soak/appends']
const filters = positionals.length > 0 ? positionals : FILTERS
const BYTES = 2 * 1024 ** 3
const MAKE = {
  ext4: ['mkfs.ext4', '-q', '-F'],
  xfs: ['mkfs.xfs', '-q', '-f'],
  btrfs: ['mkfs.btrfs', '-q', '-f'],
}

/** Runs a program; returns why it failed, undefined when it did not. */
function failureOf(program, ...args) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split('\n').at(-1))
}

function mount(kind, image, folder) {
  if (kind === 'tmpfs') return failureOf('mount', '-t', 'tmpfs', 'tmpfs', folder)
  fs.closeSync(fs.openSync(image, 'w'))
  fs.truncateSync(image, BYTES)
  const [program, ...args] = MAKE[kind]
  return failureOf(program, ...args, image) ?? failureOf('mount', '-o', 'loop', image, folder)
}

function test(kind) {
  const top = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-disk-'))
  const folder = path.join(top, 'mounted')
  fs.mkdirSync(folder)
  try {
    const failure = mount(kind, path.join(top, 'image'), folder)
    if (failure !== undefined) return `not tested: ${failure}`
    try {
      fs.chmodSync(folder, 0o777)
      const vitest = path.resolve('node_modules/vitest/vitest.mjs')
      const args = [vitest, 'run', '--config', 'test/vitest.config.ts', ...filters]
      const { status, stdout } = spawnSync(process.execPath, args, {
        encoding: 'utf8',
        env: { ...process.env, TMPDIR: folder, NO_COLOR: '1' },
        maxBuffer: 1024 ** 3,
      })
      const tests = /^ *Tests +(.*)$/m.exec(stdout)?.[1]
      if (status === 0) return `met: ${tests}`
      process.exitCode = 1
      return `FAILED: ${tests}\n${stdout
        .split('\n')
        .filter((line) => line.includes(' FAIL '))
        .join('\n')}`
    } finally {
      failureOf('umount', folder)
    }
  } finally {
    fs.rmSync(top, { recursive: true, force: true })
  }
}

for (const kind of values.on.split(',')) console.log(`${kind}: ${test(kind)}`)
