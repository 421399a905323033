/** Processes of a user without rights, on a copy of the build in a folder that every user can read. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'

export const NOBODY = 65_534
/** Only root can become another user. */
export const IS_ROOT = process.getuid?.() === 0
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** Copies the build, its dependencies and scripts of test/processes; returns the folder, which goes after the tests of the file. */
export function buildForAll(scripts: readonly string[]): { script: (name: string) => string } {
  let build = ''
  beforeAll(() => {
    if (!IS_ROOT) return
    build = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-build-'))
    copyBuild(build, scripts)
  })
  afterAll(() => IS_ROOT && fs.rmSync(build, { recursive: true, force: true }))
  return { script: (name) => path.join(build, 'test/processes', name) }
}

function copyBuild(to: string, scripts: readonly string[]): void {
  const { packages } = JSON.parse(fs.readFileSync(path.join(PROJECT, 'package-lock.json'), 'utf8'))
  const modules = Object.keys(packages).filter((name) => name !== '' && packages[name].dev !== true)
  const own = scripts.map((name) => path.join('test/processes', name))
  for (const name of ['package.json', 'dist', ...own, ...modules]) {
    fs.cpSync(path.join(PROJECT, name), path.join(to, name), { recursive: true })
  }
  for (const name of ['.', ...fs.readdirSync(to, { recursive: true, encoding: 'utf8' })]) {
    fs.chmodSync(path.join(to, name), 0o755)
  }
}
