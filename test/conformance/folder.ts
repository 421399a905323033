/** What is in a folder, for comparing and for searching. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

/** Locks come and go with every write; they are no part of what a folder holds. */
const LOCKS = '.locks'

/** Everything below `folder`: what it is, its bytes and, for files, when they were last changed. */
export function snapshot(folder: string): Record<string, string> {
  return Object.fromEntries(
    walk(folder)
      .filter(isNoLock)
      .map((name) => {
        const file = path.join(folder, name)
        const stat = fs.lstatSync(file)
        if (stat.isFile()) return [name, `file of ${stat.mtimeMs}: ${fs.readFileSync(file, 'latin1')}`]
        if (stat.isSymbolicLink()) return [name, `link to ${fs.readlinkSync(file)}`]
        return [name, stat.isDirectory() ? 'folder' : 'special file']
      }),
  )
}

/** The regular files below `folder` that hold `text`, as relative paths with `/`. */
export function filesHolding(folder: string, text: string): string[] {
  return walk(folder).filter((name) => {
    const file = path.join(folder, name)
    return fs.lstatSync(file).isFile() && fs.readFileSync(file).includes(text)
  })
}

/** Everything below `folder` whose path holds `text`. */
export function pathsHolding(folder: string, text: string): string[] {
  return walk(folder).filter((name) => name.includes(text))
}

function walk(folder: string): string[] {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.map((name) => name.split(path.sep).join('/')).sort()
}

function isNoLock(name: string): boolean {
  return name !== LOCKS && !name.startsWith(`${LOCKS}/`)
}

/** Makes a named pipe; false where the system has none. */
export function makePipe(file: string): boolean {
  return spawnSync('mkfifo', [file]).status === 0
}
