/** Other processes: real ones, with scripts of ../processes, on the built library. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import type { StoreOptions } from '../../src/index.js'

/** Starts a script of ../processes, which is killed at the end of the test if it still lives. */
export function start(script: string, args: readonly string[], execPrefix: readonly string[] = []): ChildProcess {
  const file = new URL(`../processes/${script}`, import.meta.url).pathname
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

/** How a child ended. */
export async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return { code: child.exitCode, signal: child.signalCode }
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

  /** Calls a method of a session there, or `ready`, `stall`, `close`, `exit`. */
  call(method: string, ...args: unknown[]): Promise<Answer> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
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
