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

/** What a program prints in an empty project that has this package and its development dependencies. */
export function runExample(code: string): string {
  const dir = tempFolder()
  const modules = path.join(dir, 'node_modules')
  fs.mkdirSync(modules)
  const installed = path.join(root, 'node_modules')
  for (const name of fs.readdirSync(installed)) {
    if (!name.startsWith('.')) fs.symlinkSync(path.join(installed, name), path.join(modules, name))
  }
  fs.symlinkSync(root, path.join(modules, 'jsonl-sessions'))
  fs.writeFileSync(path.join(dir, 'example.mjs'), code)
  return execFileSync(process.execPath, ['example.mjs'], { cwd: dir, timeout: 60_000 }).toString()
}
