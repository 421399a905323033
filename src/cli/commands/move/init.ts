import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { escapeLine } from '../../terminal/escape.js'
import { complain, describe, PROGRAM, print } from '../../terminal/output.js'
import { addMissingLines, makeFolder } from '../../user-files.js'
import type { GlobalOptions } from '../../with-store.js'

export interface InitOptions extends GlobalOptions {
  git?: boolean
  /** Path of the command's main.js, which git runs. */
  main: string
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

export async function init({ root, git: wantsGit, main }: InitOptions): Promise<number> {
  const folder = resolve(root)
  await makeFolder(folder)
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
    await register(folder, main)
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

/** Keeps all other lines of the file. */
async function complete(file: string, lines: readonly string[]): Promise<void> {
  const { made, added } = await addMissingLines(file, lines)
  await print(`${escapeLine(file)}: ${added === 0 ? 'complete' : made ? 'written' : `${added} lines added`}`)
}

/** Drivers are named in .gitattributes, which travels, and set in each clone's own configuration, which does not. */
async function register(folder: string, main: string): Promise<void> {
  const settings: Array<[name: string, value: string]> = [
    [`merge.${PROGRAM}.name`, 'merge of session logs by line id'],
    [`merge.${PROGRAM}.driver`, `${commandFor(main)} merge-driver %O %A %B %P`],
    [`diff.${PROGRAM}.textconv`, `${commandFor(main)} textconv`],
  ]
  for (const [name, value] of settings) {
    const former = await git(folder, 'config', '--local', '--get', name).catch(() => '')
    if (former === value) continue
    await git(folder, 'config', '--local', name, value)
    await print(`git config ${name}: ${former === '' ? 'set' : 'renewed'}`)
  }
  await print('git: logs are merged by line id and shown as transcripts in this clone')
}

/** The program by its path: git has a search path of its own. */
function commandFor(main: string): string {
  return [process.execPath, main].map(quoted).join(' ')
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
