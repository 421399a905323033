/**
 * What a newcomer types, and what the command says: in a terminal of 80 and of 120 columns, and into a pipe. The golden
 * texts lie in newcomer/; `npm test -- cli/newcomer -u` writes them anew.
 */
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { describe, test } from 'vitest'
import { folder, inbox, MAIN } from './run.js'

const HERE = fileURLToPath(new URL('newcomer', import.meta.url))
const commands = fs.readFileSync(path.join(HERE, 'commands.txt'), 'utf8').trimEnd().split('\n')
/** Of util-linux: that of other systems takes other options. */
const HAS_SCRIPT = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true
if (!HAS_SCRIPT) console.error('no script of util-linux: the command is not tested in a terminal')

const INBOX = [
  {
    sender: 'telegram_ann',
    text: 'what is on today?',
    reply: 'Two meetings: at ten with Bob, and at three with the whole team about the release of next week.',
  },
  { sender: 'telegram_bob', text: 'green tea or black tea? 🍵', reply: 'Black tea in the morning.' },
  {
    sender: 'slack/C042/1700000000.0001',
    text: '来週、京都に二泊します。雨でも楽しめる場所はありますか?',
    reply: '錦市場は屋根があります。',
  },
  { sender: 'telegram_carol', text: 'hi', reply: 'Hello!' },
  { sender: 'telegram_ann', text: 'and tomorrow?', reply: 'Nothing yet.' },
]

/** Runs all commands in one shell, each under a line that shows it, with its exit code where that is not 0. */
async function transcript(columns: number | null): Promise<string> {
  const dir = await folder()
  await inbox(dir, INBOX)
  const bin = path.join(dir, 'bin')
  fs.mkdirSync(bin)
  fs.writeFileSync(path.join(bin, 'jsonl-sessions'), `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`, {
    mode: 0o755,
  })
  const steps = commands.map(
    (line) => `printf '%s\\n' ${quoted(`$ ${line}`)}\n${line}\ncode=$?; [ $code = 0 ] || echo "[$code]"`,
  )
  const size = columns === null ? '' : `stty cols ${columns} rows 40\n`
  fs.writeFileSync(path.join(dir, 'steps.sh'), `${size}${steps.join('\n')}\n`)
  const [program, args] =
    columns === null ? ['sh', ['-c', 'sh steps.sh 2>&1']] : ['script', ['-qec', 'sh steps.sh', '/dev/null']]
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: dir,
    TZ: 'UTC',
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    PAGER: 'cat',
  }
  return normal(await outputOf(program as string, args as string[], { cwd: dir, env }), dir)
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

function outputOf(
  program: string,
  args: string[],
  options: { cwd: string; env: Record<string, string> },
): Promise<string> {
  const child = spawn(program, args, { ...options, timeout: 300_000, stdio: ['pipe', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(out))
  })
}

/** Without colours, and with a word in the place of what is another one each time. */
function normal(text: string, dir: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\r\n', '\n')
    .replaceAll(dir, '<dir>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/\b(just now|\d+ s ago|\d+ min ago)/g, (ago) => 'just now'.padEnd(ago.length))
    .replace(/\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d{3}Z)?)?/g, '<time>')
    .replace(/[0-9a-f]{16}/g, '<hash>')
    .replace(/ +$/gm, '')
}

const LIMIT_MS = 300_000

describe.concurrent(`${commands.length} lines of a newcomer`, () => {
  for (const columns of [80, 120]) {
    const inTerminal = test.skipIf(!HAS_SCRIPT)
    inTerminal(`in a terminal of ${columns} columns`, { timeout: LIMIT_MS }, async ({ expect }) => {
      const text = await transcript(columns)
      await expect(text).toMatchFileSnapshot(`newcomer/${columns}.txt`)
    })
  }

  test('into a pipe', { timeout: LIMIT_MS }, async ({ expect }) => {
    await expect(await transcript(null)).toMatchFileSnapshot('newcomer/piped.txt')
  })
})
