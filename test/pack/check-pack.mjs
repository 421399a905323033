// Packs the package, installs it into an empty project and uses it there: imports, types, the command.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pack-'))
const run = (command, args, cwd = dir) =>
  execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] }).toString()
const bin = (name) => path.join(root, 'node_modules', '.bin', name)

try {
  run('npm', ['pack', '--silent', '--pack-destination', dir], root)
  const [tarball] = fs.readdirSync(dir).filter((file) => file.endsWith('.tgz'))
  process.stdout.write(run(bin('publint'), ['run', path.join(dir, tarball), '--strict'], root))
  process.stdout.write(run(bin('attw'), [path.join(dir, tarball), '--profile', 'esm-only'], root))

  fs.writeFileSync(path.join(dir, 'package.json'), '{ "private": true, "type": "module" }')
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', path.join(dir, tarball)])
  fs.copyFileSync(path.join(root, 'test/pack/use.ts'), path.join(dir, 'use.ts'))
  const strict = [
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
    '--typeRoots',
    path.join(root, 'node_modules/@types'),
  ]
  run(bin('tsc'), [...strict, 'use.ts'])
  process.stdout.write(run('node', ['use.js']))
  process.stdout.write(run(path.join(dir, 'node_modules/.bin/jsonl-sessions'), ['list']))
  console.log('the package installs, imports, type-checks and runs')
} finally {
  fs.rmSync(dir, { recursive: true, force: true })
}
