/** Other processes: real ones, with scripts of ../processes, on the built library. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { StoreOptions } from '../../src/index.js'
import { SOAK } from './store.js'

const SCRIPTS = fileURLToPath(new URL('../processes', import.meta.url))

/** Starts a script of ../processes, given by name or path, and kills it at the end of the test if it still lives. */
export function start(script: string, args: readonly string[], execPrefix: readonly string[] = []): ChildProcess {
  const file = path.resolve(SCRIPTS, script)
  const [program, ...before] = [...execPrefix, process.execPath]
  const child = fork(file, [...args], {
    execPath: program as string,
    execArgv: before,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let complaint = ''
  child.stderr?.on('data', (text) => {
    complaint += text
  })
  child.on('exit', (code) => {
    if (code !== 0 && code !== null && complaint !== '') process.stderr.write(complaint)
  })
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGCONT')
      child.kill('SIGKILL')
    }
  })
  return child
}

/** How long a test waits for a child process, ms. */
const LIMIT_MS = SOAK ? 1_800_000 : 60_000

/** How a child ended. Rejects when it has not ended within `ms`. */
export async function ended(
  child: ChildProcess,
  ms = LIMIT_MS,
): Promise<{ code: number | null; signal: string | null }> {
  if (child.exitCode === null && child.signalCode === null) {
    const signal = AbortSignal.timeout(ms)
    await once(child, 'exit', { signal }).catch(() => {
      throw new Error(`${nameOf(child)} did not end within ${ms} ms`)
    })
  }
  return { code: child.exitCode, signal: child.signalCode }
}

/** The next message of a child. Rejects when the child ends or disconnects before it, or sends none within `ms`. */
export function messageOf<T>(child: ChildProcess, ms = LIMIT_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('disconnect', onDisconnect)
      act()
    }
    const fail = (what: string) => settle(() => reject(new Error(`${nameOf(child)} ${what}`)))
    const onMessage = (message: unknown) => settle(() => resolve(message as T))
    const onDisconnect = () => fail('ended or disconnected without a message')
    const timer = setTimeout(() => fail(`sent no message within ${ms} ms`), ms)
    child.on('message', onMessage)
    child.on('disconnect', onDisconnect)
    if (!child.connected) onDisconnect()
  })
}

function nameOf({ pid, spawnargs }: ChildProcess): string {
  const script = spawnargs.find((argument) => /\.m?js$/.test(argument)) ?? spawnargs[0]
  return `process ${pid} (${path.basename(String(script))})`
}

// biome-ignore lint/suspicious/noExplicitAny: what the other process answers
type Answer = any

/** A store in another process. */
export class RemoteStore {
  readonly #waiting = new Map<number, { resolve: (value: Answer) => void; reject: (error: unknown) => void }>()
  #next = 0

  private constructor(readonly child: ChildProcess) {
    child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: object }) => {
      const call = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) call?.resolve(value)
      else call?.reject(Object.assign(new Error('in the other process'), error))
    })
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(Object.assign(new Error('gone'), { code: 'GONE' }))
    })
  }

  static async open(
    folder: string,
    options: StoreOptions & { offset?: number } = {},
    execPrefix?: readonly string[],
  ): Promise<RemoteStore> {
    const remote = new RemoteStore(start('remote-store.mjs', [folder, JSON.stringify(options)], execPrefix))
    await remote.call('ready')
    return remote
  }

  /** As `open`, with appends that take the lease. */
  static openLeased(
    folder: string,
    options: StoreOptions & { offset?: number } = {},
    execPrefix?: readonly string[],
  ): Promise<RemoteStore> {
    return RemoteStore.open(folder, { appends: 'leased', ...options }, execPrefix)
  }

  /** Calls a method of a session there, or `ready`, `stall`, `close`, `exit`. */
  call(method: string, ...args: unknown[]): Promise<Answer> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${nameOf(this.child)}: no answer to ${method} within ${LIMIT_MS} ms`))
      const timer = setTimeout(late, LIMIT_MS)
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer)
          act(value)
        }
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
      this.child.send({ id, method, args })
    })
  }

  append(key: string, content: string): Promise<string> {
    return this.call('append', key, { role: 'user', content })
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}
