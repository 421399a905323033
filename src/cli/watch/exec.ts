/** The command of `watch --exec`: run for each stuck turn, a few at once. */
import { spawn } from 'node:child_process'
import type { StuckEvent } from '../../index.js'
import { complain, describe } from '../terminal/output.js'

const MOST_AT_ONCE = 4

export class Alarm {
  readonly #command: string
  readonly #root: string
  readonly #waiting: StuckEvent[] = []
  readonly #running = new Set<Promise<void>>()

  constructor(command: string, root: string) {
    this.#command = command
    this.#root = root
  }

  ring(event: StuckEvent): void {
    this.#waiting.push(event)
    this.#next()
  }

  /** Resolves when all commands have ended. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #next(): void {
    while (this.#running.size < MOST_AT_ONCE) {
      const event = this.#waiting.shift()
      if (event === undefined) return
      const one = this.#run(event).then(() => {
        this.#running.delete(one)
        this.#next()
      })
      this.#running.add(one)
    }
  }

  /** The command is the operator's own. What strangers chose is in the environment only, so no shell ever reads it. */
  #run(event: StuckEvent): Promise<void> {
    return new Promise((resolve) => {
      const failed = (why: string) => {
        complain(`--exec: ${why}`)
        resolve()
      }
      try {
        const env = { ...process.env, ...variablesOf(event, this.#root) }
        // what it prints must not come between the lines of --json
        const child = spawn(this.#command, { shell: true, env, stdio: ['ignore', process.stderr, process.stderr] })
        child.on('error', (error) => failed(describe(error)))
        child.on('exit', (code, signal) => {
          if (code === 0) resolve()
          else failed(code === null ? `ended by ${signal}` : `exit code ${code}`)
        })
      } catch (error) {
        failed(describe(error))
      }
    })
  }
}

function variablesOf({ key, turnId, reason, since, runningMs, owner }: StuckEvent, root: string) {
  return {
    JSONL_SESSIONS_ROOT: root,
    JSONL_SESSIONS_KEY: inEnvironment(key),
    JSONL_SESSIONS_TURN_ID: inEnvironment(turnId ?? ''),
    JSONL_SESSIONS_REASON: reason,
    JSONL_SESSIONS_SINCE: since.toISOString(),
    JSONL_SESSIONS_RUNNING_MS: String(runningMs),
    JSONL_SESSIONS_OWNER_HOST: inEnvironment(owner.host),
    JSONL_SESSIONS_OWNER_PID: String(owner.pid),
  }
}

/** Systems limit a variable to 128 KB: so many characters fit into that. */
const MOST_CHARS = 32_000

/** What an environment can hold: not the character NUL, and no endless text. */
function inEnvironment(text: string): string {
  return text.slice(0, MOST_CHARS).replaceAll('\0', '\\x00')
}
