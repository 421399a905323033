/** What most tests begin with. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished, vi } from 'vitest'
import {
  type AnyMessage,
  type ChatMessage,
  openStore,
  type Session,
  type SessionStore,
  type StoreOptions,
} from '../../src/index.js'

// other processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 })

/** True for the long forms of the tests: `SOAK=1 npm test`. */
export const SOAK = process.env.SOAK === '1'

/** An empty folder that goes away with the test. */
export function tempFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Copies a folder with the times and modes of all in it; `fs.cpSync` of Node 22 leaves out the modes of folders. */
export function copyFolder(from: string, to: string): void {
  fs.cpSync(from, to, { recursive: true, preserveTimestamps: true })
  for (const name of ['.', ...fs.readdirSync(from, { recursive: true, encoding: 'utf8' })]) {
    const stat = fs.lstatSync(path.join(from, name))
    if (stat.isDirectory()) fs.chmodSync(path.join(to, name), stat.mode)
  }
}

/** A store that is closed when the test is over. */
export async function open<M extends AnyMessage = ChatMessage>(
  folder: string = tempFolder(),
  options: StoreOptions = {},
): Promise<SessionStore<M>> {
  const store = await openStore<M>(folder, options)
  onTestFinished(() => store.close())
  return store
}

export function message(content: string): { role: string; content: string } {
  return { role: 'user', content }
}

/** A message line as another program would write it. */
export function bareLine(content: string): string {
  return `${JSON.stringify(message(content))}\n`
}

export async function contents(session: Session): Promise<unknown[]> {
  return (await session.messages()).map(({ content }) => content)
}

/** A session with these messages. */
export async function fill(store: SessionStore, key: string, texts: readonly string[]): Promise<Session> {
  const session = store.session(key)
  for (const text of texts) await session.append(message(text))
  return session
}

/** Everything below a folder but the locks, as relative paths. */
export function filesIn(folder: string): string[] {
  if (!fs.existsSync(folder)) return []
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.locks'))
    .sort()
}

/** As relative paths; what goes meanwhile may be among them or not. */
function filesBelow(folder: string): string[] {
  try {
    return fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return fs.existsSync(folder) ? filesBelow(folder) : []
  }
}

/** Locks and announcements of waiters, as relative paths. */
export function locksIn(folder: string): string[] {
  const locks = path.join(folder, '.locks')
  if (!fs.existsSync(locks)) return []
  const names = filesBelow(locks)
  return names.filter((name) => !/^\.(waiting|rewrites|holds)$|^\.reserve/.test(name)).sort()
}

/** The bytes of all quarantined stretches of a session, in the order of their names. */
export function quarantined(folder: string, name: string): Buffer[] {
  const place = path.join(folder, '.quarantine', name)
  if (!fs.existsSync(place)) return []
  return fs
    .readdirSync(place)
    .filter((file) => file.endsWith('.bin'))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((file) => fs.readFileSync(path.join(place, file)))
}

/** The code with which a promise rejects; undefined when it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits until `condition` holds, which it must within `ms`. */
export async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain`)
    await sleep(5)
  }
}

/** Numbers from 0 below 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** As `open`, with appends that take the lease: what is tested is the lease, and an append is the shortest way to it. */
export function openLeased(folder?: string, options: StoreOptions = {}): Promise<SessionStore> {
  return open(folder, { appends: 'leased', ...options })
}
