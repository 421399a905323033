// Packs the package, installs it into an empty project and uses it there: imports, types, the command.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkAdapterTypes } from './adapter-types.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pack-'))
const run = (command, args, cwd = dir) =>
  execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] }).toString()
/** Adapters that load only where their framework is installed. */
const NEEDED = {
  'openai-agents': '@openai/agents',
  langchain: '@langchain/core',
  langgraph: '@langchain/langgraph-checkpoint',
  'express-session': 'express-session',
}
const bin = (name) => path.join(root, 'node_modules', '.bin', name)

try {
  run('npm', ['pack', '--silent', '--pack-destination', dir], root)
  const [tarball] = fs.readdirSync(dir).filter((file) => file.endsWith('.tgz'))
  process.stdout.write(run(bin('publint'), ['run', path.join(dir, tarball), '--strict'], root))
  process.stdout.write(run(bin('attw'), [path.join(dir, tarball), '--profile', 'esm-only'], root))

  fs.writeFileSync(path.join(dir, 'package.json'), '{ "private": true, "type": "module" }')
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', path.join(dir, tarball)])
  fs.copyFileSync(path.join(root, 'test/pack/use.ts'), path.join(dir, 'use.ts'))
  compile('use.ts')
  process.stdout.write(run('node', ['use.js']))
  checkInternals()
  process.stdout.write(run(path.join(dir, 'node_modules/.bin/jsonl-sessions'), ['list']))
  checkImports()
  checkOtherUses()
  checkAdapters()
  console.log('the package installs, imports, type-checks and runs')
} finally {
  fs.rmSync(dir, { recursive: true, force: true })
}

function compile(file) {
  const types = ['--types', 'node', '--typeRoots', path.join(root, 'node_modules/@types')]
  run(bin('tsc'), ['--strict', '--target', 'es2023', '--module', 'nodenext', ...types, file])
}

/** The declarations name no internal class, member or property. */
function checkInternals() {
  const lib = path.join(dir, 'node_modules/jsonl-sessions/dist/lib')
  const files = fs.readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.d.ts'))
  if (files.length === 0) throw new Error('the package has no declarations')
  for (const file of files) {
    const text = fs.readFileSync(path.join(lib, file), 'utf8')
    const [found] = /@internal|\b(internals\w*|StoreInternals|StoreContext|SessionLog|openReadOnly)\b/.exec(text) ?? []
    if (found !== undefined) throw new Error(`${file} declares ${found}`)
  }
}

/** Without its framework an adapter loads, or names what it needs; with its framework alone its types are right, and it loads. */
function checkAdapters() {
  const { exports, peerDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  const names = Object.keys(exports).filter((name) => name.startsWith('./adapters/'))
  const load =
    'const [name] = process.argv.slice(1); await import(name).catch(({ code, message }) => console.log(code, message))'
  const loaded = (name) => run('node', ['--input-type=module', '-e', load, `jsonl-sessions/${name.slice(2)}`])
  for (const name of names) {
    const needed = NEEDED[path.basename(name)]
    const told = loaded(name)
    if (needed === undefined ? told !== '' : !told.includes('ERR_MODULE_NOT_FOUND') || !told.includes(`'${needed}'`))
      throw new Error(`${name} without its framework: ${told || 'loads'}`)
  }
  checkAdapterTypes(
    dir,
    root,
    names.map((name) => path.basename(name)),
  )
  for (const peer of Object.keys(peerDependencies)) {
    const link = path.join(dir, 'node_modules', peer)
    fs.mkdirSync(path.dirname(link), { recursive: true })
    fs.symlinkSync(path.join(root, 'node_modules', peer), link)
  }
  for (const name of names) if (loaded(name) !== '') throw new Error(`${name}: ${loaded(name)}`)
}

/** The sample files of other tools, where they are beside the repository, through the installed command. */
function checkImports() {
  if (!fs.existsSync(path.join(root, '../shared/data/formats'))) {
    console.log('no ../shared/data/formats: imports of the samples are not checked')
    return
  }
  const COMMAND = path.join(dir, 'node_modules/jsonl-sessions/dist/lib/cli/main.js')
  const options = ['run', '--config', 'test/vitest.config.ts', 'test/formats/command.test.ts', '--reporter', 'dot']
  const env = { ...process.env, COMMAND }
  execFileSync(bin('vitest'), options, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** `require()` and bundles work, as the README of the package says. */
function checkOtherUses() {
  const program = (open) =>
    `${open}\nconst main = async () => { const store = await openStore('./other'); const a = store.session('a'); ` +
    "await a.append({ role: 'user', content: 'x' }); await a.setName('n'); const watcher = store.watch(); " +
    'console.log((await store.list())[0].name); await watcher.close(); await store.close() }\nmain()\n'
  const prints = (file) => {
    const out = run('node', [file])
    if (out !== 'n\n') throw new Error(`${file} prints ${out}`)
  }
  fs.writeFileSync(path.join(dir, 'required.cjs'), program("const { openStore } = require('jsonl-sessions')"))
  prints('required.cjs')
  fs.writeFileSync(path.join(dir, 'bundled.js'), program("import { openStore } from 'jsonl-sessions'"))
  const bundle = (...options) =>
    run(bin('esbuild'), ['bundled.js', '--bundle', '--platform=node', '--log-level=error', ...options])
  bundle('--format=cjs', '--outfile=out.cjs')
  prints('out.cjs')
  const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"
  bundle('--format=esm', `--banner:js=${require}`, '--outfile=out.mjs')
  prints('out.mjs')
}
