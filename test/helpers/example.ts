/** Programs that a README shows. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { tempFolder } from './store.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Example {
  code: string
  /** What it prints. */
  output: string
}

/** Each ```js block of a file, with the ```text block directly behind it. @throws for one that has none */
export function examplesOf(file: string): Example[] {
  const text = fs.readFileSync(path.join(root, file), 'utf8')
  const examples = [...text.matchAll(/```js\n(.*?)```\n\n```text\n(.*?)```/gs)]
  const programs = text.match(/```js\n/g) ?? []
  if (programs.length !== examples.length) throw new Error(`${file}: a program without its output`)
  return examples.map(([, code = '', output = '']) => ({ code, output }))
}

/** Programs of a file that run until they are ended: each block that begins with ```js title=NAME. */
export function recipesOf(file: string): Array<{ name: string; code: string }> {
  const text = fs.readFileSync(path.join(root, file), 'utf8')
  return [...text.matchAll(/```js title=(\S+)\n(.*?)```/gs)].map(([, name = '', code = '']) => ({ name, code }))
}

/** What a program prints. */
export function runExample(code: string): string {
  const dir = projectOf('example.mjs', code)
  return execFileSync(process.execPath, ['example.mjs'], { cwd: dir, timeout: 60_000 }).toString()
}

/** A folder with a program, this package and its development dependencies. */
export function projectOf(name: string, code: string): string {
  const dir = tempFolder()
  const modules = path.join(dir, 'node_modules')
  fs.mkdirSync(modules)
  const installed = path.join(root, 'node_modules')
  for (const entry of fs.readdirSync(installed)) {
    if (!entry.startsWith('.')) fs.symlinkSync(path.join(installed, entry), path.join(modules, entry))
  }
  fs.symlinkSync(root, path.join(modules, 'jsonl-sessions'))
  fs.writeFileSync(path.join(dir, name), code)
  return dir
}
