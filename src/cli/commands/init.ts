import { execFile } from 'node:child_process'
import { appendFile, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ensureFolder } from '../../disk/files.js'
import { escapeLine } from '../terminal/escape.js'
import { complain, describe, PROGRAM, print } from '../terminal/output.js'
import type { GlobalOptions } from '../with-store.js'

export interface InitOptions extends GlobalOptions {
  git?: boolean
}

/** What belongs to one machine. */
const LOCAL = ['*.meta.json', '*.meta.json.*', '.*.tmp', '.locks/', '.running/', '.trash/', '.quarantine/', '.index/']
const CONFLICT_COPIES = ['*.sync-conflict-*', '*conflicted copy*']
const ATTRIBUTES = [`*.jsonl merge=${PROGRAM} diff=${PROGRAM} -text`, '*.blobs/* -text -diff']

const FILES: Array<[name: string, lines: readonly string[]]> = [
  ['.gitignore', [...LOCAL, ...CONFLICT_COPIES]],
  ['.gitattributes', ATTRIBUTES],
  ['.stignore', LOCAL.map((line) => line.replace(/\/$/, ''))],
]

export async function init({ root, git: wantsGit }: InitOptions): Promise<number> {
  const folder = resolve(root)
  ensureFolder(folder)
  for (const [name, lines] of FILES) await complete(join(folder, name), lines)
  const repository = await repositoryOf(folder)
  if (repository === undefined && !wantsGit) {
    await print('not in a git repository: init --git makes one, or run init again in a clone')
    return 0
  }
  try {
    if (repository === undefined) {
      await git(folder, 'init', '--quiet')
      await print(`${escapeLine(folder)}: made a git repository`)
    }
    await register(folder)
  } catch (error) {
    complain(`git: ${describe(error)}`)
    return 1
  }
  if (await isIgnored(folder)) {
    complain(`${escapeLine(folder)} is ignored by the repository around it: no session will be committed`)
    return 1
  }
  return 0
}

/** Adds the lines that are not there; whatever else stands in the file is somebody's own. */
async function complete(file: string, lines: readonly string[]): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const there = new Set((text ?? '').split(/\r?\n/))
  const missing = lines.filter((line) => !there.has(line))
  if (missing.length > 0) {
    const feed = text === undefined || text === '' || text.endsWith('\n') ? '' : '\n'
    await appendFile(file, `${feed}${missing.join('\n')}\n`, { mode: 0o600 })
  }
  const done =
    missing.length === 0 ? 'as it should be' : text === undefined ? 'written' : `${missing.length} lines added`
  await print(`${escapeLine(file)}: ${done}`)
}

/** Drivers are named in .gitattributes, which travels, and told in each clone's own configuration, which does not. */
async function register(folder: string): Promise<void> {
  const settings: Array<[name: string, value: string]> = [
    [`merge.${PROGRAM}.name`, 'merge of session logs by line id'],
    [`merge.${PROGRAM}.driver`, `${command()} merge-driver %O %A %B %P`],
    [`diff.${PROGRAM}.textconv`, `${command()} textconv`],
  ]
  for (const [name, value] of settings) {
    const former = await git(folder, 'config', '--local', '--get', name).catch(() => '')
    if (former === value) continue
    await git(folder, 'config', '--local', name, value)
    await print(`git config ${name}: ${former === '' ? 'set' : 'renewed'}`)
  }
  await print('git: logs are merged by line id and shown as transcripts in this clone')
}

/** This program by its place: git has a search path of its own. */
function command(): string {
  return [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url))].map(quoted).join(' ')
}

function quoted(text: string): string {
  const path = process.platform === 'win32' ? text.replaceAll('\\', '/') : text
  return `'${path.replaceAll("'", "'\\''")}'`
}

async function repositoryOf(folder: string): Promise<string | undefined> {
  return git(folder, 'rev-parse', '--show-toplevel').catch(() => undefined)
}

async function isIgnored(folder: string): Promise<boolean> {
  return git(folder, 'check-ignore', '--quiet', 'session.jsonl').then(
    () => true,
    () => false,
  )
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args, { cwd: folder })
  return stdout.replace(/\n$/, '')
}
