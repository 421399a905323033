/** One temporary folder for all that a run of the tests writes. */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

const REMOVE_FOLDERS = fileURLToPath(new URL('processes/remove-folders.mjs', import.meta.url))
/** How long the removal of the folder may take, ms. */
const REMOVAL_MS = 40_000

/** `f_type` of a file system in memory on Linux. */
const TMPFS = 0x01021994
/** The free memory without which files are not kept there. */
const ROOM = 2 * 1024 ** 3

/**
 * `TMPDIR` where it is set, else a file system in memory where there is one with room: a disk makes a run more than
 * twice as long, and no test depends on it.
 */
function place(): string {
  const memory = '/dev/shm'
  if (process.env.TMPDIR !== undefined || !fs.existsSync(memory)) return os.tmpdir()
  const { type, bavail, bsize } = fs.statfsSync(memory)
  return type === TMPFS && bavail * bsize > ROOM && os.freemem() > ROOM ? memory : os.tmpdir()
}

/**
 * Makes the folder and sets `TMPDIR` to it, for the tests and their child processes. A process of its own removes it,
 * and the folder that vitest makes, at the end of this one, whether this one finishes, is interrupted or is killed.
 */
export default function setup({ tmpDir }: TestProject): () => Promise<void> {
  const folder = fs.mkdtempSync(path.join(place(), 'jsonl-sessions-tests-'))
  // the tests of another user's rights need a way in
  fs.chmodSync(folder, 0o711)
  process.env.TMPDIR = folder
  // Node 20 parses these certificates at each start, which makes it three times as long; no test needs them
  delete process.env.NODE_EXTRA_CA_CERTS
  const remover = spawn(process.execPath, [REMOVE_FOLDERS, folder, tmpDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  remover.unref()
  return () =>
    new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${folder} was not removed within ${REMOVAL_MS} ms`))
      const timer = setTimeout(late, REMOVAL_MS)
      remover.on('close', (code) => {
        clearTimeout(timer)
        if (code === 0) resolve()
        else reject(new Error(`the removal of ${folder} ended with code ${code}`))
      })
      remover.stdin.end('done')
    })
}
