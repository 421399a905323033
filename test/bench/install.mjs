/** Gets the competitors, which are no dependencies of the library. better-sqlite3 may be compiled: a minute or two. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const here = import.meta.dirname

export function installCompetitors() {
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8'))
  const missing = Object.keys(dependencies).filter((name) => !fs.existsSync(path.join(here, 'node_modules', name)))
  if (missing.length === 0) return
  console.error(`installing ${missing.join(', ')} into test/bench/node_modules`)
  const { status, error } = spawnSync('npm', ['ci', '--prefix', here], {
    // standard output is for the report alone
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (error) throw error
  if (status !== 0) throw new Error(`npm ci ended with ${status}`)
}
