/** Machines that share sessions through a git repository or with rsync: folders of their own, and real programs. */
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { MAIN } from '../cli/run.js'
import { tempFolder } from '../helpers/store.js'

/** True when the program is installed; else prints that its tests are skipped. */
export function hasProgram(name: string): boolean {
  const { status } = spawnSync(name, ['--version'], { stdio: 'ignore', timeout: 10_000 })
  if (status !== 0) process.stderr.write(`${name} is not installed: its tests are skipped\n`)
  return status === 0
}

/** How long a program may take, ms. */
const LIMIT_MS = 60_000

export const ENV = {
  PATH: process.env.PATH ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.org',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.org',
}

export interface Outcome {
  code: number
  out: string
  err: string
}

export function runIn(folder: string, program: string, ...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    env: ENV,
    encoding: 'utf8',
    maxBuffer: 1e9,
    timeout: LIMIT_MS,
  })
  return { code: status ?? -1, out: stdout, err: stderr }
}

export function cli(root: string, ...args: string[]): Outcome {
  return runIn(path.dirname(root), process.execPath, MAIN, ...args, '--root', root)
}

/** One clone of the shared repository, with the sessions in a folder of it. */
export class Clone {
  readonly root: string

  constructor(readonly folder: string) {
    this.root = path.join(folder, 'sessions')
  }

  /** @throws Error with what git said */
  git(...args: string[]): string {
    const options = { cwd: this.folder, env: ENV, maxBuffer: 1e9, timeout: LIMIT_MS }
    return execFileSync('git', args, { ...options, encoding: 'utf8', stdio: 'pipe' })
  }

  tryGit(...args: string[]): Outcome {
    return runIn(this.folder, 'git', ...args)
  }

  commit(message = 'sessions'): void {
    this.git('add', '--all')
    this.git('commit', '--quiet', '--allow-empty', '--message', message)
  }

  /** The logs by name. */
  logs(): Map<string, string> {
    const names = fs.readdirSync(this.root).filter((name) => name.endsWith('.jsonl'))
    return new Map(names.sort().map((name) => [name, fs.readFileSync(path.join(this.root, name), 'latin1')]))
  }
}

/** A shared repository and clones of it, in all of which `init` was run unless `prepare` does something else. */
export function clones(count: number, prepare: (clone: Clone) => void = ({ root }) => void cli(root, 'init')): Clone[] {
  const folder = tempFolder()
  runIn(folder, 'git', 'init', '--quiet', '--bare', '--initial-branch=main', 'hub.git')
  const first = clone(folder, 'clone-0')
  prepare(first)
  first.commit('the folder of the sessions')
  first.git('push', '--quiet', 'origin', 'HEAD:main')
  const others = Array.from({ length: count - 1 }, (_, i) => clone(folder, `clone-${i + 1}`))
  for (const other of others) prepare(other)
  return [first, ...others]
}

function clone(folder: string, name: string): Clone {
  runIn(folder, 'git', 'clone', '--quiet', path.join(folder, 'hub.git'), name)
  const made = new Clone(path.join(folder, name))
  made.git('checkout', '--quiet', '-B', 'main')
  return made
}
