// The whole suite on several versions of Node, each from the npm package `node`: node nodes.mjs [VERSION ...] [-- FILTER ...]
// Exit code 1 when a test failed on one of them.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The oldest that the package supports, and the later lines. */
const VERSIONS = ['20.19', '22', '24']

const given = process.argv.slice(2)
const end = given.includes('--') ? given.indexOf('--') : given.length
const versions = end === 0 ? VERSIONS : given.slice(0, end)
const filters = given.slice(end + 1)
const shell = process.platform === 'win32'
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-nodes-'))
// tests start it as other users as well
fs.chmodSync(folder, 0o755)
try {
  const results = versions.map((version) => ({ ...runOn(version), wanted: version }))
  console.table(Object.fromEntries(results.map(({ name, ...result }) => [name, result])))
  process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}

function runOn(wanted) {
  const place = path.join(folder, wanted)
  fs.mkdirSync(place)
  execFileSync('npm', ['install', '--prefix', place, '--no-audit', '--no-fund', '--no-save', `node@${wanted}`], {
    stdio: 'inherit',
    shell,
  })
  // of a package of its own; what npm and the tests start finds it first
  const PATH = `${path.join(place, 'node_modules', 'node', 'bin')}${path.delimiter}${process.env.PATH}`
  const env = { ...process.env, PATH }
  const name = execFileSync('node', ['--version'], { env, encoding: 'utf8', shell }).trim()
  const report = path.join(place, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const began = Date.now()
  const { status } = spawnSync('npm', ['test', '--', ...reporters, ...filters], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
    shell,
  })
  const minutes = ((Date.now() - began) / 60_000).toFixed(1)
  const { numPassedTests, numFailedTests, numPendingTests } = fs.existsSync(report)
    ? JSON.parse(fs.readFileSync(report, 'utf8'))
    : {}
  return { name, passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests, minutes, code: status }
}
