/** Runs the built command line in other processes. `npm test` builds it first. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, fork, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore, type SessionStore } from '../../src/index.js'
import { messageOf } from '../helpers/child.js'

/** COMMAND names another build, such as that of the package. */
export const MAIN = process.env.COMMAND ?? fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url))

export interface Result {
  code: number | null
  out: string
  err: string
}

export interface RunOptions {
  input?: string
  env?: Record<string, string>
  cwd?: string
}

export interface Running {
  child: ChildProcessWithoutNullStreams
  done: Promise<Result>
  /** Resolves when stderr holds the text. */
  says: (text: string) => Promise<void>
}

/** How long a command may take, ms. */
const LIMIT_MS = 60_000

/** The environment of a command: little of that of the tests. */
function envOf({ env }: RunOptions): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, ...env } as unknown as NodeJS.ProcessEnv
}

/** A process of its own. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    cwd: options.cwd,
    env: envOf(options),
  })
  const result: Result = { code: null, out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    result.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    result.err += text
  })
  child.stdin.on('error', () => {})
  const done = new Promise<Result>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(Object.assign(result, { code })))
  })
  const says = async (text: string) => {
    while (!result.err.includes(text)) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`ended before it said ${text}: ${result.err}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return { child, done, says }
}

const COMMANDS = fileURLToPath(new URL('../processes/commands.mjs', import.meta.url))
/** What starts programs, takes signals or ends its process by itself. */
const NEEDS_OWN_PROCESS = new Set(['bot', 'edit', 'hold', 'serve', 'watch', '--version'])

/** Of all test files that run in this process, and ends with it: a start takes longer than what most commands do. */
let shared: ChildProcess | undefined
let isBusy = false

function sharedProcess(): ChildProcess {
  if (shared?.connected) return shared
  shared = fork(COMMANDS, [MAIN], { env: envOf({}), execArgv: [] })
  shared.unref()
  shared.channel?.unref()
  return shared
}

/** In the process that all share; in one of its own where the command needs it, or another one is running there. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  if (isBusy || args.some((arg) => NEEDS_OWN_PROCESS.has(arg))) return runAlone(args, options)
  const { input = '', cwd, env = {} } = options
  isBusy = true
  try {
    const child = sharedProcess()
    child.send({ args, env, cwd, input })
    return await messageOf<Result>(child, LIMIT_MS)
  } finally {
    isBusy = false
  }
}

/** In a process of its own, which must come to an end. */
export function runAlone(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { child, done } = start(args, options)
  child.stdin.end(options.input ?? '')
  return done
}

/** One command line after the other. */
export async function runAll(lines: ReadonlyArray<readonly string[]>, options: RunOptions = {}): Promise<Result[]> {
  const results: Result[] = []
  for (const args of lines) results.push(await run(args, options))
  return results
}

/** The summary that `bot --json` writes to standard error, as its last line. */
export function summaryIn(err: string) {
  return JSON.parse(err.trimEnd().split('\n').at(-1) as string)
}

/** The replies that `bot` writes to standard output. */
export function repliesIn(out: string): Array<{ sender: string; reply: string; turn: string }> {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** An empty folder; the store of a test is `sessions` in it. It is removed with the temporary folder of the run. */
export async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'jsonl-sessions-cli-'))
}

/** Writes an inbox: objects as JSON lines, strings as they are. */
export async function inbox(dir: string, lines: readonly (object | string)[]): Promise<string> {
  const file = join(dir, 'inbox.jsonl')
  await writeFile(file, `${lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')}\n`)
  return file
}

export interface Shown {
  role: string
  content: unknown
}

/** Reads a store that a command may be writing to, in this process: each command that is started costs its start. */
async function reading<T>(root: string, read: (store: SessionStore) => Promise<T>): Promise<T> {
  const store = await openStore(root, { readOnly: true })
  try {
    return await read(store)
  } finally {
    await store.close()
  }
}

/** Role and content of a session's messages; none before there is a store. */
export async function messagesOf(root: string, key: string): Promise<Shown[]> {
  if (!existsSync(root)) return []
  const messages = await reading(root, (store) => store.session(key).messages())
  return messages.map(({ role, content }) => ({ role, content }))
}

/** The state of each session, newest activity first. */
export async function statesOf(root: string): Promise<Record<string, string>> {
  const sessions = await reading(root, (store) => store.list())
  return Object.fromEntries(sessions.map(({ key, state }) => [key, state]))
}

export async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').slice(0, -1)
}

export interface Asked {
  url: string
  headers: IncomingMessage['headers']
  body: { model: string; messages: Shown[] }
}

export interface Endpoint {
  url: string
  asked: Asked[]
  close: () => Promise<void>
}

/** A chat completions endpoint whose responses `answer` writes. */
export async function endpoint(answer: (asked: Asked, response: ServerResponse) => void): Promise<Endpoint> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const one = { url: request.url!, headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) }
    asked.push(one)
    answer(one, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

export function says(response: ServerResponse, content: string): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }))
}
