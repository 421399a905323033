/**
 * The files of the user that commands read and write: inboxes, git's copies of a log, dotfiles. The only door to
 * node:fs of cli/.
 */
import { randomBytes } from 'node:crypto'

import { createReadStream, existsSync, readFileSync, type Stats } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

import type { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'

/** A stream of input lines. */
export interface Input {
  name: string
  stream: Readable
  /** Bytes, when it is a file whose end is known; null for a pipe. */
  bytes: number | null
}

/** `-` is standard input. Rejects when the file cannot be read. */
export async function openInput(name: string): Promise<Input> {
  if (name === '-') return { name: 'standard input', stream: process.stdin, bytes: null }
  const stats = await stat(name)
  if (stats.isDirectory()) throw new Error(`${name} is a folder, not a file of JSON lines`)
  return { name, stream: createReadStream(name), bytes: stats.isFile() ? stats.size : null }
}

/** Rejects with code ENOENT when the file or folder is not there. */
export async function checkThere(file: string): Promise<void> {
  if ((await statOrNone(file)) === undefined) throw missing(file)
}

/** Rejects with code ENOENT when the folder is not there, with ENOTDIR for anything else in its place. */
export async function checkFolderThere(folder: string): Promise<void> {
  if (!(await folderIsThere(folder))) throw missing(folder)
}

/** False when nothing is there. Rejects with code ENOTDIR for anything but a folder. */
export async function folderIsThere(folder: string): Promise<boolean> {
  const found = await statOrNone(folder)
  if (found !== undefined && !found.isDirectory())
    throw Object.assign(new Error(`${resolve(folder)} is not a folder`), { code: 'ENOTDIR' })
  return found !== undefined
}

async function statOrNone(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}

function missing(file: string): Error {
  return Object.assign(new Error(`${resolve(file)} does not exist`), { code: 'ENOENT' })
}

export function readWhole(file: string): Promise<Buffer> {
  return readFile(file)
}

/** Replaces a file whole: it has the former bytes or these, also after a crash. */
export async function replaceWhole(file: string, bytes: Buffer): Promise<void> {
  const temporary = `${file}.${randomBytes(8).toString('hex')}.tmp`
  try {
    await writeFile(temporary, bytes, { flag: 'wx', mode: 0o600, flush: true })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Replaces a file whole by what comes piece by piece. */
export async function replaceStreamed(file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${file}.${randomBytes(8).toString('hex')}.tmp`
  try {
    await writeFile(temporary, pieces, { flag: 'wx', mode: 0o600, flush: true })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

export async function isFolderThere(path: string): Promise<boolean> {
  return (await statOrNone(path))?.isDirectory() ?? false
}

/** Adds the lines that a text file lacks, and makes the file if need be; resolves with what it did. */
export async function addMissingLines(
  file: string,
  lines: readonly string[],
): Promise<{ made: boolean; added: number }> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const present = new Set((text ?? '').split(/\r?\n/))
  const missing = lines.filter((line) => !present.has(line))
  if (missing.length > 0) {
    const feed = text === undefined || text === '' || text.endsWith('\n') ? '' : '\n'
    await appendFile(file, `${feed}${missing.join('\n')}\n`, { mode: 0o600 })
  }
  return { made: text === undefined, added: missing.length }
}

/** The version in the package.json of this package, given the place of the command's main.js. */
export function packageVersion(main: string): string {
  return JSON.parse(readFileSync(new URL('../../../package.json', pathToFileURL(main))).toString()).version
}

/** Copies of a file to work on, in a folder that only this user can enter. */
export async function workingCopies(
  names: readonly string[],
  bytes: Buffer,
): Promise<{ folder: string; files: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'jsonl-sessions-'))
  const files = names.map((name) => join(folder, name))
  for (const file of files) await writeFile(file, bytes, { flag: 'wx', mode: 0o600 })
  return { folder, files }
}

/** With the folders above it, for this user alone where it is new. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

/** True for a folder in a working tree of git. */
export function isInGit(folder: string): boolean {
  const here = resolve(folder)
  return existsSync(join(here, '.git')) || (dirname(here) !== here && isInGit(dirname(here)))
}
